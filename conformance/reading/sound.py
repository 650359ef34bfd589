"""Which requests of a run any gateway of their endpoint has to understand, and those among them that broke it."""

from collections.abc import Iterable, Iterator
from typing import Any

from conformance.exchange import Exchange
from conformance.probe import PROBES, Phase
from conformance.reading.traffic import endpoint, refused_streams, sent
from conformance.rehearsing.wellformed import are_messages, is_sound

NOT_IMPLEMENTED = 501
_OF_TEXTS = frozenset((
    "model", "temperature", "top_p", "n", "stop", "seed", "stream", "stream_options", "user", "max_tokens",
    "presence_penalty", "frequency_penalty", "logit_bias", "logprobs",
))  # fmt: skip
FIELDS = {
    "chat/completions": _OF_TEXTS | {
        "messages", "max_completion_tokens", "safety_identifier", "metadata", "store", "tools", "tool_choice",
        "parallel_tool_calls", "response_format", "top_logprobs", "service_tier", "reasoning_effort",
    },
    "completions": _OF_TEXTS | {"prompt", "echo", "suffix", "best_of"},
    "embeddings": frozenset(("model", "input", "encoding_format", "dimensions", "user")),
}  # fmt: skip
"""Fields that the API has at each endpoint; what another one does is judged by itself."""


def broken(exchanges: Iterable[Exchange], like: Exchange) -> Iterator[tuple[Exchange, bool]]:
    """(answer, whether an equal request was served) of every server error to a sound request, sent with the key and in
    the way of `like`, for a model that serves others at that endpoint. Streams whose plain form is served are left out,
    as they are judged as streams."""
    answers = [x for x in exchanges if endpoint(x) and not x.repeated]
    served = [(endpoint(x), sent(x)) for x in answers if x.ok]
    models = {(where, str(body.get("model"))) for where, body in served}
    as_streams = {x.id for x in refused_streams(answers)}
    for x in answers:
        crashed = x.complete and x.status >= 500 and x.status != NOT_IMPLEMENTED and x.id not in as_streams
        known = (endpoint(x), str(sent(x).get("model"))) in models
        if crashed and known and _is_plainly_sent(x, like) and _is_sound(x):
            yield x, (endpoint(x), sent(x)) in served


def _is_plainly_sent(exchange: Exchange, like: Exchange) -> bool:
    """By a probe that does no harm to others, in JSON as it is, with the same credentials."""
    probe = PROBES.get(exchange.label.split("[")[0])
    ours = exchange.sent_header("authorization") == like.sent_header("authorization")
    coded = exchange.sent_header("content-encoding") or exchange.sent_header("transfer-encoding")
    as_json = exchange.sent_header("content-type") == "application/json" and not coded
    harmless = probe is None or probe.phase in (Phase.OPEN, Phase.TIMED)
    return harmless and ours and as_json and _base(exchange) == _base(like)


def _base(exchange: Exchange) -> str:
    """The URL that an endpoint's path was put behind; a route that there is not has another one."""
    return exchange.request.url.removesuffix(f"/{endpoint(exchange)}")


def _is_sound(exchange: Exchange) -> bool:
    body = sent(exchange)
    if not body.keys() <= FIELDS[endpoint(exchange)] or not is_sound(
        {key: value for key, value in body.items() if key != "logprobs"}
    ):
        return False
    match endpoint(exchange):
        case "chat/completions":
            return are_messages(body.get("messages"))
        case "completions":
            return _is_text(body.get("prompt"))
    return _is_text(body.get("input"))


def _is_text(value: Any) -> bool:
    """A text that says something, or several."""
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(isinstance(text, str) and text.strip() for text in texts)
