"""An error, or a cancellation, at every await of every loop beside the requests: each goes on with its work.

The loops run as in the service. While they do, whatever they await is made to fail once, place by place.
"""

import ast
import asyncio
import contextlib
import itertools
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from chaos import ERRORS, SERVICE, Chaos, fail_everywhere, until, watched
from redis.asyncio.client import PubSub

import classifier
from service import app_keys, background
from service.background import Background
from service.cases import directory, models, rulebook, shadow, upkeep, usage
from service.cases.directory import Directory
from service.cases.models import Models
from service.cases.rulebook import Rulebook
from service.cases.shadow import Shadow
from service.cases.upkeep import Upkeep
from service.cases.usage import Usage
from service.cases.watch import Watch
from service.demo import Thread, article
from service.http.limits import Buckets
from service.process import supervisor
from service.redis import embedded
from service.redis.embedded import EmbeddedRedis
from service.redis.pipe import ServerPipe
from service.settings import Settings
from service.store import Store, open_store
from service.store.keyspace import SALT
from service.values.access import Scope, mint
from service.values.domain import Action, Comment, Judgement, Urgency, Why
from service.values.policy import DEFAULT
from service.values.rules import Condition, Rule, RuleAction, Then, WordsCondition
from service.values.targets import Certificate, CertifiedStratum, FoldWindow, RiskHistogram, Targets
from service.webhooks import relay
from service.webhooks.administration import open_webhooks
from service.webhooks.delivery import WebhookSender

SITE = "daily"
MODEL = "a" * 64
LOOPS = {
    *("keys", "signing", "policies", "copy", "upkeep", "measure", "usage", "models", "rules", "news", "demo"),
    *("site models", "audits", "watch"),
    *("relay_send", "relay_sites", "relay_news", "relay_take", "relay_upkeep"),
}
# They keep a process running, and are tried by themselves.
KEEPERS = {"redis", "compact", "workers"}
# What the loops of the shadow do as a whole is failed by a test of its own.
SHADOW = {"shadow setting": "_follow", "shadow": "_work", "shadow counts": "_write"}
# Only while an approved deed is done; test_approvals.py fails it.
DEEDS = {"approvals"}
# All that a loop awaits goes through one of these. Left out: the relay's semaphore, which counts what it hands out, and
# what waits for one of these in another task.
SEAMS: dict[str, tuple[Any, str]] = {
    **{f"the pipe's {name}": (ServerPipe, name) for name in ("call", "run", "subscriber")},
    **{f"the subscription's {name}": (PubSub, name) for name in ("subscribe", "get_message")},
    "the sender's post": (WebhookSender, "post"),
    "a thread": (asyncio, "to_thread"),
    "a pause": (asyncio, "sleep"),
    "an event": (asyncio.Event, "wait"),
    "a queue": (asyncio.Queue, "get"),
}
KEEPER_SEAMS: dict[str, tuple[Any, str]] = {
    "a process' start": (asyncio, "create_subprocess_exec"),
    "a process' end": (asyncio.subprocess.Process, "wait"),
    "a process' output": (asyncio.StreamReader, "readline"),
    "the server's state": (embedded, "state_of"),
    "a pause": (asyncio, "sleep"),
}
A_RULE = Rule("a", Condition(words=WordsCondition(list="nowhere")), Then(RuleAction.REVIEW))


@pytest.fixture
def chaos(monkeypatch: pytest.MonkeyPatch) -> Chaos:
    chaos = watched(monkeypatch, SEAMS)
    for module, name, value in (
        *((directory, "REFRESH_S", 0.02), (directory, "POLICIES_S", 0.02), (upkeep, "MEASURE_S", 0.02)),
        (upkeep, "AUDITS_S", 0.02),
        *((usage, "WRITTEN_EVERY_S", 0.02), (models, "LOOK_S", 0.02), (rulebook, "LOOK_S", 0.02)),
        *((article, "RETRY_PAUSE_S", 0.005), (relay, "LONGEST_PAUSE_S", 0.02), (relay, "ENDPOINT_AGE_S", 0.0)),
        *((relay, "SITES_S", 0.02), (relay, "KEEP_UP_S", 0.02), (relay, "AWAY_S", 0.01)),
    ):
        monkeypatch.setattr(module, name, value)
    return chaos


