"""The review queue in Redis: claimed with a lease, decided once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from service.domain import Lease, State, Verdict
from service.store.base import Decided, Extended, Record, Released, encode, record
from service.store.comments import DAY_S, Retention
from service.store.keyspace import Site
from service.store.pipe import Pipe
from service.store.scripts import script

SKIP_MS = DAY_S * 1000


@dataclass(frozen=True, slots=True)
class LeaseLimits:
    """For how long and how many: `longest_s` counts from the claim."""

    longest_s: int
    most_open: int


class Filter(Struct, frozen=True, forbid_unknown_fields=True):
    """Which waiting comments a moderator wants; None: any."""

    attribute: str | None = None
    article: str | None = None
    section: str | None = None
    why: str | None = None


class Answer(Struct, frozen=True):
    """A moderator's answer to one comment; `lease` None: as somebody who may decide escalated comments."""

    verdict: Verdict
    lease: Lease | None
    reason: str = ""
    labels: Mapping[str, bool] = {}
    note: str = ""
    digest: str = ""


class Queue:
    def __init__(self, pipe: Pipe, retention: Retention, limits: LeaseLimits) -> None:
        self._pipe = pipe
        self._retention = retention
        self._limits = limits

    async def claim(self, site: Site, moderator: str, count: int, lease_s: int, wanted: Filter) -> list[Record]:
        """Lease up to `count` comments, the most urgent first, the moderator's own live leases before all.

        Each script call reads a bounded part of the queue; a filter that matches little takes several.
        """
        items: dict[str, Record] = {}
        offset = 0
        while offset >= 0 and len(items) < count:
            offset, *found = await self._pipe.run(
                _CLAIM,
                [
                    site.item(),
                    f"{site.prefix}text:",
                    site.key("ready"),
                    site.key("lease"),
                    site.held(),
                    site.skipped(moderator),
                    site.key("token"),
                    site.key("audit"),
                ],
                site.name,
                moderator,
                count - len(items),
                min(lease_s, self._limits.longest_s) * 1000,
                self._limits.most_open,
                offset,
                wanted.attribute or "",
                wanted.article or "",
                wanted.section or "",
                wanted.why or "",
            )
            items |= {each.id: each for each in (record(i.decode(), flat, content) for i, flat, content in found)}
        return list(items.values())

    async def extend(
        self, site: Site, comment_id: str, moderator: str, lease: Lease, lease_s: int
    ) -> tuple[Extended, Record | None]:
        outcome, flat = await self._pipe.run(
            _EXTEND,
            [site.item(comment_id), site.key("lease"), site.held(moderator)],
            comment_id,
            moderator,
            lease.token,
            lease.revision,
            lease_s * 1000,
            self._limits.longest_s * 1000,
        )
        return outcome.decode(), record(comment_id, flat, None) if flat else None

    async def release(
        self, site: Site, comment_id: str, moderator: str, lease: Lease, *, skip: bool
    ) -> tuple[Released, Record | None]:
        outcome, flat = await self._pipe.run(
            _RELEASE,
            [
                site.item(comment_id),
                site.key("ready"),
                site.key("lease"),
                site.held(moderator),
                site.skipped(moderator),
                site.key("audit"),
            ],
            site.name,
            comment_id,
            moderator,
            lease.token,
            lease.revision,
            SKIP_MS if skip else 0,
        )
        return outcome.decode(), record(comment_id, flat, None) if flat else None

    async def decide(
        self, site: Site, comment_id: str, moderator: str, answer: Answer, *, may_overrule: bool
    ) -> tuple[Decided, Record | None]:
        """Write the decision, its label and its audit entry in one step. `may_overrule`: also what was escalated."""
        outcome, flat, content = await self._pipe.run(
            _DECIDE,
            [
                site.item(comment_id),
                site.text(comment_id),
                site.key("ready"),
                site.key("lease"),
                site.key("escalated"),
                site.key("waiting"),
                site.held(moderator),
                site.key("audit"),
                site.key("labels"),
                site.key("stat:"),
            ],
            site.name,
            comment_id,
            moderator,
            answer.lease.token if answer.lease else "",
            answer.lease.revision if answer.lease else "",
            answer.verdict,
            answer.reason,
            encode(answer.labels),
            answer.digest,
            1 if may_overrule else 0,
            self._retention.label_days * DAY_S,
            answer.note,
        )
        return outcome.decode(), record(comment_id, flat, content) if flat else None

    async def items(self, site: Site, state: State, offset: int, limit: int) -> list[Record]:
        """Waiting comments of one state from `offset` on, the most urgent (or first escalated) first."""
        flat = await self._pipe.run(
            _ITEMS, [site.key(_INDEX[state]), site.item(), f"{site.prefix}text:"], offset, offset + limit - 1
        )
        return [record(comment_id.decode(), item, content) for comment_id, item, content in flat]

    async def stats(self, site: Site, hours: int) -> dict[str, Any]:
        """Lengths, ages in milliseconds, and what was counted in each of the last `hours` hours (newest first)."""
        flat = await self._pipe.run(
            _STATS,
            [site.key("ready"), site.key("lease"), site.key("escalated"), site.key("waiting"), site.key("stat:")],
            hours,
        )
        queued, leased, escalated, oldest_ms, overdue, *counted = flat
        return {
            "queued": queued,
            "leased": leased,
            "escalated": escalated,
            "oldest_ms": oldest_ms,
            "overdue": overdue,
            "hours": [(hour, dict(zip(_text(flat[::2]), map(int, flat[1::2]), strict=True))) for hour, flat in counted],
        }


_INDEX = {State.QUEUED: "ready", State.LEASED: "lease", State.ESCALATED: "escalated"}
_CLAIM, _EXTEND, _RELEASE, _DECIDE = script("claim"), script("extend"), script("release"), script("decide")
_ITEMS, _STATS = script("items"), script("stats")


def _text(names: list[bytes]) -> list[str]:
    return [name.decode() for name in names]
