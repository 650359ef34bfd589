"""Rules of a gateway's providers: their list, their models against the global list, and what must never be shown."""

import re
from collections.abc import Iterator
from typing import Any

from conformance.rules import Json
from conformance.shape import objects, show

_SECRET_NAME = re.compile(r"api_?key|access_?key|secret|password|passwd|credential|token$|private_?key", re.IGNORECASE)
_ABOUT_A_SECRET = re.compile(
    r"_?(id|name|ref|reference|crn|arn|path|url|uri|type|kind|mode|format|header|prefix|env|var|source|store|provider|"
    r"manager|status|version|set|expiry|expires_at|at)$",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"(crn|arn|vault|env|ref|secrets?|op):|https?://[^@\s]*$|/?(secrets?|vault|kv|projects)/|\$\{|\{\{|"
    r"(none|null|n/a|unset|set|configured|present|default|true|false|yes|no)$",
    re.IGNORECASE,
)
_MASKED = re.compile(r"\*{3}|•{2}|…|\.{3}|x{4}|redacted|masked|hidden|^[*•]+$", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_VALUE_NAMES = ("value", "key", "data", "text", "plain", "plaintext")
CREDENTIALS = {
    "an API key (sk-…)": re.compile(r"\bsk-[A-Za-z0-9_-]{16,}"),
    "an AWS access key (AKIA…)": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a JSON web token (eyJ…)": re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a URL with a password": re.compile(r"://[^/\s:@\"]+:[^/\s@\"*]+@"),
}


def uuids_are_unique(document: Json) -> Iterator[str]:
    seen: set[str] = set()
    for number, item in enumerate(objects(document, "data")):
        uuid = item.get("uuid")
        if not (isinstance(uuid, str) and uuid):
            yield f"data[{number}].uuid is {show(uuid)}"
        elif uuid in seen:
            yield f"data[{number}].uuid {show(uuid)} is listed twice"
        else:
            seen.add(uuid)


def are_described(document: Json) -> Iterator[str]:
    """A uuid that is missing is the business of uuids_are_unique."""
    for number, item in enumerate(objects(document, "data")):
        uuid = item.get("uuid")
        if isinstance(uuid, str) and uuid and not _UUID.fullmatch(uuid):
            yield f"data[{number}].uuid is {show(uuid)}, no UUID"
        for key in ("name", "type"):
            if not (isinstance(item.get(key), str) and item[key]):
                yield f"data[{number}].{key} is {show(item.get(key))}"


def embedded_otherwise(provider: Json, own: Json) -> Iterator[str]:
    """Where the models inside a provider's entry are not those of its own list. None inside says nothing."""
    inside = {"data": provider["models"]} if isinstance(provider.get("models"), list) else {}
    if not inside.get("data"):
        return
    keys = _keys(objects(inside, "data"), objects(own, "data"))
    names = [_all_names(objects(found, "data"), keys) for found in (inside, own)]
    if names[0] != names[1]:
        yield f"{_called(provider)}: only in its entry {show(sorted(names[0] - names[1]))}, only in its list " + show(
            sorted(names[1] - names[0])
        )


def owned_by_others(provider: Json, own: Json) -> Iterator[str]:
    """Models of a provider whose owner, written as type:name, is another."""
    owner = f"{provider.get('type')}:{provider.get('name')}"
    for item in objects(own, "data"):
        said = item.get("owned_by")
        if isinstance(said, str) and ":" in said and said != owner:
            yield f"{_called(item)} of {show(owner)} is owned by {show(said)}"


def uuids(document: Json) -> list[str]:
    """The usable uuids of a provider list. Raises Unusable if it has no array of objects."""
    found = (item.get("uuid") for item in objects(document, "data"))
    return list(dict.fromkeys(uuid for uuid in found if isinstance(uuid, str) and uuid))


def missing(everywhere: Json, by_provider: dict[str, Json]) -> Iterator[str]:
    """What the list over all providers lacks of the providers' own lists."""
    listed, own = _entries(everywhere, by_provider)
    keys = _keys(listed, own)
    found = _all_names(listed, keys)
    for provider, document in by_provider.items():
        for item in objects(document, "data"):
            if not _names(item, keys) & found:
                yield f"{_called(item)} of provider {provider} is missing from the list over all providers"


def extra(everywhere: Json, by_provider: dict[str, Json]) -> Iterator[str]:
    """What the list over all providers has beyond the providers' own lists."""
    listed, own = _entries(everywhere, by_provider)
    keys = _keys(listed, own)
    found = _all_names(own, keys)
    for item in listed:
        if not _names(item, keys) & found:
            yield f"{_called(item)} is in no provider's list"


def secrets_in_the_clear(document: Any) -> Iterator[str]:
    """Where a credential can be read, by its place: never the credential itself."""
    for place, key, parent, text in _texts(document):
        in_secret = key.lower() in _VALUE_NAMES and _names_a_secret(parent)
        if (in_secret or _names_a_secret(key)) and can_be_read(text):
            yield f"{place} shows {len(text)} characters"
        else:
            yield from (f"{place} holds {what}" for what, pattern in CREDENTIALS.items() if pattern.search(text))


def _texts(value: Any, place: str = "", key: str = "", parent: str = "") -> Iterator[tuple[str, str, str, str]]:
    """(place, key, key around it, text) of every string; items of an array go by the key of the array."""
    if isinstance(value, str):
        yield place, key, parent, value
    elif isinstance(value, dict):
        for inner, item in value.items():
            yield from _texts(item, f"{place}.{inner}".removeprefix("."), inner, key)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{place}[{number}]", key, parent)


def _names_a_secret(key: str) -> bool:
    return _SECRET_NAME.search(key) is not None and _ABOUT_A_SECRET.search(key) is None


def can_be_read(text: str) -> bool:
    return bool(text.strip()) and not _MASKED.search(text) and not _POINTER.match(text)


def _entries(everywhere: Json, by_provider: dict[str, Json]) -> tuple[list[Json], list[Json]]:
    own = [item for document in by_provider.values() for item in objects(document, "data")]
    return objects(everywhere, "data"), own


def _keys(listed: list[Json], own: list[Json]) -> tuple[str, ...]:
    """What entries are told apart by: the uuid if all have one, else the id or the alias."""
    return ("uuid",) if all(_names(item, ("uuid",)) for item in [*listed, *own]) else ("id", "alias")


def _all_names(items: list[Json], keys: tuple[str, ...]) -> set[str]:
    return {name for item in items for name in _names(item, keys)}


def _names(item: Json, keys: tuple[str, ...]) -> set[str]:
    return {item[key] for key in keys if isinstance(item.get(key), str) and item[key]}


def _called(item: Json) -> str:
    return show(item.get("id") or item.get("name") or item.get("uuid"))
