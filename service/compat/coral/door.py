"""The external moderation phase: POST /coral/{site}. Answers in time, and records every comment.

Coral sends a request once, waits 200 ms unless its operator sets more, and publishes the comment if no answer comes.
So work that exceeds the site's budget continues in a background task: it judges the comment, then records it, with
retries while Redis is unavailable or the queue is full.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec
from aiohttp import web

from service import app_keys as keys
from service import metrics
from service.cases.directory import Directory
from service.cases.moderation import Moderation
from service.compat.coral import request as requests
from service.compat.coral.reply import Reply, reply
from service.compat.coral.signature import HEADER, Secrets, is_signed
from service.http import bodies
from service.http.admission import take_as_stranger
from service.http.handling import speaking
from service.http.written import Written, is_plain
from service.store.base import Record
from service.values.domain import Action, Comment, Judgement, Reason
from service.values.errors import (
    BadRequest,
    Conflict,
    Overloaded,
    RateLimited,
    Retryable,
    ServiceError,
    TooLarge,
    TooSlow,
    Unauthenticated,
    WrongContentType,
)
from service.webhooks.sealing import Sealer

log = logging.getLogger(__name__)

# The HTML of the longest comment that we judge, escaped twice. Coral itself limits replies to 2 MB.
MAX_BODY_BYTES = 1 << 19
# The number of comments that may wait in memory for Redis or for room in the queue, in one process.
MOST_WAITING = 1_000
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 15.0
# Comments that are not recorded within this time after the last answer are lost.
DRAIN_S = 5.0
ACTOR = "coral"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request with a valid signature."""

    site: str
    asked: requests.CoralRequest


class Door:
    def __init__(
        self, moderation: Moderation, directory: Directory, secrets: Secrets, most_waiting: int = MOST_WAITING
    ) -> None:
        self._moderation = moderation
        self._directory = directory
        self._secrets = secrets
        self._most_waiting = most_waiting
        self._waiting: set[asyncio.Task[Record | None]] = set()
        self._is_closing = asyncio.Event()

    @property
    def secrets(self) -> Secrets:
        return self._secrets

    def start(self, arrived: Arrived) -> "asyncio.Task[Record | None]":
        """Start to judge and record a comment in the background. Raises Overloaded."""
        if len(self._waiting) >= self._most_waiting:
            metrics.CORAL.labels("refused").inc()
            raise Overloaded("too many comments wait to be recorded")
        task = asyncio.create_task(self._done(arrived))
        self._waiting.add(task)
        task.add_done_callback(self._forget)
        return task

    async def _done(self, arrived: Arrived) -> Record | None:
        """None if there is nothing to judge, or the comment was erased."""
        # In a thread, so that a costly text does not block other requests or the timeout.
        found = await asyncio.to_thread(self._judged, arrived)
        if found is None:
            return None
        record = await self._recorded(arrived.site, *found)
        if record is not None:
            metrics.DECISIONS.labels(record.decision).inc()
        return record

    def _judged(self, arrived: Arrived) -> tuple[Comment, Judgement] | None:
        found = requests.read(arrived.asked, lambda who: self._directory.pseudonym(arrived.site, who))
        if found.comment is None:
            return None
        judgement = self._moderation.judge(arrived.site, found.comment.text)
        if found.is_cut and judgement.decision is Action.APPROVE:
            # The part that was cut off was not judged, so the comment is not approved.
            judgement = msgspec.structs.replace(judgement, decision=Action.REVIEW, reasons=(Reason("unscored"),))
        return found.comment, judgement

    async def _recorded(self, site: str, comment: Comment, judgement: Judgement) -> Record | None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return await self._moderation.record(site, comment, judgement, actor=ACTOR)
            except Conflict:
                return None  # erased: it must not be stored again
            except Retryable as error:
                log.warning("%s: comment %s is not recorded yet: %s", site, comment.id, error)
            pause_s = await self._pause(pause_s)

    async def _pause(self, pause_s: float) -> float:
        """Pause, and return the length of the next pause. Pauses are short while the service stops."""
        if self._is_closing.is_set():
            await asyncio.sleep(FIRST_PAUSE_S)
            return FIRST_PAUSE_S
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._is_closing.wait()
        return min(2 * pause_s, LONGEST_PAUSE_S)

    def _forget(self, task: "asyncio.Task[Record | None]") -> None:
        self._waiting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            metrics.CORAL.labels("lost").inc()
            log.error("a comment from Coral was not recorded: %s", type(error).__name__)

    async def drain(self, timeout_s: float = DRAIN_S) -> None:
        """Wait for running tasks. Logs how many comments are lost: Coral does not send them again."""
        self._is_closing.set()
        if self._waiting:
            await asyncio.wait(self._waiting, timeout=timeout_s)
        left = list(self._waiting)
        for task in left:
            task.cancel()
        if left:
            metrics.CORAL.labels("lost").inc(len(left))
            log.error("%d comments from Coral were not recorded before shutdown", len(left))
            await asyncio.wait(left)


