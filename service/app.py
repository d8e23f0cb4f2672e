"""The composition root: the one module that knows every other."""

from collections.abc import AsyncIterator

from aiohttp import web

from service import keys
from service.api import audit, comments, labels, models, operations, policies, problems, queue, review, score
from service.api.limits import Limits
from service.api.openapi import describe
from service.api.operation import LIMITS, routes
from service.directory import Directory
from service.models import Models
from service.moderation import Moderation
from service.policy import DEFAULT
from service.settings import Settings
from service.store import open_store

OPERATIONS = (
    *score.OPERATIONS,
    *comments.OPERATIONS,
    *review.OPERATIONS,
    *queue.OPERATIONS,
    *labels.OPERATIONS,
    *models.OPERATIONS,
    *policies.OPERATIONS,
    *audit.OPERATIONS,
)


async def redis_store(app: web.Application) -> AsyncIterator[None]:
    settings = app[keys.SETTINGS]
    assert settings.redis_url is not None, "the caller starts Redis, or names one"  # noqa: S101
    async with open_store(settings, settings.redis_url) as store:
        app[keys.STORE] = store
        async with store.changes.listening():
            yield


async def directory(app: web.Application) -> AsyncIterator[None]:
    copy = app[keys.SETTINGS].data_path / "access.json"
    app[keys.DIRECTORY] = Directory(app[keys.STORE].access, copy, DEFAULT)
    async with app[keys.DIRECTORY].kept_fresh():
        yield


async def served_models(app: web.Application) -> AsyncIterator[None]:
    app[keys.MODELS] = Models(app[keys.SETTINGS].data_path / "models")
    async with app[keys.MODELS].watched():
        yield


async def moderation(app: web.Application) -> AsyncIterator[None]:
    app[keys.MODERATION] = Moderation(app[keys.MODELS], app[keys.DIRECTORY], app[keys.STORE])
    yield


async def protect(_: web.Request, response: web.StreamResponse) -> None:
    """What security.md section 2 asks of every answer."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"


def build_app(settings: Settings) -> web.Application:
    """The service as an aiohttp application; `settings.redis_url` must be set."""
    app = web.Application(middlewares=[problems.middleware], client_max_size=2 * 4 * 1024 * 1024)
    app[keys.SETTINGS] = settings
    app[LIMITS] = Limits(settings.key_rate_per_s)
    app.cleanup_ctx.extend([redis_store, directory, served_models, moderation])
    app.on_response_prepare.append(protect)
    app.add_routes(routes(OPERATIONS))
    app.add_routes(operations.ROUTES)
    app.add_routes([operations.describing(describe(OPERATIONS))])
    if settings.metrics_port is None:
        app.add_routes([operations.METRICS])
    return app


def build_metrics_app() -> web.Application:
    """Only /metrics, for a port of its own."""
    app = web.Application()
    app.add_routes([operations.METRICS])
    return app
