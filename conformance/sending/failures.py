"""What went wrong on the wire, in a kind and a sentence: who looks at it must be able to tell whose fault it is."""

import os
import ssl
from socket import gaierror

import h11
import httpcore

from conformance.exchange import Failure, clip
from conformance.limits import Limits, size
from conformance.sending.keeping import TooLarge

NETWORK_ERRORS = (
    httpcore.ConnectionNotAvailable,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    h11.RemoteProtocolError,
    TooLarge,
    OSError,
    ValueError,
)
"""What sending a request may raise: all of it is recorded. Anything else is a fault of ours."""


_TLS_ALERT = "b'\\x15\\x03"
"""How an error shows what a TLS server says to one who speaks no TLS."""


class Unconnected(TimeoutError):
    """There was no connection in time."""


class Silence(TimeoutError):
    """Nothing was received for as long as we wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Over(TimeoutError):
    """The time of the whole run is used up."""


def failure_of(error: BaseException, limits: Limits) -> Failure:
    """The kind of a network error, and a sentence about it that holds no secret."""
    text = clip(str(error), 200) or type(error).__name__
    match error:
        case TooLarge():
            return Failure("too-large", str(error))
        case Over():
            return Failure("abandoned", f"cut by us, as the run's {limits.run_s:g} s (--max-time) were over")
        case Unconnected() | httpcore.ConnectTimeout():
            return Failure("connect", f"no connection within {limits.connect_s:g} s")
        case ssl.SSLError():
            return Failure("tls", tls_trouble(error))
        case httpcore.ConnectError():
            cause = _cause(error)
            if isinstance(cause, ssl.SSLError):
                return Failure("tls", tls_trouble(cause))
            return Failure("connect", _connect(cause if isinstance(cause, OSError) else error))
        case Silence():
            return Failure("timeout", f"nothing was received for {error.seconds:.3g} s")
        case httpcore.ReadTimeout():
            return Failure("timeout", f"nothing was received for {limits.silence_s:g} s")
        case httpcore.WriteTimeout():
            return Failure("timeout", f"it took nothing of the request for {limits.silence_s:g} s")
        case TimeoutError() if not error.errno:
            return Failure("timeout", f"not at its end after {limits.total_s:g} s")
        case httpcore.RemoteProtocolError() if "disconnected without" in text:
            return Failure("closed", "the connection was closed without an answer")
        case httpcore.RemoteProtocolError() | h11.RemoteProtocolError() if "buffer too long" in text:
            said = f"its head, or the line of a chunk, passed {size(limits.head_bytes)} (a bound of gateproof's own)"
            return Failure("too-large", said)
        case httpcore.RemoteProtocolError() | h11.RemoteProtocolError() if _TLS_ALERT in text:
            return Failure("protocol", "what came is TLS, and no HTTP")
        case httpcore.RemoteProtocolError() | h11.RemoteProtocolError() if "without sending complete" in text:
            return Failure("protocol", "the connection was closed in the middle of the answer")
        case httpcore.RemoteProtocolError() | h11.RemoteProtocolError():
            return Failure("protocol", f"what came is not HTTP: {text}")
        case httpcore.ConnectionNotAvailable():
            return Failure("closed", "the connection was closed without an answer")
        case httpcore.ReadError() | httpcore.WriteError() | ConnectionResetError() | BrokenPipeError():
            return Failure("closed", "the connection was reset")
        case httpcore.LocalProtocolError() | ValueError():
            return Failure("request", f"this request can't be sent: {text}")
        case OSError():
            return Failure("connect", _connect(error))
    return Failure("protocol", f"{type(error).__name__}: {text}")


def _connect(error: BaseException) -> str:
    if isinstance(error, gaierror):
        return f"the name of its host can't be resolved ({clip(error.strerror or '', 200)})"
    said = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else clip(str(error), 200)
    return f"no connection ({said or type(error).__name__})"


def tls_trouble(error: ssl.SSLError) -> str:
    """Why the handshake failed, as a person says it who does not know OpenSSL."""
    text = str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {clip(error.verify_message, 200)}"
    if "WRONG_VERSION_NUMBER" in text or "HTTP_REQUEST" in text or "RECORD_LAYER" in text:
        return "the TLS handshake failed: no TLS is spoken there"
    return f"the TLS handshake failed: {clip(error.reason or text, 200)}"


def _cause(error: BaseException) -> BaseException:
    """What an error of the client came from: that of the operating system or of TLS, at the bottom of a chain."""
    while not (isinstance(error, OSError) and error.errno):
        tried = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
        deeper = tried[0] if tried else error.__cause__ or error.__context__
        if deeper is None:
            break
        error = deeper
    return error
