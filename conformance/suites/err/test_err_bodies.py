"""ERR: what an error says, judged on every error of the run."""

from collections.abc import Iterator

from conformance.exchange import Exchange
from conformance.profiles import Profile
from conformance.reading.traffic import errors, route
from conformance.rules import errors as rules
from conformance.rules import secrets
from conformance.shape import show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, hold, tolerate

CONFIGURED = ("access-control-", "content-security-policy", "reporting-endpoints", "report-to")
"""Headers that name addresses on purpose."""
OFTEN_NULL = ("model",)
"""Fields whose errors OpenAI itself sends without `param`."""


@requirement("ERR-001")
def test_every_error_body_has_the_envelope(
    exchanges: list[Exchange], profile: Profile, unknown_model: dict[str, Exchange], unknown_path: Exchange
) -> None:
    judged = [x for x in _errors(exchanges) if x.readable and (x.is_json or x.status not in rules.FRONT_STATUSES)]
    hold(_misshapen([x for x in judged if route(x) and _declared_json(x)], profile))
    tolerate(_misshapen([x for x in judged if not route(x)], profile))


@requirement("ERR-002")
def test_errors_have_param_and_code(exchanges: list[Exchange], unknown_model: dict[str, Exchange]) -> None:
    judged = [x for x in _errors(exchanges) if x.is_json and rules.envelope(x.json)]
    if not judged:
        raise Inconclusive("no error body has an error object", blame=None)
    hold(Violation(x, f"{_where(x)}: {seen}") for x in judged for seen in rules.param_and_code(x.json))


@requirement("ERR-003")
def test_errors_of_the_api_are_json(exchanges: list[Exchange], unknown_model: dict[str, Exchange]) -> None:
    judged = [x for x in _errors(exchanges) if route(x) and x.media_type != "application/json"]
    excused = [x for x in judged if _is_of_the_front(x) or _declared_json(x) or _is_bare_405(x)]
    hold(Violation(x, f"{_where(x)}: {x.seen}") for x in judged if x not in excused)
    tolerate(Violation(x, f"{_where(x)}: {x.seen}") for x in excused)


@requirement("ERR-023")
def test_errors_reveal_no_internals(
    exchanges: list[Exchange], scripted: list[Exchange], unknown_model: dict[str, Exchange]
) -> None:
    told = [*exchanges, *scripted]
    failed = [(x, secrets.told(x, CONFIGURED)) for x in told if x.status >= 400]
    failed += [(x, _told_in_stream(x)) for x in told if x.ok and x.media_type == "text/event-stream" and x.readable]
    hold(Violation(x, f"{_where(x)}: {seen}") for x, text in failed for seen in rules.internals(text, secrets.known(x)))
    tolerate(
        Violation(x, f"{_where(x)}: {seen}")
        for x, text in failed
        for seen in rules.inner_words(text, _said(x), secrets.known(x))
    )


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


@requirement("ERR-026")
def test_param_names_the_field(
    wrong_messages: dict[str, Exchange],
    no_model: dict[str, Exchange],
    model_of_wrong_type: dict[str, Exchange],
    chat_wrong_types: dict[str, Exchange],
) -> None:
    cases = [("messages", case, x) for case, x in wrong_messages.items()]
    cases += [("model", case, x) for case, x in (no_model | model_of_wrong_type).items()]
    cases += [("temperature", case, x) for case, x in chat_wrong_types.items() if case.startswith("temperature")]
    told = [(field, case, x) for field, case, x in cases if x.status in (400, 422) and x.is_json and _says_param(x)]
    if not told:
        raise Inconclusive("no error of a wrong field has a param", blame=None)
    hold(
        Violation(x, f"{case} for {field}: {seen}" if field == "messages" else f"{case}: {seen}")
        for field, case, x in told
        for seen in rules.param_names(x.json, field, null_is_fine=field in OFTEN_NULL)
    )


@requirement("ERR-027")
def test_types_are_of_the_common_vocabulary(exchanges: list[Exchange], unknown_model: dict[str, Exchange]) -> None:
    judged = [x for x in errors(exchanges) if x.is_json]
    hold(Violation(x, f"{_where(x)}: {seen}") for x in judged for seen in rules.type_is_known(x.json))


