"""What the users of one locust process send, and where: found out once per run, from options and gateway."""
# mypy: allow-untyped-calls

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from gevent.lock import RLock

from conformance.redact import Redactor
from conformance.target import ConfigError, Target
from conformance.target import load as load_target
from load.client import Client
from load.client.endpoint import Endpoint
from load.client.reply import Reply
from load.scenarios import PROMPTS, chat_body

MODELS_TRIED = 5
KEEP_FAILURE_S = 1.0
"""Users that start while the gateway can't be asked share one failed attempt for this long."""


class NoPlan(Exception):
    """Nothing can be sent yet. `kind` is a kind of failure as in StreamResult; the message says what was seen."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a user needs to send its requests. `token_key` is the name this model wants for max_tokens."""

    endpoint: Endpoint
    redactor: Redactor
    model: str
    max_tokens: int
    token_key: str = "max_tokens"

    def chat_body(self, prompt: str, *, stream: bool) -> bytes:
        return chat_body(self.model, prompt, self.max_tokens, stream=stream, token_key=self.token_key)


class Planner:
    """Makes the plan when the first user asks for it; the others wait for that and share it."""

    def __init__(self) -> None:
        self._lock: Any = RLock()
        self._plan: Plan | None = None
        self._failure: tuple[float, NoPlan] | None = None

    def clear(self) -> None:
        self._plan = self._failure = None

    @property
    def model(self) -> str | None:
        return self._plan.model if self._plan else None

    def plan(self, options: argparse.Namespace, host: str | None) -> Plan:
        """Raises NoPlan while the gateway can't be asked or no model is found."""
        with self._lock:
            if self._plan is None:
                if self._failure and perf_counter() - self._failure[0] < KEEP_FAILURE_S:
                    raise self._failure[1]
                try:
                    self._plan = make_plan(options, host)
                except NoPlan as failure:
                    self._failure = perf_counter(), failure
                    raise
            return self._plan


def target_of(options: argparse.Namespace, host: str | None) -> Target:
    """The target that locust's options name. Raises ConfigError, with a sentence for the user."""
    flags = {
        "model": options.gateproof_model,
        "header": options.gateproof_header or os.environ.get("GATEPROOF_HEADER", "").splitlines(),
        "ca_file": options.gateproof_ca_file,
        "insecure": options.gateproof_insecure,
        "timeout": options.gateproof_timeout,
    }
    return load_target({name: value or None for name, value in flags.items()}, host or None)[0]


def make_plan(options: argparse.Namespace, host: str | None) -> Plan:
    """Asks the gateway for a model and tries it with one short chat. Raises NoPlan."""
    try:
        target = target_of(options, host)
        endpoint = Endpoint.of(target)
    except ConfigError as error:
        raise NoPlan("configuration", str(error)) from None
    redactor = Redactor(target.secrets)
    max_tokens = options.gateproof_max_tokens
    client = Client(endpoint)
    try:
        if target.model:
            key = _token_key(client, target.model)[0] or "max_tokens"
            return Plan(endpoint, redactor, target.model, max_tokens, key)
        first: Reply | None = None
        for model in _listed(client, redactor):
            found, reply = _token_key(client, model)
            if found:
                return Plan(endpoint, redactor, model, max_tokens, found)
            first = first or reply
    finally:
        client.close()
    kind, detail = first.outcome if first else (None, "")
    raise NoPlan(kind or "no model", redactor.text(detail or "the gateway lists no model; name one"))


def _listed(client: Client, redactor: Redactor) -> Iterator[str]:
    reply = client.fetch("GET", "/models")
    kind, detail = reply.outcome
    if kind:
        raise NoPlan(kind, redactor.text(detail))
    rows = reply.json.get("data")
    ids = [row["id"] for row in rows if isinstance(row, dict) and row.get("id")] if isinstance(rows, list) else []
    yield from (str(found) for found in ids[:MODELS_TRIED])


def _token_key(client: Client, model: str) -> tuple[str | None, Reply]:
    """The name of the token limit with which this model answers a chat; None, and the refusal, if it does not."""
    reply = client.fetch("POST", "/chat/completions", chat_body(model, PROMPTS[0], 1, stream=False))
    if reply.outcome[0] is None:
        return "max_tokens", reply
    if reply.status in (400, 422):
        body = chat_body(model, PROMPTS[0], 1, stream=False, token_key="max_completion_tokens")
        if client.fetch("POST", "/chat/completions", body).outcome[0] is None:
            return "max_completion_tokens", reply
    return None, reply
