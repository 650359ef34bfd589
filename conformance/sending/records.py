"""Exchanges, and what probes made of them, as they stand in a file: in JSON. Each function that reads is the inverse of
one that writes."""

import base64
from collections.abc import Mapping
from typing import Any

from conformance.exchange import Exchange, Failure, Headers, Request, Response


def of_exchange(exchange: Exchange) -> dict[str, Any]:
    request, response, failure = exchange.request, exchange.response, exchange.failure
    return {
        "id": exchange.id,
        "label": exchange.label,
        "started_at": exchange.started_at,
        "duration_s": exchange.duration_s,
        "late_s": exchange.late_s,
        "attempt": exchange.attempt,
        "repeated": exchange.repeated,
        "request": {
            "method": request.method,
            "url": request.url,
            "headers": [list(pair) for pair in request.headers],
            "body": _of_bytes(request.body),
        },
        "response": response
        and {
            "status": response.status,
            "http_version": response.http_version,
            "headers": [list(pair) for pair in response.headers],
            "headers_s": response.headers_s,
            "reads": [[t_s, _of_bytes(data)] for t_s, data in response.reads],
        },
        "failure": failure and {"kind": failure.kind, "message": failure.message},
    }


def exchange_of(record: Mapping[str, Any]) -> Exchange:
    request, response, failure = record["request"], record["response"], record["failure"]
    return Exchange(
        id=record["id"],
        label=record["label"],
        request=Request(request["method"], request["url"], _pairs(request["headers"]), _bytes(request["body"])),
        response=response
        and Response(
            status=response["status"],
            headers=_pairs(response["headers"]),
            reads=tuple((t_s, _bytes(data)) for t_s, data in response["reads"]),
            http_version=response["http_version"],
            headers_s=response["headers_s"],
        ),
        failure=failure and Failure(failure["kind"], failure["message"]),
        started_at=record["started_at"],
        duration_s=record["duration_s"],
        late_s=record.get("late_s", 0.0),
        attempt=record.get("attempt", 1),
        repeated=record.get("repeated", False),
    )


def of_value(value: Any) -> Any:
    """What a probe returned, with the id of an exchange in its place."""
    if isinstance(value, Exchange):
        return {"exchange": value.id}
    if isinstance(value, dict):
        return {"dict": {key: of_value(item) for key, item in value.items()}}
    if isinstance(value, list | tuple):
        return [of_value(item) for item in value]
    return value


def value_of(value: Any, by_id: Mapping[str, Exchange]) -> Any:
    if isinstance(value, dict):
        if "exchange" in value:
            return by_id[value["exchange"]]
        return {key: value_of(item, by_id) for key, item in value["dict"].items()}
    if isinstance(value, list):
        return [value_of(item, by_id) for item in value]
    return value


def _of_bytes(data: bytes) -> Any:
    """Text as it is, other bytes as {"base64": …}."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"])


def _pairs(value: list[list[str]]) -> Headers:
    return tuple((name, text) for name, text in value)
