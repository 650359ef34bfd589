"""ERR: what is refused. A refusal is judged by its status here, the bodies of errors in test_err_bodies."""

from conformance.exchange import Exchange
from conformance.probes.errors import MARKED, RELAXED
from conformance.profiles import Profile
from conformance.reading.sound import broken
from conformance.reading.traffic import unlike
from conformance.rules import errors as rules
from conformance.rules import headers
from conformance.suites import requirement
from conformance.verdict import Inconclusive, NotApplicable, Violation, accept, expect, hold, refuse, survive, tolerate

PATIENCE_S = 5.0
TAKEN_OR_NOT = (200, 400, 422)
OR_NOT_THERE = (*TAKEN_OR_NOT, 404)
"""The chat model need not be known to other endpoints."""


@requirement("ERR-004")
def test_malformed_json_is_refused(malformed_json: dict[str, Exchange]) -> None:
    refuse({case: x for case, x in malformed_json.items() if case not in RELAXED})
    survive(malformed_json)
    tolerate(Violation(x, f"{case}: {x.seen}") for case, x in malformed_json.items() if x.status not in (400, 422))


@requirement("ERR-005")
def test_an_empty_body_is_refused(empty_body: dict[str, Exchange]) -> None:
    refuse(empty_body, (400, 411, 422))


@requirement("ERR-006")
def test_a_body_that_is_no_object_is_refused(no_object: dict[str, Exchange]) -> None:
    refuse(no_object)


@requirement("ERR-007")
def test_a_request_without_a_model_is_refused(no_model: dict[str, Exchange]) -> None:
    refuse(no_model)


@requirement("ERR-008")
def test_a_model_that_is_no_string_is_refused(model_of_wrong_type: dict[str, Exchange]) -> None:
    refuse(model_of_wrong_type, (400, 404, 422))


@requirement("ERR-009")
def test_missing_and_wrong_messages_are_refused(wrong_messages: dict[str, Exchange]) -> None:
    refuse(wrong_messages)


@requirement("ERR-010")
def test_a_message_without_a_role_is_refused(message_without_role: dict[str, Exchange]) -> None:
    refuse(message_without_role)


@requirement("ERR-011")
def test_an_unknown_model_is_404(unknown_model: dict[str, Exchange]) -> None:
    survive(unknown_model)
    others = {case: x for case, x in unknown_model.items() if x.status != 404}
    hold(Violation(x, f"{case}: {x.seen}") for case, x in others.items() if not _says_model_not_found(x))
    tolerate(Violation(x, f"{case}: {x.seen}") for case, x in others.items())


@requirement("ERR-012")
def test_the_unknown_model_error_says_so_for_programs(unknown_model: dict[str, Exchange]) -> None:
    refused = {case: x for case, x in unknown_model.items() if 400 <= x.status < 500}
    if not refused:
        raise Inconclusive("no endpoint refuses an unknown model", blame=None)
    bodies = {case: x.json if x.is_json else None for case, x in refused.items()}
    hold(Violation(refused[case], f"{case}: {seen}") for case in refused for seen in rules.unknown_model(bodies[case]))


@requirement("ERR-013")
def test_an_unknown_path_is_404(unknown_path: Exchange, unknown_path_posted: Exchange, profile: Profile) -> None:
    both = {"GET": unknown_path, "POST": unknown_path_posted}
    refuse(both, profile.expect.unknown_path_status)


@requirement("ERR-014")
def test_a_wrong_method_is_405_with_allow(wrong_methods: dict[str, Exchange]) -> None:
    refuse(wrong_methods, (405,))
    hold(Violation(x, f"{case}: {seen}") for case, x in wrong_methods.items() for seen in headers.allowed(x))


@requirement("ERR-015")
def test_a_body_declared_as_something_else_is_refused(other_media_types: dict[str, Exchange]) -> None:
    refuse(other_media_types, (400, 415, 422))


@requirement("ERR-016")
def test_a_missing_content_type_is_no_crash(no_media_type: dict[str, Exchange]) -> None:
    survive(no_media_type)


@requirement("ERR-018")
def test_invalid_utf_8_is_refused(invalid_utf_8: dict[str, Exchange], utf_16: dict[str, Exchange]) -> None:
    refuse(invalid_utf_8, (400, 404, 422))
    survive(utf_16)
    tolerate(Violation(x, f"{case}: {x.seen}") for case, x in utf_16.items() if x.status not in (400, 415, 422))


