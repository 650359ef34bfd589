"""`gateproof serve`: starts the bundled gateway. Only arguments, messages and the exit code live here."""

import argparse
import gc
import json
import logging
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reference_gateway.access.keys import can_be_key
from reference_gateway.app import create_app
from reference_gateway.config import Config, ConfigError, NemoRule, Shapes, default_config, load, with_settings
from reference_gateway.gateway import Gateway
from reference_gateway.registry.sqlite import StateError
from reference_gateway.server import Server, ServerError, listen, url
from reference_gateway.tls import Certificate, self_signed

if TYPE_CHECKING:
    from reference_gateway.faults import Fault

EXAMPLES = (
    "gateproof serve --token sk-local-key",
    "gateproof serve --port 0 --tls-cert-out cert.pem",
    "gateproof serve --defect chat-usage-constant     # see --list-defects",
)
USAGE_ERROR = 4
LOG_LEVELS = ("critical", "error", "warning", "info", "debug")


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=_port, default=8000, help="port to listen on; 0 takes a free one (default: %(default)s)")
    add("--token", action="append", default=[], metavar="KEY", help="key that clients must send; repeatable")
    add("--readonly-token", action="append", default=[], metavar="KEY", help="key that may only list; repeatable")
    add("--state", type=Path, metavar="FILE", help="SQLite file that keeps what is registered across restarts")
    add("--config", type=Path, metavar="FILE", help="TOML file with workspaces, providers and models")
    add(
        "--nemo-rule",
        choices=list(NemoRule),
        help="names as the NeMo platform publishes them, or as its code takes them",
    )
    add("--watsonx-shapes", choices=list(Shapes), help="answers as OpenAI has them, or as the live gateway sends them")
    add("--seed", type=int, metavar="N", help="makes the simulator answer the same in every run")
    add("--ttft", type=_seconds, metavar="S", help="the simulator's time to the first token, for every model")
    add("--itl", type=_seconds, metavar="S", help="the simulator's time between tokens, for every model")
    add("--tls", action="store_true", help="serve HTTPS, with a certificate made on the fly")
    add("--tls-cert-out", type=Path, metavar="FILE", help="where clients find what they have to trust (implies --tls)")
    add("--drain-timeout", type=_seconds, default=5.0, metavar="S", help="time for open streams to end on SIGTERM")
    add("--defect", metavar="NAME", help="make the gateway wrong in one known way (see --list-defects)")
    add("--list-defects", action="store_true", help="print the known defects as JSON, and serve nothing")
    add("--hostile", metavar="NAME", help="be hostile in one known way, once a run has begun or at once")
    add("--list-hostile", action="store_true", help="print the known ways to be hostile, and serve nothing")
    add("--log-level", choices=LOG_LEVELS, default="warning", help="what is logged to stderr (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    if args.list_defects:
        return _list_defects()
    if args.list_hostile:
        return _list_hostile()
    logging.basicConfig(level=args.log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    if args.hostile is not None:
        return _serve_hostile(args)
    try:
        fault = None if args.defect is None else _fault(args.defect)
        config = _config(args)
        gateway = Gateway.open(
            config,
            tokens=_tokens("--token", args.token),
            readonly_tokens=_tokens("--readonly-token", args.readonly_token),
            seed=args.seed,
            state=args.state,
        )
        certificate = _certificate(args)
        listener = listen(args.host, args.port)
    except (ConfigError, ServerError, StateError) as error:
        print(f"gateproof serve: {error}", file=sys.stderr)
        return USAGE_ERROR
    app, scheme = create_app(gateway), "http" if certificate is None else "https"
    if fault is not None:
        app = fault.wrap(app)

    def ready() -> None:
        print(f"listening on {url(listener, scheme)}", flush=True)

    if fault is not None and fault.tcp is not None:
        from reference_gateway.faults.serving import serve_below

        drain_s = args.drain_timeout
        serve_below(app, fault.tcp, listener, when_ready=ready, certificate=certificate, drain_timeout_s=drain_s)
        return 0
    server = Server(app, drain_timeout_s=args.drain_timeout, log_level=args.log_level, certificate=certificate)
    server.before_start = server.stop_on_signals
    # What is here now stays: to look through it for garbage would stop all streams for tens of milliseconds.
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    server.when_ready = ready
    server.run([listener])
    return 0


def _list_defects() -> int:
    from reference_gateway.faults import FAULTS

    print(json.dumps([fault.listed() for fault in FAULTS.values()], indent=1, ensure_ascii=False))
    return 0


def _list_hostile() -> int:
    from reference_gateway.hostile import CASES

    for case in CASES.values():
        print(f"{case.name:27}{case.does}")
    return 0


def _serve_hostile(args: argparse.Namespace) -> int:
    """Until it is interrupted, or the case ends itself."""
    from threading import Event

    from reference_gateway.hostile import CASES
    from reference_gateway.hostile.serving import serving

    case = CASES.get(args.hostile)
    if case is None or len(args.token) != 1:
        what = f"there is no {args.hostile!r} (see --list-hostile)" if case is None else "needs one --token"
        print(f"gateproof serve: --hostile: {what}", file=sys.stderr)
        return USAGE_ERROR
    try:
        with serving(case, args.token[0], host=args.host, port=args.port) as served, suppress(KeyboardInterrupt):
            print(f"listening on {served.url}", flush=True)
            Event().wait()
    except ServerError as error:
        print(f"gateproof serve: {error}", file=sys.stderr)
        return USAGE_ERROR
    return 0


def _fault(name: str) -> "Fault":
    """The defect of this name. Raises ServerError with the nearest names."""
    from difflib import get_close_matches

    from reference_gateway.faults import FAULTS

    if name in FAULTS:
        return FAULTS[name]
    near = get_close_matches(name, FAULTS, n=3, cutoff=0.4)
    hint = f"; the nearest are {', '.join(near)}" if near else " (see --list-defects)"
    raise ServerError(f"--defect: there is no defect {name!r}{hint}")


def _config(args: argparse.Namespace) -> Config:
    config = default_config() if args.config is None else load(args.config)
    if args.nemo_rule is not None:
        config = replace(config, nemo_rule=NemoRule(args.nemo_rule))
    if args.watsonx_shapes is not None:
        config = replace(config, watsonx_shapes=Shapes(args.watsonx_shapes))
    overrides = {"ttft_s": args.ttft, "itl_s": args.itl}
    return with_settings(config, {key: value for key, value in overrides.items() if value is not None})


def _certificate(args: argparse.Namespace) -> Certificate | None:
    if not args.tls and args.tls_cert_out is None:
        return None
    certificate = self_signed(args.host)
    if args.tls_cert_out is not None:
        try:
            args.tls_cert_out.write_bytes(certificate.authority_pem)
        except OSError as error:
            raise ServerError(f"{args.tls_cert_out}: {(error.strerror or str(error)).lower()}") from None
    return certificate


def _tokens(option: str, tokens: list[str]) -> list[str]:
    for number, token in enumerate(tokens, 1):
        if not can_be_key(token):
            raise ServerError(f"{option} number {number} can't be sent: only visible ASCII without spaces can")
    return tokens


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is not a port (0 to 65535)")
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a time in seconds")
    return seconds
