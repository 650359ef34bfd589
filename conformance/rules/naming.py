"""Rules of ids of the form workspace/entity."""

from collections.abc import Iterator

from conformance.rules import Json
from conformance.shape import objects, show

ADAPTERS = "&adapters/"
"""Stands in the id of a model with an adapter, which holds a second workspace and name."""


def ids_have_two_segments(document: Json) -> Iterator[str]:
    for number, item in enumerate(objects(document, "data")):
        id = item.get("id")
        segments = id.partition(ADAPTERS)[0].split("/") if isinstance(id, str) else []
        if len(segments) != 2 or not all(segments):
            yield f"data[{number}].id is {show(id)}"
