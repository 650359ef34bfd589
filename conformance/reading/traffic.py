"""Which exchanges of a run a rule speaks of, and the rule applied to them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from conformance.exchange import Exchange, Unusable, clip
from conformance.reading.vectors import document_of
from conformance.rules import BodyRule, Json, StreamRule, replies, usage
from conformance.rules.completions import joined
from conformance.rules.streams.accumulate import accumulated
from conformance.rules.streams.content import BringsNewText
from conformance.shape import choices, is_int, show
from conformance.verdict import NotApplicable, Violation

LONGEST_URL = 2000
MOST_CHOICES = 128
LONGEST_HEADER = 4000
MOST_TEXTS = 2048
"""Texts that one request for embeddings may hold."""
_ODD_PATH = re.compile(r"%[01]|%25|%5c|%63|chat%2f|\.\.|/\./|;|(?<!:)//", re.IGNORECASE)
_ENDPOINT = re.compile(r"(?:/(chat/completions|completions|embeddings)|/(models|providers)(/.+)?)$")


def sent(exchange: Exchange) -> dict[str, Any]:
    """The JSON object that was sent; an empty one if it was something else."""
    return exchange.sent


def n_of(asked: dict[str, Any]) -> int:
    """How many choices a request asks for."""
    return asked["n"] if is_int(asked.get("n")) and asked["n"] > 0 else 1


def is_lawful(exchange: Exchange) -> bool:
    """Whether a request asks for a number of choices that an answer can have."""
    n = sent(exchange).get("n")
    return n is None or (is_int(n) and 1 <= n <= MOST_CHOICES)


def wants_usage(asked: dict[str, Any]) -> bool:
    """Whether a request asks for the usage of its stream."""
    options = asked.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def endpoint(exchange: Exchange) -> str:
    """The inference endpoint that a POST went to: chat/completions, completions or embeddings; "" for all else."""
    return _endpoint(exchange.request.method, exchange.request.url)


@lru_cache(maxsize=4096)  # asked for every exchange by every rule
def _endpoint(method: str, url: str) -> str:
    path = unquote(url.split("?")[0]) if method == "POST" else ""
    return next((name for name in ("chat/completions", "completions", "embeddings") if path.endswith("/" + name)), "")


def chat_replies(exchanges: Iterable[Exchange], at_least: Exchange) -> list[Exchange]:
    """All plain chat answers of the run. Raises Unusable if `at_least`, the smallest chat, is not among them."""
    return replies_like(exchanges, at_least)


def replies_like(exchanges: Iterable[Exchange], at_least: Exchange) -> list[Exchange]:
    """All plain answers of the run at the endpoint of `at_least`. Raises Unusable if that is not among them."""
    answered(at_least)
    plain = (x for x in exchanges if endpoint(x) == endpoint(at_least) and not _streamed(x) and _is_answer(x))
    return [x for x in plain if is_lawful(x)]


def chats_like(exchanges: Iterable[Exchange], at_least: Exchange) -> list[Exchange]:
    """All chat answers of the run in the form of `at_least`, plain or streamed. Raises Unusable if that is not among
    them."""
    return chat_streams(exchanges, at_least) if _streamed(at_least) else chat_replies(exchanges, at_least)


def in_parts(exchanges: Iterable[Exchange], rule: BodyRule) -> Iterator[Violation]:
    """The violations of a rule in these answers, in every chunk of those that are streamed. Raises Unusable if it can
    read none of them."""

    def judge(exchange: Exchange) -> Iterator[str]:
        for part in exchange.chunks if _streamed(exchange) else [exchange.document]:
            yield from rule(part)

    yield from _over(exchanges, judge)


def reply_of(exchange: Exchange) -> Json:
    """The answer to a chat or a completion, plain or put together from its stream, or the embeddings. Raises Unusable
    without one."""
    if endpoint(exchange) == "embeddings":
        return document_of(exchange)
    if not _streamed(exchange):
        return exchange.document
    if "reply" not in exchange.derived:
        exchange.derived["reply"] = _joined(exchange)
    return exchange.derived["reply"]


def _joined(exchange: Exchange) -> Json:
    return joined(exchange.chunks) if endpoint(exchange) == "completions" else accumulated(exchange.chunks)


def in_replies(exchanges: Iterable[Exchange], rule: BodyRule) -> Iterator[Violation]:
    """The violations of a rule in these answers, plain or streamed. Raises Unusable if it can read none of them."""
    yield from _over(exchanges, lambda exchange: rule(reply_of(exchange)))


def in_each(exchanges: Iterable[Exchange], judge: Callable[[Exchange], Iterable[str]]) -> Iterator[Violation]:
    """What a judgement of one answer, and of what was asked, sees in these. Raises Unusable if it can read none."""
    yield from _over(exchanges, judge)


def answered(exchange: Exchange) -> None:
    """Raises Unusable unless this is a successful answer that holds no error: what builds on it then can't be told."""
    if reply_of(exchange).get("error"):
        raise Unusable(f"the answer holds an error: {clip(exchange.text)}")


