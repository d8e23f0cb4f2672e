"""Comments in Redis: record with a decision, read, report, appeal, erase."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from service.redis.pipe import Pipe
from service.store.asked import CountLimits, RulesAsked, packed_rules, together
from service.store.base import Outcome, Record, answered
from service.store.fullness import Fullness
from service.store.keyspace import Shard, Shards
from service.store.packing import Content, packed_with_place
from service.store.reports import Reader, ReportReasons
from service.store.scripts import script
from service.values.domain import STATUS_AFTER, Action, Comment, DecidedBy, Judgement, State, Status, Urgency
from service.values.errors import NotFound
from service.values.learning import MOST_OF_CLUSTER, LearningDraw

DAY_S = 86_400
# The state of a comment is stored this much longer than its last text; see outlives() in prelude.lua.
STATE_OUTLIVES_DAYS = 7
# Authors are indexed this much longer than texts are stored. A comment that is decided later than
# AUTHOR_RENEWED_AFTER_DAYS after its submission is indexed anew then; see settle() in prelude.lua.
AUTHOR_INDEX_DAYS = 97
AUTHOR_RENEWED_AFTER_DAYS = 60
# 96 bits distinguish the texts of one comment. Kept short, because a million waiting comments may each store one.
DIGEST_CHARS = 24
# Reads that one call sends together; other requests write in between.
AT_ONCE = 200

# Looking a member up is cheaper than calling the enumeration.
_DECIDED_BY = {each.value: each for each in DecidedBy}
_pack = msgspec.msgpack.Encoder().encode

Submitted = Literal["created", "revised", "exists", "full", "erased"]


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days Redis stores texts after the decision, texts of labels, and events."""

    text_days: int
    label_days: int
    event_days: int

    @property
    def author_s(self) -> int:
        """How long comments are found by author after the newest submission: longer than any text is stored."""
        return (max(self.text_days, self.label_days) + AUTHOR_INDEX_DAYS) * DAY_S


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
        self._reports = ReportReasons(pipe, shards)

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
        draw: float | None = None,
        audits_per_day: int | None = None,
        keep_rejected_s: int = 0,
        learning: LearningDraw | None = None,
        rules: RulesAsked | None = None,
        watch: CountLimits | None = None,
    ) -> tuple[Submitted | Literal["ask"], Record | None]:
        """Record a comment together with its automatic decision, atomically and once for each text.

        `urgency`: why a person should review it; None: no review needed. `audit_share`: the probability that such a
        decision is audited; `draw`: the comment's number in [0, 1) that decides it; `audits_per_day`: the most of the
        site (None: any number). `keep_rejected_s`: how long at least a rejected text is kept. `learning`: it may be
        drawn to learn from, if nobody has to look at it. `rules`: what the decision depends on besides; it then
        replaces urgency, share and who decided. `watch`: instead of rules, with one shard. The record is None only if
        nothing was written: the queue is full, or rules must be sent (ask), because the author, the article or the
        section has a status, or a limit of `watch` is passed.
        """
        content = Content(comment, judgement)
        data, decision_at = packed_with_place(content)
        shard = self._shards.of(site, comment_id)
        asked, rows = None, list[bytes]()
        if rules is not None:
            author, article = (
                (comment.author and comment.author.id) or "",
                (comment.article and comment.article.id) or "",
            )
            asked, rows = packed_rules(rules, author, article, decision_at)
            asked["elsewhere"] = await self._elsewhere(site, shard, comment_id, author, asked)
        life_s = max(self._retention.author_s, keep_rejected_s + AUTHOR_INDEX_DAYS * DAY_S)
        described = self._described(comment_id, content, urgency, actor, decided_by, audit_share, life_s)
        most = "" if audits_per_day is None else max(1, audits_per_day // self._shards.count)
        limits = ("" if draw is None else draw, most, keep_rejected_s)
        last = self._may_learn(learning), _parent(comment_id, comment)
        sent = _pack((*described, asked or "", watch.flat if watch else "", *limits, *last))
        reply = await self._pipe.run(script("submit"), [shard.prefix], sent, data, *rows)
        if reply[0] == b"ask":
            return "ask", None
        if reply[0] in (b"created", b"revised"):
            if rules is not None:
                content, urgency, decided_by = _ruled(content, rules, reply.pop())
            waiting = reply.pop()
            if waiting:
                self._fullness.saw(shard, waiting)
            if urgency is None and learning is not None:
                urgency = learning.urgency
            waits_for = urgency if waiting else None  # a full queue accepts no audit
            return reply[0].decode(), _recorded(comment_id, reply, content, waits_for, decided_by)
        outcome, record = answered(comment_id, reply if len(reply) > 1 else [*reply, []])
        if outcome == "full":
            self._fullness.saw(shard, self._max_queued)
        return outcome, record

    def _may_learn(self, learning: LearningDraw | None) -> tuple[Any, ...] | Literal[""]:
        """As drawn_to_learn in draws.lua takes it."""
        if learning is None:
            return ""
        most = max(1, learning.most // self._shards.count)
        inclusion = f"{learning.inclusion:.9g}"  # as text: Lua would write it with all its digits
        return (inclusion, most, MOST_OF_CLUSTER, learning.fingerprints, learning.urgency.sla_ms)

    def _described(  # noqa: PLR0917 - as submit has them
        self,
        comment_id: str,
        content: Content,
        urgency: Urgency | None,
        actor: str,
        decided_by: str,
        audit_share: float,
        author_s: int,
    ) -> tuple[Any, ...]:
        """The arguments of the script up to the author; see submit.lua."""
        comment, judgement = content.comment, content.judgement
        article, author = comment.article, (comment.author and comment.author.id) or ""
        return (
            comment_id,
            hashlib.blake2b(comment.text.encode(), digest_size=16).hexdigest()[:DIGEST_CHARS],
            judgement.decision,
            STATUS_AFTER[judgement.decision],
            urgency.why if urgency else "",
            str(urgency.priority) if urgency else "",  # as text: Lua would write it with all its digits
            urgency.sla_ms if urgency else "",
            ",".join(each.attribute for each in judgement.reasons if each.attribute),
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
            author if self._index_authors else "",
            author_s,
            str(audit_share) if audit_share else "",
            _decisive(judgement),
            author,
        )

    async def _elsewhere(
        self, site: str, shard: Shard, comment_id: str, author: str, asked: Mapping[str, Any]
    ) -> list[Any] | Literal[""]:
        """The facts of the other shards. Comments that these record at the same moment may be missing."""
        others = [each for each in self._shards.each(site) if each.number != shard.number]
        if not others or not asked["asks"]:
            return ""
        question = _pack((comment_id, author, asked["asks"], asked["asked"]))
        answers = await asyncio.gather(*(self._pipe.run(script("observe"), [each.prefix], question) for each in others))
        return [together(ask[0], facts) for ask, *facts in zip(asked["asks"], *answers, strict=True)]

    async def get(self, site: str, comment_id: str) -> Record:
        """Raises NotFound for an id that this site never sent, or whose record has expired."""
        _, record = answered(comment_id, await self._run("get", site, comment_id))
        if record is None:
            raise NotFound(f"no comment '{comment_id}'")
        return record

    async def report(
        self,
        site: str,
        comment_id: str,
        reader: Reader,
        *,
        needed: int,
        sla_ms: int,
        reopen_judged: bool,
        discounts: bool = False,
    ) -> tuple[Outcome, Record | None]:
        """Count a report. The `needed`th reader reopens an approved comment.

        `discounts`: a reader whose reports were mostly dismissed counts half.
        """
        elsewhere = await self._reports.judged(site, reader.name, comment_id) if discounts else (0, 0)
        return answered(
            comment_id,
            await self._run(
                "report",
                site,
                comment_id,
                reader.name,
                needed,
                sla_ms,
                1 if reopen_judged else 0,
                self._max_queued,
                self._retention.text_days * DAY_S,
                reader.kind,
                reader.text,
                1 if discounts else 0,
                *elsewhere,
            ),
        )

    async def appeal(
        self, site: str, comment_id: str, reason: str, *, sla_ms: int, within_s: int = 0
    ) -> tuple[Outcome, Record | None]:
        """Return a rejected comment to the queue, once for each revision. `within_s`: of the rejection; 0: ever."""
        reply = await self._run("appeal", site, comment_id, reason, sla_ms, self._max_queued, within_s * 1000)
        return answered(comment_id, reply)

    async def erase(self, site: str, comment_id: str, actor: str) -> bool:
        """Remove all personal data; the id, the outcome and the times stay as long as the text would have.

        Returns False if there was nothing to erase, also on a repeated call.
        """
        erased = await self._run(
            "erase", site, comment_id, actor, (self._retention.text_days + STATE_OUTLIVES_DAYS) * DAY_S
        )
        return bool(erased)

    async def revisions(self, site: str, ids: Sequence[str]) -> dict[str, int]:
        """The newest revision of each known comment, also if erased; not of comments lost while they waited."""
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
        return await self._shards.run(script(name), site, comment_id, *args)


def _parent(comment_id: str, comment: Comment) -> str:
    """The id of the comment that this one answers; empty if there is none. No comment answers itself."""
    parent = (comment.parent and comment.parent.id) or ""
    return "" if parent == comment_id else parent


def _decisive(judgement: Judgement) -> str:
    """For the audit trail: the attributes that led to the decision, with their scores."""
    return ", ".join(f"{each.attribute} {each.score:.6f}" for each in judgement.reasons if each.score is not None)


def _ruled(content: Content, rules: RulesAsked, reply: Sequence[Any]) -> tuple[Content, Urgency | None, str]:
    """What the rules made of a judgement: the content as it was recorded, who should look, and who decided."""
    action, by, applied, facts, sla_ms = reply
    found = Action(action.decode())
    added = tuple(map(rules.reason, applied))
    judgement = msgspec.structs.replace(
        content.judgement,
        decision=found,
        reasons=(*content.judgement.reasons, *rules.known_reasons, *added),
        facts=msgspec.msgpack.decode(facts),
    )
    urgency = rules.outcome(found, added).urgency
    if urgency is not None:
        urgency = msgspec.structs.replace(urgency, sla_ms=sla_ms)
    return Content(content.comment, judgement), urgency, by.decode()


def _recorded(
    comment_id: str, reply: Sequence[Any], content: Content, urgency: Urgency | None, decided_by: str
) -> Record:
    """The record just written, built from what was sent: reading it back would double the cost."""
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
