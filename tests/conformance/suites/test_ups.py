"""UPS: each defect between a gateway and its provider is seen, and the correct gateway before its provider is green."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from conformance.judging.in_process import judge_url, red
from conformance.judging.outcome import Outcome
from conformance.verdict import Verdict
from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.faults.asgi import Wrap
from reference_gateway.faults.behind import asked_again, remembering_failures
from reference_gateway.faults.fault import Fault, nothing
from reference_gateway.faults.harmless import BEFORE_A_PROVIDER
from reference_gateway.faults.tables.behind import BEHIND
from reference_gateway.faults.tables.failing import FAILING
from reference_gateway.gateway import Gateway
from reference_gateway.scripted import before, scripted
from reference_gateway.server import running

KEY, PROVIDER_KEY = "sk-client-0123456789", "sk-provider-0123456789"
INSTANT = {"ttft_s": 0.0, "itl_s": 0.0}
GIVEN_UP_S = 3.0
BOTH = (nothing, nothing)


@contextmanager
def standing(behind: Wrap = nothing, front: Wrap = nothing) -> Iterator[tuple[str, str]]:
    """A gateway before its scripted provider: the URLs of both."""
    provider = create_app(Gateway.open(with_settings(default_config(), INSTANT), tokens=[PROVIDER_KEY], seed=1))
    with running(behind(scripted(provider, PROVIDER_KEY))) as provider_url:
        config = with_settings(before.config(f"{provider_url}/v1", PROVIDER_KEY, GIVEN_UP_S), INSTANT)
        with running(front(create_app(Gateway.open(config, tokens=[KEY], seed=1)))) as url:
            yield f"{url}/v1", f"{provider_url}/v1"


def judged(fault: Fault | None, *areas: str, key: str = KEY) -> dict[str, Outcome]:
    return judged_with(fault.behind or nothing, fault.wrap, *areas, key=key) if fault else judged_with(*BOTH, *areas)


def judged_with(behind: Wrap, front: Wrap, *areas: str, key: str = KEY) -> dict[str, Outcome]:
    with standing(behind, front) as (url, upstream):
        options = {"upstream": upstream, "upstream_key": PROVIDER_KEY, "upstream_timeout_s": GIVEN_UP_S}
        options |= {"model": before.MODEL, "failover_model": before.FAILOVER_MODEL}
        return judge_url(url, *areas, api_key=key, timeout_s=10.0, **options)


def test_the_correct_gateway_keeps_all_of_it() -> None:
    found = judged(None, "UPS")
    assert len(found) == 31
    assert {id: said.verdict for id, said in found.items() if said.verdict is not Verdict.PASS} == {}


@pytest.mark.parametrize("fault", [*BEHIND.rows, *FAILING.rows], ids=lambda fault: fault.name)
def test_a_defect_between_gateway_and_provider_is_seen(fault: Fault) -> None:
    """What is judged by the clock has a second chance, as this machine may be too busy to tell."""
    tries = 1 + ("UPS-010" in fault.breaks)
    assert any({*fault.breaks} <= {*red(judged(fault, *fault.breaks))} for _ in range(tries))


@pytest.mark.parametrize("variation", BEFORE_A_PROVIDER, ids=lambda variation: variation.name)
def test_what_may_be_done_in_another_way_is_green(variation: Fault) -> None:
    found = judged(variation, "UPS", "SDK-018")
    assert {id: said.verdict for id, said in red(found).items()} == dict.fromkeys(variation.may, Verdict.WARN)
    assert {said.verdict for id, said in found.items() if id not in variation.may} == {Verdict.PASS}


def test_a_failure_that_the_gateway_survives_by_itself_is_survived() -> None:
    assert judged_with(asked_again(2), nothing, "SDK-018")["SDK-018"].verdict is Verdict.PASS


def test_that_a_provider_is_left_alone_after_a_failure_is_nobodys_fault() -> None:
    resting = remembering_failures(again=lambda failure: replace(failure, status=503))
    said = judged_with(nothing, resting, "SDK-018")["SDK-018"]
    assert (said.verdict, said.message[:30]) == (Verdict.INCONCLUSIVE, "after its failure the provider")
