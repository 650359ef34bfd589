"""SDK: programs that use the official SDK. What is judged is what the SDK makes of the answers: whether it raises, and
whether what it returns is what came."""

from collections.abc import Iterator
from typing import Any

from conformance.exchange import BUSY, Exchange, Unusable
from conformance.features import is_claimed
from conformance.probes.upstream import PIECES
from conformance.profiles import Profile
from conformance.reading.responses import final
from conformance.reading.traffic import answered
from conformance.reading.upstream import as_scripted, received, sent_on
from conformance.reading.vectors import alike, norm
from conformance.rules.responses import text
from conformance.sdk.outcomes import (
    CUT,
    REFUSED,
    calls_lost,
    choice,
    exceptions,
    had_text_for_arguments,
    ids_lost,
    is_raised,
    last,
    not_raising,
    numbers,
    said_nothing,
    streamed_choices,
    texts_lost,
    told,
    unusable,
    violation,
    words,
)
from conformance.sdk.playing import Played
from conformance.sending.upstream import Told
from conformance.shape import show
from conformance.suites import requirement
from conformance.target import Target
from conformance.verdict import Inconclusive, Violation, expect, hold, tolerate

TEXT = "".join(PIECES)
Calls = dict[str, Played]
TYPES = ("ChatCompletion", "SyncPage")
ARGUMENTS = "tool_calls.function.arguments"


@requirement("SDK-001")
def test_create_returns_a_completion(sdk_create: Played) -> None:
    hold(unusable([sdk_create]))


@requirement("SDK-002")
def test_chats_at_once_return_completions(sdk_create_in_parallel: list[Played]) -> None:
    throttled = [played for played in sdk_create_in_parallel if is_raised(played, "RateLimitError")]
    hold(unusable(played for played in sdk_create_in_parallel if played not in throttled))
    if throttled:
        seen = f"{len(throttled)} of {len(sdk_create_in_parallel)} chats were throttled, three times each"
        raise Inconclusive(seen, blame=None)


@requirement("SDK-003")
def test_both_spellings_of_the_base_url_work(sdk_base_urls: Calls) -> None:
    hold(unusable(sdk_base_urls.values()))


@requirement("SDK-004")
def test_a_stream_is_iterated_over(sdk_iterate: Calls) -> None:
    hold(exceptions(sdk_iterate.values()))
    for played in sdk_iterate.values():
        empty = "no chunk has a choice" if played["data"]["count"] else "no chunk came, and no exception"
        expect(played["data"]["with_choices"], last(played), words(played, empty))


@requirement("SDK-005")
def test_the_helper_puts_a_stream_together(sdk_helper: Played, target: Target, profile: Profile) -> None:
    hold(exceptions([sdk_helper]))
    expect(bool(sdk_helper["data"]["choices"]), last(sdk_helper), words(sdk_helper, "there are no choices"))
    role = choice(sdk_helper)["role"]
    wrong = [violation(sdk_helper, f"the role of the final message is {show(role)}")] if role != "assistant" else []
    repeated = isinstance(role, str) and role and not role.replace("assistant", "")
    if repeated and is_claimed("role_repeat_tolerated", target, profile):
        tolerate(wrong)
    hold(wrong)
    hold(texts_lost(sdk_helper))


@requirement("SDK-006")
def test_the_helper_puts_tool_calls_together(sdk_helper_tools: Played) -> None:
    hold(exceptions([sdk_helper_tools]))
    sent = [call for one in streamed_choices(sdk_helper_tools)[:1] for call in one["message"].get("tool_calls", ())]
    if not sent:
        raise Inconclusive("the stream holds no tool call")
    hold(calls_lost(sdk_helper_tools, sent))
    finished = choice(sdk_helper_tools)["finish_reason"] in ("stop", "tool_calls")
    wanted = [f"{ARGUMENTS}.delta", *[f"{ARGUMENTS}.done"] * finished]
    missing = [event for event in wanted if event not in sdk_helper_tools["data"]["events"]]
    hold(violation(sdk_helper_tools, f"the event {event} was not fired") for event in missing)


