"""Rules of a gateway's providers: their list, their models against the global list, and what must never be shown."""

import re
from collections.abc import Iterator
from typing import Any

from conformance.rules import Json
from conformance.shape import objects, show

_SECRET_NAME = re.compile(r"api_?key|secret|token|password|credential", re.IGNORECASE)
_POINTER_NAME = re.compile(r"_(id|name|ref|reference|crn|path|url|uri|type|format)$", re.IGNORECASE)
_POINTER = re.compile(r"crn:|vault:|secret:|arn:|\$\{|\{\{|https?://[^@\s]*$", re.IGNORECASE)
_MASKED = re.compile(r"[*•…]|\.{3}|x{4,}|redacted|masked|hidden", re.IGNORECASE)
_IN_THE_CLEAR = {
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


def uuids(document: Json) -> list[str]:
    """The usable uuids of a provider list. Raises Unusable if it has no array of objects."""
    found = (item.get("uuid") for item in objects(document, "data"))
    return list(dict.fromkeys(uuid for uuid in found if isinstance(uuid, str) and uuid))


def missing_and_extra(everywhere: Json, by_provider: dict[str, Json]) -> Iterator[str]:
    """What the list over all providers lacks of the providers' own lists, and what it has beyond them.

    Entries are the same if their uuids are; where uuids are not given throughout, if they share an id or alias.
    """
    own = [(provider, item) for provider, document in by_provider.items() for item in objects(document, "data")]
    listed = objects(everywhere, "data")
    have_uuids = all(isinstance(item.get("uuid"), str) for item in [*listed, *(item for _, item in own)])
    keys = ("uuid",) if have_uuids else ("id", "alias")
    in_list = set().union(*(_names(item, keys) for item in listed))
    in_providers = set().union(*(_names(item, keys) for _, item in own))
    for provider, item in own:
        if not _names(item, keys) & in_list:
            yield f"{_called(item)} of provider {provider} is missing"
    for item in listed:
        if not _names(item, keys) & in_providers:
            yield f"{_called(item)} belongs to no provider"


def secrets_in_the_clear(document: Any, path: str = "") -> Iterator[str]:
    """Where a credential can be read, by its place: never the credential itself."""
    if isinstance(document, dict):
        for key, value in document.items():
            place = f"{path}.{key}".removeprefix(".")
            if isinstance(value, str) and _names_a_secret(key) and _can_be_read(value):
                yield f"{place} shows {len(value)} characters"
            else:
                yield from secrets_in_the_clear(value, place)
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from secrets_in_the_clear(value, f"{path}[{number}]")
    elif isinstance(document, str):
        yield from (f"{path} holds {what}" for what, pattern in _IN_THE_CLEAR.items() if pattern.search(document))


def _names_a_secret(key: str) -> bool:
    return _SECRET_NAME.search(key) is not None and _POINTER_NAME.search(key) is None


def _can_be_read(value: str) -> bool:
    return bool(value.strip()) and not _MASKED.search(value) and not _POINTER.match(value)


def _names(item: Json, keys: tuple[str, ...]) -> set[str]:
    return {item[key] for key in keys if isinstance(item.get(key), str) and item[key]}


def _called(item: Json) -> str:
    return show(item.get("id") or item.get("uuid"))
