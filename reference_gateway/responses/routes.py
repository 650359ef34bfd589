"""POST /responses, and GET and DELETE /responses/{id}, below any prefix."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from reference_gateway.call import Endpoint, Json
from reference_gateway.dialects.common import json_response, model_name
from reference_gateway.errors import ApiError, clipped
from reference_gateway.gateway import Gateway
from reference_gateway.layers.limits import read_json
from reference_gateway.registry import Served
from reference_gateway.responses.answer import ResponseAnswer
from reference_gateway.responses.asking import chat, messages
from reference_gateway.responses.checking import check
from reference_gateway.responses.kept import Kept, Turn
from reference_gateway.routing import Resource


def resources(gateway: Gateway, prefix: str, find: Callable[[str], Sequence[Served]]) -> list[Resource]:
    """The routes. `find` gives the models of this name, or raises what the dialect says of an unknown one."""
    kept = Kept()

    async def create(request: Request) -> ASGIApp:
        asked = await read_json(request, gateway.config.max_body_bytes)
        name = model_name(asked)
        served = find(name)
        check(asked)
        owner = _owner(request)
        body = chat(asked, _earlier(asked, kept, owner))
        try:
            answer = gateway.answer(Endpoint.CHAT, body, served, name)
        except ApiError as error:
            raise _in_own_words(error) from None

        def keep(response: Json) -> None:
            if asked.get("store") is not False:
                instructed = 1 if asked.get("instructions") else 0  # those of one turn are not those of the next
                kept.add(response, [*body["messages"][instructed:], *messages(response["output"])], owner)

        return ResponseAnswer(answer, asked, keep)

    def known(request: Request) -> Turn:
        id = request.path_params["id"]
        turn = kept.find(id, _owner(request))
        if turn is None:
            raise ApiError(404, f"Response with id '{clipped(id, 100)}' not found.", param="response_id")
        return turn

    async def read(request: Request) -> Response:
        return json_response(known(request).response)

    async def forget(request: Request) -> Response:
        id = known(request).response["id"]
        kept.forget(id)
        return json_response({"id": id, "object": "response", "deleted": True})

    return [
        Resource(f"{prefix}responses", {"POST": create}),
        Resource(f"{prefix}responses/{{id}}", {"GET": read, "DELETE": forget}),
    ]


def _earlier(asked: Json, kept: Kept, owner: bytes) -> list[Json]:
    """The conversation that a request goes on with."""
    id = asked.get("previous_response_id")
    if id is None:
        return []
    turn = kept.find(id, owner)
    if turn is None:
        raise ApiError(
            400,
            f"Previous response with id '{clipped(id, 100)}' not found.",
            code="previous_response_not_found",
            param="previous_response_id",
        )
    return turn.messages


def _owner(request: Request) -> bytes:
    return request.headers.get("authorization", "").encode("latin-1")


def _in_own_words(error: ApiError) -> ApiError:
    """What is wrong with the chat, told of the response: its messages are the input."""
    if error.param is None or not error.param.startswith("messages"):
        return error
    message = error.message.replace(f"'{error.param}'", "'input'")
    return replace(error, param="input", message=message)
