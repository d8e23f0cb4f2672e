"""Comments in Redis: recorded with their decision, followed, erased."""

import hashlib
from dataclasses import dataclass

from service.domain import STATUS_AFTER, Comment, Judgement, Urgency
from service.errors import NotFound
from service.store.base import Content, Record, Submitted, encode, record
from service.store.keyspace import Site
from service.store.pipe import Pipe
from service.store.scripts import script

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Retention:
    """How long Redis keeps the text of a comment after its decision, in days."""

    text_days: int
    label_days: int


class Comments:
    def __init__(self, pipe: Pipe, retention: Retention, max_queued: int) -> None:
        self._pipe = pipe
        self._retention = retention
        self._max_queued = max_queued

    async def submit(
        self, site: Site, comment_id: str, comment: Comment, judgement: Judgement, *, urgency: Urgency, actor: str
    ) -> tuple[Submitted, Record | None]:
        """Record a comment together with its automatic decision, atomically and once for each text.

        The record is None only when the queue is full, and then nothing was written.
        """
        attributes = ",".join(reason.attribute for reason in judgement.reasons if reason.attribute)
        article = comment.article
        content = Content(comment, judgement)
        outcome, flat, stored = await self._pipe.run(
            _SUBMIT,
            [site.item(comment_id), site.text(comment_id), *_queues(site), site.held(), *_trails(site)],
            site.name,
            comment_id,
            hashlib.blake2b(comment.text.encode(), digest_size=16).hexdigest(),
            judgement.decision,
            STATUS_AFTER[judgement.decision],
            urgency.why,
            urgency.priority,
            urgency.sla_ms,
            attributes,
            (article and article.id) or "",
            (article and article.section) or "",
            encode(content),
            self._retention.text_days * DAY_S,
            self._max_queued,
            actor,
            judgement.model,
            judgement.policy,
        )
        if outcome in (b"created", b"revised"):
            return outcome.decode(), record(comment_id, flat, content)
        return outcome.decode(), record(comment_id, flat, stored) if flat else None

    async def get(self, site: Site, comment_id: str) -> Record:
        """Raises NotFound for an id that this site never sent, or that was forgotten since."""
        flat, content = await self._pipe.run(_GET, [site.item(comment_id), site.text(comment_id)])
        if not flat:
            raise NotFound(f"no comment '{comment_id}'")
        return record(comment_id, flat, content)

    async def erase(self, site: Site, comment_id: str, actor: str) -> None:
        """Remove what is personal; the id, the outcome and the times stay as long as the text would have."""
        await self._pipe.run(
            _ERASE,
            [
                site.item(comment_id),
                site.text(comment_id),
                *_queues(site),
                site.held(),
                site.key("audit"),
                site.imported(comment_id),
            ],
            site.name,
            comment_id,
            actor,
            (self._retention.text_days + 7) * DAY_S,
        )


_SUBMIT, _GET, _ERASE = script("submit"), script("get"), script("erase")


def _queues(site: Site) -> tuple[str, ...]:
    return site.key("ready"), site.key("lease"), site.key("escalated"), site.key("waiting")


def _trails(site: Site) -> tuple[str, ...]:
    return site.key("audit"), site.key("stat:")
