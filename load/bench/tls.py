"""What TLS costs the client: the same paced streams from one small asyncio server, with TLS and without.

The C server speaks no TLS. This one is slower, so both figures are of a tenth of the other workloads' rate.
"""

import asyncio
import os
import ssl
import subprocess
import sys
from pathlib import Path

import trustme

from load.bench import rig

STREAMS, TOKENS, ITL_S = 100, 128, 0.01
SECONDS, WINDOW_S = 7, 3.0
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_CHUNK = (
    'data: {"id":"chatcmpl-%d","object":"chat.completion.chunk","created":1770000000,"model":"bench-model",'
    '"system_fingerprint":"fp_0001","choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}],"usage":null}\n\n'
)
_END = (
    'data: {"id":"chatcmpl-%d","object":"chat.completion.chunk","created":1770000000,"model":"bench-model",'
    '"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":128,"total_tokens":137}}\n\ndata: [DONE]\n\n'
)


_STATS = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
_sent = 0
"""Events that this process, as the server, has sent."""


def run(folder: Path, *, secure: bool, realtime: bool) -> rig.Run:
    """The client's run against this server. Raises RuntimeError if nothing was read."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    server = subprocess.Popen(
        [sys.executable, "-m", "load.bench.tls", str(folder / "server.pem") if secure else "-"],
        env=os.environ | {"PYTHONPATH": str(rig.ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=rig.pinned(0, realtime=realtime),
    )
    try:
        assert server.stdout is not None
        port, stats_port = server.stdout.readline().split()
        workload = rig.Workload("tls", STREAMS, (), SECONDS, WINDOW_S, TOKENS)
        command = rig.ours(f"http{'s' * secure}://127.0.0.1:{port}", workload, folder / "figures.json")
        command += ["--gateproof-ca-file", str(folder / "ca.pem")] if secure else []
        return rig.measured(folder, workload, command, f"http://127.0.0.1:{stats_port}", realtime=realtime)
    finally:
        server.kill()
        server.wait()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    number = id(writer) * 1000
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            if head.startswith(b"GET"):
                told = b'{"events": %d, "active": %d}' % (_sent, STREAMS)
                writer.write(_STATS % (len(told), told))
                await writer.drain()
                writer.close()
                return
            length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
            await reader.readexactly(int(length[0].split(b":")[1]) if length else 0)
            number += 1
            await _stream(writer, number)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _stream(writer: asyncio.StreamWriter, number: int) -> None:
    """Writes one answer, event by event, for as long as somebody listens."""
    global _sent
    _write(writer, _CHUNK % (number, '{"role":"assistant","content":""}', "null"), _HEAD)
    began_s = asyncio.get_running_loop().time()
    for token in range(TOKENS):
        await asyncio.sleep(began_s + (token + 1) * ITL_S - asyncio.get_running_loop().time())
        if writer.is_closing():
            return
        _write(writer, _CHUNK % (number, f'{{"content":" w{token:03d}"}}', "null"))
    _write(writer, _CHUNK % (number, "{}", '"stop"') + _END % number)
    writer.write(b"0\r\n\r\n")
    _sent += 2


def _write(writer: asyncio.StreamWriter, text: str, head: bytes = b"") -> None:
    global _sent
    data = text.encode()
    writer.write(b"%b%x\r\n%b\r\n" % (head, len(data), data))
    _sent += 1


async def _serve(certificate: str) -> None:
    context = None
    if certificate != "-":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context, backlog=1000)
    stats = await asyncio.start_server(_answer, "127.0.0.1", 0)
    print(*(found.sockets[0].getsockname()[1] for found in (server, stats)), flush=True)
    async with stats:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
