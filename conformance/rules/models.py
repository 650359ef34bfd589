"""Rules of the model list (`GET /models`) and of a model object."""

import re
import time
import unicodedata
from collections.abc import Iterator
from typing import Any

from conformance.rules import Json
from conformance.shape import is_int, objects, show

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LONGEST_ID = 256
EARLIEST = 1.4e9


def items_are_models(document: Json) -> Iterator[str]:
    for number, item in enumerate(objects(document, "data")):
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
    for number, item in enumerate(objects(document, "data")):
        created = item.get("created")
        if isinstance(created, bool) or not isinstance(created, int | float):
            continue
        if created == 0:
            yield f"data[{number}].created is 0, which stands for unknown"
        elif not is_int(created) or not EARLIEST <= created <= time.time() + 86400:
            yield f"data[{number}].created is {show(created)}, no Unix time in seconds"


def ids_are_unique(document: Json) -> Iterator[str]:
    """A list over several providers may name one id twice if each entry has its own uuid."""
    seen: set[tuple[Any, Any]] = set()
    for number, item in enumerate(objects(document, "data")):
        key = (show(item.get("id")), show(item.get("uuid")))
        if key in seen:
            yield f"data[{number}].id {show(item.get('id'))} is listed twice"
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
