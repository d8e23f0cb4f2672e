"""The outbox relay: takes due events, sends and settles them. Several may run; each event is leased to one of them."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from yarl import URL

from service.background import Background, Loop
from service.store import Store
from service.store.endpoint import Endpoint
from service.store.keyspace import Shard
from service.store.outbox import Take, Taken
from service.values.errors import Retryable
from service.webhooks import message, metrics
from service.webhooks.breaker import BreakerPauses, Breakers
from service.webhooks.delivery import DeliveryOutcome, WebhookSender
from service.webhooks.notices import notices_for
from service.webhooks.schedule import Schedule
from service.webhooks.sealing import Sealer, SecretUnreadable
from service.webhooks.statements import complaint_for, statement_for
from service.webhooks.upkeep import keep_up

log = logging.getLogger(__name__)

PARALLEL = 16
# Events held at once. With this number, the last one starts before half of its lease is over.
IN_HAND = 3 * PARALLEL
LEASE_TIMEOUTS = 4
# A notification can be lost, so look at least this often; and after many of them, do not look for each.
POLL_S = 1.0
LEAST_BETWEEN_LOOKS_S = 0.005
SITES_S = 5.0
# A change of the endpoint takes effect after this long, at the latest.
ENDPOINT_AGE_S = 1.0
# A new event without an endpoint waits for this long: an endpoint is set shard by shard, and may be set just now.
SETTLING_S = 10.0
SETTLING_LOOK_S = 0.5
AWAY_S = 0.5
# The longest pause after an unexpected error, so that webhooks are not delayed for long.
LONGEST_PAUSE_S = 5.0
HAND_BACK_S = 0.8
KEEP_UP_S = 60.0
UNREADABLE_S = 60.0


@dataclass(slots=True)
class _WatchedShard:
    """A shard that the relay takes events from. `wake` is set when there may be some."""

    shard: Shard
    wake: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class _Job:
    taken: Taken
    shard: _WatchedShard
    must_start_by: float


class Relay:
    """`timeout_s`: for one delivery. Leases last LEASE_TIMEOUTS times as long. `pages`: as in `statement_for`."""

    def __init__(
        self,
        store: Store,
        sender: WebhookSender,
        sealer: Sealer,
        schedule: Schedule,
        timeout_s: float,
        *,
        pages: str | None,
        background: Background,
    ) -> None:
        self._store = store
        self._pages = pages
        self._sender = sender
        self._sealer = sealer
        self._schedule = schedule
        self._timeout_s = timeout_s
        self._background = background
        self._breakers = Breakers(BreakerPauses(schedule.first_retry_s, schedule.second_retry_s))
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._room = asyncio.Semaphore(IN_HAND)
        self._interrupted: list[Taken] = []
        self._unread: list[asyncio.Task[Take]] = []
        self._loops: list[Loop] = []
        self._is_stopping = False
        self._sites: set[str] = set()
        self._endpoints: dict[str, tuple[float, Endpoint]] = {}
        # By site; written to Redis once a minute.
        self._delivered: dict[str, datetime] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Events that are being sent when it stops are sent again later."""
        try:
            for _ in range(PARALLEL):
                self._begin("relay_send", self._work_on_next)
            self._begin("relay_sites", self._follow_sites)
            self._begin("relay_upkeep", self._keep_up)
            yield
        finally:
            self._is_stopping = True
            await self._background.stop(self._loops)
            with self._background.sparing("relay_send", "handing events back at the end"):
                await self._hand_back()

    def _begin(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def once() -> None:
            try:
                await work()
            except Retryable as error:
                log.debug("the relay waits: %s", error)
                await asyncio.sleep(AWAY_S)

        self._loops.append(self._background.start(name, once, longest_pause_s=LONGEST_PAUSE_S))

    async def _follow_sites(self) -> None:
        """Start loops for every site, including those added later."""
        for name in sorted((await self._store.access.sites()).known - self._sites):
            shards = [_WatchedShard(shard) for shard in self._store.outbox.shards(name)]
            self._begin("relay_news", partial(self._listen, name, shards))
            for shard in shards:
                self._begin("relay_take", partial(self._follow, shard, LEAST_BETWEEN_LOOKS_S * len(shards)))
            self._sites.add(name)
        await asyncio.sleep(SITES_S)

    async def _keep_up(self) -> None:
        await keep_up(self._store.outbox, sorted(self._sites), datetime.now(UTC), self._background)
        self._breakers.forget(time.monotonic())
        noted = dict(self._delivered)
        await self._store.usage.note_delivered(noted)
        self._delivered = {site: at for site, at in self._delivered.items() if noted.get(site) != at}
        await asyncio.sleep(KEEP_UP_S)

    async def _hand_back(self) -> None:
        """Release the leases of unsent events, so that another relay need not wait for them to expire."""
        while not self._jobs.empty():
            self._interrupted.append(self._jobs.get_nowait().taken)
        with contextlib.suppress(TimeoutError, Retryable):
            async with asyncio.timeout(HAND_BACK_S):
                for take in await asyncio.gather(*self._unread, return_exceptions=True):
                    if isinstance(take, Take):  # one that failed keeps no other from being handed back
                        self._interrupted += take.events
                settle = self._store.outbox.settle
                await asyncio.gather(*(settle(each, "deferred", attempts=each.attempts) for each in self._interrupted))

    async def _listen(self, site: str, shards: list[_WatchedShard]) -> None:
        with self._store.changes.watch(site, self._store.changes.EVERYTHING) as news:
            while not self._is_stopping:
                await news.next(POLL_S)
                for shard in shards:
                    shard.wake.set()

    async def _follow(self, shard: _WatchedShard, least_s: float) -> None:
        """Take due events of one shard, then wait until there may be more."""
        shard.wake.clear()
        wait_s = await self._look(shard)
        if wait_s > 0:
            await asyncio.sleep(min(wait_s, least_s))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(wait_s, POLL_S)):
                    await shard.wake.wait()

    async def _look(self, shard: _WatchedShard) -> float:
        """Take as many events as there is room for. Returns seconds until the next look."""
        room, site = await self._wait_for_room(), shard.shard.site
        taken: tuple[Taken, ...] = ()
        try:
            endpoint = await self._endpoint(site)
            pause_s = self._breakers.pause_s(_key(site, endpoint.url), time.monotonic()) if endpoint.url else 0.0
            asked_at = time.monotonic()
            take = await self._take(shard.shard, room, endpoint.include_text, pause_s)
            taken = take.events
        finally:
            for _ in range(room - len(taken)):
                self._room.release()
        for each in taken:
            self._jobs.put_nowait(_Job(each, shard, asked_at + self._lease_s - self._timeout_s))
        return POLL_S if take.next_s is None else take.next_s

    async def _take(self, shard: Shard, most: int, with_text: bool, pause_s: float) -> Take:
        """Take events. If cancelled, keep the answer: Redis has leased the events, and `_hand_back` releases them."""
        work = self._store.outbox.take(shard, most, self._lease_s, with_text=with_text, pause_s=pause_s)
        taking = asyncio.create_task(work)
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            self._unread.append(taking)
            raise

    async def _wait_for_room(self) -> int:
        """Wait until there is room for an event; returns for how many."""
        await self._room.acquire()
        room = 1
        while room < PARALLEL and not self._room.locked():
            await self._room.acquire()
            room += 1
        return room

    async def _work_on_next(self) -> None:
        job = await self._jobs.get()
        try:
            # An event that waited too long is left until its lease expires: another relay may be about to send it.
            if time.monotonic() < job.must_start_by:
                await self._send_or_retry(job)
        except asyncio.CancelledError:
            self._interrupted.append(job.taken)
            raise
        finally:
            self._room.release()

    async def _send_or_retry(self, job: _Job) -> None:
        """Send an event. An unexpected error counts as a failed attempt, so that it does not stop the other events."""
        try:
            await self._deliver(job)
        except Retryable:
            raise
        except Exception as error:  # noqa: BLE001 - logged and counted
            self._background.note("relay_send", f"an event of {job.taken.shard.site}", error)
            await self._retry(job, DeliveryOutcome("failed", "internal", 0.0), "the receiver")

    async def _deliver(self, job: _Job) -> None:
        taken = job.taken
        endpoint = await self._endpoint(taken.shard.site)
        if _obstacle(taken, endpoint):
            # The endpoint may have just been set.
            endpoint = await self._endpoint(taken.shard.site, is_fresh=True)
        if obstacle := _obstacle(taken, endpoint):
            if obstacle == "no_endpoint" and abs(time.time() - taken.event.at / 1000) < SETTLING_S:
                await self._settle(job, "deferred", attempts=taken.attempts, delay_s=SETTLING_LOOK_S)
            else:
                await self._give_up(job, taken.attempts, obstacle)
            return
        try:
            secrets = [self._sealer.unseal(kept) for kept in endpoint.secrets]
        except SecretUnreadable as error:
            log.error("webhooks of %s wait: %s", taken.shard.site, error.__doc__)
            await self._settle(job, "deferred", attempts=taken.attempts, delay_s=UNREADABLE_S)
            return
        url = taken.callback or endpoint.url or ""
        pause_s = self._breakers.enter(_key(taken.shard.site, url), time.monotonic())
        if pause_s > 0:
            await self._settle(job, "deferred", attempts=taken.attempts, delay_s=pause_s)
            return
        await self._send(job, url, secrets)

    async def _send(self, job: _Job, url: str, secrets: list[str]) -> None:
        taken, key = job.taken, _key(job.taken.shard.site, url)
        site, host = taken.shard.site, URL(url).host or "the receiver"
        try:
            statement = await statement_for(self._store, site, taken.event, self._pages)
            notices = await notices_for(self._store, site, taken.event)
            complaint = await complaint_for(self._store, site, taken.event)
            body = message.body(site, taken.event, taken.text, statement, notices, complaint)
            outcome = await self._sender.post(url, message.message_id(site, taken.event), body, secrets)
        except BaseException:
            self._breakers.left(key)
            raise
        metrics.SENT.labels(outcome.result).inc()
        metrics.SECONDS.observe(outcome.seconds)
        if outcome.result == "delivered":
            self._breakers.succeeded(key)
            self._delivered[site] = datetime.now(UTC)
            await self._settle(job, "delivered")
        elif outcome.result == "gone":
            self._breakers.succeeded(key)
            await self._is_gone(job, url)
        else:
            if self._breakers.failed(key, time.monotonic(), outcome.rest_s):
                metrics.OPENED.inc()
                log.warning("webhooks of %s: paused, because %s keeps failing (%s)", site, host, outcome.because)
            await self._retry(job, outcome, host)

    async def _is_gone(self, job: _Job, url: str) -> None:
        if job.taken.callback is None:
            log.warning("webhooks of %s: the receiver answered 410; its endpoint is disabled", job.taken.shard.site)
            await _with_retries(lambda: self._store.outbox.endpoints.disable(job.taken.shard.site, url), self._lease_s)
            self._endpoints.pop(job.taken.shard.site, None)
        await self._give_up(job, job.taken.attempts + 1, "gone")

    async def _retry(self, job: _Job, outcome: DeliveryOutcome, host: str) -> None:
        attempts = job.taken.attempts + 1
        delay_s = self._schedule.delay_s(attempts, random.random())  # noqa: S311 - spreads load, secures nothing
        if delay_s is None:
            await self._give_up(job, attempts, outcome.because)
        else:
            wait_s = max(delay_s, outcome.rest_s or 0.0)
            log.warning(
                "webhooks of %s: %s did not take an event (%s); attempt %d, the next one in %.0f s",
                job.taken.shard.site,
                host,
                outcome.because,
                attempts,
                wait_s,
            )
            await self._settle(job, "failed", attempts=attempts, delay_s=wait_s)

    async def _give_up(self, job: _Job, attempts: int, because: str) -> None:
        metrics.DEAD.labels(because).inc()
        log.warning(
            "webhooks of %s: an event was given up after %d attempts (%s)", job.taken.shard.site, attempts, because
        )
        await self._settle(job, "dead", attempts=attempts, because=because)

    async def _settle(self, job: _Job, outcome: Any, **more: Any) -> None:  # noqa: ANN401 - of Outbox.settle
        """Record the outcome, retrying for as long as the lease lasts. An event without an outcome is sent again."""
        next_s = await _with_retries(lambda: self._store.outbox.settle(job.taken, outcome, **more), self._lease_s)
        if next_s is not None and next_s < POLL_S:
            asyncio.get_running_loop().call_later(next_s, job.shard.wake.set)

    async def _endpoint(self, site: str, *, is_fresh: bool = False) -> Endpoint:
        read_at, endpoint = self._endpoints.get(site, (0.0, None))
        if endpoint is None or is_fresh or time.monotonic() - read_at > ENDPOINT_AGE_S:
            read_at = time.monotonic()
            endpoint = await self._store.outbox.endpoints.get(site)
            self._endpoints[site] = read_at, endpoint
        return endpoint

    @property
    def _lease_s(self) -> float:
        return LEASE_TIMEOUTS * self._timeout_s


def _obstacle(taken: Taken, endpoint: Endpoint) -> str:
    """Why the event can never be sent; '' if it can."""
    if taken.callback is None and endpoint.url is None:
        return "no_endpoint"
    if not endpoint.secrets:
        return "no_secret"
    if taken.callback is not None:
        return ""
    return "endpoint_disabled" if endpoint.disabled_at else ""


def _key(site: str, url: str | None) -> tuple[str, str]:
    """The key of a breaker: the site and the origin of the URL, without its path."""
    return site, str(URL(url or "").origin()) if url else ""


async def _with_retries(work: Callable[[], Coroutine[Any, Any, Any]], for_s: float) -> Any:  # noqa: ANN401 - the work's own
    """Retry while Redis is unavailable. Raises StoreUnavailable or Overloaded after `for_s`."""
    gives_up_at = time.monotonic() + for_s
    while True:
        try:
            return await work()
        except Retryable:
            if time.monotonic() > gives_up_at:
                raise
            await asyncio.sleep(AWAY_S)
