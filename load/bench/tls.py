"""What TLS costs the client: the same paced streams from one small asyncio server, with TLS and without.

The C server speaks no TLS. This one is slower, so both figures are of a tenth of the other workloads' rate.
"""

import asyncio
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path

import trustme

from load.bench import rig

STREAMS, TOKENS, ITL_S, SECONDS = 100, 128, 0.01, 8
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_CHUNK = (
    'data: {"id":"chatcmpl-%d","object":"chat.completion.chunk","created":1770000000,"model":"bench-model",'
    '"system_fingerprint":"fp_0001","choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}],"usage":null}\n\n'
)
_END = (
    'data: {"id":"chatcmpl-%d","object":"chat.completion.chunk","created":1770000000,"model":"bench-model",'
    '"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":128,"total_tokens":137}}\n\ndata: [DONE]\n\n'
)


def cpu_per_event_s(folder: Path, *, secure: bool) -> float:
    """CPU seconds of the client for each event."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    server = subprocess.Popen(
        [sys.executable, "-m", "load.bench.tls", str(folder / "server.pem") if secure else "-"],
        env=os.environ | {"PYTHONPATH": str(rig.ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=rig.pinned(0, realtime=False),
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        workload = rig.Workload("tls", STREAMS, seconds=SECONDS, tokens=TOKENS)
        command = rig.ours(f"http{'s' * secure}://127.0.0.1:{port}", workload, folder / "tls.json")
        command += ["--gateproof-ca-file", str(folder / "ca.pem")] if secure else []
        env = os.environ | {"PYTHONPATH": str(rig.ROOT), "NO_PROXY": "127.0.0.1"}
        with (folder / "tls.log").open("wb") as out:
            client = subprocess.Popen(
                command, env=env, cwd=folder, stdout=out, stderr=out, preexec_fn=rig.pinned(1, realtime=False)
            )
            time.sleep(5)
            clock = (~client.pid << 3) | 2
            before_s = time.clock_gettime(clock)
            time.sleep(SECONDS - 5)
            spent_s = time.clock_gettime(clock) - before_s
            client.wait(60)
        return spent_s / (STREAMS / ITL_S * (SECONDS - 5))
    finally:
        server.kill()
        server.wait()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    number = id(writer) * 1000
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
            await reader.readexactly(int(length[0].split(b":")[1]) if length else 0)
            number += 1
            writer.write(_HEAD + _chunked(_CHUNK % (number, '{"role":"assistant","content":""}', "null")))
            began_s = asyncio.get_running_loop().time()
            for token in range(TOKENS):
                await asyncio.sleep(began_s + (token + 1) * ITL_S - asyncio.get_running_loop().time())
                writer.write(_chunked(_CHUNK % (number, f'{{"content":" w{token:03d}"}}', "null")))
            writer.write(_chunked(_CHUNK % (number, "{}", '"stop"') + _END % number) + b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _chunked(text: str) -> bytes:
    data = text.encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _serve(certificate: str) -> None:
    context = None
    if certificate != "-":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