@pytest.fixture
async def busy(
    settings: Settings, tmp_path: Path, chaos: Chaos
) -> AsyncIterator[tuple[Background, Directory, Store, set[str]]]:
    """Everything that goes on beside the requests, and work for all of it; the comments that a receiver was told of."""
    quick = msgspec.structs.replace(
        settings, webhook_allow_private=True, webhook_schedule="0,0.01,0.01,0.01,0.01", undo_hold_s=0
    )
    assert quick.redis_url is not None
    assert not chaos.came, "whatever awaits is watched from the start"
    beside, told = Background(), set[str]()

    async def receive(request: web.Request) -> web.Response:
        told.add((await request.json())["data"]["comment_id"])
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook", receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with contextlib.AsyncExitStack() as running:
        store = await running.enter_async_context(open_store(quick, quick.redis_url, beside))
        running.push_async_callback(runner.cleanup)
        _, key = mint("daily", frozenset(Scope), "admin", datetime.now(UTC))
        await store.access.keep(key)
        webhooks = await running.enter_async_context(open_webhooks(quick, store))
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        await webhooks.put(SITE, url, include_text=True, actor="admin")
        known = Directory(store.access, tmp_path / "access.json", DEFAULT, beside)
        served, used = Models(tmp_path / "models", beside), Usage(store.usage, beside)
        book = Rulebook(known, store.lists, beside, lambda _: ("toxicity",))
        for part in (
            *(store.changes.listening(), known.kept_fresh(), book.kept_fresh(), served.watched(), used.written()),
            *(Upkeep(store, known, 0.02).running(), webhooks.relayed()),
            Watch(store, known, lambda _: MODEL, every_s=0.02).running(),
        ):
            await running.enter_async_context(part)
        others = Models(tmp_path / "models", beside)
        await others.promote(classifier.SHIPPED.name, "chief")
        feeding = [
            asyncio.create_task(_feed(store, used, key, others, served)),
            asyncio.create_task(_post_demonstration(store, beside)),
        ]
        yield beside, known, store, told
        for task in feeding:
            task.cancel()
        await asyncio.wait(feeding)


