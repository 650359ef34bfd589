"""Headers, codings and methods that are wrong."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace

from reference_gateway.faults.asgi import Answer, Asked, Wrap, changed, error, headed
from reference_gateway.faults.edits import is_chat, never, plainly
from reference_gateway.faults.exchanges import answering, header, posts, taking
from reference_gateway.faults.fault import table

HEADERS = table("headers")
row = HEADERS.add


def is_list(asked: Asked, answer: Answer) -> bool:
    return asked.path.endswith("/models") and asked.method == "GET" and answer.status == 200


def is_plain_chat(asked: Asked, answer: Answer) -> bool:
    return is_chat(asked) and answer.status == 200 and not answer.is_stream


def coded(name: str, body: Callable[[bytes], bytes], when: Callable[[Asked, Answer], bool]) -> Wrap:
    def edit(asked: Asked, answer: Answer) -> Answer | None:
        if not when(asked, answer):
            return None
        return replace(answer, body=body(answer.body)).with_header("content-encoding", name)

    return lambda app: changed(app, edit, streams=never)


def redirect(status: int) -> Answer:
    return error(status).with_header("location", "/v1/chat/completions")


def doubled(name: str, value: str, when: Callable[[Asked, Answer], bool]) -> Wrap:
    """This header is sent twice."""
    line = (name.encode(), value.encode())
    return lambda app: headed(app, lambda asked, x: replace(x, headers=(*x.headers, line)) if when(asked, x) else None)


# fmt: off
row("request-ids-missing", "HDR-001 SDK-010", header("x-request-id", None), "Nobody can ask about an answer.",
    "LiteLLM, MLflow and lm-proxy send none")
row("request-ids-missing-in-streams", "HDR-001", header("x-request-id", None, lambda asked, x: x.is_stream),
    "Nobody can ask about a stream.")
row("request-ids-constant", "HDR-002", header("x-request-id", "req-1"), "Everybody asks about the same answer.")
row("list-declared-as-text", "HDR-003", header("content-type", "text/plain", is_list),
    "Clients don't parse what is not declared.")
row("chat-declared-in-latin1", "HDR-003",
    header("content-type", "application/json; charset=iso-8859-1", is_plain_chat),
    "Clients that believe the charset show garbage.")
row("list-for-shared-caches", "HDR-023", header("cache-control", "public, max-age=3600", is_list),
    "Whoever comes through the same proxy sees the list of another.", "API frameworks that cache what GET answers")
row("gzip-not-asked-for", "HDR-005", coded("gzip", gzip.compress, is_list), "Clients that can't unpack read garbage.")
row("brotli-for-gzip", "CHAT-001 HDR-005",
    coded("br", lambda body: b"\x0b" + body,
        lambda asked, x: is_plain_chat(asked, x) and plainly(asked) and asked.header("x-stainless-lang") is None
          and "gzip" in (asked.header("accept-encoding") or "")
        and "br" not in (asked.header("accept-encoding") or "")),
    "Clients that can't unpack read garbage.")
row("deflate-for-gzip", "HDR-005",
    coded("deflate", zlib.compress, lambda asked, x: asked.header("accept-encoding") == "gzip" and x.status == 200),
    "Clients that can't unpack read garbage.")
row("processing-time-in-words", "HDR-006", header("openai-processing-ms", "fast"), "Dashboards show no number.")
row("processing-time-longer-than-real", "HDR-006", header("openai-processing-ms", "3600000"),
    "Dashboards show an hour for a second.")
row("rate-limits-in-words", "HDR-007", header("x-ratelimit-remaining-requests", "plenty"),
    "Clients that slow down by themselves don't.", "often absent, sometimes epoch seconds")
row("retry-after-in-words", "HDR-008", header("retry-after", "soon", lambda asked, x: x.status == 400),
    "Clients retry at once or never.")
row("retry-after-with-a-fraction", "HDR-008", header("retry-after", "1.5", is_list), "Clients retry at once or never.")
row("options-crashes", "HDR-010", answering(lambda asked: asked.method == "OPTIONS", 500), "No browser can call.")
row("head-not-found", "HDR-011", answering(lambda asked: asked.method == "HEAD", 404), "Monitors call it down.")
row("chunked-bodies-lost", "HDR-013",
    taking(lambda asked: asked.header("transfer-encoding"), lambda asked: replace(asked, body=b"")),
    "Clients that stream their requests get errors about what they did send.")
row("chunked-bodies-refused", "HDR-013", answering(lambda asked: asked.header("transfer-encoding"), 400),
    "Clients that stream their requests are refused.")
row("posts-redirected-301", "HDR-014", answering(lambda asked: asked.path == "/v1/chat/completions/", redirect(301)),
    "The request becomes a GET, and the question is lost.", "Go's routers answer 301")
row("unknown-headers-refused", "HDR-015", answering(lambda asked: asked.header("traceparent"), 400),
    "Clients with tracing are refused.")
row("cookies-set", "HDR-018", header("set-cookie", "session=1; Path=/", is_list), "Clients are tracked.",
    "Cloudflare's cookies")
row("compressed-requests-crash", "HDR-019",
    answering(lambda asked: asked.header("content-encoding") and posts(asked), 500),
    "Clients that compress take a worker down.")
row("content-type-twice", "HDR-021", doubled("content-type", "application/json", is_plain_chat),
    "Clients join the two to a type that they don't know.", "proxies that add their own")
row("request-id-twice", "HDR-021 SDK-009", doubled("x-request-id", "req-of-the-provider", is_plain_chat),
    "Nobody knows by which of the two to ask.")
# fmt: on
