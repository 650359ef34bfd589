"""AUTH: API keys. What derives from a plain refusal accepts the status of that refusal, which is judged by itself."""

from conformance.exchange import Exchange
from conformance.rules import errors, headers, secrets
from conformance.rules.secrets import has_own_key
from conformance.sending.gateway import Facts
from conformance.shape import show
from conformance.suites import requirement
from conformance.target import Target
from conformance.verdict import (
    Inconclusive,
    NotApplicable,
    Violation,
    accept,
    demand,
    expect,
    hold,
    prefer,
    refuse,
    survive,
    tolerate,
)

DENIED = (401, 403)
NOT_THERE = (*DENIED, 404, 405, 501)
READ_FIRST = (400, 415, 422)
"""What is answered only by who has looked at the body."""


@requirement("AUTH-001")
def test_the_list_without_a_key_is_401(models_without_key: Exchange) -> None:
    expect(models_without_key.status == 401, models_without_key)


@requirement("AUTH-002")
def test_every_endpoint_without_a_key_is_401(without_key: dict[str, Exchange]) -> None:
    refuse(without_key, (401,))


@requirement("AUTH-003")
def test_a_stream_without_a_key_is_401_in_json(
    stream_without_key: Exchange,
    chat_without_key: Exchange,
    completion_stream_without_key: dict[str, Exchange],
    without_key: dict[str, Exchange],
) -> None:
    streams = {"a streamed chat": (stream_without_key, chat_without_key)}
    streams |= {
        case: (x, without_key["POST /completions"])
        for case, x in completion_stream_without_key.items()
        if "POST /completions" in without_key
    }
    guarded = {case: pair for case, pair in streams.items() if pair[1].status in DENIED}
    if not guarded:
        _denied(chat_without_key)
    for case, (stream, plain) in guarded.items():
        expect(stream.status == plain.status, stream, f"{case}: {stream.seen}")
        expect(stream.media_type != "text/event-stream", stream, f"{case}: {stream.seen}")


@requirement("AUTH-004")
def test_a_wrong_key_is_401(
    wrong_key: dict[str, Exchange],
    near_keys: dict[str, Exchange],
    wrong_key_elsewhere: dict[str, Exchange],
    models_without_key: Exchange,
    stream_without_key: Exchange,
    without_key: dict[str, Exchange],
    unknown_path_without_key: Exchange,
) -> None:
    without = {"GET /models": models_without_key, "a streamed chat": stream_without_key}
    without |= without_key | {"an unknown path": unknown_path_without_key}
    elsewhere = {case: x for case, x in wrong_key_elsewhere.items() if case in without}
    elsewhere = {case: x for case, x in elsewhere.items() if without[case].status in DENIED}
    refuse(wrong_key | near_keys | elsewhere, (401,))


@requirement("AUTH-005")
def test_the_wrong_key_error_has_its_code(wrong_key: dict[str, Exchange]) -> None:
    denied = {case: x for case, x in wrong_key.items() if x.status in DENIED and x.is_json}
    if not denied:
        raise Inconclusive("a wrong key is not refused with 401 and a JSON body", blame=None)
    codes = {case: (errors.envelope(x.json) or {}).get("code") for case, x in denied.items()}
    hold(
        Violation(denied[case], f"error.code is {show(code)}")
        for case, code in codes.items()
        if code != "invalid_api_key"
    )


@requirement("AUTH-006")
def test_a_401_carries_a_bearer_challenge(wrong_key: dict[str, Exchange], chat_without_key: Exchange) -> None:
    wrong = [x for x in wrong_key.values() if x.status == 401]
    asked = [(x, True) for x in wrong] + [(x, False) for x in (chat_without_key,) if x.status == 401]
    if not asked:
        raise Inconclusive("nothing is refused with 401", blame=None)
    hold(
        Violation(x, seen)
        for x, is_wrong in asked
        for seen in headers.bearer_challenge(x.header("www-authenticate"), wrong_token=is_wrong)
    )


@requirement("AUTH-007")
def test_malformed_credentials_are_401(
    malformed_credentials: dict[str, Exchange], chat_without_key: Exchange, wrong_key: dict[str, Exchange]
) -> None:
    refuse(malformed_credentials, (400, *_denials(chat_without_key, wrong_key)))
    tolerate(Violation(x, f"{case}: {x.seen}") for case, x in malformed_credentials.items() if x.status == 400)


@requirement("AUTH-008")
def test_the_scheme_is_matched_in_any_case(scheme_in_other_case: dict[str, Exchange], chat_reply: Exchange) -> None:
    _ = chat_reply.document
    accept(scheme_in_other_case)


