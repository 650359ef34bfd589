"""How a recorded request is sent again by hand: as a curl line, and as a few lines of Python. Every key comes from the
environment. Python is the official SDK wherever it sends the same request, else httpx, and a plain socket for what no
HTTP client would send."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from conformance.exchange import Exchange, Headers, Request
from conformance.redact import MASK
from conformance.reporting.literals import Literals, quoted
from conformance.target import Target, is_secret_header

MAX_CURL = 8000
MAX_PYTHON = 8000
SDK_CREATES = {
    "/chat/completions": (
        "chat.completions",
        ("messages", "model"),
        *("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs"),
        *("max_completion_tokens", "max_tokens", "metadata", "modalities", "n", "parallel_tool_calls", "prediction"),
        *("presence_penalty", "reasoning_effort", "response_format", "seed", "service_tier", "stop", "store", "stream"),
        *("stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user"),
    ),
    "/completions": (
        "completions",
        ("model", "prompt"),
        *("best_of", "echo", "frequency_penalty", "logit_bias", "logprobs", "max_tokens", "n", "presence_penalty"),
        *("seed", "stop", "stream", "stream_options", "suffix", "temperature", "top_p", "user"),
    ),
    "/embeddings": (
        "embeddings",
        ("input", "model", "encoding_format"),  # without the last the SDK asks for base64
        *("dimensions", "user"),
    ),
}
"""Of each path below the base URL: the SDK's resource, what its create() can't do without, and what else it takes (in
2.0 and later; other keys go into extra_body)."""
_TOLD_BY_ITSELF = ("accept-encoding", "user-agent")
"""Headers that say which client it was, and change nothing of what is asked."""
_FRAMING = frozenset({"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"})
_FIELD = re.compile(r"[!-~]([\t -~]*[!-~])?|")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PLAIN_URL = re.compile(r"(?!.*/\.{1,2}(/|$))https?://[^/?#@\s]+[A-Za-z0-9._~!$&'()*+,;=:@/%?-]*")
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


def curl(exchange: Exchange, target: Target) -> str:
    """A shell line that sends the same request; credentials become $API_KEY."""
    request = exchange.request
    if not request.headers:
        return f"# {len(request.body)} bytes written to {target.base_url} as they stand in the report"
    words = ["curl", "-sS", "-i", "-X", request.method, shlex.quote(request.url)]
    for name, value in request.headers:
        if name.lower() == "authorization" and target.api_key and value == f"Bearer {target.api_key}":
            words += ["-H", '"Authorization: Bearer $API_KEY"']
        elif is_secret_header(name) and value in dict(target.headers).values():
            words += ["-H", shlex.quote(f"{name}: [redacted]")]
        elif name.lower() not in _TOLD_BY_ITSELF:
            words += ["-H", shlex.quote(f"{name}: {value}" if value else f"{name};")]
    if request.body:
        text = request.body.decode("utf-8", "backslashreplace")
        words += ["--data-binary", shlex.quote(text if len(text) <= 2000 else text[:200] + "…")]
    line = " ".join(words)
    return line if len(line) <= MAX_CURL else line[:MAX_CURL] + "…"


def python(exchange: Exchange, target: Target) -> str:
    """A program that sends the same request and prints the status, the media type and the answer."""
    request, keys = exchange.request, Literals(target)
    if not request.headers:
        text = _by_socket(target.base_url, request.body, keys, target)
    elif not 300 <= exchange.status < 400 and (call := _sdk_call(request, target, keys)):  # whose redirects it follows
        text = _by_sdk(call, request, target, keys)
    elif _is_plain(request):
        text = _by_httpx(request, target, keys)
    else:
        text = _by_socket(request.url, _written(request), keys, target)
    if len(text) > MAX_PYTHON:
        return f"# The request, of {len(request.body)} bytes, is too long to be written here: --record FILE keeps it."
    return text


def _sdk_call(request: Request, target: Target, keys: Literals) -> str | None:
    """The call of the SDK that sends this request, without its closing bracket; None if there is none."""
    headers = _beyond_the_sdks_own(request, target)
    if headers is None or not request.url.startswith(target.base_url + "/"):
        return None
    path = request.url.removeprefix(target.base_url)
    arguments: dict[str, Any] = {}
    if request.method == "GET" and path == "/models":
        name, arguments = "models.with_raw_response.list", {}
    elif request.method == "GET" and path.startswith("/models/") and _PLAIN_ID.fullmatch(path[8:]):
        name, arguments = "models.with_raw_response.retrieve", {"model": path[8:]}
    elif request.method == "POST" and path in SDK_CREATES:
        resource, needed, *others = SDK_CREATES[path]
        body = _sound(request.body)
        if body is None or not all(key in body for key in needed) or not _is_usual(body):
            return None
        name = f"{resource}.with_raw_response.create"
        arguments = {key: item for key, item in body.items() if key in needed or key in others}
        if extra := {key: item for key, item in body.items() if key not in arguments}:
            arguments["extra_body"] = extra
    else:
        return None
    if headers:
        arguments["extra_headers"] = headers
    lines = [f"        {key}={keys.value(item, 8)},\n" for key, item in arguments.items()]
    return f"client.{name}(" + ("\n" + "".join(lines) + "    " if lines else "")


def _beyond_the_sdks_own(request: Request, target: Target) -> dict[str, str] | None:
    """The headers that the SDK has to be given; None if it can't send such ones."""
    sent = {name.lower(): value for name, value in request.headers}
    usual = {"accept": "application/json"}
    if request.body:
        usual["content-type"] = "application/json"
    if (
        len(sent) < len(request.headers)
        or not _is_plain(request)
        or any(sent.get(name.lower()) != value for name, value in target.headers)
        or any(name not in sent for name in usual)
        or (request.body and sent["content-type"] != "application/json")
    ):
        return None
    authorization = sent.get("authorization")
    if authorization is None and target.api_key is not None:
        return None
    if authorization is not None and not re.fullmatch(r"Bearer [!-~]+", authorization):
        return None
    own = {"authorization", "content-type", *_TOLD_BY_ITSELF, *_FRAMING, *(name.lower() for name, _ in target.headers)}
    return {
        name: value
        for name, value in request.headers
        if name.lower() not in own
        and not name.lower().startswith("x-stainless-")
        and name.lower() != "host"
        and usual.get(name.lower()) != value
    }


