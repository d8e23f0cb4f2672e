"""Watches the promises of every site: counts audits as they are answered, and falls back when they contradict one."""

import contextlib
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET

from service.cases import policies
from service.cases.directory import Directory
from service.cases.measuring import measured
from service.cases.promises import WATCHED, Promises, is_drifting, seen
from service.metrics import PROMISE_AUDITS, PROMISE_EVIDENCE, PROMISES, SCORE_DRIFT
from service.store import Store
from service.store.labels import JudgedLabel
from service.store.shards import BETWEEN
from service.store.watch import Counted, SideWatch, WatchState
from service.values.domain import Action
from service.values.errors import Conflict
from service.values.ladder import decides_digest
from service.values.policy import Policy
from service.values.targets import Certificate, Side, Suspended, Target, Targets, keeps
from service.values.watching import PromiseState, state_of

log = logging.getLogger(__name__)

EVERY_S = 2.0
# Answers that one round counts for one site.
AT_ONCE = 500
# How long the figures without labels are good for.
MEASURE_S = 300.0
# Answers that can still be taken back: more than people answer within the time to undo.
MOST_COUNTED = 1_000
ACTOR = "watch"

_SIDES = {Action.APPROVE: Side.APPROVE, Action.REJECT: Side.REJECT}
_RIGHT = {Side.APPROVE: "approve", Side.REJECT: "reject"}