class Demonstrated:
    """Takes the demonstration's comments, as moderation does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def submit(self, _key: object, comment: Comment) -> None:
        judgement = Judgement(Action.APPROVE, {}, (), "m", "p@1")
        await self._store.comments.submit(SITE, comment.id or "", comment, judgement, urgency=None, actor="demo")


async def _post_demonstration(store: Store, beside: Background) -> None:
    """Again and again: the loop ends once all is posted."""
    thread = Thread({"id": "a"}, [{"id": "demo-1", "author": "someone", "text": "hello"}])
    _, key = mint(SITE, frozenset({Scope.COMMENTS}), "demo", datetime.now(UTC))
    app: Any = {
        app_keys.MODERATION: Demonstrated(store),
        article.DEMONSTRATION: article.Demo(thread, key, posts=Buckets(1, 1), hints=Buckets(1, 1)),
    }
    while True:
        posting = beside.start("demo", partial(article._post_thread, app), is_once=True)  # noqa: SLF001 - its loop's work
        try:
            await asyncio.wait([posting.task])
        finally:
            await beside.stop([posting])
        await asyncio.sleep(0.02)


def _certificate(number: int) -> Certificate:
    now = datetime.now(UTC)
    stratum = CertifiedStratum((), None, None, (), audits=0)
    return Certificate(
        id=f"certificate-{number}",
        method="binomial-fst",
        model=MODEL,
        model_version="m",
        site=SITE,
        policy="default@1",
        decides="0" * 64,
        confidence=0.95,
        strata=(stratum,),
        fold=FoldWindow(now, now),
        sampling="",
        risks=RiskHistogram((0.0,), (1, 1)),
        created_at=now,
    )


async def _feed(store: Store, used: Usage, key: Any, others: Models, served: Models) -> None:
    """Work for all loops. Another salt is how another Redis is noticed."""
    salts = itertools.cycle((b"a" * 32, b"b" * 32))
    judgement = Judgement(Action.REVIEW, {"toxicity": 0.5}, (), "m", "p@1")
    for number in count():
        urgency = Urgency(Why.UNCERTAIN, 0.5, 60_000)
        await store.comments.submit(SITE, f"c-{number}", Comment("hello"), judgement, urgency=urgency, actor="key")
        used.count(key, "somewhere", "api_calls")
        if number % 5 == 0:
            await others.promote(classifier.SHIPPED.name, "chief", SITE)
            served.of(SITE)  # whoever uses the model of a site loads the next one, too
        if number % 20 == 0:
            await others.promote(classifier.SHIPPED.name, "chief")
            # Whoever has a list looks for its versions, and whoever has a new version of rules compiles them.
            # Whoever watches promises begins anew with a new certificate.
            policy = msgspec.structs.replace(
                DEFAULT,
                version=2 + number // 20,
                rules=(A_RULE,),
                targets=Targets(max_wrong_approve=0.05),
                certificate=_certificate(number),
            )
            await store.access.keep_policy(SITE, policy, "admin")
            await store.pipe.call("SET", SALT, next(salts))
        await asyncio.sleep(0.02)


async def test_every_loop_goes_on_after_a_failure_at_any_of_its_awaits(
    busy: tuple[Background, Directory, Store, set[str]], chaos: Chaos, failures: Any
) -> None:
    beside, known, store, told = busy
    await fail_everywhere(chaos, LOOPS, SEAMS, failures)
    await until(lambda: not beside.down(), "a loop is down")
    text, key = mint("daily", frozenset(Scope), "other", datetime.now(UTC))
    await store.access.keep(key)
    assert await known.admit(text) == key
    await store.access.revoke(key.id)
    async with asyncio.timeout(60):
        while await known.admit(text) is not None:
            await asyncio.sleep(0.01)
    judgement, urgency = Judgement(Action.REVIEW, {}, (), "m", "p@1"), Urgency(Why.UNCERTAIN, 0.5, 60_000)
    await store.comments.submit(SITE, "last", Comment("hello"), judgement, urgency=urgency, actor="key")
    await until(lambda: "last" in told, "the receiver was not told of the last comment")


@pytest.mark.parametrize(("loop", "work"), SHADOW.items())
async def test_a_loop_of_the_shadow_goes_on_after_a_failure(
    loop: str, work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: Any
) -> None:
    kept, errors, calls = getattr(Shadow, work), [*ERRORS], list[str]()

    async def failing(each: Shadow) -> None:
        calls.append(work)
        if errors:
            raise errors.pop()
        await kept(each)

    for owner, name, value in (
        *((Shadow, work, failing), (shadow, "LOOK_S", 0.02), (shadow, "WRITTEN_EVERY_S", 0.02)),
        *((background, "FIRST_PAUSE_S", 0.005), (background, "LONGEST_PAUSE_S", 0.02)),
    ):
        monkeypatch.setattr(owner, name, value)
    beside, counted = Background(), failures(loop)
    nothing: Any = None  # no comment is counted
    async with Shadow(Models(tmp_path / "models", beside), nothing, beside).running():
        await until(lambda: len(calls) > len(ERRORS), f"{loop} ended")
        await until(lambda: not beside.down(), f"{loop} is down")
    assert failures(loop) >= counted + 2


async def test_a_process_is_kept_running_after_a_failure_at_any_await_of_its_keeper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: Any
) -> None:
    """The keepers of Redis and of a worker. Both processes are stand-ins that end soon and count their starts."""
    starts = tmp_path / "starts"
    stand_in = tmp_path / "stand-in"
    stand_in.write_text(f"#!/bin/sh\necho $$ >> {starts}\necho ready\nexec sleep 0.02\n")
    stand_in.chmod(0o700)
    states = itertools.cycle(("silent", "ready"))

    async def state(_socket: Path) -> str:
        return next(states)

    for owner, name, value in (
        *((embedded, "state_of", state), (embedded, "RESTART_S", 0.01), (embedded, "LONGEST_PAUSE_S", 0.01)),
        *((embedded, "_ASK_S", 0.001), (supervisor, "LEAST_LIFE_S", 0.01), (supervisor, "LONGEST_PAUSE_S", 0.02)),
        (sys, "executable", str(stand_in)),
    ):
        monkeypatch.setattr(owner, name, value)
    chaos = watched(monkeypatch, KEEPER_SEAMS)
    beside = Background()
    async with (
        EmbeddedRedis(tmp_path, str(stand_in), compact_s=0.01).running(),
        supervisor._Worker({}, beside).running(),  # noqa: SLF001 - the keeper of one worker
    ):
        await fail_everywhere(chaos, KEEPERS, KEEPER_SEAMS, failures)
        assert not beside.down()
        before = len(starts.read_text().splitlines())
        await until(lambda: len(starts.read_text().splitlines()) > before + 2, "no process is started any more")


def test_all_loops_of_the_service_are_tried() -> None:
    """The name of a loop stands where it is started; those of the directory stand in one table."""
    found = set[str]()
    for path in Path(SERVICE).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(ast.Attribute(attr="beside" | "start" | "_begin"), [ast.Constant(str(name)), *_]):
                    found.add(name)
                case ast.Call(ast.Name("beside"), [ast.Constant(str(name)), *_]):
                    found.add(name)
                case ast.FunctionDef(name="_looks", body=[*_, ast.Return(ast.Dict(keys))]):
                    found.update(ast.literal_eval(key) for key in keys if key is not None)
                case _:
                    pass
    assert found == LOOPS | KEEPERS | DEEDS | SHADOW.keys()