def _sound(body: bytes) -> dict[str, Any] | None:
    """The JSON object that this is, if writing it anew gives the same: no member twice, no odd number or escape."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text)
        again = [json.dumps(value, ensure_ascii=False, allow_nan=False, separators=s) for s in (None, (",", ":"))]
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and text in again else None


def _is_usual(body: Mapping[str, Any]) -> bool:
    """Whether the SDK hands this body on as it is, rather than to stumble over a type itself."""
    messages = body.get("messages", [])
    return (
        isinstance(body["model"], str)
        and isinstance(messages, list)
        and all(isinstance(message, dict) for message in messages)
        and isinstance(body.get("stream", False), bool)
    )


def _is_plain(request: Request) -> bool:
    """Whether an HTTP client sends it as it is."""
    for name, value in request.headers:
        framing = name.lower() in _FRAMING and not (
            (name.lower() == "content-length" and value == str(len(request.body)))
            or (name.lower() == "connection" and value.lower() == "keep-alive")
        )
        if framing or not _NAME.fullmatch(name) or not _FIELD.fullmatch(value):
            return False
    return request.method.isupper() and bool(_PLAIN_URL.fullmatch(request.url))


def _by_sdk(call: str, request: Request, target: Target, keys: Literals) -> str:
    authorization = next((value for name, value in request.headers if name.lower() == "authorization"), "Bearer none")
    key = authorization.removeprefix("Bearer ")
    shown_key = key if key == "none" or keys.knows(key) else MASK  # another may be the target's own, cut or twisted
    lines = [
        f"    base_url={keys.text(target.base_url)},",
        f"    api_key={keys.text(shown_key)},",
        "    max_retries=0,",
    ]
    if target.headers:
        lines.append(f"    default_headers={keys.value(dict(target.headers), 4)},")
    if trust := _trust(target, keys):
        lines.append(f"    http_client=openai.DefaultHttpxClient({trust}),")
    streamed = (_sound(request.body) or {}).get("stream") is True
    shown = (
        ["    for chunk in answer.parse():", "        print(chunk.to_json(indent=None))"]
        if streamed
        else ["    print(answer.text)"]
    )
    return _program(
        ["openai"],
        [
            "client = openai.OpenAI(",
            *lines,
            ")",
            "try:",
            f"    answer = {call})",
            '    print(answer.status_code, answer.headers.get("content-type"))',
            *shown,
            "except openai.APIStatusError as error:",
            '    print(error.status_code, error.response.headers.get("content-type"))',
            "    print(error.response.text)",
        ],
    )


def _by_httpx(request: Request, target: Target, keys: Literals) -> str:
    kept: Headers = tuple(
        (name, value) for name, value in request.headers if name.lower() not in {*_TOLD_BY_ITSELF, *_FRAMING}
    )
    body = [f"    content={keys.body(request.body)},"] if request.body else []
    return _program(
        ["httpx"],
        [
            "request = httpx.Request(",
            f"    {keys.text(request.method)},",
            f"    {keys.text(request.url)},",
            "    headers=[",
            *(f"        ({quoted(name)}, {keys.text(value)})," for name, value in kept),
            "    ],",
            *body,
            ")",
            f"with httpx.Client({', '.join(filter(None, ['timeout=60', _trust(target, keys)]))}) as client:",
            "    answer = client.send(request)",
            'print(answer.status_code, answer.headers.get("content-type"))',
            "print(answer.text)",
        ],
    )


def _by_socket(url: str, data: bytes, keys: Literals, target: Target) -> str:
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    lines = [f"    {keys.data(line)}" for line in _lines(data)]
    trust = (
        "ssl._create_unverified_context()"
        if target.insecure
        else f"ssl.create_default_context({f'cafile={keys.text(target.ca_file)}' if target.ca_file else ''})"
    )
    wrapped = [f"connection = {trust}.wrap_socket(connection, server_hostname={quoted(host)})"] if secure else []
    return _program(
        ["contextlib", "socket"],
        [
            "data = (",
            *(f"{line}{' +' if number < len(lines) else ''}" for number, line in enumerate(lines, 1)),
            ")",
            f"connection = socket.create_connection(({quoted(host)}, {port}), timeout=10)",
            *wrapped,
            "connection.sendall(data)",
            "with connection, contextlib.suppress(TimeoutError):",
            "    while received := connection.recv(65536):",
            '        print(received.decode("utf-8", "backslashreplace"), end="")',
        ],
    )


def _written(request: Request) -> bytes:
    """The request as bytes, with Host and a length where they are not given."""
    parts = urlsplit(request.url)
    names = {name.lower() for name, _ in request.headers}
    headers = [] if "host" in names else [("Host", parts.netloc.rpartition("@")[2])]
    headers += request.headers
    if request.body and not names & {"content-length", "transfer-encoding"}:
        headers.append(("Content-Length", str(len(request.body))))
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=-._~", errors="replace") + f"?{parts.query}" * bool(
        parts.query
    )
    lines = [f"{request.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    head = "\r\n".join(lines)
    try:
        return head.encode("latin-1") + request.body
    except UnicodeEncodeError:  # it can't have been sent at all
        return head.encode("utf-8", "replace") + request.body


def _lines(data: bytes) -> list[bytes]:
    """The head line by line, then the body."""
    head, blank, body = data.partition(b"\r\n\r\n")
    lines = [line + b"\r\n" for line in head.split(b"\r\n")] if blank else [data]
    return [*lines[:-1], lines[-1] + b"\r\n", *([body] if body else [])] if blank else lines


def _trust(target: Target, keys: Literals) -> str:
    if target.insecure:
        return "verify=False"
    return f"verify=ssl.create_default_context(cafile={keys.text(target.ca_file)})" if target.ca_file else ""


def _program(imports: Iterable[str], lines: list[str]) -> str:
    """The lines below the imports that they need."""
    text = "\n".join(lines)
    standard = {"contextlib", "socket"}
    own = [name for name in ("contextlib", "os", "socket", "ssl") if re.search(rf"\b{name}\.", text)]
    others = [name for name in imports if name not in standard]
    heads = ["\n".join(f"import {name}" for name in group) for group in (own, others) if group]
    return "\n\n".join([*heads, text]) + "\n"
