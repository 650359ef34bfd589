"""Reads the gateway's TOML file (or the embedded default) into a registry and limits. Every key is known: a key that
isn't is an error that names the nearest one."""

import difflib
import os
import re
import tomllib
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from reference_gateway.access.keys import ALL, Key, Permission, can_be_key
from reference_gateway.call import Endpoint, Json
from reference_gateway.registry import (
    CREATED,
    Entity,
    Model,
    Provider,
    Registry,
    UpstreamOptions,
    Workspace,
    stable_uuid,
)
from reference_gateway.registry.changes import Conflict, with_provider

T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)
Kind = type | tuple[type, ...]

ENDPOINT_WORDS = {
    "chat": Endpoint.CHAT,
    "completions": Endpoint.COMPLETIONS,
    "embeddings": Endpoint.EMBEDDINGS,
}
PROVIDER_TYPES = ("simulator", "upstream")
HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
ENTITY_NAME_PATTERN = "[a-z0-9][a-z0-9-]{0,61}[a-z0-9]"

ROOT_KEYS = (
    "max_body_bytes", "entity_name_pattern", "retry_interval_s", "keys", "nemo", "watsonx", "workspaces", "providers"
)  # fmt: skip
NEMO_KEYS = ("rule",)
WATSONX_KEYS = ("shapes",)
KEY_KEYS = ("token", "permissions")
WORKSPACE_KEYS = ("name", "entities")
ENTITY_KEYS = ("name", "model")
UPSTREAM_KEYS = ("base_url", "api_key", "api_key_env", "headers", "timeout_s", "connect_timeout_s")
PROVIDER_KEYS = ("name", "type", "uuid", "workspace", "models", *UPSTREAM_KEYS)
MODEL_KEYS = ("id", "served_name", "alias", "uuid", "created", "endpoints", "settings")

NUMBER = (int, float)
SETTING_TYPES: Mapping[str, Kind] = {
    "ttft_s": NUMBER,
    "itl_s": NUMBER,
    "dimensions": int,
    "vision": bool,
    "remote_images": bool,
}


class ConfigError(Exception):
    """The configuration can't be used; the message is one line for the person who wrote it."""


class NemoRule(StrEnum):
    """What the platform's documentation says, or what its code was seen to do."""

    PUBLISHED = "published"
    DEPLOYED = "deployed"


class Shapes(StrEnum):
    """Answers as OpenAI documents them, or as the live watsonx gateway was recorded to send them."""

    OPENAI = "openai"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Config:
    registry: Registry = field(default_factory=Registry)
    """What is registered when the gateway starts for the first time."""
    max_body_bytes: int = 10 * 1024 * 1024
    entity_name_pattern: re.Pattern[str] = re.compile(ENTITY_NAME_PATTERN)
    retry_interval_s: float = 5.0
    """How long a provider that could not be reached is left alone."""
    keys: tuple[Key, ...] = field(default=(), repr=False)
    nemo_rule: NemoRule = NemoRule.PUBLISHED
    watsonx_shapes: Shapes = Shapes.OPENAI
    settings: Json = field(default_factory=dict)
    """Laid over those of every model."""


def default_config() -> Config:
    return parse(resources.files("reference_gateway").joinpath("default.toml").read_text("utf-8"))


def load(path: Path) -> Config:
    """Reads a configuration file. Raises ConfigError, with the file's name in it."""
    try:
        return parse(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse(text: str) -> Config:
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"not valid TOML: {error}") from None
    root = Table(document, "", ROOT_KEYS)
    pattern = _pattern(root.get("entity_name_pattern", str, ENTITY_NAME_PATTERN))
    providers = tuple(_provider(table) for table in root.tables("providers", PROVIDER_KEYS))
    spaces = [(table, _workspace(table, pattern)) for table in root.tables("workspaces", WORKSPACE_KEYS)]
    registry = _registry(providers, tuple(workspace for _, workspace in spaces) or (Workspace("default"),))
    for table, workspace in spaces:
        registry = _linked(registry, table, workspace)
    max_body_bytes = root.get("max_body_bytes", int, 10 * 1024 * 1024)
    if max_body_bytes < 1:
        raise ConfigError("max_body_bytes must be positive")
    return Config(
        registry,
        max_body_bytes,
        pattern,
        retry_interval_s=_timeout(root, "retry_interval_s", 5.0),
        keys=tuple(_key(table) for table in root.tables("keys", KEY_KEYS)),
        nemo_rule=_word(root, "nemo", NEMO_KEYS, "rule", NemoRule, NemoRule.PUBLISHED),
        watsonx_shapes=_word(root, "watsonx", WATSONX_KEYS, "shapes", Shapes, Shapes.OPENAI),
    )


