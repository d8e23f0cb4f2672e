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
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import NamedTuple

import uuid_utils

import classifier
from service import metrics
from service.background import Background
from service.cases.comparison import would_do
from service.cases.model_files import ALL_SITES, ModelFiles, ShadowSetting, Stamp
from service.cases.models import LOOK_S, Models, Tell, in_thread
from service.cases.scores import scored_alone
from service.store.base import Record
from service.store.rechecks import Differing, Rechecks
from service.store.shadow import ShadowCounts
from service.values.attention import sla_ms_of
from service.values.audits import ModelPair
from service.values.domain import Action, Judgement
from service.values.errors import Conflict, ModelUnusable, NotFound, Retryable
from service.values.policy import Policy
from service.values.shadow import Pair

# Of a comment that was judged and recorded: its site, policy, text, declared language, judgement and record.
Offer = Callable[[str, Policy, str, str | None, Judgement, Record], None]

log = logging.getLogger(__name__)

# Of one core, for each process.
CPU_SHARE = 0.03
# Comments that wait in one process.
MOST_WAITING = 256
WRITTEN_EVERY_S = 1.0
# A model that cannot be loaded is tried again after this long.
TRY_AGAIN_S = 60.0


class _Offered(NamedTuple):
    site: str
    policy: Policy
    text: str
    declared: str | None
    judgement: Judgement
    record: Record
    setting: ShadowSetting


class _ShadowBatch(NamedTuple):
    """Counts on their way to Redis. A failed batch is sent again unchanged, as Redis may have written it."""

    site: str
    digest: str
    day: date
    number: int
    counts: Counter[Pair]


class _InShadow:
    """What this process knows of one setting. `problem`: why it cannot score with the model."""

    def __init__(self, setting: ShadowSetting | None = None, model: classifier.Model | None = None) -> None:
        self.setting = setting
        self.model = model
        self.problem: str | None = None
        self.seen: Stamp | None = None
        self.try_at = 0.0