@requirement("SDK-007")
def test_an_answer_is_parsed_into_a_class(sdk_parse: Played) -> None:
    if is_raised(sdk_parse, *CUT):
        raise Inconclusive("the answer was cut")
    hold(exceptions([sdk_parse]))
    answer = choice(sdk_parse)
    if answer["refusal"] or not answer["content"]:
        raise Inconclusive("the model refused, or said nothing")
    seen = words(sdk_parse, f"message.parsed is {show(answer['parsed'])}")
    expect(answer["parsed"] == "City", last(sdk_parse), seen)


@requirement("SDK-008")
def test_arguments_are_parsed_into_a_class(sdk_parse_tool: Played) -> None:
    if is_raised(sdk_parse_tool, *CUT):
        raise Inconclusive("the answer was cut")
    if is_raised(sdk_parse_tool, "ValidationError") and had_text_for_arguments(sdk_parse_tool):
        tolerate(exceptions([sdk_parse_tool]))  # CHAT-055, which a model without constraints can't promise
    hold(exceptions([sdk_parse_tool]))
    calls = choice(sdk_parse_tool)["calls"]
    if not calls:
        raise Inconclusive("the answer holds no tool call")
    seen = words(sdk_parse_tool, f"parsed_arguments is {show(calls[0]['parsed'])}")
    expect(calls[0]["parsed"] == "City", last(sdk_parse_tool), seen)


@requirement("SDK-009")
def test_raw_responses_have_headers_and_can_be_parsed(sdk_raw: Calls) -> None:
    hold(unusable(sdk_raw.values()))
    for played in sdk_raw.values():
        id, sent = played["data"]["response_id"], last(played).header("x-request-id")
        expect(id == sent, last(played), words(played, f"request_id is {show(id)}, {show(sent)} was sent"))
        expect(bool(played["data"]["headers"]), last(played), words(played, "there are no headers"))


@requirement("SDK-010")
def test_the_request_id_is_known(sdk_create: Played, sdk_models: Calls, sdk_unknown_model: Calls) -> None:
    returned = [x for x in (sdk_create, sdk_models["models"]) if not is_raised(x) and x["data"]["type"] in TYPES]
    refused = [x for x in sdk_unknown_model.values() if is_raised(x, "APIStatusError")]
    ids = [(x, x["data"]["request_id"]) for x in returned] + [(x, x["request_id"]) for x in refused]
    hold(violation(x, f"the request id is {show(id)}") for x, id in ids if not id)
    if not ids:
        raise Unusable(told(sdk_create))


@requirement("SDK-011")
def test_the_models_are_iterated_over(sdk_models: Calls) -> None:
    hold(exceptions(sdk_models.values()))
    hold(seen for played in sdk_models.values() for seen in ids_lost(played))


@requirement("SDK-012")
def test_a_model_is_retrieved(sdk_retrieve: list[Played]) -> None:
    if not all(is_raised(played) for played in sdk_retrieve):
        known = [played for played in sdk_retrieve if not is_raised(played)]
        wrong = [(x, x["data"]) for x in known if x["data"]["type"] != "Model" or not isinstance(x["data"]["id"], str)]
        hold(violation(played, f"it returned {data['type']} with the id {show(data['id'])}") for played, data in wrong)
        return
    hold(exceptions(sdk_retrieve))


@requirement("SDK-013")
def test_an_unknown_model_is_not_found(chat_reply: Exchange, sdk_unknown_model: Calls) -> None:
    answered(chat_reply)
    coded = [
        x for x in sdk_unknown_model.values() if is_raised(x, "BadRequestError") and x["code"] == "model_not_found"
    ]
    others = [played for played in sdk_unknown_model.values() if played not in coded]
    hold(seen for played in others for seen in not_raising(played, "NotFoundError"))
    tolerate(exceptions(coded))


@requirement("SDK-014")
def test_a_wrong_key_is_told(chat_reply: Exchange, sdk_wrong_key: Calls) -> None:
    answered(chat_reply)
    hold(seen for played in sdk_wrong_key.values() for seen in not_raising(played, "AuthenticationError"))