@requirement("AUTH-009")
def test_no_key_is_sent_back(exchanges: list[Exchange], wrong_key: dict[str, Exchange], target: Target) -> None:
    others = [x for x in exchanges if not has_own_key(x, target.secrets)]
    hold(Violation(x, seen) for x in others for seen in headers.echoed_key(x))


@requirement("AUTH-010")
def test_the_key_is_checked_first(broken_without_key: dict[str, Exchange], chat_without_key: Exchange) -> None:
    _denied(chat_without_key)
    unknown, malformed = broken_without_key["unknown model"], broken_without_key["malformed body"]
    expect(unknown.status in (401, chat_without_key.status), unknown, f"unknown model: {unknown.seen}")
    expect(malformed.status in (400, 401, chat_without_key.status), malformed, f"malformed body: {malformed.seen}")
    prefer(malformed.status != 400, malformed, f"malformed body: {malformed.seen}")


@requirement("AUTH-011")
def test_a_key_in_the_query_is_not_accepted(key_in_query: dict[str, Exchange], chat_without_key: Exchange) -> None:
    _denied(chat_without_key)
    refuse(key_in_query, (401, chat_without_key.status))


@requirement("AUTH-012")
def test_two_keys_grant_nothing_by_accident(
    two_keys: dict[str, Exchange], chat_without_key: Exchange, wrong_key: dict[str, Exchange]
) -> None:
    denials = _denials(chat_without_key, wrong_key)
    survive(two_keys)
    tolerate(Violation(x, f"{order}: {x.seen}") for order, x in two_keys.items() if x.ok)
    refuse(two_keys, (400, *denials))


@requirement("AUTH-013")
def test_odd_keys_are_no_crash(
    odd_keys: dict[str, Exchange], chat_without_key: Exchange, wrong_key: dict[str, Exchange]
) -> None:
    refuse(odd_keys, (400, 413, 431, *_denials(chat_without_key, wrong_key)))


@requirement("AUTH-014")
def test_the_headers_of_the_sdks_are_tolerated(sdk_headers: dict[str, Exchange], chat_reply: Exchange) -> None:
    _ = chat_reply.document
    unknown = sdk_headers["OpenAI-Organization and OpenAI-Project"]
    accept({case: x for case, x in sdk_headers.items() if x is not unknown or x.status not in DENIED})
    prefer(unknown.status not in DENIED, unknown, f"an organization and a project of our invention: {unknown.seen}")


@requirement("AUTH-015")
def test_wrong_keys_do_not_lock_out_the_right_one(chat_after_wrong_keys: Exchange, chat_reply: Exchange) -> None:
    _ = chat_reply.document
    if not chat_after_wrong_keys.complete or chat_after_wrong_keys.status >= 500:
        raise Inconclusive(f"the gateway is not well, whatever the key: {chat_after_wrong_keys.seen}", blame=None)
    expect(chat_after_wrong_keys.ok, chat_after_wrong_keys)


@requirement("AUTH-016")
def test_a_key_in_another_header_is_checked_like_any(
    keys_in_other_headers: dict[str, Exchange], broken_without_key: dict[str, Exchange]
) -> None:
    survive(keys_in_other_headers)
    _denied(broken_without_key["unknown model"])
    let_in = {case: x for case, x in keys_in_other_headers.items() if x.status not in (400, *DENIED)}
    demand(Violation(x, f"{case}: {x.seen}") for case, x in let_in.items() if case.startswith("a wrong key"))
    if not let_in:
        raise NotApplicable("a key in x-api-key or api-key is not taken for one")


@requirement("AUTH-017")
def test_a_key_without_the_right_is_403(restricted_key: dict[str, Exchange], chat_reply: Exchange) -> None:
    _ = chat_reply.document
    refuse(restricted_key, (403, 404))


@requirement("AUTH-018")
def test_a_trailing_slash_does_not_open_a_path(
    slashes_without_key: dict[str, Exchange], models_without_key: Exchange, chat_without_key: Exchange
) -> None:
    survive(slashes_without_key)
    guarded = {"/models/": models_without_key.status in DENIED, "/chat": chat_without_key.status in DENIED}
    hold(
        Violation(x, f"{case}: {x.seen}")
        for case, x in slashes_without_key.items()
        if x.ok and any(is_guarded and path in case for path, is_guarded in guarded.items())
    )


