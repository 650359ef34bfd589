"""Rules of ids of the form workspace/entity, and of the list of what is configured."""

import re
from collections.abc import Iterator

from conformance.names import Standing, standing
from conformance.rules import Json
from conformance.shape import is_int, objects, show

ADAPTERS = "&adapters/"
"""Stands in the id of a model with an adapter, which holds a second workspace and name."""


def ids_have_two_segments(document: Json) -> Iterator[str]:
    for number, item in enumerate(objects(document, "data")):
        id = item.get("id")
        segments = id.partition(ADAPTERS)[0].split("/") if isinstance(id, str) else []
        if len(segments) != 2 or not all(segments):
            yield f"data[{number}].id is {show(id)}"


def entities_follow(document: Json, pattern: str) -> Iterator[str]:
    """Listed entities that are none by this pattern, or, if it is "", by any reading of the published sentence."""
    for number, item in enumerate(objects(document, "data")):
        id = item.get("id")
        name = id.partition(ADAPTERS)[0].partition("/")[2] if isinstance(id, str) else ""
        good = re.fullmatch(pattern, name) if pattern else standing(name) is not Standing.INVALID
        if name and "/" not in name and not good:
            yield f"data[{number}].id is {show(id)}"


def ids_are_of_workspace(document: Json, workspace: str) -> Iterator[str]:
    for number, item in enumerate(objects(document, "data")):
        id = item.get("id")
        if isinstance(id, str) and "/" in id and not id.startswith(f"{workspace}/"):
            yield f"data[{number}].id is {show(id)}"


def taken(status: int) -> bool | None:
    """Whether a name was taken for well-formed, registered or not; None where the status does not tell."""
    return {200: True, 403: True, 404: True, 422: False}.get(status)


def is_page(document: Json, workspace: str) -> Iterator[str]:
    """The platform's own list: named entries of one workspace, and how far they reach."""
    for number, row in enumerate(objects(document, "data")):
        if not (isinstance(row.get("name"), str) and row["name"]):
            yield f"data[{number}].name is {show(row.get('name'))}"
        if row.get("workspace") != workspace:
            yield f"data[{number}].workspace is {show(row.get('workspace'))}"
    pagination = document.get("pagination")
    if not isinstance(pagination, dict):
        yield f"pagination is {show(pagination)}"
        return
    for key in ("page", "page_size", "current_page_size", "total_pages", "total_results"):
        if not is_int(pagination.get(key)):
            yield f"pagination.{key} is {show(pagination.get(key))}"
    if pagination.get("current_page_size") != len(document["data"]):
        yield f"pagination.current_page_size is {show(pagination.get('current_page_size'))}, data has another length"
    if not isinstance(document.get("sort"), str):
        yield f"sort is {show(document.get('sort'))}"
