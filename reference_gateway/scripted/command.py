"""`gateproof upstream`: starts the scripted provider, and says how to register it behind a gateway."""

import argparse
import logging
import secrets
import sys
from importlib.resources import files

from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.gateway import Gateway
from reference_gateway.scripted.app import scripted
from reference_gateway.scripted.records import SECOND
from reference_gateway.serve import USAGE_ERROR, port
from reference_gateway.server import Server, ServerError, listen, url

EXAMPLES = (
    "gateproof upstream --key sk-upstream",
    "gateproof upstream --port 0 --snippet litellm     # and how it is registered there",
)
PACE = {"ttft_s": 0.05, "itl_s": 0.01}
"""How fast it speaks where no script says so: slow enough that a gateway which holds a stream back can be told."""


def snippets() -> dict[str, str]:
    """How it is registered with each gateway that we know, with {url}, {second}, {origin} and {key} to be filled
    in."""
    folder = files("reference_gateway.scripted") / "snippets"
    return {file.name.removesuffix(".txt"): file.read_text("utf-8") for file in folder.iterdir()}


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=port, default=9000, help="port to listen on; 0 takes a free one (default: %(default)s)")
    add("--key", metavar="KEY", help="the provider's key, which the gateway must send (default: a new one)")
    add("--snippet", choices=sorted(snippets()), help="print how it is registered with this gateway, too")


def run(args: argparse.Namespace) -> int:
    """Serves until it is interrupted. Exit code 4 where it can't listen there."""
    logging.basicConfig(level="WARNING", format="%(levelname)s %(name)s: %(message)s")
    key = args.key or f"sk-upstream-{secrets.token_hex(8)}"
    try:
        listener = listen(args.host, args.port)
    except ServerError as error:
        print(f"gateproof upstream: {error}", file=sys.stderr)
        return USAGE_ERROR
    config = with_settings(default_config(), PACE)
    app = scripted(create_app(Gateway.open(config, tokens=[key], seed=1)), key)
    origin = url(listener)
    models = sorted({model.id for provider in config.registry.providers for model in provider.models})

    def ready() -> None:
        print(f"listening on {origin}/v1\nkey: {key}\nmodels: {', '.join(models)}")
        print(f"a second provider, to fall back on: {origin}{SECOND}/v1")
        if args.snippet:
            print(filled(snippets()[args.snippet], origin, key))
        print(f"then: gateproof check YOUR-GATEWAY --upstream {origin}/v1 --upstream-key {key}", flush=True)

    server = Server(app)
    server.before_start = server.stop_on_signals
    server.when_ready = ready
    server.run([listener])
    return 0


def filled(snippet: str, origin: str, key: str) -> str:
    """The snippet with this address and key in it."""
    words = {"{url}": f"{origin}/v1", "{second}": f"{origin}{SECOND}/v1", "{origin}": origin, "{key}": key}
    for word, value in words.items():
        snippet = snippet.replace(word, value)
    return snippet