@requirement("AUTH-019")
def test_every_other_endpoint_asks_for_the_key(
    other_endpoints_without_key: dict[str, Exchange], unknown_path_without_key: Exchange, chat_without_key: Exchange
) -> None:
    _denied(chat_without_key)
    nowhere = unknown_path_without_key
    there = {
        case: x
        for case, x in other_endpoints_without_key.items()
        if x.status not in NOT_THERE and (x.status, x.refusal) != (nowhere.status, nowhere.refusal)
    }
    survive(there)
    hold(Violation(x, f"{case}: {x.seen}") for case, x in there.items() if x.ok and x.is_json)
    tolerate(Violation(x, f"{case}: {x.seen}") for case, x in there.items() if x.status in READ_FIRST)


@requirement("AUTH-020")
def test_who_a_proxy_says_is_calling_is_no_key(
    identities_without_key: dict[str, Exchange], chat_without_key: Exchange
) -> None:
    _denied(chat_without_key)
    survive(identities_without_key)
    hold(Violation(x, f"{case}: {x.seen}") for case, x in identities_without_key.items() if x.ok)


@requirement("AUTH-021")
def test_options_without_a_key_discloses_nothing(
    options_without_key: Exchange, preflight: Exchange, facts: Facts, models_without_key: Exchange
) -> None:
    if models_without_key.status not in DENIED:
        raise Inconclusive(f"the list is public: {models_without_key.seen}", blame=None)
    asked = {"OPTIONS /models": options_without_key, "a preflight request": preflight}
    hold(
        Violation(x, f"{case} without a key is answered with {show(id)}")
        for case, x in asked.items()
        if x.ok
        for id in facts.listed
        if id in x.readable
    )


@requirement("AUTH-022")
def test_a_long_body_does_not_open_the_gateway(
    long_bodies_without_key: dict[str, Exchange], chat_without_key: Exchange, stream_without_key: Exchange
) -> None:
    _denied(chat_without_key)
    survive(long_bodies_without_key)
    streamed = stream_without_key.status in DENIED  # else AUTH-003 tells
    asked = {case: x for case, x in long_bodies_without_key.items() if streamed or "streamed" not in case}
    refuse(asked, (401, chat_without_key.status, 413))


@requirement("AUTH-023")
def test_head_without_a_key_discloses_nothing(
    heads_without_key: dict[str, Exchange], models_without_key: Exchange, without_key: dict[str, Exchange]
) -> None:
    guarded = {"HEAD /models": models_without_key, "HEAD /models/{id}": without_key.get("GET /models/{id}")}
    closed = [case for case, x in guarded.items() if x and x.status in DENIED and case in heads_without_key]
    if not closed:
        raise Inconclusive("GET of the same paths needs no key either", blame=None)
    survive({case: heads_without_key[case] for case in closed})
    hold(
        Violation(heads_without_key[case], f"{case} without a key: HTTP {heads_without_key[case].status}")
        for case in closed
        if heads_without_key[case].ok
    )


@requirement("AUTH-024")
def test_no_way_of_sending_is_a_key(
    ways_without_key: dict[str, Exchange], chat_without_key: Exchange, models_without_key: Exchange
) -> None:
    _denied(chat_without_key)
    is_closed = models_without_key.status in DENIED
    asked = {case: x for case, x in ways_without_key.items() if is_closed or x.request.method == "POST"}
    served = {case: x for case, x in asked.items() if x.ok and (x.is_json or x.media_type == "text/event-stream")}
    hold(Violation(x, f"{case}, without a key: {x.seen}") for case, x in served.items())


@requirement("AUTH-025")
def test_no_part_of_the_right_key_is_shown(
    exchanges: list[Exchange], target: Target, wrong_key: dict[str, Exchange], chat_without_key: Exchange
) -> None:
    refused = [x for x in exchanges if x.status >= 400]
    others = [x for x in refused if x.sent_header("authorization") is None or not has_own_key(x, target.secrets)]
    hold(
        Violation(x, seen) for x in others for seen in secrets.hinted(secrets.told(x), secrets.known(x), target.secrets)
    )


def _denials(chat_without_key: Exchange, wrong_key: dict[str, Exchange]) -> set[int]:
    """What a key that is none may be refused with: 401, or whatever a missing and a wrong one are refused with."""
    _denied(chat_without_key)
    return {401, chat_without_key.status} | {x.status for x in wrong_key.values() if x.status in DENIED}


def _denied(chat_without_key: Exchange) -> None:
    """Where everybody is let in, nothing can be said of what else is."""
    if chat_without_key.status not in DENIED:
        raise Inconclusive(f"a chat without a key is not refused: {chat_without_key.seen}", blame=None)
