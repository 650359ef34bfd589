"""UPS: each defect between a gateway and its provider is seen, and the correct gateway before its provider is green."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from conformance.judging.in_process import Blocked, judge_url, red
from conformance.judging.outcome import Outcome
from conformance.verdict import Verdict
from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.faults import harmless
from reference_gateway.faults.asgi import Answer, Asked, Wrap, changed
from reference_gateway.faults.asgi import before as refused_first
from reference_gateway.faults.asgi import error as refusal
from reference_gateway.faults.behind import asked_again, remembering_failures
from reference_gateway.faults.fault import Fault, nothing
from reference_gateway.faults.tables.between import BEHIND
from reference_gateway.faults.tables.between.basics import error
from reference_gateway.gateway import Gateway
from reference_gateway.scripted import before, scripted
from reference_gateway.server import running

KEY, PROVIDER_KEY = "sk-client-0123456789", "sk-provider-0123456789"
INSTANT = {"ttft_s": 0.0, "itl_s": 0.0}
GIVEN_UP_S = 3.0


@contextmanager
def standing(behind: Wrap = nothing, front: Wrap = nothing, key: str | None = KEY) -> Iterator[tuple[str, str]]:
    """A gateway before its scripted provider, with a key of its own or open to all: the URLs of both."""
    provider = create_app(Gateway.open(with_settings(default_config(), INSTANT), tokens=[PROVIDER_KEY], seed=1))
    with running(behind(scripted(provider, PROVIDER_KEY))) as provider_url:
        config = with_settings(before.config(f"{provider_url}/v1", PROVIDER_KEY, GIVEN_UP_S), INSTANT)
        with running(front(create_app(Gateway.open(config, tokens=[key] if key else [], seed=1)))) as url:
            yield f"{url}/v1", f"{provider_url}/v1"


def judged(fault: Fault | None, *areas: str, key: str | None = KEY) -> dict[str, Outcome]:
    behind, front = (fault.behind or nothing, fault.wrap) if fault else (nothing, nothing)
    return judged_with(front, *areas, behind=behind, key=key)


def judged_with(front: Wrap, *areas: str, behind: Wrap = nothing, key: str | None = KEY) -> dict[str, Outcome]:
    with standing(behind, front, key) as (url, upstream):
        options = {"upstream": upstream, "upstream_key": PROVIDER_KEY, "upstream_timeout_s": GIVEN_UP_S}
        options |= before.models()
        return judge_url(url, *areas, api_key=key, timeout_s=10.0, **options)


def test_the_correct_gateway_keeps_all_of_it() -> None:
    found = judged(None, "UPS")
    assert len(found) == 43
    assert {id: said.verdict for id, said in found.items() if said.verdict is not Verdict.PASS} == {}


def detail(asked: Asked, answer: Answer) -> Answer | None:
    return answer.with_json({"detail": "failed"}) if answer.status >= 500 else None


@pytest.mark.parametrize(
    ("id", "front"),
    [
        ("UPS-003", lambda app: changed(app, detail, streams=lambda asked: False)),
        ("UPS-004", error("upstream_timeout", 500)),
    ],
)
def test_a_failure_that_is_told_in_an_unusual_way_is_a_warning(id: str, front: Wrap) -> None:
    found = judged_with(front, id)
    assert found[id].verdict is Verdict.WARN, found


MONEY_AND_SESSIONS = {
    "provider-not-left": ("UPS-011", Verdict.FAIL),
    "provider-of-plain-chats-not-left": ("UPS-011", Verdict.WARN),
    "provider-cookies-kept": ("UPS-019", Verdict.FAIL),
    "provider-cookies-passed-on": ("UPS-019", Verdict.WARN),
    "failing-provider-asked-twelve-times": ("UPS-021", Verdict.FAIL),
    "failing-provider-asked-six-times": ("UPS-021", Verdict.WARN),
    "refused-requests-sent-again": ("UPS-021", Verdict.FAIL),
    "rate-limit-not-waited-for": ("UPS-021", Verdict.WARN),
    "temperature-not-sent-on": ("UPS-023", Verdict.FAIL),
    "cap-not-sent-on": ("UPS-023", Verdict.FAIL),
    "moment-to-wait-for-lost": ("UPS-002", Verdict.WARN),
}
"""How much weighs what is not the same everywhere."""


@pytest.mark.parametrize("name", MONEY_AND_SESSIONS)
def test_what_no_correct_gateway_does_is_a_failure_and_what_one_may_is_a_warning(name: str) -> None:
    id, verdict = MONEY_AND_SESSIONS[name]
    (fault,) = (row for row in BEHIND.rows if row.name == name)
    assert judged(fault, id)[id].verdict is verdict


def test_models_of_another_provider_are_nobodys_fault() -> None:
    with standing() as (url, upstream):
        options = {"upstream": upstream, "upstream_key": PROVIDER_KEY, "embeddings_model": "text-embedding-3-small"}
        options |= {"completions_model": "gpt-3.5-turbo-instruct"}
        found = judge_url(url, "UPS-039", "UPS-042", model=before.MODEL, api_key=KEY, **options)
    assert {(said.verdict, said.blame) for said in found.values()} == {(Verdict.INCONCLUSIVE, None)}, found
    assert "is not routed to the scripted provider" in found["UPS-039"].message


def test_a_gateway_that_throttles_who_asks_wrongly_is_not_red() -> None:
    """It is this client alone that waits."""

    def throttling(asked: Asked) -> Answer | None:
        wrong.append(b"invalid_value" in asked.body)
        return refusal(429) if sum(wrong) > 5 and wrong[-1] else None

    wrong: list[bool] = []
    found = judged_with(lambda app: refused_first(app, throttling), "UPS-037")
    assert found["UPS-037"].verdict is Verdict.PASS, found


def test_without_a_client_key_the_providers_must_stay_where_it_is_all_the_same() -> None:
    (fault,) = (row for row in BEHIND.rows if row.name == "provider-key-told")
    assert judged(None, "UPS-012", key=None)["UPS-012"].verdict is Verdict.PASS
    assert judged(fault, "UPS-012", key=None)["UPS-012"].verdict is Verdict.FAIL


def test_what_no_model_can_be_blamed_for_is_nobodys_fault() -> None:
    with standing(key=PROVIDER_KEY) as (url, upstream):
        options = {"upstream": upstream, "upstream_key": PROVIDER_KEY}
        found = judge_url(url, "UPS-012", model=before.MODEL, api_key=PROVIDER_KEY, **options)
    assert (found["UPS-012"].verdict, found["UPS-012"].blame) == (Verdict.INCONCLUSIVE, None)


def test_a_gateway_that_passes_responses_on_is_judged_like_one_that_makes_chats_of_them() -> None:
    provider = create_app(Gateway.open(with_settings(default_config(), INSTANT), tokens=[KEY], seed=1))
    with running(scripted(provider, KEY)) as url:
        options = {"upstream": f"{url}/v1", "upstream_key": KEY}
        found = judge_url(f"{url}/v1", "RESP-015", model=before.SERVED, api_key=KEY, **options)
    assert found["RESP-015"].verdict is Verdict.PASS, found


@pytest.mark.parametrize("fault", BEHIND.rows, ids=lambda fault: fault.name)
def test_a_defect_between_gateway_and_provider_is_seen(fault: Fault) -> None:
    """What is judged by the clock has a second chance, as this machine may be too busy to tell."""
    tries = 1 + ("UPS-010" in fault.breaks)
    assert any({*fault.breaks} <= {*red(judged(fault, *fault.breaks))} for _ in range(tries))


@pytest.mark.parametrize("variation", harmless.between(), ids=lambda fault: fault.name)
def test_what_is_harmless_between_gateway_and_provider_is_no_failure(variation: Fault) -> None:
    found = judged(variation, "UPS", "SDK-018")
    seen = {id: (said.verdict, said.message) for id, said in found.items() if said.verdict is not Verdict.PASS}
    assert {id: verdict for id, (verdict, _) in seen.items()} == dict.fromkeys(variation.may, Verdict.WARN), seen


@pytest.mark.parametrize("behind", [asked_again(3), asked_again(2, '"other"', elsewhere=True)])
def test_a_failure_may_be_taken_to_the_same_provider_again_or_to_the_other_at_once(behind: Wrap) -> None:
    found = judged_with(
        nothing, "UPS-021", "UPS-024", "UPS-028", "UPS-029", "UPS-030", "UPS-031", "SDK-018", behind=behind
    )
    assert {id: said.verdict for id, said in found.items() if said.verdict is not Verdict.PASS} == {}


def test_that_a_provider_is_left_alone_after_a_failure_is_nobodys_fault() -> None:
    resting = remembering_failures(again=lambda failure: replace(failure, status=503))
    said = judged_with(resting, "SDK-018")["SDK-018"]
    assert (said.verdict, said.message[:30]) == (Verdict.INCONCLUSIVE, "after its failure the provider")


def test_what_the_gateway_refuses_by_itself_is_not_taken_for_a_change_of_it() -> None:
    def refusing(asked: Asked) -> Answer | None:
        offers = not asked.object.keys() & {"tools", "seed"} and "image_url" not in asked.body.decode()
        return None if offers else refusal(400)

    found = judged_with(lambda app: refused_first(app, refusing), "UPS-013", "UPS-014", "UPS-017", "UPS-026")
    assert {id: said.verdict for id, said in found.items()} == {
        "UPS-013": Verdict.PASS,
        "UPS-014": Verdict.INCONCLUSIVE,
        "UPS-017": Verdict.INCONCLUSIVE,
        "UPS-026": Verdict.NOT_APPLICABLE,
    }, found


def test_streams_that_are_refused_are_for_other_areas_to_judge() -> None:
    def refusing(asked: Asked) -> Answer | None:
        return refusal(400) if asked.streams else None

    found = judged_with(lambda app: refused_first(app, refusing), "UPS-007", "UPS-027", "UPS-013")
    assert {id: said.verdict for id, said in found.items()} == {
        "UPS-007": Verdict.INCONCLUSIVE,
        "UPS-013": Verdict.PASS,
        "UPS-027": Verdict.INCONCLUSIVE,
    }, found


def test_what_is_throttled_to_the_end_is_nobodys_fault() -> None:
    def throttling(asked: Asked) -> Answer | None:
        limited = b"gateproof:" in asked.body and b"is it there" not in asked.body and b"five." in asked.body
        return refusal(429).with_header("retry-after", "0") if limited else None

    found = judged_with(lambda app: refused_first(app, throttling), "UPS-013")
    assert (found["UPS-013"].verdict, found["UPS-013"].blame) == (Verdict.INCONCLUSIVE, None), found


def test_a_gateway_that_never_asks_its_provider_is_told_so_at_once() -> None:
    def failing(asked: Asked) -> Answer | None:
        return refusal(500) if asked.method == "POST" else None

    with pytest.raises(Blocked, match=r"is not routed to the scripted provider .* HTTP 500"):
        judged_with(lambda app: refused_first(app, failing), "UPS")
