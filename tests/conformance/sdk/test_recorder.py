"""What goes through the recorder: the bytes that came, the target's own key, and each equal request once."""

import asyncio
import http.client
import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.types import ASGIApp

from conformance import profiles
from conformance.exchange import Exchange, Unusable
from conformance.sdk.calls import KEY, LEFT
from conformance.sdk.recorder import Recorder
from conformance.sending.cost import Budget
from conformance.sending.gateway import Facts, Gateway
from conformance.sending.wire import Limits, Wire
from conformance.target import Target

from ..suites.defects import Answer, Asked, before
from ..suites.judged import Cut, on_stage, serving

OURS = "sk-recorder-0123456789"
Heard = tuple[int, dict[str, str], bytes]


def app(answer: Callable[[Asked], Answer]) -> ASGIApp:
    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    return before(nothing, answer)


def ask(url: str, path: str = "/chat/completions", body: Any = None, **headers: str) -> Heard:
    """One request of a client that stands for the SDK."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    fields = {"Authorization": f"Bearer {KEY}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    try:
        connection.request("GET" if body is None else "POST", parts.path + path, body and json.dumps(body), fields)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def through(origin: str, *asks: Callable[[str], Heard], **options: Any) -> tuple[list[Heard | Exception], Recorder]:
    """What each of these hears through one recorder, one after the other."""
    budget = options.pop("budget", None)

    async def run() -> tuple[list[Heard | Exception], Recorder]:
        async with Wire(Limits(silence_s=5.0)) as wire:
            target = Target(f"{origin}/v1", api_key=OURS)
            gateway = Gateway(wire, target, profiles.profile("openai"), budget=budget)
            gateway.facts = Facts(model="m")
            async with Recorder(gateway, **options) as recorder:
                heard: list[Heard | Exception] = []
                for each in asks:
                    try:
                        heard.append(await asyncio.to_thread(each, recorder.base_url))
                    except Exception as error:  # noqa: BLE001 - what the client hears is what is looked at
                        heard.append(error)
            return heard, recorder

    return asyncio.run(run())


def echo(asked: Asked) -> Answer:
    seen = {
        "path": asked.path,
        "query": asked.query.decode(),
        "headers": {k.decode(): v.decode() for k, v in asked.headers},
    }
    return Answer(200).with_json(seen | {"body": asked.json})


def test_a_request_goes_on_with_the_targets_key_and_what_the_sdk_said() -> None:
    with on_stage(app(echo)) as origin:
        heard, recorder = through(
            origin, lambda url: ask(url, "/chat/completions?a=1", {"b": 2}, X_Stainless_Lang="python")
        )
    assert not isinstance(heard[0], Exception)
    seen = json.loads(heard[0][2])
    assert (seen["path"], seen["query"], seen["body"]) == ("/v1/chat/completions", "a=1", {"b": 2})
    assert seen["headers"]["authorization"] == f"Bearer {OURS}"
    assert (seen["headers"]["x-stainless-lang"], seen["headers"]["host"]) == ("python", urlsplit(origin).netloc)
    assert seen["headers"]["accept-encoding"] == "gzip, deflate"
    assert [(x.status, x.request.url) for x in recorder.exchanges] == [(200, f"{origin}/v1/chat/completions?a=1")]


def test_another_key_is_passed_on() -> None:
    with on_stage(app(echo)) as origin:
        heard, _ = through(origin, lambda url: ask(url, Authorization="Bearer another"))
    assert not isinstance(heard[0], Exception)
    assert json.loads(heard[0][2])["headers"]["authorization"] == "Bearer another"


def test_equal_requests_are_sent_once_whatever_the_sdk_says_of_itself() -> None:
    asked: list[Asked] = []
    with on_stage(app(lambda a: (asked.append(a), echo(a))[1])) as origin:
        calls = (
            lambda url: ask(url, body={"a": 1, "b": 2}, X_Stainless_Async="false"),
            lambda url: ask(url, body={"b": 2, "a": 1}, X_Stainless_Async="async:asyncio"),
            lambda url: ask(url, body={"a": 1, "b": 2}, Accept="text/event-stream"),
        )
        heard, recorder = through(origin, *calls)
        assert (len(asked), len(recorder.exchanges), heard[0] == heard[1]) == (2, 3, True)
        through(origin, *calls[:1] * 2, afresh=True)
    assert len(asked) == 4


def test_a_scripted_request_is_sent_as_often_as_one_sdk_makes_it_and_set_apart() -> None:
    """A second SDK, which makes the same requests, hears the same answers."""
    asked: list[Asked] = []

    def counted(a: Asked) -> Answer:
        asked.append(a)
        return Answer(500 if len(asked) == 1 else 200).with_json({"number": len(asked)})

    with on_stage(app(counted)) as origin:
        call = partial(ask, body={"a": 1})

        async def run() -> tuple[list[list[int]], list[Exchange], list[Exchange]]:
            async with Wire(Limits(silence_s=5.0)) as wire:
                gateway = Gateway(wire, Target(f"{origin}/v1", api_key=OURS), profiles.profile("openai"))
                heard: list[list[int]] = []
                for _ in range(2):
                    async with Recorder(gateway, script="once") as recorder:
                        heard.append([(await asyncio.to_thread(call, recorder.base_url))[0] for _ in range(2)])
                return heard, gateway.exchanges, gateway.behind

        heard, judged, behind = asyncio.run(run())
    assert (heard, len(asked)) == ([[500, 200], [500, 200]], 2)
    assert (judged, [x.status for x in behind]) == ([], [500, 200])


@pytest.mark.parametrize("status", [204, 304, 404, 500])
def test_statuses_and_headers_are_those_that_came(status: int) -> None:
    body = b"" if status in (204, 304) else b'{"error": {}}'
    answer = Answer(
        status, ((b"content-type", b"application/json"), (b"x-request-id", b"r1"), (b"x-own", b"\xe9")), body
    )
    with on_stage(app(lambda asked: answer)) as origin:
        heard, _ = through(origin, ask, obey=False)
    assert not isinstance(heard[0], Exception)
    assert (heard[0][0], heard[0][1]["x-request-id"], heard[0][1]["x-own"], heard[0][2]) == (status, "r1", "é", body)


def test_a_redirect_to_the_gateway_leads_here() -> None:
    with on_stage(app(lambda asked: Answer(307, ((b"location", f"{origin}/v1/elsewhere?x=1".encode()),)))) as origin:
        heard, _ = through(origin, ask)
    assert not isinstance(heard[0], Exception)
    assert heard[0][1]["location"].endswith("/v1/elsewhere?x=1")
    assert not heard[0][1]["location"].startswith(origin)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "protocol"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz", "protocol"),
        (b"no HTTP at all\r\n\r\n", "protocol"),
    ],
)
def test_what_breaks_off_breaks_off_here_too(head: bytes, kind: str) -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(head)
        await writer.drain()

    with serving(broken) as origin:
        heard, recorder = through(origin, ask)
    assert isinstance(heard[0], http.client.HTTPException | ConnectionError)
    failure = recorder.exchanges[0].failure
    assert failure is not None and failure.kind == kind
    assert recorder.trouble is None


def test_a_stream_that_the_sdk_leaves_is_left_at_the_gateway() -> None:
    gone: list[bool] = []

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"b\r\ndata: {}\n\n\n\r\n")
                await writer.drain()
                await asyncio.sleep(0.005)
        except OSError:
            gone.append(True)
            raise Cut from None

    def leave(url: str) -> Heard:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        fields = {"Authorization": f"Bearer {KEY}", LEFT: "1"}
        connection.request("POST", parts.path + "/chat/completions", b'{"stream": true}', fields)
        response = connection.getresponse()
        heard = response.status, {}, response.read(5)
        connection.close()
        return heard

    with serving(endless) as origin:
        heard, recorder = through(origin, leave)
    assert heard == [(200, {}, b"data:")]
    assert recorder.exchanges[0].abandoned and LEFT not in dict(recorder.exchanges[0].request.headers)


def test_a_budget_that_is_used_up_is_told_as_such() -> None:
    with on_stage(app(echo)) as origin:
        heard, recorder = through(origin, lambda url: ask(url, body={}), budget=Budget(requests=0))
    assert isinstance(heard[0], http.client.HTTPException | ConnectionError)
    assert isinstance(recorder.trouble, Unusable)
