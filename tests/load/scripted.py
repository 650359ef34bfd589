"""A TCP server that plays a script: for each connection, for each request on it, what to send and what to do after."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}\n\n'
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"completion_tokens":3}}\n\n'
DONE = b"data: [DONE]\n\n"
END = b"0\r\n\r\n"
HANG, CLOSE, RESET = "hang", "close", "reset"


def framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


GOOD: tuple[bytes | float, ...] = (
    HEAD,
    framed(ROLE),
    0.05,
    framed(TEXT),
    0.02,
    framed(TEXT),
    0.02,
    framed(TEXT),
    framed(FINISH) + framed(USAGE) + framed(DONE) + END,
)


@dataclass
class Server:
    """`connections` and `requests` count what came; `url` is its base URL."""

    url: str
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def served(
    scripts: Sequence[Sequence[Sequence[bytes | float | str]]], tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """Plays scripts[connection][request]: bytes are sent, numbers are pauses in seconds, a word ends the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()
    scheme = "https" if tls else "http"
    server = Server(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/v1")

    def play(connection: socket.socket, script: Sequence[Sequence[bytes | float | str]]) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for answer in script:
                if not (request := _request(connection)):
                    return
                server.requests.append(request)
                for step in answer:
                    if isinstance(step, bytes):
                        try:
                            connection.sendall(step)
                        except OSError:  # the client has left
                            return
                    elif isinstance(step, str):
                        if step == HANG:
                            stop.wait(20)
                        elif step == RESET:
                            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                        return
                    else:
                        time.sleep(step)
            stop.wait(20)

    def accept() -> None:
        for script in scripts:
            try:
                connection, _ = listener.accept()
                server.connections += 1
                if tls:
                    connection = tls.wrap_socket(connection, server_side=True)
            except OSError:
                continue
            threading.Thread(target=play, args=(connection, script), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        stop.set()
        listener.close()


def _request(connection: socket.socket) -> bytes:
    """One request with its body; nothing if the client has closed."""
    data = b""
    try:
        while True:
            head, blank, body = data.partition(b"\r\n\r\n")
            if blank:
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if len(body) >= int(length[0].split(b":")[1] if length else 0):
                    return data
            if not (more := connection.recv(65536)):
                return b""
            data += more
    except OSError:
        return b""
