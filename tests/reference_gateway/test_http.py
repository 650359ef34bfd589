import re
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from .conftest import KEY

CHAT = "/v1/chat/completions"
BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"max_tokens":2}'
STREAM = BODY[:-1] + b',"stream":true}'


def raw(gateway_url: str, data: bytes) -> bytes:
    """What the gateway sends back until it closes the connection."""
    parts = urlsplit(gateway_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(data)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


def request(head: bytes, body: bytes = b"") -> bytes:
    return b"%b\r\nAuthorization: Bearer %b\r\nConnection: close\r\n\r\n%b" % (head, KEY.encode(), body)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nope", 404, "unknown_url"),
        ("POST", "/nope", 404, "unknown_url"),
        ("GET", "/", 404, "unknown_url"),
        ("GET", "/v1/models/", 404, "unknown_url"),
        ("GET", "/v1/models%0A", 404, "unknown_url"),
        ("POST", "/v1/chat/completions/", 404, "unknown_url"),
        ("GET", "//v1/models", 404, "unknown_url"),
        ("GET", "/v1/models;x=1", 404, "unknown_url"),
        ("PUT", CHAT, 405, "method_not_allowed"),
        ("HEAD", CHAT, 405, None),
        ("POST", "/v1/models", 405, "method_not_allowed"),
        ("DELETE", "/v1/models/nope", 405, "method_not_allowed"),
    ],
)
def test_wrong_paths_and_methods(client: httpx.Client, method: str, path: str, status: int, code: str | None) -> None:
    response = client.request(method, f"{str(client.base_url).rstrip('/')}{path}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert code is None or set(response.json()["error"].items()) >= {("code", code), ("param", None)}


@pytest.mark.parametrize(
    ("path", "allow"),
    [(CHAT, "OPTIONS, POST"), ("/v1/embeddings", "OPTIONS, POST"), ("/v1/models", "GET, HEAD, OPTIONS")],
)
def test_a_wrong_method_is_told_the_right_ones(client: httpx.Client, path: str, allow: str) -> None:
    assert client.patch(path).headers["allow"] == allow
    options = client.options(path)
    assert (options.status_code, options.headers["allow"]) == (204, allow)


def test_head_answers_like_get_without_a_body(client: httpx.Client) -> None:
    head, get = client.head("/v1/models"), client.get("/v1/models")
    assert head.content == b""
    assert (head.status_code, head.headers["content-length"]) == (200, get.headers["content-length"])


def test_a_router_in_front_may_ask_for_its_health_without_a_key(anonymous: httpx.Client) -> None:
    answer = anonymous.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert anonymous.post("/health").status_code == 405


def test_percent_encoded_letters_mean_the_same(client: httpx.Client) -> None:
    assert client.get("/v1/%6dodels").status_code == 200


def test_request_ids_are_ours_and_unique(client: httpx.Client) -> None:
    headers = {"x-request-id": "mine"}
    responses = [client.get(path, headers=headers) for path in ("/v1/models", "/v1/nope", "/v1/models")]
    responses += [client.post(CHAT, content=body, headers=headers) for body in (b"", BODY, STREAM)]
    ids = [response.headers.get_list("x-request-id") for response in responses]
    assert all(len(each) == 1 and re.fullmatch("req_[0-9a-f]{32}", each[0]) for each in ids)
    assert len({each[0] for each in ids}) == len(ids)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json"]
)
def test_another_media_type_is_refused(client: httpx.Client, media_type: str) -> None:
    response = client.post(CHAT, content=BODY, headers={"content-type": media_type})
    assert (response.status_code, response.json()["error"]["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"])
def test_json_media_types_are_accepted(client: httpx.Client, media_type: str) -> None:
    assert client.post(CHAT, content=BODY, headers={"content-type": media_type}).status_code == 200


def test_a_missing_media_type_is_accepted(client: httpx.Client) -> None:
    response = client.post(CHAT, content=BODY)
    assert "content-type" not in response.request.headers
    assert response.status_code == 200


def test_a_compressed_body_is_refused(client: httpx.Client) -> None:
    response = client.post(CHAT, content=BODY, headers={"content-encoding": "gzip"})
    assert (response.status_code, response.json()["error"]["code"]) == (415, "unsupported_content_encoding")


