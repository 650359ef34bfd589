"""Rules of the model list (`GET /models`) and of a model object."""

import re
import time
import unicodedata
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from conformance.exchange import Exchange
from conformance.rules import Json
from conformance.shape import dig, is_int, objects, show

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LONGEST_ID = 256
EARLIEST = 1.4e9


def items_are_models(document: Json) -> Iterator[str]:
    data = dig(document, "data")
    for number, item in enumerate(data if isinstance(data, list) else []):
        if not isinstance(item, dict):
            yield f"data[{number}] is {show(item)}, no object"
            continue
        if not (isinstance(item.get("id"), str) and item["id"]):
            yield f"data[{number}].id is {show(item.get('id'))}"
        if item.get("object") != "model":
            yield f'data[{number}].object is {show(item.get("object"))}, not "model"'


def items_are_dated_and_owned(document: Json) -> Iterator[str]:
    for number, item in enumerate(objects(document, "data")):
        if not is_int(item.get("created")):
            yield f"data[{number}].created is {show(item.get('created'))}, not an integer"
        if not isinstance(item.get("owned_by"), str):
            yield f"data[{number}].owned_by is {show(item.get('owned_by'))}, not a string"


def created_is_plausible(document: Json) -> Iterator[str]:
    """What is no integer is the business of items_are_dated_and_owned."""
    for number, item in enumerate(objects(document, "data")):
        created = item.get("created")
        if not is_int(created):
            continue
        if created == 0:
            yield f"data[{number}].created is 0, which stands for unknown"
        elif not EARLIEST <= created <= time.time() + 86400:
            yield f"data[{number}].created is {show(created)}, no Unix time in seconds"


def ids_are_unique(document: Json) -> Iterator[str]:
    """A list over several providers may name one id twice if each entry has its own uuid."""
    seen: set[tuple[str, str | None]] = set()
    for number, item in enumerate(objects(document, "data")):
        id, uuid = item.get("id"), item.get("uuid")
        if not isinstance(id, str):
            continue
        key = (id, uuid if isinstance(uuid, str) else None)
        if key in seen:
            yield f"data[{number}].id {show(id)} is listed twice"
        seen.add(key)


def is_whole(document: Json) -> Iterator[str]:
    if document.get("has_more"):
        yield f"has_more is {show(document['has_more'])}"


def ids_are_clean(document: Json) -> Iterator[str]:
    for number, item in enumerate(objects(document, "data")):
        id = item.get("id")
        if not isinstance(id, str):
            continue
        if id != id.strip() or _CONTROL.search(id):
            yield f"data[{number}].id {show(id)} has white space at an end or a control character"
        if len(id) > LONGEST_ID:
            yield f"data[{number}].id is {len(id)} characters long"
        if unicodedata.normalize("NFC", id) != id:
            yield f"data[{number}].id {show(id)} changes under NFC normalisation"


def ids(document: Json) -> set[str]:
    """The ids of a list. Raises Unusable if it has no array of objects."""
    return {item["id"] for item in objects(document, "data") if isinstance(item.get("id"), str)}


def stays_at_home(exchange: Exchange) -> bool:
    """A redirect to a URL of the same origin."""
    location = exchange.header("location")
    if not (300 <= exchange.status < 400 and location):
        return False
    try:
        there, here = urlsplit(urljoin(exchange.request.url, location)), urlsplit(exchange.request.url)
        return (there.scheme, there.hostname, there.port) == (here.scheme, here.hostname, here.port)
    except ValueError:
        return False
