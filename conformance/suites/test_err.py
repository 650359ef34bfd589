"""ERR: what is refused, and how. A refusal is judged by its status, the shape of errors on every error of the run."""

from urllib.parse import unquote

from conformance.exchange import Exchange
from conformance.probes.errors import RELAXED
from conformance.profiles import Profile
from conformance.rules import errors as rules
from conformance.suites import requirement
from conformance.traffic import errors, route
from conformance.verdict import Inconclusive, Violation, accept, hold, refuse, survive, tolerate

PATIENCE_S = 5.0
CONFIGURED = ("access-control-", "content-security-policy", "reporting-endpoints", "report-to")
"""Headers that name addresses on purpose."""


@requirement("ERR-001")
def test_every_error_body_has_the_envelope(
    exchanges: list[Exchange], profile: Profile, unknown_model: dict[str, Exchange], unknown_path: Exchange
) -> None:
    judged = [x for x in errors(exchanges) if x.readable and (_declared_json(x) or not route(x))]
    judged = [x for x in judged if x.is_json or x.status not in rules.FRONT_STATUSES]
    hold(
        Violation(x, f"{_where(x)}: {seen}")
        for x in judged
        for seen in (rules.shape(x.json, profile.expect.error_schema) if x.is_json else [f"no JSON, but {x.seen}"])
    )


@requirement("ERR-002")
def test_errors_have_param_and_code(exchanges: list[Exchange], unknown_model: dict[str, Exchange]) -> None:
    judged = [x for x in errors(exchanges) if x.is_json and rules.envelope(x.json)]
    if not judged:
        raise Inconclusive("no error body has an error object")
    hold(Violation(x, f"{_where(x)}: {seen}") for x in judged for seen in rules.param_and_code(x.json))


@requirement("ERR-003")
def test_errors_of_the_api_are_json(exchanges: list[Exchange], unknown_model: dict[str, Exchange]) -> None:
    judged = [x for x in errors(exchanges) if route(x) and x.media_type != "application/json"]
    excused = [x for x in judged if x.status in rules.FRONT_STATUSES or _declared_json(x) or _is_bare_405(x)]
    hold(Violation(x, f"{_where(x)}: {x.seen}") for x in judged if x not in excused)
    tolerate(Violation(x, f"{_where(x)}: {x.seen}") for x in excused)


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
        raise Inconclusive("no endpoint refuses an unknown model")
    bodies = {case: x.json if x.is_json else None for case, x in refused.items()}
    hold(Violation(refused[case], f"{case}: {seen}") for case in refused for seen in rules.unknown_model(bodies[case]))


@requirement("ERR-013")
def test_an_unknown_path_is_404(unknown_path: Exchange, unknown_path_posted: Exchange, profile: Profile) -> None:
    both = {"GET": unknown_path, "POST": unknown_path_posted}
    refuse(both, profile.expect.unknown_path_status)


@requirement("ERR-014")
def test_a_wrong_method_is_405_with_allow(wrong_methods: dict[str, Exchange]) -> None:
    refuse(wrong_methods, (405,))
    hold(Violation(x, f"{case}: no Allow header") for case, x in wrong_methods.items() if not x.header("allow"))


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


@requirement("ERR-023")
def test_errors_reveal_no_internals(exchanges: list[Exchange], unknown_model: dict[str, Exchange]) -> None:
    failed = [x for x in exchanges if x.status >= 400]
    hold(Violation(x, f"{_where(x)}: {seen}") for x in failed for seen in rules.internals(_told(x), _known(x)))


@requirement("ERR-024")
def test_no_success_holds_an_error(exchanges: list[Exchange], unknown_model: dict[str, Exchange]) -> None:
    served = [x for x in exchanges if 200 <= x.status < 300]
    hold(Violation(x, f"{_where(x)}: {seen}") for x in served for seen in rules.error_in_success(_bodies(x)))


@requirement("ERR-025")
def test_numeric_codes_agree_with_the_status(exchanges: list[Exchange], unknown_model: dict[str, Exchange]) -> None:
    judged = [x for x in errors(exchanges) if x.is_json]
    hold(Violation(x, f"{_where(x)}: {seen}") for x in judged for seen in rules.numeric_code(x.json, x.status))


@requirement("ERR-028")
def test_client_errors_are_not_marked_retryable(exchanges: list[Exchange], unknown_model: dict[str, Exchange]) -> None:
    judged = [x for x in exchanges if 400 <= x.status < 500 and x.status not in (408, 409, 429)]
    marked = [x for x in judged if (x.header("x-should-retry") or "").strip().lower() == "true"]
    hold(Violation(x, f"{_where(x)}: {x.status} with x-should-retry: true") for x in marked)


@requirement("ERR-031")
def test_odd_model_names_are_refused_cleanly(
    odd_names: dict[str, Exchange], unknown_model: dict[str, Exchange], chat_reply: Exchange
) -> None:
    survive(odd_names)
    hold(_slow(odd_names, chat_reply))
    served = [] if any(x.ok for x in unknown_model.values()) else [case for case, x in odd_names.items() if x.ok]
    hold(Violation(odd_names[case], f"{case}: {odd_names[case].seen}") for case in served)


@requirement("ERR-035")
def test_a_chat_after_all_broken_requests_is_served(chat_after_broken_requests: Exchange, chat_reply: Exchange) -> None:
    _ = chat_reply.document
    accept({"a chat after them": chat_after_broken_requests})


def _where(exchange: Exchange) -> str:
    return route(exchange) or f"{exchange.request.method} on a path of no endpoint"


def _declared_json(exchange: Exchange) -> bool:
    return exchange.media_type == "application/json" or exchange.media_type.endswith("+json")


def _is_bare_405(exchange: Exchange) -> bool:
    return exchange.status == 405 and not exchange.readable


def _says_model_not_found(exchange: Exchange) -> bool:
    error = rules.envelope(exchange.json) if exchange.is_json else None
    return exchange.status == 400 and error is not None and error.get("code") == "model_not_found"


def _slow(cases: dict[str, Exchange], plain: Exchange) -> list[Violation]:
    """Answers that took longer than their patience, to which an ordinary chat's own time is added twice."""
    longest_s = PATIENCE_S + 2 * plain.duration_s
    return [
        Violation(x, f"{case}: answered after {x.duration_s:.1f} s")
        for case, x in cases.items()
        if x.duration_s > longest_s
    ]


def _told(exchange: Exchange) -> str:
    """Everything an answer says, as text: its headers, its body as sent, and the strings of its JSON."""
    named = [f"{name}: {value}" for name, value in exchange.headers if not name.lower().startswith(CONFIGURED)]
    spoken = rules.strings(exchange.json) if exchange.is_json else ()
    return "\n".join([*named, exchange.readable, *spoken])


def _known(exchange: Exchange) -> str:
    """Everything the client itself has said."""
    request = exchange.request
    body = request.body.decode("utf-8", "replace")
    return "\n".join([request.url, unquote(request.url), body, *(value for _, value in request.headers)])


def _bodies(exchange: Exchange) -> list[object]:
    if exchange.media_type == "text/event-stream" and exchange.readable:
        return [chunk for _, chunk in exchange.parsed_events]
    return [exchange.json] if exchange.is_json else []
