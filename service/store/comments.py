"""Comments in Redis: recorded with their decision, followed, reported, appealed, erased."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from service.redis.pipe import Pipe
from service.store.base import Outcome, Record, answered
from service.store.fullness import Fullness
from service.store.keyspace import Shards
from service.store.packing import Content, packed
from service.store.scripts import script
from service.values.domain import STATUS_AFTER, Comment, DecidedBy, Judgement, State, Status, Urgency
from service.values.errors import NotFound

DAY_S = 86_400
# By so much the state of a comment is kept longer than the last text of it; outlives() in prelude.lua says the same.
STATE_OUTLIVES_DAYS = 7
# 96 bits tell the texts of one comment apart; a million waiting comments hold as many of them in memory.
DIGEST_CHARS = 24
# Reads of one call that travel together: others write between them.
AT_ONCE = 200

# Looking a member up is cheaper than calling the enumeration.
_DECIDED_BY = {each.value: each for each in DecidedBy}
_pack = msgspec.msgpack.Encoder().encode

Submitted = Literal["created", "revised", "exists", "full", "erased"]


@dataclass(frozen=True, slots=True)
class Retention:
    """How long Redis keeps the text of a comment after its decision, and what sites follow, in days."""

    text_days: int
    label_days: int
    event_days: int

    @property
    def author_s(self) -> int:
        """How long an author's comments are found by the author after the newest came: longer than a text is kept.

        What waits longer than 60 of these 97 days more is remembered anew when it is decided (prelude.lua).
        """
        return (max(self.text_days, self.label_days) + 97) * DAY_S


class Comments:
    def __init__(
        self,
        pipe: Pipe,
        retention: Retention,
        max_queued: int,
        fullness: Fullness,
        shards: Shards,
        *,
        index_authors: bool = True,
    ) -> None:
        self._pipe = pipe
        self._retention = retention
        self._max_queued = max_queued
        self._fullness = fullness
        self._shards = shards
        self._index_authors = index_authors

    async def submit(
        self,
        site: str,
        comment_id: str,
        comment: Comment,
        judgement: Judgement,
        *,
        urgency: Urgency | None,
        actor: str,
        decided_by: str = "model",
        audit_share: float = 0.0,
    ) -> tuple[Submitted, Record | None]:
        """Record a comment together with its automatic decision, atomically and once for each text.

        `urgency`: why a person should look; None: nobody need. `audit_share`: with which probability such a decision is
        drawn for audit. The record is None only when the queue is full, and then
        nothing was written.
        """
        # Whoever filters by one gets no audits: among comments of one attribute their due time would give them away.
        is_audit = urgency is not None and urgency.inclusion is not None
        attributes = "" if is_audit else ",".join(r.attribute for r in judgement.reasons if r.attribute)
        article = comment.article
        content = Content(comment, judgement)
        sent = _pack(
            (
                comment_id,
                hashlib.blake2b(comment.text.encode(), digest_size=16).hexdigest()[:DIGEST_CHARS],
                judgement.decision,
                STATUS_AFTER[judgement.decision],
                urgency.why if urgency else "",
                str(urgency.priority) if urgency else "",  # as text: Lua would write it with all digits that it has
                urgency.sla_ms if urgency else "",
                attributes,
                (article and article.id) or "",
                (article and article.section) or "",
                self._retention.text_days * DAY_S,
                self._max_queued,
                actor,
                judgement.model,
                judgement.policy,
                judgement.language or "",
                decided_by,
                (urgency and urgency.double) or "",
                str(urgency.inclusion) if urgency and urgency.inclusion is not None else "",
                comment.callback_url or "",
                self._retention.label_days * DAY_S,
                (self._index_authors and comment.author and comment.author.id) or "",
                self._retention.author_s,
                str(audit_share) if audit_share else "",
                _decisive(judgement),
            )
        )
        shard = self._shards.of(site, comment_id)
        reply = await self._pipe.run(script("submit"), [shard.prefix], sent, packed(content))
        if reply[0] in (b"created", b"revised"):
            waiting = reply.pop()
            if waiting:
                self._fullness.saw(shard, waiting)
            waits_for = urgency if waiting else None  # a full queue takes no audit
            return reply[0].decode(), _recorded(comment_id, reply, content, waits_for, decided_by)
        outcome, record = answered(comment_id, reply if len(reply) > 1 else [*reply, []])
        if outcome == "full":
            self._fullness.saw(shard, self._max_queued)
        return outcome, record

    async def get(self, site: str, comment_id: str) -> Record:
        """Raises NotFound for an id that this site never sent, or that was forgotten since."""
        _, record = answered(comment_id, await self._run("get", site, comment_id))
        if record is None:
            raise NotFound(f"no comment '{comment_id}'")
        return record

    async def report(
        self, site: str, comment_id: str, reader: str, *, needed: int, sla_ms: int, reopen_judged: bool
    ) -> tuple[Outcome, Record | None]:
        """Count a report. `reader`: a hash of who reports; the `needed`th one brings an approved comment back."""
        return answered(
            comment_id,
            await self._run(
                "report",
                site,
                comment_id,
                reader,
                needed,
                sla_ms,
                1 if reopen_judged else 0,
                self._max_queued,
                self._retention.text_days * DAY_S,
            ),
        )

    async def appeal(self, site: str, comment_id: str, reason: str, *, sla_ms: int) -> tuple[Outcome, Record | None]:
        """Bring a rejected comment back to the queue, once for each revision."""
        return answered(comment_id, await self._run("appeal", site, comment_id, reason, sla_ms, self._max_queued))

    async def erase(self, site: str, comment_id: str, actor: str) -> bool:
        """Remove what is personal; the id, the outcome and the times stay as long as the text would have.

        False when there was nothing, also the second time.
        """
        erased = await self._run(
            "erase", site, comment_id, actor, (self._retention.text_days + STATE_OUTLIVES_DAYS) * DAY_S
        )
        return bool(erased)

    async def revisions(self, site: str, ids: Sequence[str]) -> dict[str, int]:
        """The newest revision of each comment that is known, erased ones too; not what was lost while it waited."""
        found: dict[str, int] = {}
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            items = (self._shards.of(site, each).item(each) for each in some)
            newest = await asyncio.gather(*(self._pipe.call("HMGET", item, "revision", "lost") for item in items))
            found |= {
                each: int(revision)
                for each, (revision, lost) in zip(some, newest, strict=True)
                if revision and not lost
            }
        return found

    async def _run(self, name: str, site: str, comment_id: str, *args: Any) -> Any:  # noqa: ANN401 - the script's own
        return await self._pipe.run(script(name), [self._shards.of(site, comment_id).prefix], comment_id, *args)


def _decisive(judgement: Judgement) -> str:
    """For the audit trail: the attributes that the decision hung on, with their scores."""
    return ", ".join(f"{each.attribute} {each.score:.6f}" for each in judgement.reasons if each.score is not None)


def _recorded(
    comment_id: str, reply: Sequence[Any], content: Content, urgency: Urgency | None, decided_by: str
) -> Record:
    """What was just written, from what we sent: reading it back would cost as much again."""
    _, revision, version, now, created = reply
    status = STATUS_AFTER[content.judgement.decision]
    at = datetime.fromtimestamp(now / 1000, UTC)
    created_at = at if created == now else datetime.fromtimestamp(created / 1000, UTC)
    due = datetime.fromtimestamp((now + urgency.sla_ms) / 1000, UTC) if urgency else None
    return Record(
        id=comment_id,
        revision=revision,
        version=version,
        state=State.QUEUED if urgency else State.DECIDED,
        status=status,
        decision=content.judgement.decision,
        decided_by=_DECIDED_BY[decided_by],
        created_at=created_at,
        decided_at=None if status is Status.PENDING else at,
        due_at=due,
        why=urgency.why if urgency else None,
        priority=urgency.priority if urgency else None,
        is_audit=urgency is not None and urgency.inclusion is not None,
        content=content,
    )
