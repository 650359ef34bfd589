"""What programs do with the official SDK for Python: each function makes one call and tells what it got, as data that
JSON can hold. It asserts nothing.

Run as a script this is a process of its own, under any interpreter that has `openai`: it reads calls as lines of JSON
and writes what came of each as a line of JSON. So it imports nothing of ours, and keeps to Python 3.9.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

TIMEOUT_S = 600.0
"""Longer than the recorder waits for the gateway, which ends what does not end."""
LEAVE_AFTER_S = 0.05
THREADS = 24
KEY = "the-recorder-knows-the-key"
"""Stands for the target's key, which this process is never told."""
LEFT = "x-gateproof-left"
"""A header that tells the recorder that this stream is going to be left. It goes no further."""
LONGEST_MESSAGE = 300

Say = Callable[[str], None]
"""Tells which step comes next, in the words of a program: an exception is then said to come from there."""


class Clients:
    """Makes the SDK's clients, which share their connections."""

    def __init__(self) -> None:
        import openai

        self.openai: Any = openai
        self._http, self._later = openai.DefaultHttpxClient(), openai.DefaultAsyncHttpxClient()

    def of(self, options: dict[str, Any], kind: str) -> Any:
        """A client of its own for each call, with these options; connections are kept for all of them."""
        words = {"api_key": KEY, "max_retries": 0, "timeout": TIMEOUT_S, **options}
        if kind in ASYNCHRONOUS:
            return self.openai.AsyncOpenAI(http_client=self._later, **words)
        return self.openai.OpenAI(http_client=self._http, **words)


# Calls


