"""HDR: headers and HTTP itself. What must hold for one answer is judged on every answer of the run."""

from collections import Counter
from itertools import pairwise

from conformance.exchange import BUSY, Exchange
from conformance.probes.http import ORIGIN
from conformance.reading.traffic import answers, is_plain, route
from conformance.rules import headers as rules
from conformance.rules.secrets import has_own_key
from conformance.suites import requirement
from conformance.target import Target
from conformance.verdict import Inconclusive, Violation, accept, expect, hold, must, prefer, survive

GONE = ("closed", "protocol")
CLEAN = (200, 204, 400, 401, 403, 404, 405, 422)


@requirement("HDR-001")
def test_every_response_has_a_request_id(
    exchanges: list[Exchange], chat_reply: Exchange, unknown_path: Exchange
) -> None:
    hold(Violation(x, seen) for x in answers(exchanges) for seen in rules.request_id(x.headers))


@requirement("HDR-002")
def test_request_ids_differ(exchanges: list[Exchange], models: Exchange, unknown_path: Exchange) -> None:
    own = [x for x in answers(exchanges) if x.sent_header(rules.REQUEST_ID) is None and x.header(rules.REQUEST_ID)]
    if len(own) < 2:
        raise Inconclusive(f"fewer than two responses carry {rules.REQUEST_ID}", blame=None)
    times = Counter(x.header(rules.REQUEST_ID) for x in own)
    hold(
        Violation(x, f"{times[id]} of {len(own)} responses share an id")
        for x in own
        if times[id := x.header(rules.REQUEST_ID)] > 1
    )


@requirement("HDR-003")
def test_json_is_declared_as_json(exchanges: list[Exchange], models: Exchange, chat_reply: Exchange) -> None:
    found = [x for x in answers(exchanges) if x.is_json and isinstance(x.json, dict | list)]
    undeclared = [x for x in found if x.status < 400 and x.media_type != "application/json"]
    hold(Violation(x, f"Content-Type: {x.header('content-type')}") for x in undeclared)
    hold(Violation(x, seen) for x in found for seen in rules.charset(x.header("content-type") or ""))


@requirement("HDR-004")
def test_the_content_length_is_right(
    exchanges: list[Exchange], one_connection: list[Exchange], refused_on_one_connection: list[Exchange]
) -> None:
    hold(Violation(x, seen) for x in exchanges for seen in rules.length(x))
    later = [*one_connection[1:], *refused_on_one_connection[1:]]
    spoilt = [x for x in later if x.failure and x.failure.kind == "protocol" and not x.response]
    hold(Violation(x, f"the answer before it did not end where it said: {x.seen}") for x in spoilt)


@requirement("HDR-005")
def test_only_offered_codings_are_used(exchanges: list[Exchange], compressed: dict[str, Exchange]) -> None:
    coded = [x for x in answers(exchanges) if x.header("content-encoding")]
    offered = {x.id: x.sent_header("accept-encoding") or "identity" for x in coded}
    hold(Violation(x, seen) for x in coded for seen in rules.coding(offered[x.id], x.header("content-encoding")))
    hold(Violation(x, seen) for x in coded for seen in rules.decodable(x))


