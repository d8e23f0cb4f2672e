"""A model in shadow: judges a share of the live comments beside the model in use, and decides nothing.

A request only appends its comment to a short queue. One thread takes the comments from there and rests after each, so
that scoring takes at most CPU_SHARE of a core of each process. If the queue is full, comments are dropped and counted.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import uuid_utils
from msgspec import Meta, Struct

import classifier
from service import metrics
from service.background import Background
from service.cases.comparison import would_do
from service.cases.models import LOOK_S, Models, replace_file, stamp_of
from service.cases.scores import scored_alone
from service.store.shadow import ShadowCounts
from service.values.domain import Judgement
from service.values.errors import Conflict, ModelUnusable, NotFound, Retryable
from service.values.policy import Policy
from service.values.shadow import Pair

# Of a comment that was judged and recorded: its site, policy, text, declared language and judgement.
Offer = Callable[[str, Policy, str, str | None, Judgement], None]

log = logging.getLogger(__name__)

# Of one core, for each process.
CPU_SHARE = 0.03
# Comments that wait in one process.
MOST_WAITING = 256
WRITTEN_EVERY_S = 1.0
# A model that cannot be loaded is tried again after this long.
TRY_AGAIN_S = 60.0


class ShadowSetting(Struct, frozen=True):
    """Which model is in shadow, for all sites. `digest`: so that a model with exchanged files is not taken for it."""

    model: str
    digest: str
    share: Annotated[float, Meta(description="Of the comments that come to POST /v1/comments.")]
    since: datetime
    actor: str


class _Offered(NamedTuple):
    site: str
    policy: Policy
    text: str
    declared: str | None
    judgement: Judgement


class _ShadowBatch(NamedTuple):
    """Counts on their way to Redis. A failed batch is sent again unchanged, as Redis may have written it."""

    site: str
    digest: str
    day: date
    number: int
    counts: Counter[Pair]


class Shadow:
    """The setting is stored with the model folders, and every process that shares them follows it."""

    def __init__(
        self,
        models: Models,
        counts: ShadowCounts,
        background: Background,
        folder: Path,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._models = models
        self._counts = counts
        self._background = background
        self._file = folder / "shadow.json"
        self._draw = draw
        self._seen: tuple[int, int] | None = None
        self._try_at = 0.0
        self._setting: ShadowSetting | None = None
        self._challenger: classifier.Model | None = None
        self._problem: str | None = None
        self._waiting: deque[_Offered] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "shadow")
        self._who = uuid_utils.uuid4().hex
        self._number = 0
        self._counting: dict[tuple[str, str, date], Counter[Pair]] = {}
        self._unsent: deque[_ShadowBatch] = deque()
        self._writing = asyncio.Lock()

    @property
    def setting(self) -> ShadowSetting | None:
        """None: no model is in shadow, as far as this process knows."""
        return self._setting

    @property
    def problem(self) -> str | None:
        """Why this process cannot score with the model in shadow."""
        return self._problem

    def offer(self, site: str, policy: Policy, text: str, declared: str | None, judgement: Judgement) -> None:
        """Compare the models on a comment later, perhaps. Takes no time worth mentioning, and raises nothing."""
        challenger, setting = self._challenger, self._setting
        if challenger is None or setting is None or self._draw() >= setting.share:
            return
        if judgement.model == challenger.version:  # it was promoted
            return
        if len(self._waiting) >= MOST_WAITING:
            metrics.SHADOW.labels("dropped").inc()
            return
        self._waiting.append(_Offered(site, policy, text, declared, judgement))
        self._arrived.set()

    async def start(self, version: str, share: float, actor: str) -> ShadowSetting:
        """Put a model in shadow, in place of another. Raises NotFound, ModelUnusable and Conflict."""
        if version == self._models.current.version:
            raise Conflict("model_in_use", f"{version} is in use; only another model can be in shadow", {})
        model = await self._models.opened(version)
        setting = ShadowSetting(version, model.digest, share, datetime.now(UTC), actor)
        await asyncio.to_thread(self._put, setting)
        self._serve(setting, model)
        log.info("model %s is in shadow, for a share of %g", version, share)
        return setting

    async def stop(self, version: str) -> None:
        """Raises NotFound if the model is not in shadow."""
        await asyncio.to_thread(self._remove, version)
        self._serve(None, None)
        log.info("model %s is no longer in shadow", version)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the setting, score, and write the counts. A killed process loses those of its last second."""
        with contextlib.suppress(ModelUnusable):  # the first round says so
            self._setting = await asyncio.to_thread(self._read)
        try:
            async with (
                self._background.beside("shadow setting", self._follow, every_s=LOOK_S),
                self._background.beside("shadow", self._work),
                self._background.beside("shadow counts", self._write, every_s=WRITTEN_EVERY_S),
            ):
                yield
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)
            with self._background.sparing("shadow counts", "the last counts"):
                await self.write()

    async def _follow(self) -> None:
        """A model that is missing or damaged is reported and tried again; it never stops the service."""
        stamp = stamp_of(self._file)
        if stamp == self._seen and (self._problem is None or time.monotonic() < self._try_at):
            return
        self._try_at = time.monotonic() + TRY_AGAIN_S
        try:
            await self._follow_to(await asyncio.to_thread(self._read))
        except (ModelUnusable, NotFound) as error:
            self._serve(self._setting, None, str(error))
            log.error("no model is in shadow: %s", error)
        self._seen = stamp

    async def _follow_to(self, setting: ShadowSetting | None) -> None:
        if setting is None:
            self._serve(None, None)
            return
        kept, self._setting = self._challenger, setting
        if kept is not None and kept.digest == setting.digest:
            self._serve(setting, kept)
            return
        model = await self._models.opened(setting.model)
        if model.digest != setting.digest:
            raise ModelUnusable(f"model '{setting.model}' is not the one that was put in shadow")
        self._serve(setting, model)

    def _serve(self, setting: ShadowSetting | None, model: classifier.Model | None, problem: str | None = None) -> None:
        self._setting, self._challenger, self._problem = setting, model, problem
        if model is None:
            self._waiting.clear()

    def _read(self) -> ShadowSetting | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=ShadowSetting)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise ModelUnusable(f"{self._file} is damaged: {error}") from error

    def _put(self, setting: ShadowSetting) -> None:
        with self._models.locked():
            replace_file(self._file, msgspec.json.format(msgspec.json.encode(setting)))

    def _remove(self, version: str) -> None:
        with self._models.locked():
            found = self._read()
            if found is None or found.model != version:
                raise NotFound(f"model '{version}' is not in shadow")
            self._file.unlink(missing_ok=True)

    async def _work(self) -> None:
        await self._arrived.wait()
        self._arrived.clear()
        while self._waiting and self._challenger is not None:
            started = time.monotonic()
            await self._compare(self._waiting.popleft(), self._challenger)
            await asyncio.sleep((time.monotonic() - started) * (1 / CPU_SHARE - 1))

    async def _compare(self, offered: _Offered, challenger: classifier.Model) -> None:
        champion = self._models.current
        if offered.judgement.model != champion.version:  # it was judged before a promotion
            metrics.SHADOW.labels("dropped").inc()
            return
        loop = asyncio.get_running_loop()
        try:
            pair = await loop.run_in_executor(self._thread, compared, champion, challenger, offered)
        except Exception as error:  # noqa: BLE001 - logged and counted; the next comment has its turn
            metrics.SHADOW.labels("failed").inc()
            self._background.note("shadow", "a comment", error)
            return
        metrics.SHADOW.labels("differs" if pair.differs else "same").inc()
        at = (offered.site, challenger.digest, datetime.now(UTC).date())
        self._counting.setdefault(at, Counter())[pair] += 1

    async def _write(self) -> None:
        with contextlib.suppress(Retryable):
            await self.write()

    async def write(self) -> None:
        """Write all counts to Redis. Raises StoreUnavailable or Overloaded and keeps what it could not write."""
        async with self._writing:
            counting, self._counting = self._counting, {}
            for (site, digest, day), counts in counting.items():
                self._number += 1
                self._unsent.append(_ShadowBatch(site, digest, day, self._number, counts))
            while self._unsent:
                first = self._unsent[0]
                who = (self._who, first.number)
                await self._counts.add(first.site, first.digest, first.day, first.counts, who)
                self._unsent.popleft()


def compared(champion: classifier.Model, challenger: classifier.Model, offered: _Offered) -> Pair:
    """What both would have done by the policy's own thresholds, rules left aside."""
    text, policy = offered.text, offered.policy
    language = classifier.language_of(text, offered.declared, challenger.languages)
    scores = scored_alone(challenger, text, language, with_spans=False).scores
    judged_in, judged = offered.judgement.language or "", offered.judgement.scores
    return Pair(
        champion.version,
        would_do(champion, text, judged_in, judged, policy),
        would_do(challenger, text, language, scores, policy),
    )