@requirement("ERR-019")
def test_deep_nesting_is_survived_at_once(deep_nesting: dict[str, Exchange], chat_reply: Exchange) -> None:
    survive(deep_nesting)
    hold(_slow(deep_nesting, chat_reply))


@requirement("ERR-020")
def test_huge_numbers_are_no_crash(huge_numbers: dict[str, Exchange]) -> None:
    survive(huge_numbers)


@requirement("ERR-021")
def test_nan_and_infinity_are_refused(not_a_number: dict[str, Exchange]) -> None:
    refuse(not_a_number)


@requirement("ERR-022")
def test_a_key_that_is_written_twice_is_no_way_round(
    duplicate_keys: dict[str, Exchange], unknown_model: dict[str, Exchange]
) -> None:
    survive(unlike(duplicate_keys, next(iter(unknown_model.values()))))
    if any(x.ok for x in unknown_model.values()):
        raise Inconclusive("any model is served", blame=None)
    last_unknown = duplicate_keys["a served model, then an unknown one"]
    hold([Violation(last_unknown, f"a served model, then an unknown one: {last_unknown.seen}")] * last_unknown.ok)
    first_unknown = duplicate_keys["an unknown model, then a served one"]
    taken = first_unknown.ok or first_unknown.status in (400, 404, 422)
    expect(taken, first_unknown, f"an unknown model, then a served one: {first_unknown.seen}")


@requirement("ERR-031")
def test_odd_model_names_are_refused_cleanly(
    odd_names: dict[str, Exchange], unknown_model: dict[str, Exchange], chat_reply: Exchange
) -> None:
    survive(odd_names)
    hold(_slow(odd_names, chat_reply))
    served = [] if any(x.ok for x in unknown_model.values()) else [case for case, x in odd_names.items() if x.ok]
    hold(Violation(odd_names[case], f"{case}: {odd_names[case].seen}") for case in served)


@requirement("ERR-038")
def test_half_a_surrogate_pair_is_no_crash_anywhere(half_pairs: dict[str, Exchange]) -> None:
    _there(half_pairs)
    survive(half_pairs)
    hold(Violation(x, f"{case}: {x.seen}") for case, x in half_pairs.items() if x.status not in OR_NOT_THERE)


@requirement("ERR-039")
def test_a_charset_is_accepted_anywhere(decorated: dict[str, Exchange]) -> None:
    _there(decorated)
    hold(
        Violation(x, f"application/json; charset=utf-8, {case}: {x.seen}")
        for case, x in decorated.items()
        if x.status == 415
    )


@requirement("ERR-040")
def test_an_unknown_field_does_no_harm_anywhere(decorated: dict[str, Exchange]) -> None:
    _there(decorated)
    survive(decorated)
    hold(
        Violation(x, f"{case}: {x.seen}")
        for case, x in decorated.items()
        if x.status not in (*OR_NOT_THERE, 415)  # ERR-039
    )


@requirement("ERR-041")
def test_no_sound_request_is_a_server_error(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    crashed = list(broken(exchanges, chat_reply))
    hold(Violation(x, f"{x.label}: {x.seen}") for x, served in crashed if not served)
    tolerate(Violation(x, f"{x.label}: {x.seen}, and an equal request was served") for x, _ in crashed)


@requirement("ERR-035")
def test_a_chat_after_all_broken_requests_is_served(chat_after_broken_requests: Exchange, chat_reply: Exchange) -> None:
    _ = chat_reply.document
    accept({"a chat after them": chat_after_broken_requests})


def _there(cases: dict[str, Exchange]) -> None:
    """Raises NotApplicable where chats are all that can be asked for."""
    if not cases:
        raise NotApplicable("chats are all that there is")


def _says_model_not_found(exchange: Exchange) -> bool:
    error = rules.envelope(exchange.json) if exchange.is_json else None
    return exchange.status == 400 and error is not None and error.get("code") == "model_not_found"


def _slow(cases: dict[str, Exchange], plain: Exchange) -> list[Violation]:
    """Answers that took longer than their patience, to which an ordinary chat's own time is added twice."""
    longest_s = PATIENCE_S + 2 * plain.took_s
    return [
        Violation(x, f"{case}: answered after {x.took_s:.1f} s") for case, x in cases.items() if x.took_s > longest_s
    ]


@requirement("ERR-042")
def test_json_is_read_as_it_may_be_written(other_json: dict[str, Exchange], chat_reply: Exchange) -> None:
    _ = chat_reply.document
    accept({case: x for case, x in other_json.items() if case != MARKED})
    survive({MARKED: other_json[MARKED]})