class Watch:
    """Every process may run it: whoever is first counts an answer, and whoever is first falls back.

    `model`: the digest of the model in use at a site.
    """

    def __init__(
        self,
        store: Store,
        directory: Directory,
        model: Callable[[str], str],
        *,
        every_s: float = EVERY_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._directory = directory
        self._model = model
        self._every_s = every_s
        self._now = now
        self._shown: dict[str, frozenset[Target]] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self._store.background.beside("watch", self.once, every_s=self._every_s):
            yield

    async def once(self) -> None:
        for site in self._directory.sites:
            with self._store.background.sparing("watch", site):
                policy = self._directory.policy(site)
                if policy.targets is not UNSET:
                    await self.look(site, policy, policy.targets)
                self._hide(site, frozenset() if policy.targets is UNSET else frozenset(policy.targets.wanted))

    def _hide(self, site: str, wanted: frozenset[Target]) -> None:
        """Let the metrics say nothing of a target that the site does not have any more."""
        for target in self._shown.get(site, frozenset()) - wanted:
            for state in PromiseState:
                PROMISES.labels(site, target.value, state.value).set(0)
            PROMISE_EVIDENCE.labels(site, target.value).set(math.nan)
            PROMISE_AUDITS.labels(site, target.value).set(math.nan)
        self._shown[site] = wanted

    async def look(self, site: str, policy: Policy, targets: Targets) -> Promises:
        """One round for one site."""
        version, state = await self._store.watches.read(site)
        if policy.certificate is not UNSET:
            before = state
            state = await self._counted(site, state, policy.certificate, targets)
            if state.measured_at is None or (self._now() - state.measured_at).total_seconds() >= MEASURE_S:
                state = await measured(self._store, site, policy, policy.certificate, state, self._now())
            state = _judged(state, targets, self._now())
            if state != before and not await self._store.watches.put(site, version, state):
                _, state = await self._store.watches.read(site)  # another process counted the same answers
            if await self._fall_back(site, state, policy.certificate):
                policy = self._directory.policy(site)
        found = seen(policy, self._model(site), state)
        _show(site, found)
        return found

    async def _counted(self, site: str, state: WatchState, certificate: Certificate, targets: Targets) -> WatchState:
        """Count the answers since the last round. A new certificate starts anew."""
        if state.certificate != certificate.id:
            begun = await self._begins(site, certificate)
            state = WatchState(certificate=certificate.id, cursor=begun, broken=state.broken)
        labels, following = await self._store.labels.judged(site, state.cursor, AT_ONCE)
        if not labels:
            return msgspec.structs.replace(state, cursor=following or state.cursor)
        versions = await self._versions(site, certificate)
        state = count_answers(state, labels, versions, targets)
        return msgspec.structs.replace(state, cursor=following or state.cursor)

    async def _begins(self, site: str, certificate: Certificate) -> str:
        """Where to begin: at the version that brought the certificate. Earlier answers are about earlier decisions."""
        versions = await self._store.access.policies(site)
        at = next((each.at for each in versions if _has(each.policy, certificate)), None)
        ms = int((at or self._now()).timestamp() * 1000)
        return BETWEEN.join([f"{ms}-0"] * self._store.shards)

    async def _versions(self, site: str, certificate: Certificate) -> frozenset[str]:
        """The versions of the policy that decided by this certificate."""
        versions = await self._store.access.policies(site)
        return frozenset(str(each.policy) for each in versions if _has(each.policy, certificate))

    async def _fall_back(self, site: str, state: WatchState, certificate: Certificate) -> bool:
        """If audits contradict a promise, decide by the fallback from the next version on."""
        broken = [side for side, each in state.sides.items() if each.state is PromiseState.BROKEN]
        if not broken or state.certificate != certificate.id:
            return False
        for side in broken:
            await self._stop(site, side, state, certificate)
        await self._directory.refresh_policies()
        return True

    async def _stop(self, site: str, side: Side, state: WatchState, certificate: Certificate) -> None:
        now = await policies.newest(self._store, site)
        if now.targets is UNSET or not _has(now, certificate) or side in {each.side for each in now.suspended or ()}:
            return  # another process, or a person, was faster
        after = await self._fallback(site, now, now.targets, side, state)
        target, watch = WATCHED[side], state.sides[side]
        details = {
            "promise": target.value,
            "certificate": certificate.id,
            "audits": str(watch.evidence.audits),
            "wrong": str(watch.evidence.wrong),
            "fallback": "review" if _has(after, certificate) else "previous",
        }
        try:
            after = await policies.replace(
                self._store, site, now, after, ACTOR, action="promise_broken", details=details, broken=target.value
            )
        except Conflict:
            return  # the next round looks at the version that came first
        log.error(
            "%s: audits contradict %s (%d of %d wrong); %s decides from now on (%s)",
            site,
            target.value,
            watch.evidence.wrong,
            watch.evidence.audits,
            after,
            details["fallback"],
        )

    async def _fallback(self, site: str, now: Policy, targets: Targets, side: Side, state: WatchState) -> Policy:
        if targets.when_broken == "previous":
            gone = {*state.broken, state.certificate}
            for each in reversed(await self._store.access.policies(site)):
                earlier = each.policy.certificate
                if earlier is not UNSET and earlier.id not in gone and self._fits(site, earlier, now, targets, side):
                    return msgspec.structs.replace(now, certificate=earlier)
        suspended = (*(now.suspended or ()), Suspended(side, self._now().replace(microsecond=0)))
        return msgspec.structs.replace(now, suspended=suspended)

    def _fits(self, site: str, certificate: Certificate, now: Policy, targets: Targets, side: Side) -> bool:
        is_of_this = certificate.model == self._model(site) and certificate.decides == decides_digest(now)
        return is_of_this and any(keeps(certificate, each, targets, side) for each in certificate.strata)


def _has(policy: Policy, certificate: Certificate) -> bool:
    return policy.certificate is not UNSET and policy.certificate.id == certificate.id


def count_answers(
    state: WatchState, labels: Iterable[JudgedLabel], versions: frozenset[str], targets: Targets
) -> WatchState:
    """The evidence after these answers, of comments that the versions decided; others do not count."""
    sides, counted = dict(state.sides), {(each.cursor, each.comment): each for each in state.counted}
    for label in labels:
        if label.retracts is not None:
            gone = counted.pop((label.retracts, label.id), None)
            if gone is not None:
                sides[gone.side] = _with(sides, gone, targets, is_back=True)
        elif (found := _outcome(label, versions)) is not None:
            counted[found.cursor, found.comment] = found
            sides[found.side] = _with(sides, found, targets)
    return msgspec.structs.replace(state, sides=sides, counted=tuple(counted.values())[-MOST_COUNTED:])


def _outcome(label: JudgedLabel, versions: frozenset[str]) -> Counted | None:
    """None: not the answer to a drawn audit of a decision by these versions."""
    if label.content is None or label.inclusion is None or label.source == "vote":
        return None
    said = label.content.judgement
    side = _SIDES.get(said.decision)
    if side is None or said.policy not in versions:
        return None
    return Counted(label.cursor, label.id, side, label.verdict != _RIGHT[side])


def _with(sides: Mapping[Side, SideWatch], outcome: Counted, targets: Targets, *, is_back: bool = False) -> SideWatch:
    watch, alpha = sides.get(outcome.side, SideWatch()), targets.alpha(WATCHED[outcome.side])
    if alpha is None:
        return watch
    change = watch.evidence.without_outcome if is_back else watch.evidence.with_outcome
    return msgspec.structs.replace(watch, evidence=change(outcome.is_wrong, alpha))


def _judged(state: WatchState, targets: Targets, now: datetime) -> WatchState:
    """The states that follow from the evidence, and since when."""
    sides = dict(state.sides)
    for side, watch in state.sides.items():
        found = state_of(watch.evidence, targets.delta, is_drifting=is_drifting(state))
        if found is not watch.state:
            sides[side] = msgspec.structs.replace(watch, state=found, since=now.replace(microsecond=0))
    is_broken = any(each.state is PromiseState.BROKEN for each in sides.values())
    broken = (*state.broken, state.certificate) if is_broken and state.certificate not in state.broken else state.broken
    return msgspec.structs.replace(state, sides=sides, broken=broken[-100:])


def _show(site: str, found: Promises) -> None:
    for promise in found.promises:
        for state in PromiseState:
            PROMISES.labels(site, promise.target.value, state.value).set(promise.state is state)
        PROMISE_EVIDENCE.labels(site, promise.target.value).set(promise.evidence)
        PROMISE_AUDITS.labels(site, promise.target.value).set(promise.audits)
    if found.drift is not None:
        SCORE_DRIFT.labels(site).set(found.drift.psi)