@requirement("SDK-015")
def test_an_invalid_request_is_told(chat_reply: Exchange, sdk_no_messages: Calls, profile: Profile) -> None:
    answered(chat_reply)
    calls = sdk_no_messages.values()
    hold(seen for x in calls for seen in not_raising(x, "BadRequestError", "UnprocessableEntityError"))
    hold(violation(x, f"the body of {x['type']} is no object") for x in calls if x["body"] != "dict")
    if profile.expect.error_schema != "error_detail":
        blank = [x for x in calls if not x["code"] and not x["kind"]]
        hold(violation(x, f"{x['type']} has neither code nor type") for x in blank)


@requirement("SDK-016")
def test_an_ill_formed_entity_is_told(chat_reply: Exchange, sdk_ill_formed_entity: Calls) -> None:
    answered(chat_reply)
    hold(seen for x in sdk_ill_formed_entity.values() for seen in not_raising(x, "UnprocessableEntityError"))


@requirement("SDK-017")
def test_throttling_is_told_or_waited_for(sdk_throttled: Calls) -> None:
    if not any(x.status == 429 for played in sdk_throttled.values() for x in played["exchanges"]):
        raise Inconclusive("the SDK was not throttled", blame=None)
    raised = (played for played in sdk_throttled.values() if is_raised(played))
    hold(violation(played, told(played)) for played in raised if not is_raised(played, "RateLimitError"))
    patient = sdk_throttled["with two retries"]
    after = show(last(patient).header("retry-after"))
    gave_up = is_raised(patient) and len(patient["exchanges"]) == 1
    expect(not gave_up, last(patient), words(patient, f"it did not try again (Retry-After: {after})"))


@requirement("SDK-018")
def test_a_providers_failure_is_told_and_survived(
    scripted_reply: Told, sdk_failing_provider: dict[str, dict[str, Any]]
) -> None:
    as_scripted(scripted_reply, TEXT)
    always, once = (sdk_failing_provider[case]["played"] for case in ("always", "once"))
    _, asked = (_times_asked(sdk_failing_provider[case]) for case in ("always", "once"))
    hold(not_raising(always, "InternalServerError"))
    alone = once["exchanges"][asked:]
    if is_raised(once) and alone and all(x.status in BUSY for x in alone):
        raise Inconclusive(f"after its failure the provider was left alone: {last(once).seen}")
    expect(not is_raised(once), last(once), words(once, f"after {len(once['exchanges'])} requests {_raised(once)}"))
    hold(unusable([once]))
    text = choice(once)["content"]
    expect(text == TEXT, last(once), words(once, f"the answer is {show(text)}, and {show(TEXT)} of the provider"))


@requirement("SDK-019")
def test_embeddings_are_numbers(sdk_embed: Calls) -> None:
    by_default, as_floats = sdk_embed["by default"], sdk_embed["as floats"]
    hold(exceptions([by_default]))
    if is_raised(as_floats):
        raise Unusable(told(as_floats))
    one, other = numbers(by_default), numbers(as_floats)
    shown = f"{len(one)} numbers of length {norm(one):.3g} by default, {len(other)} of {norm(other):.3g} as floats"
    expect(len(one) == len(other) and alike(one, other), last(by_default), words(by_default, shown))


@requirement("SDK-020")
def test_completions_work(sdk_complete: Calls) -> None:
    calls = sdk_complete.values()
    hold(exceptions(calls))
    odd = [x for x in calls if x["data"]["types"] != ["Completion"] or not x["data"]["texts"]]
    hold(violation(x, f"{x['data']['count']} answers, of type {show(x['data']['types'])}, and no choices") for x in odd)
    texts = [(played, text) for played in calls for text in played["data"]["texts"]]
    hold(violation(x, f"a choice has the text {show(text)}") for x, text in texts if not isinstance(text, str))


