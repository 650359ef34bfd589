"""What the users of one locust process send, and where: found out once per run, from options and gateway."""
# mypy: allow-untyped-calls

import argparse
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from gevent.lock import RLock

from conformance.redact import Redactor
from conformance.target import ConfigError, Target
from load.client import Client
from load.client.endpoint import Endpoint
from load.client.reply import Reply
from load.options import SEARCH_TIMES, Settings, direct_of, settings_of, target_of
from load.scenarios import MIXED, SCENARIOS, bodies, members
from load.scenarios.prompts import Prompt

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
    """Everything a user needs to send its requests.

    `models` are model ids by endpoint (chat, completions, embeddings), of those endpoints that were asked for and
    answer. `token_key` is the name the chat model wants for max_tokens. `direct` is the plan for the provider itself,
    where what the gateway adds is measured.
    """

    endpoint: Endpoint
    redactor: Redactor
    settings: Settings
    models: Mapping[str, str]
    token_key: str = "max_tokens"
    direct: "Plan | None" = None

    @property
    def max_tokens(self) -> int | None:
        return self.settings.max_tokens

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        return self.settings.prompts


class Planner:
    """Makes the plan when the first user asks for it; the others wait for that and share it."""

    def __init__(self) -> None:
        self._lock: Any = RLock()
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._failure: tuple[float, NoPlan] | None = None

    def clear(self) -> None:
        self._plans.clear()
        self._failure = None

    @property
    def model(self) -> str | None:
        """The model that is asked, by the first plan that was made."""
        return next((model for plan in self._plans.values() for model in plan.models.values()), None)

    def plan(self, options: argparse.Namespace, host: str | None, names: Collection[str]) -> Plan:
        """The plan for the scenarios of these names. Raises NoPlan while the gateway can't be asked or has no model."""
        key = tuple(sorted(names))
        with self._lock:
            if key not in self._plans:
                if self._failure and perf_counter() - self._failure[0] < KEEP_FAILURE_S:
                    raise self._failure[1]
                try:
                    self._plans[key] = make_plan(options, host, key)
                except NoPlan as failure:
                    self._failure = perf_counter(), failure
                    raise
            return self._plans[key]


def make_plan(options: argparse.Namespace, host: str | None, names: Collection[str]) -> Plan:
    """Asks the gateway for models and tries each with one short request. Raises NoPlan."""
    try:
        target = target_of(options, host)
        settings = settings_of(options)
        endpoint = Endpoint.of(target)
        direct = direct_of(target, settings)
    except ConfigError as error:
        raise NoPlan("configuration", str(error)) from None
    plan = _found(target, endpoint, settings, names)
    return replace(plan, direct=_found(direct, Endpoint.of(direct), settings, names)) if direct else plan


def _found(target: Target, endpoint: Endpoint, settings: Settings, names: Collection[str]) -> Plan:
    redactor = Redactor(target.secrets)
    client = Client(replace(endpoint, limit_s=min(endpoint.limit_s, SEARCH_TIMES * endpoint.timeout_s)))
    try:
        return _Search(client, target, redactor).fill(Plan(endpoint, redactor, settings, {}), names)
    finally:
        client.close()


class _Search:
    """Looks for models of one gateway: those that were named, or the first listed ones that answer."""

    def __init__(self, client: Client, target: Target, redactor: Redactor) -> None:
        self._client, self._target, self._redactor = client, target, redactor
        self._ids: list[str] | None = None

    def fill(self, plan: Plan, names: Collection[str]) -> Plan:
        """The plan with a model for every endpoint that these scenarios can't do without, and for those that a mixed
        workload would like, if the gateway has one."""
        musts = {need for name in names if name in SCENARIOS for need in SCENARIOS[name].needs}
        wishes = {need for name in names for member in members(name) for need in SCENARIOS[member].needs}
        models, token_key = {}, plan.token_key
        if MIXED in names:
            musts.add("chat")
        for need in sorted(wishes):
            try:
                models[need], key = getattr(self, f"_{need}")()
                token_key = key or token_key
            except NoPlan:
                if need in musts:
                    raise
        return replace(plan, models=models, token_key=token_key)

    def _chat(self) -> tuple[str, str]:
        if self._target.model:
            return self._target.model, self._token_key(self._target.model)[0] or "max_tokens"
        first: Reply | None = None
        for model in self._listed()[:MODELS_TRIED]:
            found, reply = self._token_key(model)
            if found:
                return model, found
            first = first or reply
        raise self._none("chat", first)

    def _completions(self) -> tuple[str, None]:
        def body(model: str) -> bytes:
            return bodies.completion(model, "Hello", 1, stream=False)

        def listed() -> list[str]:
            return [self._target.model] if self._target.model else self._listed()

        return self._first("completions", "/completions", self._target.completions_model, listed, body), None

    def _embeddings(self) -> tuple[str, None]:
        def listed() -> list[str]:
            return sorted(self._listed(), key=lambda model: "embed" not in model.lower())

        def body(model: str) -> bytes:
            return bodies.embeddings(model, ["Hello"])

        return self._first("embeddings", "/embeddings", self._target.embeddings_model, listed, body), None

    def _first(self, need: str, path: str, named: str | None, listed: Any, body: Any) -> str:
        """The named model, which is not tried, or the first listed one that answers at this path."""
        if named:
            return named
        first: Reply | None = None
        for model in listed()[:MODELS_TRIED]:
            reply = self._client.fetch("POST", path, body(model))
            if reply.outcome[0] is None:
                return str(model)
            first = first or reply
        raise self._none(need, first)

    def _none(self, need: str, first: Reply | None) -> NoPlan:
        kind, detail = first.outcome if first else (None, "")
        said = detail or "the gateway lists no model; name one"
        return NoPlan(kind or "no model", self._redactor.text(f"no model for {need}: {said}"))

    def _listed(self) -> list[str]:
        if self._ids is None:
            reply = self._client.fetch("GET", "/models")
            kind, detail = reply.outcome
            if kind:
                raise NoPlan(kind, self._redactor.text(detail))
            rows = reply.json.get("data")
            found = [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
            self._ids = [model for model in found if isinstance(model, str) and model]
        return self._ids

    def _token_key(self, model: str) -> tuple[str | None, Reply]:
        """The name of the token limit with which this model answers a chat; None, and the refusal, if it does not."""
        ask = ({"role": "user", "content": "Hello"},)
        reply = self._client.fetch("POST", "/chat/completions", bodies.chat(model, ask, 1, stream=False))
        if reply.outcome[0] is None:
            return "max_tokens", reply
        if reply.status in (400, 422):
            body = bodies.chat(model, ask, 1, stream=False, token_key="max_completion_tokens")
            if self._client.fetch("POST", "/chat/completions", body).outcome[0] is None:
                return "max_completion_tokens", reply
        return None, reply
