"""Endpoints for operators: health, readiness, metrics, description. Only the metrics need a key."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from aiohttp import web

from service import app_keys as keys
from service import metrics
from service.http.admission import admitted, bearer, take_as_stranger
from service.http.handling import log_unforeseen
from service.values.access import Scope
from service.values.errors import ServiceError, SettingsError

_STATIC = files(__package__).joinpath("static")
_DOCUMENTATION_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The files that /docs may load; no other file of the package is served.
_ASSETS = {
    "docs.js": ("docs.js", "text/javascript"),
    "docs.css": ("docs.css", "text/css"),
    "swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": ("swagger-ui/swagger-ui.css", "text/css"),
}


async def livez(_: web.Request) -> web.Response:
    return _json({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Check every resource, and name each one that fails."""
    state: dict[str, Any] = {
        "model": await _asked(_model, request),
        "store": await _asked(_store, request),
        "background": await _asked(_background, request),
    }
    problems = {part: found["problem"] for part, found in state.items() if "problem" in found}
    state["status"] = "unavailable" if problems else "ok"
    return _json(state, status=503 if problems else 200)


async def show_metrics_to_admins(request: web.Request) -> web.Response:
    """On the port that everybody reaches: they name sites. Raises what `admitted` does."""
    await admitted(request, bearer(request), Scope.ADMIN)
    return await show_metrics(request)


async def show_metrics(_: web.Request) -> web.Response:
    body = await asyncio.to_thread(metrics.render)
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def documentation(request: web.Request) -> web.Response:
    take_as_stranger(request)
    page = _STATIC.joinpath("docs.html").read_text()
    return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": _DOCUMENTATION_CSP})


async def documentation_asset(request: web.Request) -> web.Response:
    take_as_stranger(request)  # the largest file is over a megabyte
    found = _ASSETS.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    path, content_type = found
    body = await asyncio.to_thread(_STATIC.joinpath(path).read_bytes)
    return web.Response(body=body, content_type=content_type)


def describing(describe: Callable[[], dict[str, Any]]) -> web.RouteDef:
    """`describe` is called once, on the first request, so that it does not delay the start."""

    @cache
    def body() -> bytes:
        return msgspec.json.encode(describe())

    async def openapi(request: web.Request) -> web.Response:
        take_as_stranger(request)
        return web.Response(body=body(), content_type="application/json")

    return web.get("/openapi.json", openapi)


ROUTES = (
    web.get("/livez", livez),
    web.get("/readyz", readyz),
    web.get("/docs", documentation),
    web.get("/docs/{name}", documentation_asset),
)
METRICS = web.get("/metrics", show_metrics)
GUARDED_METRICS = web.get("/metrics", show_metrics_to_admins)


async def _asked(part: Callable[[web.Request], Awaitable[dict[str, Any]]], request: web.Request) -> dict[str, Any]:
    try:
        return await part(request)
    except (ServiceError, SettingsError) as error:
        return {"problem": str(error)}
    except Exception as error:  # noqa: BLE001 - who asks whether we are ready gets an answer
        return {"problem": f"the error is ours; it is in the log under {log_unforeseen(error)}"}


async def _model(request: web.Request) -> dict[str, Any]:
    return {"version": request.app[keys.MODELS].current.version}


async def _store(request: web.Request) -> dict[str, Any]:
    store = request.app[keys.STORE]
    await store.check()
    return {"durability": store.durability.mode}


async def _background(request: web.Request) -> dict[str, Any]:
    """The background loops, by their names in steward_background_failures_total."""
    down = request.app[keys.BACKGROUND].down()
    if not down:
        return {}
    named = ", ".join(f"{name} for {down_s:.0f} s" for name, down_s in sorted(down.items()))
    return {"problem": f"down: {named}"}


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")
