"""The composition root: the one module that imports all others."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import nullcontext
from functools import partial

from aiohttp import web

from service import app_keys as keys
from service import tracing
from service.api import (
    api_keys,
    approvals,
    articles,
    audit,
    audits,
    author_status,
    authors,
    comments,
    events,
    labels,
    lists,
    models,
    notes,
    notices,
    operations,
    policies,
    promises,
    queue,
    rechecks,
    reconcile,
    review,
    score,
    search,
    site_models,
    statements,
    stuck,
    webhooks,
)
from service.api.openapi import describe
from service.api.operation import routes
from service.background import Background
from service.cases.approvals import Approvals
from service.cases.articles import Articles
from service.cases.assigning import Assigning
from service.cases.author_status import AuthorStatusWorkflow
from service.cases.authors import Authors
from service.cases.comparison import Comparisons
from service.cases.complaints import ComplaintHandling
from service.cases.directory import Directory
from service.cases.gate import PromotionGate
from service.cases.model_roles import ModelRoles
from service.cases.models import Models
from service.cases.moderation import Moderation
from service.cases.notes import NoteTaking
from service.cases.notices import NoticeHandling
from service.cases.promotion import ModelPromotion
from service.cases.rechecking import Rechecking
from service.cases.reviewing import ReviewWorkflow
from service.cases.rulebook import Rulebook
from service.cases.shadow import Shadow
from service.cases.shadowing import Shadowing
from service.cases.upkeep import Upkeep
from service.cases.usage import Usage
from service.cases.watch import Watch
from service.compat import perspective
from service.compat.akismet import routes as akismet
from service.compat.coral import door as coral
from service.compat.openai import moderations as openai
from service.console import landing
from service.console.notice import NOTICE_BURST, NOTICE_TRIES, NOTICES_PER_S
from service.console.protection import protect as protect_pages
from service.console.reader import BURST, RATE_PER_S, TRIES
from service.console.routes import open_console
from service.console.routes import routes as console_routes
from service.demo import article
from service.http import cors, problems, traced
from service.http.admission import GUESSES, LIMITS, STRANGERS, strangers
from service.http.guesses import Guesses
from service.http.limits import Buckets, RateLimits
from service.http.shortcut import HOT_ROUTES
from service.http.stream import STREAMS, Streams
from service.http.written import PROTECTION
from service.settings import Settings
from service.store import open_store
from service.values import request_id
from service.values.errors import Retryable
from service.values.policy import DEFAULT
from service.webhooks.administration import open_webhooks

OPERATIONS = (
    *score.OPERATIONS,
    *comments.OPERATIONS,
    *reconcile.OPERATIONS,
    *search.OPERATIONS,
    *authors.OPERATIONS,
    *articles.OPERATIONS,
    *author_status.OPERATIONS,
    *events.OPERATIONS,
    *review.OPERATIONS,
    *queue.OPERATIONS,
    *stuck.OPERATIONS,
    *notes.OPERATIONS,
    *rechecks.OPERATIONS,
    *notices.OPERATIONS,
    *labels.OPERATIONS,
    *models.OPERATIONS,
    *site_models.OPERATIONS,
    *policies.OPERATIONS,
    *promises.OPERATIONS,
    *lists.OPERATIONS,
    *audit.OPERATIONS,
    *audits.OPERATIONS,
    *statements.OPERATIONS,
    *approvals.OPERATIONS,
    *webhooks.OPERATIONS,
    *api_keys.OPERATIONS,
)


async def redis_store(app: web.Application) -> AsyncIterator[None]:
    settings = app[keys.SETTINGS]
    assert settings.redis_url is not None, "the caller starts Redis, or names one"  # noqa: S101 - for the type checker
    async with open_store(settings, settings.redis_url, app[keys.BACKGROUND]) as store:
        app[keys.STORE] = store
        with contextlib.suppress(Retryable):  # it starts, and scores, while Redis is away
            await store.check()
        async with store.changes.listening():
            yield


async def directory(app: web.Application) -> AsyncIterator[None]:
    copy = app[keys.SETTINGS].data_path / "access.json"
    app[keys.DIRECTORY] = Directory(app[keys.STORE].access, copy, DEFAULT, app[keys.BACKGROUND])
    async with app[keys.DIRECTORY].kept_fresh():
        yield


async def served_models(app: web.Application) -> AsyncIterator[None]:
    settings = app[keys.SETTINGS]
    app[keys.MODELS] = Models(
        settings.data_path / "models",
        app[keys.BACKGROUND],
        both=settings.readers == "both",
        most=settings.max_models,
    )
    async with app[keys.MODELS].watched():
        yield


async def shadow(app: web.Application) -> AsyncIterator[None]:
    store = app[keys.STORE]
    app[keys.SHADOW] = Shadow(app[keys.MODELS], store.shadow, app[keys.BACKGROUND], rechecks=store.rechecks)
    app[keys.ROLES] = ModelRoles(app[keys.MODELS], app[keys.SHADOW])
    async with app[keys.SHADOW].running():
        yield


async def moderation(app: web.Application) -> AsyncIterator[None]:
    settings, store, directory = app[keys.SETTINGS], app[keys.STORE], app[keys.DIRECTORY]
    models = app[keys.MODELS]
    rulebook = Rulebook(
        directory,
        store.lists,
        app[keys.BACKGROUND],
        lambda site: models.of(site).labels,
        is_unused=models.is_waiting,
    )
    app[keys.RULEBOOK] = rulebook
    app[keys.MODERATION] = Moderation(
        app[keys.MODELS],
        directory,
        store,
        rulebook,
        app[keys.SHADOW].offer,
        hash_authors=settings.hash_authors,
        max_waiting_batches=settings.max_waiting_batches,
    )
    app[keys.AUTHORS] = Authors(store, directory, hash_authors=settings.hash_authors, is_indexed=settings.index_authors)
    app[keys.REVIEWING] = ReviewWorkflow(directory, store, settings.lease_s, hash_authors=settings.hash_authors)
    app[keys.COMPLAINTS] = ComplaintHandling(store, directory)
    app[keys.NOTES] = NoteTaking(store)
    app[keys.RECHECKING] = Rechecking(directory, store)
    app[keys.NOTICES] = NoticeHandling(store, directory)
    app[keys.ASSIGNING] = Assigning(store)
    app[keys.AUTHOR_STATUS] = AuthorStatusWorkflow(
        store, app[keys.AUTHORS], app[keys.REVIEWING], settings.undo_window_s
    )
    shadowing = Shadowing(app[keys.SHADOW], app[keys.MODELS], store, directory)
    app[keys.APPROVALS] = Approvals(
        store,
        app[keys.AUTHORS],
        app[keys.REVIEWING],
        app[keys.ROLES],
        ModelPromotion(app[keys.MODELS], shadowing, store, directory),
    )
    app[keys.ARTICLES] = Articles(store)
    app[keys.COMPARISONS] = Comparisons(store, app[keys.MODELS], directory.policy)
    app[keys.GATE] = PromotionGate(app[keys.COMPARISONS], app[keys.MODELS], store.shadow, store.draws)
    async with rulebook.kept_fresh():
        yield
    app[keys.MODERATION].executor.close()


async def usage(app: web.Application) -> AsyncIterator[None]:
    app[keys.USAGE] = Usage(app[keys.STORE].usage, app[keys.BACKGROUND])
    async with app[keys.USAGE].written():
        yield


async def upkeep(app: web.Application) -> AsyncIterator[None]:
    hash_authors = app[keys.SETTINGS].hash_authors
    async with Upkeep(app[keys.STORE], app[keys.DIRECTORY], hash_authors=hash_authors).running():
        yield


async def watch(app: web.Application) -> AsyncIterator[None]:
    async with Watch(app[keys.STORE], app[keys.DIRECTORY], app[keys.MODELS].digest).running():
        yield


async def webhook_relay(app: web.Application) -> AsyncIterator[None]:
    settings = app[keys.SETTINGS]
    async with open_webhooks(settings, app[keys.STORE]) as webhooks:
        app[keys.WEBHOOKS] = webhooks
        async with webhooks.relayed() if settings.relay else nullcontext():
            yield


async def answer_who_waits(app: web.Application) -> None:
    """End long polls and streams as soon as the service is told to stop, not at the shutdown timeout."""
    app[keys.STORE].changes.close()


async def protect(_: web.Request, response: web.StreamResponse) -> None:
    """What security.md section 2 asks of every answer, and the name of the request."""
    for name, value in PROTECTION.items():
        response.headers.setdefault(name, value)
    if asked := request_id.current():
        response.headers.setdefault(request_id.HEADER, asked)


def build_app(settings: Settings) -> web.Application:
    """The service as an aiohttp application; `settings.redis_url` must be set."""
    outermost = [] if tracing.active is None else [traced.middleware]
    app = web.Application(middlewares=[*outermost, problems.middleware], client_max_size=2 * 4 * 1024 * 1024)
    app[keys.SETTINGS] = settings
    app[keys.BACKGROUND] = Background()
    app[LIMITS] = RateLimits(settings.key_rate_per_s)
    app[STRANGERS] = strangers(settings.address_rate_per_s)
    app[GUESSES] = Guesses()
    app[TRIES] = Buckets(RATE_PER_S, BURST, said="too many complaints from this address")
    app[NOTICE_TRIES] = Buckets(NOTICES_PER_S, NOTICE_BURST, said="too many notices from this address")
    app[STREAMS] = Streams(list)
    app[HOT_ROUTES] = [*((each.method, each.path) for each in OPERATIONS if each.is_hot), *perspective.HOT]
    app.cleanup_ctx.extend([redis_store, directory, served_models, shadow, moderation])
    app.cleanup_ctx.extend([usage, upkeep, watch, webhook_relay])
    app.cleanup_ctx.extend([coral.opened, open_console()])
    app.on_shutdown.append(answer_who_waits)
    app.on_response_prepare.extend([protect, protect_pages, cors.allow])
    app.add_routes(routes(OPERATIONS))
    app.add_routes(perspective.ROUTES)
    app.add_routes(openai.ROUTES)
    app.add_routes(akismet.ROUTES)
    app.add_routes(coral.ROUTES)
    app.add_routes(operations.ROUTES)
    app.add_routes(landing.ROUTES)
    app.add_routes(console_routes())
    if settings.demo:
        app.cleanup_ctx.append(article.open_demo)
        app.add_routes(article.ROUTES)
    app.add_routes([operations.describing(partial(describe, OPERATIONS))])
    if settings.metrics_port is None:
        app.add_routes([operations.GUARDED_METRICS])
    return app


def build_metrics_app() -> web.Application:
    """Only /metrics, for a port of its own."""
    app = web.Application()
    app.add_routes([operations.METRICS])
    return app
