"""A connection with TLS. Bytes go through two memory buffers, so that one socket read keeps one stamp."""
# mypy: allow-untyped-calls

import ssl
from typing import Any

from gevent import get_hub

from load.client.connection import READ_BYTES, Connection, Feed
from load.client.endpoint import Endpoint
from load.client.reply import Reply


class SecureConnection(Connection):
    """Raises CantConnect, of the kind "tls" where the handshake fails."""

    __slots__ = ("_incoming", "_outgoing", "_tls")

    def __init__(self, endpoint: Endpoint) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: Any = None
        super().__init__(endpoint)

    def _open(self) -> None:
        super()._open()
        context = self._endpoint.tls
        assert context is not None
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=self._endpoint.host)
        while True:
            try:
                self._tls.do_handshake()
                self._flush(wait=True)
                return
            except ssl.SSLWantReadError:
                self._flush(wait=True)
            get_hub().wait(self._reader)
            self._receive(self._recv(READ_BYTES))

    def is_alive(self) -> bool:
        try:
            if not (data := self._recv(READ_BYTES)):
                return False
            self._receive(data)  # session tickets come after the handshake
            self._tls.read(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def _receive(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _feeder(self, reply: Reply) -> Feed:
        return self._decrypt

    def _decrypt(self, data: bytes, now_s: float) -> bool:
        incoming, tls, feed = self._incoming, self._tls, self._reply.feed
        is_behind = False
        try:
            if not data:
                return feed(b"", now_s)
            incoming.write(data)
            while True:
                plain = tls.read(READ_BYTES)
                is_behind = feed(plain, now_s) or is_behind
                if not plain or not (incoming.pending or tls.pending()):
                    break
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            is_behind = feed(b"", now_s)
        if self._outgoing.pending:
            self._flush(wait=False)
        return is_behind

    def _send(self, data: bytes) -> None:
        self._tls.write(data)
        super()._send(b"")

    def _flush(self, *, wait: bool) -> None:
        self._unsent += self._outgoing.read()
        super()._flush(wait=wait)