def create(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("chat.completions.create()")
    return _reply(client.chat.completions.create(**body))


async def create_async(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("chat.completions.create() of the async client")
    return _reply(await client.chat.completions.create(**body))


def iterate(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("chat.completions.create(stream=True)")
    stream = client.chat.completions.create(**body)
    say("the iteration over chat.completions.create(stream=True)")
    return _chunks(list(stream))


async def iterate_async(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("chat.completions.create(stream=True) of the async client")
    stream = await client.chat.completions.create(**body)
    say("the iteration over chat.completions.create(stream=True) of the async client")
    return _chunks([chunk async for chunk in stream])


def helper(client: Any, body: dict[str, Any], say: Say) -> Any:
    """The helper that puts a stream together and fires events as it goes. Where the answer ran into its cap it gives
    its last snapshot and no final completion."""
    import openai

    options = {name: value for name, value in body.items() if name != "stream"}
    say("chat.completions.stream()")
    with client.chat.completions.stream(**options) as stream:
        say("the iteration over chat.completions.stream()")
        events = [_scalar(getattr(event, "type", None)) for event in stream]
        say("get_final_completion() of chat.completions.stream()")
        try:
            completion = stream.get_final_completion()
        except (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError):
            completion = stream.current_completion_snapshot
        return {"events": events, **_reply(completion)}


def parse(client: Any, body: dict[str, Any], say: Say) -> Any:
    """An answer as an instance of a class."""
    say("chat.completions.parse(response_format=…)")
    return _reply(client.chat.completions.parse(response_format=_city(), **body))


def parse_tool(client: Any, body: dict[str, Any], say: Say) -> Any:
    """The arguments of a call as an instance of a class."""
    import openai

    tool: Any = openai.pydantic_function_tool(_city())
    say("chat.completions.parse(tools=…)")
    chosen = {"type": "function", "function": {"name": tool["function"]["name"]}}
    return _reply(client.chat.completions.parse(tools=[tool], tool_choice=chosen, **body))


def raw(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("chat.completions.with_raw_response.create()")
    response = client.chat.completions.with_raw_response.create(**body)
    return {**_response(response), **_reply(response.parse())}


def raw_streamed(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("chat.completions.with_streaming_response.create()")
    with client.chat.completions.with_streaming_response.create(**body) as response:
        return {**_response(response), **_reply(response.parse())}


def give_back(client: Any, body: dict[str, Any], say: Say) -> Any:
    """A second turn, with the message of the first as the SDK returned it."""
    say("chat.completions.create(), the first turn")
    first = client.chat.completions.create(**body)
    message = getattr(next(iter(_items(first, "choices")), None), "message", None)
    if message is None:
        return _reply(first)
    say("chat.completions.create() with the returned message among its messages")
    turns = [*body["messages"], message, body["messages"][0]]
    return _reply(client.chat.completions.create(**{**body, "messages": turns}))


def leave(client: Any, body: dict[str, Any], say: Say) -> Any:
    """Streams are left in the ways that programs leave them: by break, unread, and by a timeout. Then it goes on."""
    streamed = {**body, "stream": True}
    left = {**streamed, "extra_headers": {LEFT: "1"}}
    with suppress(Exception):  # what leaving itself raises, if anything, differs between versions and does no harm
        stream = client.chat.completions.create(**left)
        for _ in stream:
            break
        stream.close()
    with suppress(Exception), client.chat.completions.create(**left):
        pass
    with suppress(Exception):
        for _ in client.with_options(timeout=LEAVE_AFTER_S).chat.completions.create(**left):
            pass
    say("the iteration over a stream after others were left")
    chunks = _chunks(list(client.chat.completions.create(**streamed)))
    say("chat.completions.create() after streams were left")
    return {"chunks": chunks, **_reply(client.chat.completions.create(**body))}


def models(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("models.list()")
    page = client.models.list()
    say("the iteration over models.list()")
    return {
        "type": _type(page),
        "request_id": _seen(page, "_request_id"),
        "ids": [_seen(model, "id") for model in page],
    }


async def models_async(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("the iteration over models.list() of the async client")
    return {"ids": [_seen(model, "id") async for model in client.models.list()]}


def retrieve(client: Any, body: dict[str, Any], say: Say) -> Any:
    say(f"models.retrieve({body['model']!r})")
    model = client.models.retrieve(body["model"])
    return {"type": _type(model), "id": _seen(model, "id"), "request_id": _seen(model, "_request_id")}


def embed(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("embeddings.create()")
    answer = client.embeddings.create(**body)
    vectors = [getattr(item, "embedding", None) for item in _items(answer, "data")]
    return {
        "type": _type(answer),
        "vectors": [_floats(vector) for vector in vectors],
        "request_id": _seen(answer, "_request_id"),
    }


def complete(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("completions.create()")
    return _texts([client.completions.create(**body)])


def complete_streamed(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("completions.create(stream=True)")
    stream = client.completions.create(**body)
    say("the iteration over completions.create(stream=True)")
    return _texts(list(stream))


def respond(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("responses.create()")
    return _responded(client.responses.create(**body))


def respond_streamed(client: Any, body: dict[str, Any], say: Say) -> Any:
    say("responses.stream()")
    with client.responses.stream(**body) as stream:
        say("the iteration over responses.stream()")
        events = [_scalar(getattr(event, "type", None)) for event in stream]
        say("get_final_response() of responses.stream()")
        return {"events": events, **_responded(stream.get_final_response())}


def respond_parsed(client: Any, body: dict[str, Any], say: Say) -> Any:
    """A response as an instance of a class."""
    say("responses.parse(text_format=…)")
    response = client.responses.parse(text_format=_city(), **body)
    parsed = getattr(response, "output_parsed", None)
    return {"parsed": None if parsed is None else _type(parsed), **_responded(response)}


ASYNCHRONOUS: dict[str, Any] = {
    "create_async": create_async,
    "iterate_async": iterate_async,
    "models_async": models_async,
}
SYNCHRONOUS: dict[str, Any] = {
    call.__name__: call
    for call in (
        *(create, iterate, helper, parse, parse_tool, raw, raw_streamed, give_back, leave),
        *(models, retrieve, embed, complete, complete_streamed),
        *(respond, respond_streamed, respond_parsed),
    )
}


def _city() -> Any:
    from pydantic import BaseModel

    class City(BaseModel):
        name: str
        people: int

    return City


# What came back. An answer may have any shape, and what is missing must show as missing: nothing here raises.


def _reply(completion: Any) -> dict[str, Any]:
    from openai.types.chat import ChatCompletion

    return {
        "type": "ChatCompletion" if isinstance(completion, ChatCompletion) else _type(completion),
        "id": _seen(completion, "id"),
        "request_id": _seen(completion, "_request_id"),
        "has_usage": getattr(completion, "usage", None) is not None,
        "choices": [_choice(choice) for choice in _items(completion, "choices")],
    }


def _choice(choice: Any) -> dict[str, Any]:
    message = getattr(choice, "message", None)
    parsed = getattr(message, "parsed", None)
    return {
        "finish_reason": _seen(choice, "finish_reason"),
        "role": _seen(message, "role"),
        "content": _seen(message, "content"),
        "refusal": _seen(message, "refusal"),
        "parsed": None if parsed is None else _type(parsed),
        "calls": [_call(call) for call in _items(message, "tool_calls")],
    }


def _call(call: Any) -> dict[str, Any]:
    function = getattr(call, "function", None)
    parsed = getattr(function, "parsed_arguments", None)
    return {
        "id": _seen(call, "id"),
        "name": _seen(function, "name"),
        "arguments": _seen(function, "arguments"),
        "parsed": None if parsed is None else _type(parsed),
    }


def _chunks(chunks: list[Any]) -> dict[str, Any]:
    types = sorted({_type(chunk) for chunk in chunks})
    return {"types": types, "count": len(chunks), "with_choices": sum(bool(_items(c, "choices")) for c in chunks)}


def _texts(answers: list[Any]) -> dict[str, Any]:
    choices = [choice for answer in answers for choice in _items(answer, "choices")]
    types = sorted({_type(answer) for answer in answers})
    return {"types": types, "count": len(answers), "texts": [_seen(choice, "text") for choice in choices]}


def _responded(response: Any) -> dict[str, Any]:
    """A response of the Responses API."""
    name = _type(response).replace("ParsedResponse", "Response")
    return {"type": name, "status": _seen(response, "status"), "text": _seen(response, "output_text")}


def _response(response: Any) -> dict[str, Any]:
    return {
        "headers": [[str(name), str(value)] for name, value in response.headers.items()],
        "response_id": _seen(response, "request_id"),
    }


def _items(value: Any, name: str) -> list[Any]:
    found = getattr(value, name, None)
    return found if isinstance(found, list) else []


def _seen(value: Any, name: str) -> Any:
    return _scalar(getattr(value, name, None))


def _type(value: Any) -> str:
    """The class of a value by its name, without what it is a generic of."""
    return type(value).__name__.split("[")[0]


def _scalar(value: Any) -> Any:
    """What JSON holds as one value; of anything else its type."""
    return value if value is None or isinstance(value, (str, int, float, bool)) else {"a": type(value).__name__}


def _floats(vector: Any) -> Any:
    if not isinstance(vector, list):
        return _scalar(vector)
    return [float(f"{number:.6g}") if isinstance(number, float) else _scalar(number) for number in vector]


# Exceptions


def _raised(error: Exception, step: str) -> dict[str, Any]:
    """An exception as data. `ours` if no code of the SDK was on its way: then the SDK was used wrongly here."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if f"{os.sep}openai{os.sep}" in frame.filename]
    body = getattr(error, "body", None)
    return {
        "outcome": "raised",
        "call": step,
        "type": type(error).__name__,
        "bases": [kind.__name__ for kind in type(error).__mro__],
        "message": str(error)[:LONGEST_MESSAGE],
        "where": _place(inside[-1]) if inside else "",
        "cause": f"{error.__cause__!r}"[:LONGEST_MESSAGE] if error.__cause__ else "",
        "status": _seen(error, "status_code"),
        "body": type(body).__name__,
        "code": _seen(error, "code"),
        "kind": _seen(error, "type"),
        "request_id": _seen(error, "request_id"),
        "ours": not inside,
        "trace": "" if inside else "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    }


def _place(frame: traceback.FrameSummary) -> str:
    """A place in the SDK, as its own developers name it."""
    file = frame.filename.rsplit(f"{os.sep}openai{os.sep}", 1)[-1]
    return f"{file}, {frame.name}()"


# The process


class Player:
    """Makes the calls that are asked for, all at once: plain ones in threads, async ones in a loop of their own."""

    def __init__(self, clients: Clients, answer: Callable[[Any], None]) -> None:
        self._clients, self._answer = clients, answer
        self._threads = ThreadPoolExecutor(THREADS)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def begin(self, job: dict[str, Any]) -> None:
        steps: list[str] = []

        def done(future: Future[Any]) -> None:
            error, step = future.exception(), steps[-1] if steps else job["kind"]
            if error is None:
                outcome = {"outcome": "returned", "call": step, "data": future.result()}
            else:
                outcome = _raised(error, step) if isinstance(error, Exception) else {"outcome": "lost"}
            self._answer({"number": job["number"], "outcome": outcome})

        client = self._clients.of(job["options"], job["kind"])
        if job["kind"] in ASYNCHRONOUS:
            later = ASYNCHRONOUS[job["kind"]](client, job["body"], steps.append)
            begun: Future[Any] = asyncio.run_coroutine_threadsafe(later, self._loop)
        else:
            begun = self._threads.submit(SYNCHRONOUS[job["kind"]], client, job["body"], steps.append)
        begun.add_done_callback(done)


def main() -> None:
    """Says which client this is, then serves until standard input ends."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.stdout = sys.stderr
    lock = threading.Lock()

    def write(value: Any) -> None:
        with lock:
            out.write(json.dumps(value) + "\n")
            out.flush()

    try:
        clients = Clients()
    except ImportError as error:
        write({"error": f"{error}"})
        return
    write({"client": "openai-python", "version": clients.openai.__version__, "python": platform.python_version()})
    player = Player(clients, write)
    for line in sys.stdin:
        player.begin(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main()