@requirement("ERR-032")
def test_error_bodies_are_bounded(exchanges: list[Exchange], long_prompts_refused: dict[str, Exchange]) -> None:
    failed = [x for x in exchanges if x.status >= 400 and x.response]
    sizes = {x.id: len(x.response.body) if x.response else 0 for x in failed}
    hold(
        Violation(x, f"{_where(x)}: {seen}")
        for x in failed
        for seen in rules.is_bounded(sizes[x.id], _body(x), _asked(x))
    )


@requirement("ERR-036")
def test_messages_say_something(exchanges: list[Exchange], unknown_model: dict[str, Exchange]) -> None:
    judged = [x for x in errors(exchanges) if x.is_json]
    hold(Violation(x, f"{_where(x)}: {seen}") for x in judged for seen in rules.message_is_told(x.json))


@requirement("ERR-037")
def test_a_stream_is_refused_in_the_same_words(
    chat_stream_refused: dict[str, dict[str, Exchange]], profile: Profile
) -> None:
    pairs = {case: (both["plain"], both["streamed"]) for case, both in chat_stream_refused.items()}
    alike = {case: pair for case, pair in pairs.items() if all(_is_envelope(x, profile) for x in pair)}
    if not alike:
        raise Inconclusive("no request is refused both ways with an error object", blame=None)
    said = {case: [rules.said_to_programs(x.json) for x in pair] for case, pair in alike.items()}
    hold(
        Violation(alike[case][1], f"{case}: {show(streamed)} streamed, {show(plain)} plain")
        for case, (plain, streamed) in said.items()
        if streamed != plain
    )


def _where(exchange: Exchange) -> str:
    return route(exchange) or f"{exchange.request.method} on a path of no endpoint"


def _declared_json(exchange: Exchange) -> bool:
    return exchange.media_type == "application/json" or exchange.media_type.endswith("+json")


def _is_bare_405(exchange: Exchange) -> bool:
    return exchange.status == 405 and not exchange.readable


def _is_of_the_front(exchange: Exchange) -> bool:
    """What a proxy in front refuses by itself; so it does two keys, as they are no HTTP (RFC 9110 section 5.3)."""
    keys = sum(name.lower() == "authorization" for name, _ in exchange.request.headers)
    return exchange.status in rules.FRONT_STATUSES or (exchange.status == 400 and keys > 1)


def _bodies(exchange: Exchange) -> list[object]:
    if exchange.media_type == "text/event-stream" and exchange.readable:
        return [chunk for _, chunk in exchange.parsed_events]
    return [exchange.json] if exchange.is_json else []


def _errors(exchanges: list[Exchange]) -> list[Exchange]:
    """All errors but those of throttling, which are judged by themselves."""
    return [x for x in errors(exchanges) if x.status != 429]


def _misshapen(judged: list[Exchange], profile: Profile) -> Iterator[Violation]:
    for x in judged:
        found = rules.shape(x.json, profile.expect.error_schema) if x.is_json else [f"no JSON, but {x.seen}"]
        yield from (Violation(x, f"{_where(x)}: {seen}") for seen in found)


def _is_envelope(exchange: Exchange, profile: Profile) -> bool:
    whole = exchange.status >= 400 and exchange.is_json
    return whole and not any(rules.shape(exchange.json, profile.expect.error_schema))


def _says_param(exchange: Exchange) -> bool:
    return "param" in (rules.envelope(exchange.json) or {})


def _said(exchange: Exchange) -> str:
    """What an error says to people."""
    return str((rules.envelope(exchange.json) or {}).get("message", "")) if exchange.is_json else ""


def _told_in_stream(exchange: Exchange) -> str:
    """What the errors inside a stream say."""
    found = [chunk["error"] for _, chunk in exchange.parsed_events if chunk and chunk.get("error")]
    return "\n".join(rules.strings(found))


def _body(exchange: Exchange) -> str:
    """The body as sent, and as its JSON says it."""
    return "\n".join([exchange.readable, *(rules.strings(exchange.json) if exchange.is_json else ())])


def _asked(exchange: Exchange) -> str:
    """The path and the body of a request, as sent and as its JSON says it."""
    body = exchange.request.body.decode("utf-8", "replace")
    return "\n".join([exchange.request.url, body, *rules.strings(exchange.sent)])