def with_settings(config: Config, settings: Json) -> Config:
    """The same configuration with these settings laid over those of every model."""
    return replace(config, settings=config.settings | settings)


class Table:
    """A TOML table and where it stands; reading from it reports mistakes with that place."""

    def __init__(self, values: Mapping[str, Any], place: str, known: Collection[str]) -> None:
        self.values, self.place = values, place
        for key in values:
            if key not in known:
                raise ConfigError(f"{self.at(key)}: unknown key{_nearest(key, known)}")

    def at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def get(self, key: str, kind: Kind, default: T) -> T:
        """The value of a key, which must be of this kind, or the default. True and false are never numbers."""
        if key not in self.values:
            return default
        value = self.values[key]
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise ConfigError(f"{self.at(key)}: expected {' or '.join(each.__name__ for each in kinds)}")
        return cast(T, value)

    def required(self, key: str) -> str:
        value = self.get(key, str, "")
        if not value:
            raise ConfigError(f"{self.at(key)}: missing")
        return value

    def tables(self, key: str, known: Collection[str]) -> "Iterable[Table]":
        entries: list[Any] = self.get(key, list, [])
        for number, values in enumerate(entries):
            place = f"{self.at(key)}[{number}]"
            if not isinstance(values, dict):
                raise ConfigError(f"{place}: expected a table")
            yield Table(values, place, known)


def _nearest(word: str, known: Collection[str]) -> str:
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else f"; known keys: {', '.join(sorted(known))}"


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ConfigError(f"entity_name_pattern: not a regular expression: {error}") from None


def _provider(table: Table) -> Provider:
    name, type_, workspace = table.required("name"), table.required("type"), table.get("workspace", str, "default")
    if type_ not in PROVIDER_TYPES:
        raise ConfigError(f"{table.at('type')}: unknown type {type_!r}{_nearest(type_, PROVIDER_TYPES)}")
    if type_ != "upstream":
        for key in UPSTREAM_KEYS:
            if key in table.values:
                raise ConfigError(f"{table.at(key)}: only providers of type 'upstream' have it")
    return Provider(
        name=name,
        uuid=_uuid(table, "provider", name if workspace == "default" else f"{workspace}/{name}"),
        type=type_,
        workspace=workspace,
        models=tuple(_model(each, workspace, name) for each in table.tables("models", MODEL_KEYS)),
        upstream=_upstream(table) if type_ == "upstream" else None,
    )


def _uuid(table: Table, *names: str) -> str:
    try:
        return str(uuid.UUID(table.get("uuid", str, stable_uuid(*names))))
    except ValueError:
        raise ConfigError(f"{table.at('uuid')}: not a UUID") from None


def _upstream(table: Table) -> UpstreamOptions:
    headers: dict[str, str] = table.get("headers", dict, {})
    for name, value in headers.items():
        if not isinstance(value, str) or not _can_be_sent(value) or re.fullmatch(HEADER_NAME, name) is None:
            raise ConfigError(f"{table.at('headers')}: {name!r} and its value can't be sent as a header")
    return UpstreamOptions(
        base_url=_base_url(table),
        api_key=_api_key(table),
        headers=headers,
        timeout_s=_timeout(table, "timeout_s", 600.0),
        connect_timeout_s=_timeout(table, "connect_timeout_s", 10.0),
    )


