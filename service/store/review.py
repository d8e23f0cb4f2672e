"""The review queue in Redis: comments are claimed with a lease and decided once."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from service.redis.pipe import Pipe
from service.store.base import Outcome, Record, answered, encode, record
from service.store.comments import DAY_S, Retention
from service.store.fullness import Fullness
from service.store.keyspace import Shard, Shards
from service.store.scripts import script
from service.store.strikes import StrikeTerms
from service.values.domain import Lease, State, Status, Verdict

SKIP_MS = DAY_S * 1000
# Script calls for one claim, each over at most 200 waiting comments, so that a rare filter does not read a whole queue.
MOST_LOOKS = 100
# Leases and waiting comments that one call of tend.lua processes.
TENDED_AT_ONCE = 50
# Hours of counters that one script reads.
HOURS_AT_ONCE = 100
SAMPLE_MINUTES = 5
SAMPLED = "waiting@"
_NO_TERMS = StrikeTerms()


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """`longest_s`: of a lease with its extensions. `most_open`: leases of a moderator. `hold_s`: delay of events."""

    longest_s: int
    most_open: int
    hold_s: float
    undo_s: int


class Filter(Struct, frozen=True, forbid_unknown_fields=True):
    """Which waiting comments a moderator wants; None: any."""

    attribute: str | None = None
    article: str | None = None
    section: str | None = None
    why: str | None = None
    language: str | None = None
    mine: Annotated[bool, Meta(description="Only what is assigned to this moderator.")] = False
    avoid: Annotated[
        frozenset[str],
        Meta(max_length=64, description="Attributes that this moderator is not shown; nor is any blind audit then."),
    ] = frozenset()


class Answer(Struct, frozen=True):
    """A moderator's decision on one comment.

    `lease` None: the moderator decides without one, on an escalated comment or a waiting one of that `version`.
    """

    verdict: Verdict
    lease: Lease | None
    reason: str = ""
    labels: Mapping[str, bool] = {}
    note: str = ""
    digest: str = ""
    version: int | None = None
    macro: str = ""  # the site's macro that was applied, for the audit trail


class TendResult(Struct, frozen=True):
    """How many leases ended, and how many comments were decided by expiry."""

    put_back: int
    expired: int


class Queue:
    def __init__(
        self, pipe: Pipe, retention: Retention, limits: QueueLimits, fullness: Fullness, shards: Shards
    ) -> None:
        self._pipe = pipe
        self._fullness = fullness
        self._retention = retention
        self._limits = limits
        self._shards = shards

    async def claim(self, site: str, moderator: str, count: int, lease_s: int, wanted: Filter) -> list[Record]:
        """Lease up to `count` comments: the moderator's own live leases, then what is assigned to the moderator, then
        the most urgent. What is reserved for another moderator is left out.

        Each script call reads a bounded part of the queue. A rare filter takes several calls, at most MOST_LOOKS, so it
        examines the 20,000 most urgent comments, divided between the shards.
        """
        items: dict[str, Record] = {}
        shards, own = await self._by_urgency(site, moderator)
        mine = msgspec.structs.replace(wanted, mine=True)
        for shard, asked in [*((each, mine) for each in own), *((each, wanted) for each in shards)]:
            known = sum(self._shards.of(site, each).number == shard.number for each in items)
            async for each in self._claim(shard, moderator, count - len(items) + known, lease_s, asked):
                items[each.id] = each
            if len(items) >= count:
                break
        return list(items.values())

    async def _by_urgency(self, site: str, moderator: str) -> tuple[list[Shard], list[Shard]]:
        """The shards in which this moderator holds a lease, then the others; each by earliest due time. Second, if
        there are several, those with something assigned to the moderator, which comes first wherever it lies.
        """
        shards = self._shards.each(site)
        if self._shards.count == 1:
            return list(shards), []
        call = self._pipe.call
        held = await asyncio.gather(*(call("ZCARD", shard.held(moderator)) for shard in shards))
        own = await asyncio.gather(*(call("ZCARD", shard.assigned(moderator)) for shard in shards))
        first = await asyncio.gather(*(call("ZRANGE", shard.key("ready"), 0, 0, "WITHSCORES") for shard in shards))
        due = [float(found[1]) if found else float("inf") for found in first]
        order = sorted(range(self._shards.count), key=lambda n: (not held[n], due[n]))
        return [shards[n] for n in order], [shards[n] for n in order if own[n]]

    async def _claim(
        self, shard: Shard, moderator: str, count: int, lease_s: int, wanted: Filter
    ) -> AsyncIterator[Record]:
        offset, given = 0, 0
        for _ in range(max(1, MOST_LOOKS // self._shards.count)):
            if offset < 0 or given >= count:
                break
            offset, *found = await self._pipe.run(
                script("claim"),
                [shard.prefix],
                moderator,
                count - given,
                min(lease_s, self._limits.longest_s) * 1000,
                self._limits.most_open,
                offset,
                wanted.attribute or "",
                wanted.article or "",
                wanted.section or "",
                wanted.why or "",
                wanted.language or "",
                f",{','.join(sorted(wanted.avoid))}," if wanted.avoid else "",
                int(wanted.mine),
            )
            for comment_id, *item in found:
                given += 1
                yield record(comment_id.decode(), *item)

    async def take(self, site: str, comment_id: str, moderator: str, lease_s: int) -> tuple[Outcome, Record | None]:
        """Lease this comment."""
        longest_s = min(lease_s, self._limits.longest_s)
        return await self._run("take", site, comment_id, moderator, longest_s * 1000, self._limits.most_open)

    async def held(self, site: str, moderator: str) -> list[Record]:
        """The comments that a moderator holds, in the order of their leases; one that just ended may be included."""
        found = []
        for shard in self._shards.each(site):
            page = await self._pipe.run(script("items"), [shard.prefix], f"held:{moderator}", 0, -1)
            found += [record(comment_id.decode(), *item) for comment_id, *item in page]
        return sorted(found, key=lambda each: each.token or 0)

    async def extend(
        self, site: str, comment_id: str, moderator: str, lease: Lease, lease_s: int
    ) -> tuple[Outcome, Record | None]:
        return await self._run(
            "extend",
            site,
            comment_id,
            moderator,
            lease.token,
            lease.revision,
            lease_s * 1000,
            self._limits.longest_s * 1000,
        )

    async def release(
        self, site: str, comment_id: str, moderator: str, lease: Lease, *, skip: bool
    ) -> tuple[Outcome, Record | None]:
        return await self._run(
            "release", site, comment_id, moderator, lease.token, lease.revision, SKIP_MS if skip else 0
        )

    async def free(
        self, site: str, comment_id: str, actor: str, holder: str, *, role: str = ""
    ) -> tuple[Outcome, Record | None]:
        """Take a comment from `holder`, who is not offered it again for SKIP_MS; "stale" if somebody else holds it."""
        return await self._run("free", site, comment_id, actor, holder, role, SKIP_MS)

    async def decide(
        self,
        site: str,
        comment_id: str,
        moderator: str,
        answer: Answer,
        *,
        may_overrule: bool,
        by_version: bool = False,
        audit_overturns: bool = True,
        role: str = "",
        batch: str = "",
        terms: StrikeTerms = _NO_TERMS,
        reason_texts: Mapping[str, str] | None = None,
        scores_shown: bool = False,
        keep_rejected_s: int = 0,
    ) -> tuple[Outcome, Record | None]:
        """Write the decision, its label, its audit entry and its event in one step.

        `may_overrule`: decide also without a lease. `by_version`: the same, except for escalated comments.
        `audit_overturns`: whether a blind audit that disagrees with the automatic decision changes it, or escalates the
        comment. `role` and `batch` go into the audit entry. `terms`: of strikes against the author; with several shards
        they are noted, and StrikeBook.weigh_noted weighs them. `reason_texts`: what the site is told, by language.
        `scores_shown`: the moderator saw the model's scores before the decision. `keep_rejected_s`: how long at least
        the text is kept.
        """
        lease = answer.lease
        return await self._run(
            "decide",
            site,
            comment_id,
            moderator,
            lease.token if lease else "",
            lease.revision if lease else "",
            answer.verdict,
            answer.reason,
            encode(answer.labels),
            hashlib.blake2b(f"{moderator}\n{lease}\n{answer.digest}".encode(), digest_size=12).hexdigest(),
            1 if may_overrule else 2 if by_version else 0,
            max(self._retention.label_days * DAY_S, keep_rejected_s),
            answer.note,
            answer.version or "",
            round(self._limits.hold_s * 1000),
            1 if audit_overturns else 0,
            role,
            batch,
            terms.packed(answer.reason, is_alone=self._shards.count == 1),
            encode(reason_texts) if reason_texts else "",
            1 if scores_shown else 0,
            answer.macro,
        )

    async def undo(
        self,
        site: str,
        comment_id: str,
        moderator: str,
        lease_s: int,
        *,
        version: int | None = None,
        role: str = "",
        batch: str = "",
        terms: StrikeTerms = _NO_TERMS,
    ) -> tuple[Outcome, Record | None]:
        """Undo this moderator's last decision, vote or escalation.

        The comment is leased to the same moderator again, or escalated again if it was decided from there.
        """
        limits = (self._limits.undo_s * 1000, lease_s * 1000)
        packed = terms.packed(is_alone=self._shards.count == 1)
        return await self._run("undo", site, comment_id, moderator, version or "", *limits, role, batch, packed)

    async def reopen(
        self, site: str, comment_id: str, actor: str, *, sla_ms: int, version: int | None = None, role: str = ""
    ) -> tuple[Outcome, Record | None]:
        """Return a decided comment to the queue, for a moderator who did not decide it."""
        return await self._run("reopen", site, comment_id, actor, version or "", sla_ms, role)

    async def tend(
        self, site: str, expiry_s: int = 0, status: Status = Status.REJECTED, *, keep_rejected_s: int = 0
    ) -> TendResult:
        """End expired leases, decide comments older than `expiry_s` (0: never), delete old events and labels.

        `keep_rejected_s`: how long at least the text of a comment is kept that is rejected so.
        """
        text_s = max(self._retention.text_days * DAY_S, keep_rejected_s if status is Status.REJECTED else 0)
        put_back = expired = 0
        for shard in self._shards.each(site):
            offset, some = 0, TENDED_AT_ONCE
            while offset >= 0 or some == TENDED_AT_ONCE:
                some, decided, offset = await self._pipe.run(
                    script("tend"),
                    [shard.prefix],
                    expiry_s * 1000,
                    status,
                    max(offset, 0),
                    text_s,
                    round(self._limits.hold_s * 1000),
                    self._retention.event_days * DAY_S * 1000,
                    self._retention.label_days * DAY_S * 1000,
                )
                put_back, expired = put_back + some, expired + decided
        return TendResult(put_back, expired)

    async def items(self, site: str, state: State, offset: int, limit: int) -> list[Record]:
        """Waiting comments of one state from `offset` on, the most urgent (or first escalated) first."""
        found: list[Record] = []
        for shard in self._shards.each(site):
            size = (
                await self._pipe.call("ZCARD", shard.key(_INDEX[state])) if self._shards.count > 1 else offset + limit
            )
            if offset < size and len(found) < limit:
                last = offset + limit - len(found) - 1
                page = await self._pipe.run(script("items"), [shard.prefix], _INDEX[state], offset, last)
                found += [record(comment_id.decode(), *item) for comment_id, *item in page]
            offset = max(0, offset - size)
        return found

    async def copies(self, site: str, comment_id: str, limit: int, holder: str = "") -> list[Record]:
        """Comments that wait for anybody, or that `holder` leases, and are copies of this one; the newest first.

        Copies as its rules compared it: empty if no rule did, or its fingerprints have expired.
        """
        prints = await self._pipe.call("HGET", self._shards.of(site, comment_id).item(comment_id), "prints")
        if prints is None:
            return []
        found: list[Record] = []
        for shard in self._shards.each(site):
            left = limit - len(found)
            page = await self._pipe.run(script("copies"), [shard.prefix], comment_id, prints, left, holder)
            found += [record(each.decode(), *item) for each, *item in page]
            if len(found) >= limit:
                break
        return sorted(found, key=lambda each: each.created_at, reverse=True)

    async def sample(self, site: str) -> None:
        """Store the current length of the queue, once every SAMPLE_MINUTES."""
        for shard in self._shards.each(site):
            await self._pipe.run(script("sample"), [shard.prefix], SAMPLE_MINUTES)

    async def stats(self, site: str, hours: int) -> dict[str, Any]:
        """Lengths, ages in milliseconds, the counters of the last `hours` hours (newest first), and samples of the
        queue's length and age (ms), as {Unix s: (length, age)}, oldest first.
        """
        return merged_stats([await self._stats(shard, hours) for shard in self._shards.each(site)])

    async def _stats(self, shard: Shard, hours: int) -> dict[str, Any]:
        flat = await self._pipe.run(script("stats"), [shard.prefix], min(hours, HOURS_AT_ONCE), 0)
        queued, leased, escalated, oldest_ms, overdue, frees_ms, *counted = flat
        self._fullness.saw(shard, queued + leased + escalated)
        for start in range(HOURS_AT_ONCE, hours, HOURS_AT_ONCE):
            more = await self._pipe.run(script("stats"), [shard.prefix], min(hours, start + HOURS_AT_ONCE), start)
            counted += more[6:]
        by_hour = [(hour, dict(zip(_text(flat[::2]), flat[1::2], strict=True))) for hour, flat in counted]
        return {
            "queued": queued,
            "leased": leased,
            "escalated": escalated,
            "overdue": overdue,
            "oldest_ms": oldest_ms,
            "frees_ms": frees_ms,
            "hours": {
                hour: {name: int(n) for name, n in found.items() if not name.startswith(SAMPLED)}
                for hour, found in by_hour
            },
            "samples": {
                int(name.removeprefix(SAMPLED)): tuple(map(int, seen.split()))
                for _, found in by_hour
                for name, seen in found.items()
                if name.startswith(SAMPLED)
            },
        }

    async def _run(self, name: str, site: str, comment_id: str, *args: Any) -> tuple[Outcome, Record | None]:  # noqa: ANN401 - the script's own
        return answered(comment_id, await self._shards.run(script(name), site, comment_id, *args))


_INDEX = {State.QUEUED: "ready", State.LEASED: "lease", State.ESCALATED: "escalated"}


def merged_stats(shards: list[dict[str, Any]]) -> dict[str, Any]:
    """The statistics of a site from those of its shards."""
    sums = {name: sum(each[name] for each in shards) for name in ("queued", "leased", "escalated", "overdue")}
    hours: dict[int, dict[str, int]] = {}
    for each in shards:
        for hour, counted in each["hours"].items():
            into = hours.setdefault(hour, {})
            for name, n in counted.items():
                into[name] = into.get(name, 0) + n
    return {
        **sums,
        "oldest_ms": max(each["oldest_ms"] for each in shards),
        "frees_ms": min((each["frees_ms"] for each in shards if each["frees_ms"] >= 0), default=-1),
        "hours": sorted(hours.items(), reverse=True),
        "samples": _sampled([each["samples"] for each in shards]),
    }


def _sampled(shards: list[dict[int, tuple[int, int]]]) -> dict[int, tuple[int, int]]:
    """Sums at the times at which all shards have a sample."""
    times = sorted(set[int].intersection(*map(set, shards)))
    return {at: (sum(each[at][0] for each in shards), max(each[at][1] for each in shards)) for at in times}


def _text(names: list[bytes]) -> list[str]:
    return [name.decode() for name in names]
