"""The yardstick: an asyncio protocol that reads no JSON and sends each stream the same chunk at the same pace."""

import asyncio
import sys
from typing import cast

import uvloop

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_FRAME = (
    b'data: {"id":"chatcmpl-000000000000000000000000","object":"chat.completion.chunk","created":1770000000,'
    b'"model":"gpt-4o","system_fingerprint":"fp_gateproof01","service_tier":"default","usage":null,"choices":[%b]}\n\n'
)


def _chunk(event: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(event), event)


_TOKEN = _chunk(
    _FRAME % b'{"index":0,"delta":{"content":" wonderful"},"logprobs":null,"finish_reason":null}',
)
_OPENING = _chunk(
    _FRAME % b'{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}',
)
_END = _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Raw(asyncio.Protocol):
    __slots__ = ("_left", "_loop", "_transport")
    ttft_s, itl_s, tokens = 0.05, 0.01, 128

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._loop = cast(asyncio.Transport, transport), asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Every request of the bench comes in one piece."""
        self._left = self.tokens
        self._transport.write(_HEAD + _OPENING)
        self._loop.call_later(self.ttft_s, self._say)

    def _say(self) -> None:
        if self._transport.is_closing():
            return
        self._left -= 1
        if self._left >= 0:
            self._transport.write(_TOKEN)
            self._loop.call_later(self.itl_s, self._say)
        else:
            self._transport.write(_END)


async def main() -> None:
    Raw.ttft_s, Raw.itl_s, Raw.tokens = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    server = await asyncio.get_running_loop().create_server(Raw, "127.0.0.1", 0, backlog=2048)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