@requirement("SDK-021")
def test_strict_validation_accepts_the_answers(sdk_strict: Calls) -> None:
    hold(violation(x, told(x)) for x in sdk_strict.values() if is_raised(x, "APIResponseValidationError"))
    if is_raised(sdk_strict["a chat"]):
        raise Unusable(told(sdk_strict["a chat"]))


@requirement("SDK-022")
def test_a_returned_message_can_be_sent_back(sdk_give_back: Played) -> None:
    raised = is_raised(sdk_give_back)
    if raised and last(sdk_give_back).status in REFUSED and said_nothing(sdk_give_back["exchanges"][0]):
        raise Inconclusive("the model said nothing that could be sent back")
    hold(unusable([sdk_give_back]))


@requirement("SDK-023")
def test_what_the_sdk_adds_is_survivable(sdk_extras: Calls) -> None:
    refused = [x for x in sdk_extras.values() if is_raised(x, "APIStatusError") and 400 <= (x["status"] or 0) < 500]
    hold(unusable(played for played in sdk_extras.values() if played not in refused))


@requirement("SDK-024")
def test_it_goes_on_after_streams_were_left(sdk_leave: Played) -> None:
    hold(unusable([sdk_leave]))
    chunks = sdk_leave["data"]["chunks"]
    expect(
        chunks["with_choices"], last(sdk_leave), words(sdk_leave, "the stream after them has no chunk with a choice")
    )


@requirement("SDK-025")
def test_the_helpers_final_completion_has_usage(sdk_helper_usage: Played) -> None:
    hold(exceptions([sdk_helper_usage]))
    expect(sdk_helper_usage["data"]["has_usage"], last(sdk_helper_usage), words(sdk_helper_usage, "usage is None"))


@requirement("SDK-026")
def test_the_helper_puts_two_choices_together(sdk_helper_n2: Played) -> None:
    hold(exceptions([sdk_helper_n2]))
    if len(streamed_choices(sdk_helper_n2)) != 2:
        raise Inconclusive("the stream does not hold two choices", blame=None)
    count = len(sdk_helper_n2["data"]["choices"])
    expect(count == 2, last(sdk_helper_n2), words(sdk_helper_n2, f"two choices were streamed and became {count}"))
    hold(texts_lost(sdk_helper_n2))


@requirement("SDK-027")
def test_responses_work(sdk_respond: Calls) -> None:
    cut = [played for played in sdk_respond.values() if _was_cut(played)]
    hold(seen for played in sdk_respond.values() if played not in cut for seen in _spoilt(played))
    if cut:
        raise Inconclusive("an answer was cut")


@requirement("SDK-028")
def test_a_response_is_parsed_into_a_class(sdk_respond_parsed: Played) -> None:
    if _was_cut(sdk_respond_parsed):
        raise Inconclusive("the answer was cut")
    hold(_spoilt(sdk_respond_parsed))
    answer = sdk_respond_parsed["data"]
    if not answer["text"]:
        raise Inconclusive("the model refused, or said nothing")
    seen = words(sdk_respond_parsed, f"output_parsed is {show(answer['parsed'])}")
    expect(answer["parsed"] == "City", last(sdk_respond_parsed), seen)


def _spoilt(played: Played) -> Iterator[Violation]:
    """What is other than a response with the text that came."""
    raised = list(exceptions([played]))
    yield from raised
    if raised:
        return
    kind, kept, came = played["data"]["type"], played["data"]["text"], text(final(last(played)))
    if kind != "Response":
        yield violation(played, f"it returned {kind}, no Response")
    elif kept != came:
        yield violation(played, f"output_text is {show(kept)}, {show(came)} came")


def _times_asked(call: dict[str, Any]) -> int:
    """How often the provider was asked for this call. Raises Unusable if it was not."""
    _ = sent_on({"asked": last(call["played"]), "kept": call["kept"]})
    return len(received(call["kept"]))


def _raised(played: Played) -> str:
    return told(played) if is_raised(played) else ""


def _was_cut(played: Played) -> bool:
    """Whether a response ran into its cap, which the SDK has no final response or class for."""
    try:
        return final(last(played)).get("status") == "incomplete"
    except Unusable:
        return False