@requirement("HDR-006")
def test_the_processing_time_is_plausible(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    hold(Violation(x, seen) for x in exchanges for seen in rules.processing_time(x))


@requirement("HDR-007")
def test_rate_limit_headers_can_be_read(exchanges: list[Exchange], chat_reply: Exchange, models: Exchange) -> None:
    hold(Violation(x, seen) for x in exchanges for seen in rules.rate_limits(x.headers))


@requirement("HDR-008")
def test_retry_after_can_be_read(exchanges: list[Exchange], chat_reply: Exchange, unknown_path: Exchange) -> None:
    hold(
        Violation(x, seen)
        for x in exchanges
        for value in x.header_values("retry-after")
        for seen in rules.retry_after(value)
    )


@requirement("HDR-009")
def test_a_browser_may_call_where_it_is_said_to(
    preflight: Exchange, models_with_origin: Exchange, exchanges: list[Exchange]
) -> None:
    survive({"a preflight request": preflight})
    hold(Violation(preflight, seen) for seen in rules.preflight(preflight, ORIGIN))
    allowed = models_with_origin.header("access-control-allow-origin")
    expect(bool(allowed), models_with_origin, "the list has no Access-Control-Allow-Origin, the preflight request has")
    hold(Violation(x, seen) for x in exchanges for seen in rules.open_with_credentials(x))


@requirement("HDR-010")
def test_options_is_answered_or_refused_cleanly(options: Exchange) -> None:
    survive({"OPTIONS": options})
    expect(options.status in CLEAN, options)


@requirement("HDR-011")
def test_head_is_get_without_a_body_or_405(head_of_models: list[Exchange], models: Exchange) -> None:
    head = head_of_models[0]
    must(head.complete and head.status < 500, head)
    expect(head.status in (models.status, 405), head, f"HEAD {head.status}, GET {models.status}")
    spoilt = [x for x in head_of_models[1:] if x.failure and x.failure.kind == "protocol"]
    hold(Violation(x, f"HEAD has a body: {x.seen}") for x in spoilt)


@requirement("HDR-012")
def test_a_connection_is_reused_or_said_to_close(
    one_connection: list[Exchange], refused_on_one_connection: list[Exchange], models: Exchange
) -> None:
    for each in (one_connection, refused_on_one_connection):
        *before, last = each
        crashed = bool(before) and before[-1].status >= 500  # which is judged where it was asked for
        closing = crashed or (bool(before) and rules.says_close(before[-1]))
        broken = last.failure is not None and last.failure.kind != "protocol" and not closing
        expect(not broken, last, f"request {len(each)} on one connection: {last.seen}")
    after = zip(refused_on_one_connection[::2], refused_on_one_connection[1::2], strict=False)
    seen = "the list after {}, answered with {}, on one connection: {}"
    hold(
        Violation(x, seen.format(before.request.method, before.status, x.seen))
        for before, x in after
        if x.complete and x.status not in (models.status, *BUSY)
    )
    sizes = [len(x.headers) for x in refused_on_one_connection[1::2] if x.complete]
    grows = len(sizes) > 2 and all(later > earlier for earlier, later in pairwise(sizes))
    expect(not grows, last, f"the same answer has more headers each time on one connection: {sizes}")


@requirement("HDR-013")
def test_a_chunked_request_is_accepted(chunked_request: Exchange, chat_reply: Exchange) -> None:
    _ = chat_reply.document
    prefer(chunked_request.status != 411, chunked_request)
    accept({"a chunked body": chunked_request})


@requirement("HDR-014")
def test_no_post_is_redirected_into_a_get(exchanges: list[Exchange], posted_with_slash: dict[str, Exchange]) -> None:
    slashed = [x.id for x in posted_with_slash.values()]
    posted = [x for x in exchanges if x.request.method == "POST" and (is_plain(x) or x.id in slashed)]
    hold(Violation(x, f"{x.request.url}: {x.status}") for x in posted if x.status in (301, 302, 303))


@requirement("HDR-015")
def test_unknown_request_headers_are_ignored(unknown_headers: Exchange, chat_reply: Exchange) -> None:
    _ = chat_reply.document
    accept({"traceparent, Idempotency-Key, Prefer, TE, X-Gateproof-Invented": unknown_headers})


@requirement("HDR-016")
def test_a_large_header_is_refused(large_header: list[Exchange], models: Exchange) -> None:
    large, after = large_header
    must(large.complete or (large.failure is not None and large.failure.kind in GONE), large)
    must(large.status < 500, large)
    expect(after.status == models.status, after, f"the list after a large header: {after.seen}")
    expect(not 200 <= large.status < 400, large, f"a header of 64 kB: {large.seen}")


@requirement("HDR-017")
def test_a_request_without_host_is_refused(no_host: Exchange) -> None:
    must(no_host.status < 500, no_host)
    expect(400 <= no_host.status < 500, no_host)


@requirement("HDR-018")
def test_answers_have_a_date_and_no_cookies(exchanges: list[Exchange], chat_reply: Exchange, models: Exchange) -> None:
    found = answers(exchanges)
    hold(Violation(x, seen) for x in found for seen in rules.cookies(x.headers))
    hold(Violation(x, seen) for x in found for seen in rules.date(x.header_values("date")))


@requirement("HDR-019")
def test_a_compressed_request_is_read_or_refused(compressed_request: Exchange, chat_reply: Exchange) -> None:
    _ = chat_reply.document
    survive({"a body in gzip": compressed_request})
    expect(compressed_request.status in (200, 400, 415, 422), compressed_request)


@requirement("HDR-021")
def test_headers_of_one_value_are_sent_once(exchanges: list[Exchange], chat_reply: Exchange, models: Exchange) -> None:
    hold(Violation(x, seen) for x in exchanges for seen in rules.sent_once(x.headers))


@requirement("HDR-022")
def test_names_of_headers_are_read_in_any_case(cased_headers: dict[str, Exchange], chat_reply: Exchange) -> None:
    _ = chat_reply.document
    accept({f"names of headers in {case}": x for case, x in cased_headers.items()})


@requirement("HDR-023")
def test_no_shared_cache_may_keep_what_needs_a_key(
    exchanges: list[Exchange],
    target: Target,
    models: Exchange,
    models_without_key: Exchange,
    chat_reply: Exchange,
    chat_without_key: Exchange,
) -> None:
    open_to_all = {x.request.url for x in (models_without_key, chat_without_key) if x.ok}
    served = [x for x in exchanges if x.ok and x.sent_header("authorization") and x.request.url not in open_to_all]
    hold(
        Violation(x, f"{route(x) or x.request.url}: {seen}")
        for x in served
        if has_own_key(x, target.secrets)
        for seen in rules.shared_cache(", ".join(x.header_values("cache-control")))
    )
