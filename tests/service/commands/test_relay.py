"""steward relay: webhooks from a process of their own."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner

from service.commands.relay import relay
from service.settings import Settings
from service.store import open_store
from service.values.access import Scope, mint
from service.values.domain import Action, Comment, Judgement, Urgency, Why
from service.webhooks.administration import open_webhooks


def test_without_a_redis_there_is_nothing_to_relay() -> None:
    ended = CliRunner(env={"STEWARD_REDIS_URL": ""}).invoke(relay)
    assert ended.exit_code == 1
    assert "STEWARD_REDIS_URL" in ended.output


async def test_a_relay_alone_delivers_and_ends_when_told(settings: Settings) -> None:
    came = asyncio.Event()

    async def hook(_: web.Request) -> web.Response:
        came.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", hook)
    open_here = msgspec.structs.replace(settings, webhook_allow_private=True)
    assert settings.redis_url is not None
    async with TestServer(app) as receiver, open_store(open_here, settings.redis_url) as store:
        await prepare(open_here, store, str(receiver.make_url("/hook")))
        environment = {
            **os.environ,
            "STEWARD_REDIS_URL": settings.redis_url,
            "STEWARD_STORE_TIMEOUT_S": "10",
            "STEWARD_WEBHOOK_ALLOW_PRIVATE": "true",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "service", "relay", env=environment, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            await came.wait()
            process.send_signal(signal.SIGTERM)
            said, _ = await process.communicate()
        assert process.returncode == 0
        assert said == b"steward: relaying webhooks\n"
        assert (await store.outbox.backlog("daily")).dead == 0


async def prepare(settings: Settings, store: Any, url: str) -> None:
    """A site with a key and an endpoint, and one event for it."""
    site = "daily"
    await store.access.keep(mint("daily", frozenset(Scope), "admin", datetime.now(UTC))[1])
    async with open_webhooks(settings, store) as administration:
        await administration.put(site, url, include_text=False, actor="admin")
    judgement = Judgement(Action.REVIEW, {"toxicity": 0.5}, (), "m-1", "default@1")
    urgency = Urgency(Why.UNCERTAIN, 0.5, 60_000)
    await store.comments.submit(site, "c-1", Comment("hello"), judgement, urgency=urgency, actor="key")