DOOR = web.AppKey("coral", Door)


async def opened(app: web.Application) -> AsyncIterator[None]:
    """Waits for running tasks on exit. Raises SettingsError if the keys for secrets cannot be read."""
    app[DOOR] = Door(app[keys.MODERATION], app[keys.DIRECTORY], Secrets(Sealer.open(app[keys.SETTINGS].secret_file)))
    yield
    await app[DOOR].drain()


async def moderate(request: web.Request) -> web.StreamResponse:
    """Answer what to do with a comment, or 204 for no opinion."""
    came_at = asyncio.get_running_loop().time()
    arrived = await _arrived(request)
    wishes = request.app[keys.DIRECTORY].policy(arrived.site).protocols.coral
    task = request.app[DOOR].start(arrived)
    ends_at = came_at + wishes.budget_ms / 1000
    # Shielded: neither our timeout nor the caller's cancels the work.
    done, _ = await asyncio.wait([task], timeout=max(0.0, ends_at - asyncio.get_running_loop().time()))
    if not done:
        metrics.CORAL.labels("late").inc()
        return web.Response(status=204)
    record = task.result()
    return _answer(request, reply(record, wishes) if record else None)


async def _arrived(request: web.Request) -> Arrived:
    """Check the signature first, so that strangers learn nothing about other faults. Raises Unauthenticated."""
    if request.query_string:
        raise BadRequest("this address takes no parameters")
    site = request.match_info["site"]
    raw = await bodies.read(request, request.content_type, MAX_BODY_BYTES)
    secrets = request.app[DOOR].secrets.of(request.app[keys.DIRECTORY].signing_secrets(site))
    if not is_signed(request.headers.get(HEADER, ""), raw, secrets):
        take_as_stranger(request)
        raise Unauthenticated
    if request.content_type != JSON:
        raise WrongContentType(f"send {JSON}")
    return Arrived(site, requests.asked(raw))


def _answer(request: web.Request, said: Reply | None) -> web.StreamResponse:
    metrics.CORAL.labels(_named(said)).inc()
    if said is None:
        return web.Response(status=204)
    body = msgspec.json.encode(said)
    return Written(body) if is_plain(request) else web.Response(body=body, content_type=JSON)


def _named(said: Reply | None) -> str:
    return "nothing" if said is None else str(said.get("status", "flagged")).lower()


def _refusal(_: web.Request, error: ServiceError | None) -> web.StreamResponse:
    """Coral reads only the status. The text is for people who test by hand with a valid signature."""
    match error:
        case Unauthenticated():
            return web.Response(status=401)
        case Retryable():
            status = 429 if isinstance(error, RateLimited) else 503
            return web.Response(status=status, headers={"Retry-After": str(error.retry_after_s)})
        case BadRequest():
            return web.Response(status=_STATUS[type(error)], text=f"{error}\n")
        case _:
            return web.Response(status=500)


_STATUS: dict[type[BadRequest], int] = {BadRequest: 400, TooLarge: 413, TooSlow: 408, WrongContentType: 415}

_PATH = "/coral/{site:[^/]+}"
_HANDLER = speaking(_refusal, "coral", moderate)
# Operators paste the address, sometimes with a trailing slash.
ROUTES = (web.post(_PATH, _HANDLER), web.post(f"{_PATH}/", _HANDLER))
