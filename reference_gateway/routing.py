"""One URL and what each method does there. Paths match exactly: no redirects, no trailing slash forgiven."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reference_gateway.errors import method_not_allowed

Handler = Callable[[Request], Awaitable[Response | ASGIApp]]


class _Rest(Convertor[str]):
    """The rest of a path, slashes and line breaks included."""

    regex = r"[\s\S]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("rest", _Rest())


class Resource(Route):
    """A route for every method: it calls the handler of the method, or tells which methods there are."""

    def __init__(self, path: str, handlers: Mapping[str, Handler]) -> None:
        allowed = [*handlers, *(["HEAD"] if "GET" in handlers else []), "OPTIONS"]
        allow = ", ".join(sorted(allowed))

        async def answer(request: Request) -> Response | ASGIApp:
            method = "GET" if request.method == "HEAD" else request.method
            if method == "OPTIONS":
                return Response(status_code=204, headers={"allow": allow})
            if method not in handlers:
                raise method_not_allowed(request.method, allow)
            return await handlers[method](request)

        super().__init__(path, answer)
        self.methods = None
        self._answer = answer

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        # Starlette's `$` would let a path end in a line break.
        if scope["type"] != "http" or self.path_regex.fullmatch(scope["path"]) is None:
            return Match.NONE, {}
        return super().matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starlette's own way keeps the request, and layers for exceptions that nobody raises, while a stream lasts."""
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)


class Routes:
    """Finds the resource of a request among those that begin as its path does; what has none goes to `default`."""

    def __init__(self, resources: Iterable[Resource], default: ASGIApp, lifespan: ASGIApp) -> None:
        self._default, self._lifespan = default, lifespan
        self._alike: dict[str, list[Resource]] = {}
        for resource in resources:
            self._alike.setdefault(_beginning(resource.path), []).append(resource)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._lifespan(scope, receive, send)
        for resource in self._alike.get(_beginning(scope["path"]), ()):
            match, found = resource.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                return resource.handle(scope, receive, send)
        return self._default(scope, receive, send)


def _beginning(path: str) -> str:
    """The first segment of a path, which no route leaves open."""
    return "/".join(path.split("/", 2)[:2])