def unlike(cases: Mapping[str, Exchange], plain: Exchange) -> dict[str, Exchange]:
    """Those of these requests whose status is another than that of one which differs in nothing but what is judged: a
    crash that both meet is another requirement's."""
    return {case: x for case, x in cases.items() if x.status != plain.status}


def with_choices(answers: Iterable[Exchange]) -> list[Exchange]:
    """Those of these answers, plain or streamed, that hold an array of choices."""
    found = []
    for answer in answers:
        with suppress(Unusable):
            choices(reply_of(answer))
            found.append(answer)
    return found


def answered_in_its_mode(exchange: Exchange) -> None:
    """As `answered`; NotApplicable for a stream that is cleanly refused, which is judged by itself."""
    if _streamed(exchange) and exchange.complete and exchange.status in (400, 422, 501):
        raise NotApplicable(f"it is not streamed: {exchange.seen}")
    answered(exchange)


def came_as_asked(exchange: Exchange) -> bool:
    """Whether a chat was served: with status 200, and as a stream without an error if that was asked for."""
    streamed = _is_stream(exchange) and not reports_error(exchange)
    return exchange.status == 200 and (streamed or not _streamed(exchange))


def chat_answers(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """All chat answers of the run, plain or streamed, that hold no error."""
    chats = (x for x in exchanges if endpoint(x) == "chat/completions")
    return [x for x in chats if (came_as_asked(x) if _streamed(x) else _is_answer(x))]


def served_chats(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """All that came with status 200 where a plain chat was asked for, be it an answer or not."""
    chats = (x for x in exchanges if endpoint(x) == "chat/completions" and x.ok and x.media_type != "text/event-stream")
    return [x for x in chats if sent(x).get("stream") in (None, False) and is_lawful(x)]


def chat_streams(exchanges: Iterable[Exchange], at_least: Exchange) -> list[Exchange]:
    """All streamed chat answers of the run, those that report an error left out. Raises Unusable if `at_least`, the
    smallest stream, is not among them."""
    return streams_like(exchanges, at_least)


def streams_like(exchanges: Iterable[Exchange], at_least: Exchange) -> list[Exchange]:
    """All streamed answers of the run at the endpoint of `at_least`, those that report an error left out. Raises
    Unusable if `at_least` is not among them."""
    _ = at_least.chunks
    return [x for x in event_streams(exchanges, at_least) if not reports_error(x)]


def answers_like(exchanges: Iterable[Exchange], at_least: Exchange) -> list[Exchange]:
    """All answers of the run at the endpoint of `at_least` and in its mode. Raises Unusable if that is none."""
    return (streams_like if _streamed(at_least) else replies_like)(exchanges, at_least)


def event_streams(exchanges: Iterable[Exchange], at_least: Exchange) -> list[Exchange]:
    """All that came as the answer to a stream at the endpoint of `at_least` and is not plain JSON, whatever its events
    are. Raises Unusable if `at_least`, the smallest stream, is not among them. Streams that we left ourselves are left
    out."""
    if not _is_stream(at_least):
        raise Unusable(f"{at_least.step} was to be a stream, the answer is {at_least.seen}")
    return [x for x in exchanges if endpoint(x) == endpoint(at_least) and _streamed(x) and _is_stream(x)]


def reports_error(stream: Exchange) -> bool:
    return any(chunk.get("error") for _, chunk in stream.parsed_events if chunk)


def refused_streams(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """Streamed chats that were refused although the same chat, URL, headers and all, was served without `stream`. A
    client error may be one of the stream's options, a server error is none; that a key is asked for says nothing."""
    chats = [x for x in exchanges if endpoint(x) == "chat/completions" and not x.abandoned and not x.repeated]
    served = [(x.request.url, x.request.headers, sent(x)) for x in chats if _is_answer(x)]
    for x in chats:
        left_out = ("stream", "stream_options") if x.status >= 500 else ("stream",)
        plain = {key: value for key, value in sent(x).items() if key not in left_out}
        is_let_in = x.status != 401 or x.sent_header("authorization")
        if _streamed(x) and x.status != 200 and is_let_in and (x.request.url, x.request.headers, plain) in served:
            yield x


def embeddings_of_text(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """All that came uncompressed and with status 200 where text was to be embedded and nothing else was odd, be it an
    answer or not."""
    plain = (x for x in exchanges if endpoint(x) == "embeddings" and x.sent_header("accept-encoding") == "identity")
    return [x for x in plain if x.ok and _embeds_text(sent(x))]


def unclean_refusals(broken: Mapping[str, Mapping[str, Exchange]]) -> Iterator[Violation]:
    """Of broken requests that are refused when plain, those that are not refused in JSON when streamed. Raises Unusable
    if none is refused."""
    refused = {case: both["streamed"] for case, both in broken.items() if both["plain"].status >= 400}
    if not refused:
        raise Unusable("none of the broken requests is refused")
    for case, x in refused.items():
        if not (x.status >= 400 and x.media_type == "application/json" and x.is_json):
            yield Violation(x, f"{case}: {x.seen}")


def unlike_refusals(broken: Mapping[str, Mapping[str, Exchange]]) -> Iterator[Violation]:
    """Broken requests that are refused with one status when streamed and with another when plain."""
    for case, both in broken.items():
        streamed, plain = both["streamed"], both["plain"]
        if min(streamed.status, plain.status) >= 400 and streamed.status != plain.status:
            yield Violation(streamed, f"{case}: {streamed.status} streamed, {plain.status} plain")


def repeats_itself(stream: Exchange) -> bool:
    """Whether deltas of this stream repeat others, which is judged by itself: its text is no measure of anything."""
    return any(in_streams([stream], BringsNewText))


def served_alike(exchanges: Iterable[Exchange], stream: Exchange) -> bool:
    """Whether the same chat, but for the wish to stream it, was answered without an error."""

    def words(x: Exchange) -> tuple[str, dict[str, Any]]:
        return x.request.url, {key: value for key, value in sent(x).items() if key not in ("stream", "stream_options")}

    equal = (x for x in exchanges if x.ok and endpoint(x) == "chat/completions" and words(x) == words(stream))
    return any(x.status == 200 and (not reports_error(x) if _streamed(x) else _is_answer(x)) for x in equal)


def answers(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """All whole answers to requests whose form is sound, so that no front proxy refuses them by itself."""
    return [x for x in exchanges if x.complete and _is_plainly_written(x)]


def errors(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """All error answers among them that may have a body."""
    return [x for x in answers(exchanges) if x.status >= 400 and x.request.method not in ("HEAD", "OPTIONS")]


def is_plain(exchange: Exchange) -> bool:
    """Sent to an endpoint of the API by the usual spelling of its path."""
    return bool(route(exchange)) and not _ODD_PATH.search(exchange.request.url)


def route(exchange: Exchange) -> str:
    """The method and the endpoint of the API that a request went to; "" for a path that is none of its endpoints."""
    found = _ENDPOINT.search(exchange.request.url.split("?")[0])
    if not found:
        return ""
    return f"{exchange.request.method} /{found[1] or found[2]}" + ("/{id}" if found[3] else "")


def in_documents(exchanges: Iterable[Exchange], rule: BodyRule) -> Iterator[Violation]:
    """The violations of a rule in the bodies of these answers. Raises Unusable if it can read none of them."""
    yield from _over(exchanges, lambda exchange: rule(exchange.document))


def in_streams(exchanges: Iterable[Exchange], rule: Callable[[], StreamRule]) -> Iterator[Violation]:
    """The violations of a rule in these streams, each folded anew. Raises Unusable if it can read none of them."""

    def judge(exchange: Exchange) -> Iterator[str]:
        fold = rule()
        for event, chunk in exchange.parsed_events:
            yield from fold.feed(event, chunk)
        yield from fold.end()

    yield from _over(exchanges, judge)


def misshapen(answers: Iterable[Exchange], shape: Callable[[Any], Iterable[str]]) -> list[Violation]:
    """The answers that are no JSON; if all of them are, what `shape` says of them."""
    found = list(answers)
    no_json = [Violation(x, f"the answer is no JSON: {x.seen}") for x in found if not x.is_json]
    return no_json or [Violation(x, seen) for x in found for seen in shape(x.json)]


def ids_twice(answers: Iterable[Exchange], *, same_request: bool) -> Iterator[Violation]:
    """Answers with the id of an earlier one: of one to the same request, as a cache sends them, or of one to another.

    The id of a stream is that of its first chunk; answers without an id are left out.
    """
    first: dict[str, Exchange] = {}
    for answer in answers:
        id = _id(answer)
        earlier = first.setdefault(id, answer) if id else answer
        if earlier is not answer and _asks_the_same(earlier, answer) is same_request:
            yield Violation(answer, f"the id {show(id)} came twice" + (", to equal requests" if same_request else ""))


def obeyed(caps: dict[str, Exchange]) -> list[str]:
    """The keys for a token cap that end an answer, by the answers to a request with each of them."""
    return [key for key, exchange in caps.items() if exchange.ok and _was_capped(exchange)]


def against_their_caps(answers: Iterable[Exchange], keys: Iterable[str]) -> Iterator[tuple[Exchange, int, int]]:
    """(answer, tokens spent, tokens allowed) of every answer, whole or streamed, to a request with such a cap."""
    for answer in answers:
        asked = sent(answer)
        limits = [asked[key] * n_of(asked) for key in keys if is_int(asked.get(key)) and asked[key] > 0]
        with suppress(Unusable):
            last = usage.of_stream(answer.chunks) if _streamed(answer) else answer.document
            spent = usage.completion_tokens(last)
            if limits and spent is not None:
                yield answer, spent, min(limits)


def _asks_the_same(one: Exchange, other: Exchange) -> bool:
    """Whether two requests are equal, however their JSON is written."""
    return sent(one) == sent(other) and (bool(sent(one)) or one.request.body == other.request.body)


def _id(answer: Exchange) -> str:
    """The id of a plain or streamed answer, "" where it has none."""
    chunks = [chunk for _, chunk in answer.parsed_events if chunk] if _streamed(answer) else [answer.document]
    id = next((chunk.get("id") for chunk in chunks), None)
    return id if isinstance(id, str) else ""


def _was_capped(exchange: Exchange) -> bool:
    try:
        return "length" in replies.finishes(exchange.document)
    except Unusable:
        return False


def _over(exchanges: Iterable[Exchange], judge: Callable[[Exchange], Iterable[str]]) -> Iterator[Violation]:
    unusable: Unusable | None = None
    judged = False
    for exchange in exchanges:
        try:
            for seen in judge(exchange):
                yield Violation(exchange, seen)
            judged = True
        except Unusable as error:
            unusable = unusable or error
    if unusable and not judged:
        raise unusable


def _is_plainly_written(exchange: Exchange) -> bool:
    """Not written as raw bytes (which have no recorded headers), with a plain path and headers of usual size."""
    url, headers = exchange.request.url, exchange.request.headers
    plain = len(url) < LONGEST_URL and not _ODD_PATH.search(url)
    return plain and bool(headers) and all(value.isascii() and len(value) < LONGEST_HEADER for _, value in headers)


def _streamed(exchange: Exchange) -> bool:
    return sent(exchange).get("stream") is True


def _is_answer(exchange: Exchange) -> bool:
    return exchange.ok and exchange.is_json and isinstance(exchange.json, dict) and not exchange.json.get("error")


def _embeds_text(asked: dict[str, Any]) -> bool:
    text, length = asked.get("input"), asked.get("dimensions", 1)
    texts = text if isinstance(text, list) else [text]
    plain = all(isinstance(each, str) and each.strip() for each in texts) and 0 < len(texts) <= MOST_TEXTS
    known = asked.get("encoding_format", "float") in ("float", "base64") and is_int(length) and length > 0
    return plain and known and not asked.get("stream")


def _is_stream(exchange: Exchange) -> bool:
    return 200 <= exchange.status < 300 and not exchange.is_json and not exchange.abandoned