class Shadow:
    """The settings are stored with the model folders, and every process that shares them follows them.

    A site with a setting of its own goes by it, and all others by that of all sites.
    """

    def __init__(
        self,
        models: Models,
        counts: ShadowCounts,
        background: Background,
        draw: Callable[[], float] = random.random,
        *,
        rechecks: Rechecks | None = None,
    ) -> None:
        self._models = models
        self._counts = counts
        self._background = background
        self._draw = draw
        self._rechecks = rechecks
        self._drawing: deque[Differing] = deque()
        # By site, ALL_SITES among them.
        self._places: dict[str, _InShadow] = {}
        self._waiting: deque[_Offered] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "shadow")
        self._who = uuid_utils.uuid4().hex
        self._number = 0
        self._counting: dict[tuple[str, str, date], Counter[Pair]] = {}
        self._unsent: deque[_ShadowBatch] = deque()
        self._writing = asyncio.Lock()

    def setting(self, site: str) -> ShadowSetting | None:
        """By which a site goes, as far as this process knows; None: no model is in shadow."""
        found = self._place(site)
        return found.setting if found else None

    def problem(self, site: str) -> str | None:
        """Why this process cannot score with the model in shadow."""
        found = self._place(site)
        return found.problem if found else None

    def _place(self, site: str) -> _InShadow | None:
        return self._places.get(site) or self._places.get(ALL_SITES)

    def offer(  # noqa: PLR0917 - all that a comparison needs
        self, site: str, policy: Policy, text: str, declared: str | None, judgement: Judgement, record: Record
    ) -> None:
        """Compare the models on a comment later, perhaps. Takes no time worth mentioning, and raises nothing."""
        if not self._places or (found := self._place(site)) is None:
            return
        challenger, setting = found.model, found.setting
        if challenger is None or setting is None or self._draw() >= setting.share:
            return
        if judgement.model == challenger.version:  # it was promoted
            return
        if len(self._waiting) >= MOST_WAITING:
            metrics.SHADOW.labels("dropped").inc()
            return
        self._waiting.append(_Offered(site, policy, text, declared, judgement, record, setting))
        self._arrived.set()

    async def start(
        self, version: str, share: float, actor: str, site: str = ALL_SITES, tell: Tell[ShadowSetting] | None = None
    ) -> ShadowSetting:
        """Put a model in shadow, in place of another. Raises NotFound, ModelUnusable and Conflict, and as `tell` does,
        which is called first.
        """
        if version == self._models.of(site).version:
            raise Conflict("model_in_use", f"{version} is in use; only another model can be in shadow", {})
        model = await self._models.opened(version, site)
        setting = ShadowSetting(version, model.digest, share, datetime.now(UTC), actor, site)
        await asyncio.to_thread(self._files.put_shadow, setting, in_thread(tell))
        self._places[site] = _InShadow(setting, model)
        log.info("model %s is in shadow%s, for a share of %g", version, f" for {site}" if site else "", share)
        return setting

    async def stop(self, version: str, site: str = ALL_SITES, tell: Tell[ShadowSetting] | None = None) -> None:
        """Raises NotFound if the model is not in shadow, and as `tell` does, which is called first."""
        await asyncio.to_thread(self._files.remove_shadow, site, version, in_thread(tell))
        self._forget(site)
        log.info("model %s is no longer in shadow%s", version, f" for {site}" if site else "")

    def ending(self, digests: Collection[str], site: str = ALL_SITES) -> list[ShadowSetting]:
        """The settings of models that are or were in use, which `end` takes out of shadow.

        For all sites also where a site without a model of its own has one of them in shadow. Damaged settings stay.
        """
        found = []
        for place in [site, *([] if site else self._files.stamps("shadow"))]:
            if place != site and self._models.has_own(place):
                continue
            with contextlib.suppress(ModelUnusable):
                # Not in a thread: all threads may wait for the lock of the files, which the caller's thread holds.
                setting = self._files.shadow(place)
                if setting is not None and setting.digest in digests:
                    found.append(setting)
        return found

    async def end(self, settings: Iterable[ShadowSetting]) -> None:
        for setting in settings:
            with contextlib.suppress(ModelUnusable, NotFound):  # NotFound: another process was faster
                await self.stop(setting.model, setting.site)

    @property
    def _files(self) -> ModelFiles:
        return self._models.files

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the settings, score, and write the counts. A killed process loses those of its last second."""
        for site in (ALL_SITES, *self._files.stamps("shadow")):
            with contextlib.suppress(ModelUnusable):  # the first round says so
                setting = await asyncio.to_thread(self._files.shadow, site)
                if setting is not None:
                    self._places[site] = _InShadow(setting)
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
        stamps = self._files.stamps("shadow")
        if (stamp := self._files.shadow_stamp()) is not None:
            stamps[ALL_SITES] = stamp
        for site in self._places.keys() - stamps.keys():
            self._forget(site)
        for site, stamp in stamps.items():
            found = self._places.setdefault(site, _InShadow())
            if stamp == found.seen and (found.problem is None or time.monotonic() < found.try_at):
                continue
            found.try_at = time.monotonic() + TRY_AGAIN_S
            with self._background.sparing("shadow setting", site or "all sites"):
                await self._follow_one(site, found)
                found.seen = stamp

    async def _follow_one(self, site: str, found: _InShadow) -> None:
        try:
            setting = await asyncio.to_thread(self._files.shadow, site)
            model = await self._challenger(setting, site, found) if setting else None
        except (ModelUnusable, NotFound) as error:
            found.model, found.problem = None, str(error)
            log.error("no model is in shadow%s: %s", f" for {site}" if site else "", error)
        else:
            found.setting, found.model, found.problem = setting, model, None

    async def _challenger(self, setting: ShadowSetting, site: str, found: _InShadow) -> classifier.Model:
        kept, found.setting = found.model, setting
        if not self._files.has_room(setting.digest, setting.since, site, in_shadow=True):
            raise ModelUnusable(self._files.too_many(setting.model))
        if kept is not None and kept.digest == setting.digest:
            return kept
        model = await self._models.opened(setting.model, site)
        if model.digest != setting.digest:
            raise ModelUnusable(f"model '{setting.model}' is not the one that was put in shadow")
        return model

    def _forget(self, site: str) -> None:
        """Comments of the site that wait are dropped when their turn comes."""
        self._places.pop(site, None)

    async def _work(self) -> None:
        await self._arrived.wait()
        self._arrived.clear()
        while self._waiting:
            started = time.monotonic()
            await self._compare(self._waiting.popleft())
            await asyncio.sleep((time.monotonic() - started) * (1 / CPU_SHARE - 1))

    async def _compare(self, offered: _Offered) -> None:
        place = self._place(offered.site)
        if place is None or (challenger := place.model) is None:  # it was taken out of shadow
            return
        champion = self._models.of(offered.site)
        # Another model took the place of one of the two meanwhile.
        if offered.setting.digest != challenger.digest or offered.judgement.model != champion.version:
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
        self._note_differing(offered, ModelPair(champion.digest, challenger.digest), pair)

    def _note_differing(self, offered: _Offered, models: ModelPair, pair: Pair) -> None:
        """A difference may be audited. Where a rule decided, both models would have done the same."""
        review, record = offered.policy.review, offered.record
        is_automatic = pair.was is not Action.REVIEW and record.decision is pair.was
        if not (pair.differs and is_automatic and review.audit_differing) or len(self._drawing) >= MOST_WAITING:
            return
        self._drawing.append(
            Differing(
                site=offered.site,
                comment_id=record.id,
                revision=record.revision,
                judgement=offered.judgement,
                models=models,
                would=pair.would,
                draw=self._draw(),
                share=review.audit_differing,
                most=review.differing_per_day,
                compared=offered.setting.share,
                sla_ms=sla_ms_of(None, review),
            )
        )

    async def _write(self) -> None:
        with contextlib.suppress(Retryable):
            await self.write()

    async def write(self) -> None:
        """Write all counts to Redis, and draw audits.

        Raises StoreUnavailable or Overloaded and keeps what it could not write.
        """
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
            while self._drawing and self._rechecks is not None:
                await self._rechecks.draw(self._drawing[0])
                self._drawing.popleft()


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
