"""RESP: each defect of responses is seen, what may be done in another way is not, and who has none says so cleanly."""

from typing import Any

import pytest

from conformance.verdict import Verdict
from reference_gateway.faults.fault import Fault
from reference_gateway.faults.harmless.responses import VARIATIONS
from reference_gateway.faults.harmless.variation import Variation
from reference_gateway.faults.responses import each, told
from reference_gateway.faults.tables.responses import INPUTS, KEPT, REFUSALS, RESPONSES, STREAMS

from .defects import Answer, answering, changed
from .judged import gateway_app, judge, red, red_verdicts
from .ups.test_ups import judged as judged_before_a_provider

JUDGED = ("RESP", "SDK-027", "SDK-028")
FAULTS = [*RESPONSES.rows, *INPUTS.rows, *KEPT.rows, *STREAMS.rows, *REFUSALS.rows]


def judged(fault: Fault) -> dict[str, Any]:
    if fault.behind:
        return judged_before_a_provider(fault, *JUDGED)
    return judge(fault.wrap(gateway_app()), *_areas(fault))


def _areas(fault: Fault) -> tuple[str, ...]:
    """What is judged of responses together with the other endpoints costs more: only for defects of that kind."""
    return (*JUDGED, "ERR") if any(id.startswith("ERR") for id in fault.breaks) else JUDGED


def is_response(asked: Any) -> bool:
    return asked.path.endswith("/responses") and asked.method == "POST"


def test_the_correct_gateway_keeps_all_of_it() -> None:
    found = judged_before_a_provider(None, *JUDGED)
    assert len(found) == 33
    assert {id: said.verdict for id, said in found.items() if said.verdict is not Verdict.PASS} == {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_defect_breaks_what_its_row_says_and_nothing_else(fault: Fault) -> None:
    broken = {id for id, said in red(judged(fault)).items() if said.verdict is not Verdict.UNTESTABLE}
    assert broken == {id for id in fault.breaks if id.startswith(_areas(fault))}


def test_every_requirement_has_a_defect() -> None:
    ids = {f"RESP-{number:03}" for number in range(1, 32)} | {"SDK-027", "SDK-028"}
    assert ids <= {id for fault in FAULTS for id in fault.breaks}


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda variation: variation.name)
def test_what_may_be_done_in_another_way_is_green(variation: Variation) -> None:
    found = judge(variation.wrap(gateway_app()), *JUDGED)
    assert red(found) == {}
    # What is judged with a provider of ours is no part of this run.
    assert {said.verdict for said in found.values()} == {Verdict.PASS}


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_gateway_without_responses_refuses_them_cleanly(status: int) -> None:
    found = judge(answering(is_response, status)(gateway_app()), *JUDGED)
    assert found.pop("RESP-017").verdict is Verdict.PASS
    assert {said.verdict for said in found.values()} == {Verdict.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("status", "verdict"), [(400, Verdict.WARN), (422, Verdict.WARN), (403, Verdict.FAIL)], ids=str
)
def test_a_refusal_of_another_status_is_not_clean(status: int, verdict: Verdict) -> None:
    found = judge(answering(is_response, status)(gateway_app()), *JUDGED)
    assert found["RESP-017"].verdict is verdict


def test_a_404_of_the_router_says_enough() -> None:
    text = Answer(404, ((b"content-type", b"text/plain"),), b"404 page not found\n")
    found = judge(answering(is_response, text)(gateway_app()), *JUDGED)
    assert found.pop("RESP-017").verdict is Verdict.WARN
    assert {said.verdict for said in found.values()} == {Verdict.NOT_APPLICABLE}


@pytest.mark.parametrize("status", [401, 500])
def test_what_is_answered_as_any_unknown_path_is_absent_but_not_cleanly(status: int) -> None:
    """As vllm-router answers whatever it does not know: it asks its worker without the client's key."""

    def nowhere(asked: Any) -> bool:
        return is_response(asked) or asked.path.endswith("/gateproof-no-such-endpoint")

    found = judge(answering(nowhere, status)(gateway_app()), *JUDGED)
    assert found.pop("RESP-017").verdict is Verdict.FAIL
    assert {said.verdict for said in found.values()} == {Verdict.NOT_APPLICABLE}
    with_it = judge(answering(is_response, status)(gateway_app()), *JUDGED)
    assert with_it["RESP-001"].verdict is Verdict.FAIL


def test_a_claimed_feature_that_is_refused_is_broken() -> None:
    found = judge(answering(is_response, 404)(gateway_app()), "RESP", claimed=frozenset({"responses"}))
    assert found["RESP-001"].verdict is Verdict.FAIL


