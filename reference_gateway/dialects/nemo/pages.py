"""Lists in pages, as all of the platform's services have them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from reference_gateway.call import Json
from reference_gateway.dialects.common import json_response
from reference_gateway.dialects.nemo.fields import mistake, unprocessable

T = TypeVar("T")
MOST = 1000


@dataclass(frozen=True)
class Pages(Generic[T]):
    """How one kind of thing is listed: by which keys it can be sorted (`-` before one turns the order round), which
    is the default, and what one looks like."""

    sorts: Mapping[str, Callable[[T], Any]]
    default: str
    draw: Callable[[T], Json]

    def response(self, request: Request, things: Sequence[T]) -> Response:
        page, size = self._number(request, "page", 1), self._number(request, "page_size", 100)
        sort = request.query_params.get("sort", self.default)
        key = self.sorts.get(sort.removeprefix("-"))
        if key is None:
            expected = ", ".join(f"'{sign}{name}'" for name in self.sorts for sign in ("", "-"))
            msg = f"Input should be {expected}"
            raise unprocessable(mistake("enum", ("query", "sort"), msg, sort, ctx={"expected": expected}))
        ordered = sorted(things, key=key, reverse=sort.startswith("-"))
        shown = ordered[(page - 1) * size : page * size]
        pagination = {
            "page": page,
            "page_size": size,
            "current_page_size": len(shown),
            "total_pages": -(-len(ordered) // size),
            "total_results": len(ordered),
        }
        data = [{name: value for name, value in self.draw(each).items() if value is not None} for each in shown]
        return json_response({"data": data, "pagination": pagination, "sort": sort})

    def _number(self, request: Request, name: str, default: int) -> int:
        text = request.query_params.get(name, str(default))
        most = MOST if name == "page_size" else 10**9
        if not (text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) < 20):
            msg = "Input should be a valid integer, unable to parse string as an integer"
            raise unprocessable(mistake("int_parsing", ("query", name), msg, text))
        if int(text) < 1:
            msg = "Input should be greater than or equal to 1"
            raise unprocessable(mistake("greater_than_equal", ("query", name), msg, text, ctx={"ge": 1}))
        if int(text) > most:
            msg = f"Input should be less than or equal to {most}"
            raise unprocessable(mistake("less_than_equal", ("query", name), msg, text, ctx={"le": most}))
        return int(text)