def test_a_body_over_the_limit_is_refused_without_a_reset(client: httpx.Client) -> None:
    def pieces() -> Any:
        for _ in range(11):
            yield b" " * (1 << 20)

    for content in (b" " * (11 << 20), pieces()):
        response = client.post(CHAT, content=content)
        assert (response.status_code, response.json()["error"]["code"]) == (413, "request_too_large")
    assert client.post(CHAT, content=BODY).status_code == 200


def test_a_large_header_is_refused(client: httpx.Client) -> None:
    response = client.get("/v1/models", headers={"x": "a" * 65536})
    assert (response.status_code, response.json()["error"]["code"]) == (431, "headers_too_large")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /v1/models HTTP/1.1",
        b"GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b",
        b"FROB /v1/models HTTP/1.1\r\nHost: a",
        b"GET /v1/models/\xff HTTP/1.1\r\nHost: a",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6",
        b"GET /v1/models HTTP/1.1\r\nHost: a\r\nX: a\x00b",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a",
    ],
)
def test_broken_http_is_refused_in_json(gateway_url: str, head: bytes) -> None:
    answer = raw(gateway_url, request(head, b"hello"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json\r\n" in answer
    assert answer.count(b"x-request-id: ") == 1
    assert b'{"error":{"message":"' in answer


def test_an_offered_upgrade_does_not_cost_the_body(gateway_url: str) -> None:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nContent-Length: %d" % (CHAT.encode(), len(BODY))
    wire = request(head, BODY).replace(b"Connection: close", b"Connection: Upgrade, HTTP2-Settings, close")
    assert raw(gateway_url, wire).startswith(b"HTTP/1.1 200 ")


def test_expect_100_continue_is_honoured(gateway_url: str) -> None:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d" % (CHAT.encode(), len(BODY))
    answer = raw(gateway_url, request(head, BODY))
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_a_connection_serves_on_after_errors_and_streams(client: httpx.Client, gateway_url: str) -> None:
    with httpx.Client(base_url=gateway_url, headers=client.headers, limits=httpx.Limits(max_connections=1)) as one:
        responses = [one.post(CHAT, content=body) for body in (b"{", STREAM, BODY)]
        streams = {each.extensions["network_stream"].get_extra_info("client_addr") for each in responses}
    assert [each.status_code for each in responses] == [400, 200, 200]
    assert len(streams) == 1


def test_requests_that_come_at_once_are_answered_in_turn(gateway_url: str) -> None:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
    posts = [head % (CHAT.encode(), KEY.encode(), len(body), body) for body in (STREAM, BODY, b"{")]
    answer = raw(gateway_url, b"".join(posts) + request(b"GET /v1/nope HTTP/1.1\r\nHost: a"))
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"200", b"400", b"404"]
    assert answer.index(b"data: [DONE]") < answer.index(b'"object":"chat.completion",')


def test_what_is_left_of_a_refused_body_is_read_and_forgotten(gateway_url: str) -> None:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nAuthorization: Bearer %b\r\n"
    head = head % (CHAT.encode(), KEY.encode()) + b"Content-Length: %d\r\n\r\n" % (4 << 20)
    parts = urlsplit(gateway_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(head + b" " * (100 << 10))
        assert connection.recv(65536).startswith(b"HTTP/1.1 415 ")
        connection.sendall(b" " * ((4 << 20) - (100 << 10)) + request(b"GET /v1/nope HTTP/1.1\r\nHost: a"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 404 ")


def test_a_request_is_read_however_it_was_cut(gateway_url: str) -> None:
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d" % (CHAT.encode(), len(BODY))
    parts = urlsplit(gateway_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request(head, BODY):
            connection.sendall(bytes((byte,)))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_reads_slowly_gets_all_of_a_stream(gateway_url: str) -> None:
    body = b'{"model":"gpt-4o","messages":[{"role":"user","content":"8000 words"}],"n":4,"stream":true}'
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d" % (CHAT.encode(), len(body))
    parts = urlsplit(gateway_url)
    received = b""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect((parts.hostname, parts.port))
        connection.sendall(request(head, body))
        while piece := connection.recv(65536):
            received += piece
    assert received.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert received.count(b"data: {") > 4 * 8000


def test_an_http_1_0_client_gets_a_stream_that_ends_with_the_connection(gateway_url: str) -> None:
    head = b"POST /v1/chat/completions HTTP/1.0\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d"
    answer = raw(gateway_url, request(head % len(STREAM), STREAM))
    fields, _, body = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in fields.lower()
    assert body.startswith(b"data: {")
    assert body.endswith(b"data: [DONE]\n\n")
