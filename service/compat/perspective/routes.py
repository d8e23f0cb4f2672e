"""The routes of Perspective's API, including prefixes and double slashes that result from clients' settings."""

from collections.abc import Iterator
from typing import Any

from aiohttp import web

from service.compat.perspective.analyze import ANALYZE
from service.compat.perspective.answers import preflight, render, respond
from service.compat.perspective.batch import batch
from service.compat.perspective.calls import Method, MethodCall, body_of, called, known
from service.compat.perspective.discovery import describe
from service.compat.perspective.errors import WrongMethod
from service.compat.perspective.parameters import check, key_of, query_of
from service.compat.perspective.suggest import SUGGEST
from service.http import bodies
from service.http.handling import Handler, speaking
from service.values.errors import NotFound

# Read no more than this without a valid key.
MAX_BYTES_UNKNOWN = bodies.MAX_BODY_BYTES


def _calling(method: Method[Any]) -> Handler:
    async def call(request: web.Request) -> web.StreamResponse:
        query = query_of(request.rel_url.raw_query_string)
        length = request.content_length
        if length is None or length > MAX_BYTES_UNKNOWN:
            check(query)
            await known(request, key_of(query, request.headers))
        raw = await body_of(request)
        return respond(request, await called(MethodCall(request, query, request.headers, raw), method))

    return call


async def nowhere(_: web.Request) -> web.StreamResponse:
    raise NotFound("Method not found.")


def _allowing(methods: str) -> Handler:
    async def refuse(_: web.Request) -> web.StreamResponse:
        raise WrongMethod(methods)

    return refuse


def _forms(path: str) -> list[str]:
    """The path itself, and the same path below a prefix that a proxy did not remove."""
    return [f"/{path}", f"/{{before:{_PREFIX}}}{path}"]


_PREFIX = "[A-Za-z0-9._~/-]+/"


def _posts(path: str, name: str, handle: Handler) -> Iterator[web.RouteDef]:
    yield web.post(path, speaking(render, name, handle))
    yield web.options(path, preflight)
    yield web.route("*", path, speaking(render, name, _allowing("POST, OPTIONS")))


def _routes() -> Iterator[web.RouteDef]:
    for name, method in (("analyze", ANALYZE), ("suggestscore", SUGGEST)):
        # A base URL with a trailing slash results in two slashes.
        doubled = f"{{slashes:/*}}{{method:comments:{name}}}"
        for path in (f"/v1alpha1/comments:{name}", *_forms(f"v1alpha1/{doubled}")):
            yield from _posts(path, f"perspective_{name}", _calling(method))
    for path in (*_forms("batch"), *_forms("batch/commentanalyzer/v1alpha1")):
        yield from _posts(path, "perspective_batch", batch)
    for path in _forms("$discovery/rest"):
        yield web.get(path, speaking(render, "perspective_discovery", describe))
        yield web.options(path, preflight)
    for path in ("/v1alpha1", *_forms("v1alpha1/{rest:.*}")):
        yield web.route("*", path, speaking(render, "perspective_nowhere", nowhere))


ROUTES = tuple(_routes())
# The usual spelling; the other forms are rare.
HOT = (("POST", "/v1alpha1/comments:analyze"),)