def test_one_cheap_request_tells_that_there_are_none() -> None:
    seen = []

    def noted(asked: Any) -> Answer | None:
        if is_response(asked):
            seen.append(asked.object)
        return None

    app = changed(answering(is_response, 404)(gateway_app()), lambda asked, answer: noted(asked))
    judge(app, *JUDGED)
    assert len(seen) == 1


WITHOUT = {
    "no tools": (lambda asked: "tools" in asked.object, {"RESP-014", "RESP-026", "RESP-029", "RESP-030"}),
    "no tool that has to be called": (lambda asked: "tool_choice" in asked.object, {"RESP-014", "RESP-026"}),
    "no JSON schemas": (lambda asked: "text" in asked.object, {"RESP-019", "SDK-028"}),
}


@pytest.mark.parametrize("case", WITHOUT)
@pytest.mark.parametrize("status", [400, 422, 501])
def test_a_part_of_the_api_that_is_cleanly_refused_does_not_apply(case: str, status: int) -> None:
    asks, of_it = WITHOUT[case]
    found = judge(answering(lambda asked: is_response(asked) and asks(asked), status)(gateway_app()), *JUDGED)
    assert red(found) == {}
    assert {id for id, said in found.items() if said.verdict is Verdict.NOT_APPLICABLE} == of_it


def test_a_part_of_the_api_that_is_claimed_and_refused_is_broken() -> None:
    without = answering(lambda asked: is_response(asked) and "tools" in asked.object, 400)
    claimed = frozenset({"responses_tools", "responses_tool_choice"})
    found = judge(without(gateway_app()), "RESP-014", "RESP-030", claimed=claimed)
    assert {said.verdict for said in found.values()} == {Verdict.FAIL}


USAGES = {
    "cached tokens are left out": lambda count, words: (count - count // 2, count // 2),
    "a token has four characters": lambda count, words: (len(words) // 4, 0),
    "nothing is known": lambda count, words: (None, None),
}


@pytest.mark.parametrize("case", USAGES)
def test_however_an_input_is_counted_nothing_is_thought_lost(case: str) -> None:
    def counted(asked: Any, answer: Answer) -> Answer | None:
        if not is_response(asked) or answer.is_stream or answer.status != 200:
            return None
        document = answer.json
        usage = document["usage"]
        said = f"{asked.object.get('instructions')}{asked.object['input']}"
        count, cached = USAGES[case](usage["input_tokens"], said)
        if count is None:
            return answer.with_json(document | {"usage": None})
        usage |= {"input_tokens": count, "total_tokens": count + usage["output_tokens"]}
        usage["input_tokens_details"]["cached_tokens"] = cached
        return answer.with_json(document)

    app = changed(gateway_app(), counted, streams=lambda asked: False)
    found = judge(app, "RESP-024", "RESP-027", "RESP-029")
    assert red_verdicts(found) == {}


def test_a_filtered_story_says_nothing_of_the_cap() -> None:
    def filtered(asked: Any, answer: Answer) -> Answer | None:
        if not is_response(asked) or answer.is_stream or answer.status != 200:
            return None
        document = answer.json | {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
        document["usage"] |= {"output_tokens": 4, "total_tokens": document["usage"]["input_tokens"] + 4}
        return answer.with_json(document)

    found = judge(changed(gateway_app(), filtered, streams=lambda asked: False), "RESP-005")
    assert found["RESP-005"].verdict is Verdict.INCONCLUSIVE


def test_a_short_answer_says_nothing_of_the_cap() -> None:
    def brief(asked: Any, answer: Answer) -> Answer | None:
        if not is_response(asked) or answer.is_stream or answer.status != 200:
            return None
        document = answer.json
        document |= {"status": "completed", "incomplete_details": None}
        for item in document["output"]:
            for part in item.get("content", ()):
                part["text"] = part["text"][:9]
        document["usage"] |= {"output_tokens": 3, "total_tokens": document["usage"]["input_tokens"] + 3}
        return answer.with_json(document)

    found = judge(changed(gateway_app(), brief, streams=lambda asked: False), "RESP-005", "RESP-004")
    assert red_verdicts(found) == {}
    assert found["RESP-005"].verdict is Verdict.INCONCLUSIVE


def test_events_without_a_place_are_told_once() -> None:
    """As llama.cpp has them."""

    def placeless(event: dict[str, Any]) -> None:
        event.pop("output_index", None)
        event.pop("content_index", None)

    assert {*red_verdicts(judge(each("", placeless)(gateway_app()), "RESP"))} == {"RESP-007"}


def test_a_model_that_says_nothing_owes_no_message() -> None:
    def silent(document: dict[str, Any]) -> None:
        document["output"] = []
        document["usage"] |= {"output_tokens": 1, "total_tokens": document["usage"]["input_tokens"] + 1}

    only_once = told(silent, lambda asked: isinstance(asked.object["input"], list))
    assert red_verdicts(judge(only_once(gateway_app()), "RESP-003")) == {}
