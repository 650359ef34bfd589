"""A response as a stream: the events that the chunks of a chat stand for, in their order."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from reference_gateway.call import Json
from reference_gateway.responses import answering
from reference_gateway.wire_json import one_line


class Telling:
    """Tells one response. `response` is what is known of it by now."""

    def __init__(self, response: Json) -> None:
        self.response = response
        self._numbers = count()
        self._output: list[Json] = []
        self._part: Json | None = None
        """The part of the message that is being said; its item is the last but for calls."""
        self._message = 0
        self._calls: dict[Any, int] = {}
        """Where in the output a call stands, by its index in the chat."""
        self._open: dict[int, None] = {}
        self._finish_reason: Any = None
        self._usage: Any = None

    def begin(self) -> Iterator[bytes]:
        yield self._event("response.created", response=self.response)
        yield self._event("response.in_progress", response=self.response)

    def chunk(self, chunk: Json) -> Iterator[bytes]:
        """The events of one chunk of the chat."""
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            for kind in ("content", "refusal"):
                if delta.get(kind):
                    yield from self._said(kind, delta[kind])
            for fragment in delta.get("tool_calls") or ():
                yield from self._called(fragment)
            self._finish_reason = choice.get("finish_reason") or self._finish_reason

    def end(self) -> Iterator[bytes]:
        if not self._output:
            yield from self._said("content", "")
        state = answering.status(self._finish_reason)
        for place in list(self._open):
            is_last = place == len(self._output) - 1
            yield from self._close(place, state if is_last else "completed")
        self.response = answering.ended(self.response, self._output, self._finish_reason, self._usage)
        yield self._event(f"response.{self.response['status']}", response=self.response)

    def fail(self, message: str) -> Iterator[bytes]:
        """What is told where the model's stream breaks off."""
        for place in self._open:
            self._output[place]["status"] = "incomplete"
        self.response = answering.failed(self.response, self._output, message)
        yield self._event("response.failed", response=self.response)

    def _said(self, kind: str, text: str) -> Iterator[bytes]:
        part_type, member = ("output_text", "text") if kind == "content" else ("refusal", "refusal")
        if self._message not in self._open:
            yield from self._open_item(answering.message([], "in_progress"))
            self._message, self._part = len(self._output) - 1, None
        if self._part is None or self._part["type"] != part_type:
            yield from self._close_part()
            self._part = answering.text_part("") if kind == "content" else answering.refusal_part("")
            self._output[self._message]["content"].append(self._part)
            yield self._event("response.content_part.added", **self._place, part=self._part)
        self._part[member] += text
        more: Json = {"logprobs": []} if kind == "content" else {}
        if text:
            yield self._event(f"response.{part_type}.delta", **self._place, delta=text, **more)

    def _close_part(self) -> Iterator[bytes]:
        if self._part is None:
            return
        if self._part["type"] == "output_text":
            text = {"text": self._part["text"], "logprobs": []}
            yield self._event("response.output_text.done", **self._place, **text)
        else:
            yield self._event("response.refusal.done", **self._place, refusal=self._part["refusal"])
        yield self._event("response.content_part.done", **self._place, part=self._part)
        self._part = None

    @property
    def _place(self) -> Json:
        """Where the part is that is being said."""
        item = self._output[self._message]
        return {
            "item_id": item["id"],
            "output_index": self._message,
            "content_index": len(item["content"]) - 1,
        }

    def _called(self, fragment: Json) -> Iterator[bytes]:
        index, function = fragment.get("index", 0), fragment.get("function") or {}
        if index not in self._calls:
            if self._message in self._open and self._part is not None:
                yield from self._close(self._message, "completed")
            call = answering.function_call(fragment.get("id") or "", function.get("name") or "", "", "in_progress")
            yield from self._open_item(call)
            self._calls[index] = len(self._output) - 1
        place = self._calls[index]
        item, more = self._output[place], function.get("arguments") or ""
        if more:
            item["arguments"] += more
            named = {"item_id": item["id"], "output_index": place}
            yield self._event("response.function_call_arguments.delta", **named, delta=more)

    def _open_item(self, item: Json) -> Iterator[bytes]:
        self._output.append(item)
        place = len(self._output) - 1
        self._open[place] = None
        yield self._event("response.output_item.added", output_index=place, item=item)

    def _close(self, place: int, status: str) -> Iterator[bytes]:
        item = self._output[place]
        del self._open[place]
        if item["type"] == "message":
            yield from self._close_part()
        else:
            named = {"item_id": item["id"], "output_index": place, "name": item["name"]}
            yield self._event("response.function_call_arguments.done", **named, arguments=item["arguments"])
        item["status"] = status
        yield self._event("response.output_item.done", output_index=place, item=item)

    def _event(self, type: str, **members: Any) -> bytes:
        told = {"type": type, "sequence_number": next(self._numbers), **members}
        return b"event: %b\ndata: %b\n\n" % (type.encode(), one_line(told))