def _base_url(table: Table) -> str:
    base_url = table.required("base_url")
    try:
        parts = urlsplit(base_url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not _can_be_sent(base_url) or " " in base_url:
        raise ConfigError(f"{table.at('base_url')}: expected an http:// or https:// URL")
    return base_url


def _can_be_sent(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _timeout(table: Table, key: str, default: float) -> float:
    seconds = table.get(key, NUMBER, default)
    if not 0 < seconds < 1e9:
        raise ConfigError(f"{table.at(key)}: must be a positive number of seconds")
    return float(seconds)


def _api_key(table: Table) -> str | None:
    if "api_key" in table.values and "api_key_env" in table.values:
        raise ConfigError(f"{table.at('api_key_env')}: give api_key or api_key_env, not both")
    key = table.required("api_key") if "api_key" in table.values else None
    if "api_key_env" in table.values:
        variable = table.required("api_key_env")
        key = os.environ.get(variable)
        if not key:
            raise ConfigError(f"{table.at('api_key_env')}: the environment variable {variable} is not set")
    if key is not None and not _can_be_sent(key):
        raise ConfigError(f"{table.place}: the API key can't be sent: only visible ASCII can")
    return key


def _model(table: Table, workspace: str, provider: str) -> Model:
    id_ = table.required("id")
    names = (provider, id_) if workspace == "default" else (workspace, provider, id_)
    return Model(
        id=id_,
        served_name=table.get("served_name", str, id_),
        uuid=_uuid(table, "model", *names),
        endpoints=_endpoints(table),
        alias=table.required("alias") if "alias" in table.values else None,
        created=table.get("created", int, CREATED),
        settings=_settings(table),
    )


def _endpoints(table: Table) -> frozenset[Endpoint]:
    words = table.get("endpoints", list, list(ENDPOINT_WORDS))
    for word in words:
        if str(word) not in ENDPOINT_WORDS:
            raise ConfigError(
                f"{table.at('endpoints')}: unknown endpoint {word!r}{_nearest(str(word), ENDPOINT_WORDS)}"
            )
    return frozenset(ENDPOINT_WORDS[str(word)] for word in words)


def _settings(table: Table) -> Json:
    settings = Table(table.get("settings", dict, {}), table.at("settings"), SETTING_TYPES)
    for key, value in settings.values.items():
        settings.get(key, SETTING_TYPES[key], None)
        if not isinstance(value, bool) and not 0 <= value < 1e9:
            raise ConfigError(f"{settings.at(key)}: out of range")
    return dict(settings.values)


def _workspace(table: Table, pattern: re.Pattern[str]) -> Workspace:
    name = table.required("name")
    entities = tuple(
        Entity(each.required("name"), stable_uuid("entity", name, each.required("name")))
        for each in table.tables("entities", ENTITY_KEYS)
    )
    for word in (name, *(entity.name for entity in entities)):
        if pattern.fullmatch(word) is None:
            raise ConfigError(f"{table.place}: the name {word!r} does not match entity_name_pattern")
    _unique(f"entity of workspace {name!r}", entities, lambda each: each.name)
    return Workspace(name, entities)


def _linked(registry: Registry, table: Table, workspace: Workspace) -> Registry:
    """The registry in which the models that the workspace's entities name serve them."""
    for each in table.tables("entities", ENTITY_KEYS):
        if "model" not in each.values:
            continue
        reference, wanted = f"{workspace.name}/{each.required('name')}", each.required("model")
        if not registry.find(wanted):
            raise ConfigError(f"entity {reference}: no model {wanted!r}")
        providers = tuple(
            replace(provider, models=tuple(_serving(model, wanted, reference) for model in provider.models))
            for provider in registry.providers
        )
        registry = replace(registry, providers=providers)
    return registry


def _serving(model: Model, wanted: str, reference: str) -> Model:
    return replace(model, entities=model.entities | {reference}) if wanted in model.names else model


def _registry(providers: Iterable[Provider], workspaces: tuple[Workspace, ...]) -> Registry:
    """What no single table can tell: names are unique, and what they refer to exists."""
    registry = Registry(workspaces=workspaces)
    _unique("workspace", workspaces, lambda each: each.name)
    _unique("provider", providers, lambda each: each.reference.removeprefix("default/"))
    _unique("provider uuid", providers, lambda each: each.uuid)
    _unique("model uuid", [model for each in providers for model in each.models], lambda each: each.uuid)
    for provider in providers:
        if registry.workspace(provider.workspace) is None:
            raise ConfigError(f"provider {provider.name!r}: there is no workspace {provider.workspace!r}")
        try:
            registry = with_provider(registry, provider)
        except Conflict as conflict:
            raise ConfigError(str(conflict)) from None
    return registry


def _key(table: Table) -> Key:
    token = table.required("token")
    if not can_be_key(token):
        raise ConfigError(f"{table.at('token')}: it can't be sent: only visible ASCII without spaces can")
    words = table.get("permissions", list, list(ALL))
    for word in words:
        if word not in set(ALL):
            raise ConfigError(f"{table.at('permissions')}: unknown permission {word!r}{_nearest(str(word), ALL)}")
    return Key(token, frozenset(Permission(word) for word in words))


def _word(root: Table, key: str, known: Collection[str], name: str, words: type[W], default: W) -> W:
    table = Table(root.get(key, dict, {}), key, known)
    word = table.get(name, str, str(default))
    if word not in set(words):
        raise ConfigError(f"{table.at(name)}: unknown word {word!r}{_nearest(word, [str(each) for each in words])}")
    return words(word)


def _unique(what: str, things: Iterable[T], name: Callable[[T], str]) -> None:
    seen: set[str] = set()
    for thing in things:
        if name(thing) in seen:
            raise ConfigError(f"there are two of {what} {name(thing)!r}")
        seen.add(name(thing))
