"""Operations of the API: the route table's rows, and the handling that all of them share."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from aiohttp import hdrs, web

from service.http import bodies
from service.http.admission import admitted, bearer
from service.http.handling import Handler, counted
from service.http.written import Written, is_plain
from service.values.access import ApiKey, Scope

JSON, NDJSON = "application/json", "application/x-ndjson"


class NoParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Call(NamedTuple):
    """An admitted request: its key, parameters and body."""

    request: web.Request
    key: ApiKey
    body: Any
    query: Any

    @property
    def id(self) -> str:
        return self.request.match_info["id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A row of the route table, from which /openapi.json is generated too.

    `handler` returns a struct (200, JSON), None (204) or a response. A body that is not JSON is passed to it as text.
    `also_takes`, `also_gives`: other content types of the body, as text, and of the answer. `is_hot`: one of the
    busiest routes, which use the fast path (service/http/shortcut.py).
    """

    method: str
    path: str
    handler: Callable[[Call], Awaitable[Any]]
    scope: Scope
    or_scope: Scope | None = None
    # A key with only one of these gets a part of the answer.
    also_scopes: tuple[Scope, ...] = ()
    summary: str
    tag: str
    body: type | None = None
    takes: str = JSON
    also_takes: tuple[str, ...] = ()
    gives: str = JSON
    also_gives: tuple[str, ...] = ()
    query: type = NoParameters
    answer: type | None = None
    status: int = 200
    limit: int = bodies.MAX_REQUEST_BYTES
    problems: tuple[int, ...] = ()
    is_hot: bool = False

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """A key needs one of these."""
        return tuple(scope for scope in (self.scope, self.or_scope, *self.also_scopes) if scope)

    @property
    def name(self) -> str:
        return self.handler.__name__


def routes(operations: Iterable[Operation]) -> list[web.RouteDef]:
    return [web.route(operation.method, _pattern(operation.path), _handler(operation)) for operation in operations]


def _pattern(path: str) -> str:
    """A parameter matches any one segment. aiohttp's default pattern excludes braces, which ids may contain."""
    return path.replace("}", ":[^/]+}")


def _handler(operation: Operation) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        # Before checking the key: a key in the query string is reported as such, not as missing.
        query = bodies.parameters(request, operation.query) if request.query_string else operation.query()
        key = await admitted(request, bearer(request), *operation.scopes)
        body = await _body(request, operation)
        answer = await operation.handler(Call(request, key, body, query))
        # First check for a struct: aiohttp's responses are mappings, so isinstance takes a hundred times as long.
        if isinstance(answer, msgspec.Struct):
            return respond(request, answer)
        return answer if isinstance(answer, web.StreamResponse) else respond(request, answer)

    return counted(operation.name, handle)


async def _body(request: web.Request, operation: Operation) -> Any:  # noqa: ANN401 - the operation's own type
    if operation.body is None:
        return None
    if operation.also_takes and request.content_type in operation.also_takes:
        return bodies.decoded(await bodies.read(request, None, operation.limit))
    raw = await bodies.read(request, operation.takes, operation.limit, operation.also_takes)
    if operation.takes != JSON:
        return bodies.decoded(raw)
    if operation.limit > bodies.MAX_BATCH_BYTES:  # so large a body would delay other requests
        return await asyncio.to_thread(bodies.shaped, raw, operation.body)
    return bodies.shaped(raw, operation.body)


def respond(request: web.Request, answer: Any) -> web.StreamResponse:  # noqa: ANN401 - any struct
    if answer is None:
        return web.Response(status=204)
    body = _encode(answer)
    is_written = is_plain(request) and hdrs.ORIGIN not in request.headers  # other origins need CORS headers
    return Written(body) if is_written else web.Response(body=body, content_type=JSON)


_encode = msgspec.json.Encoder().encode
