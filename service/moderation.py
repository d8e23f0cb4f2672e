"""The one story: take a comment, score it, decide, record, answer."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import uuid_utils

import classifier
from service.access import ApiKey
from service.directory import Directory
from service.domain import Action, Comment, Judgement, Span
from service.errors import Conflict, QueueFull
from service.models import Models
from service.policy import decide, urgency
from service.store import Store
from service.store.base import Record
from service.store.keyspace import Site

# Scores are rounded before anything is decided, so that whoever reads an answer can redo the decision.
DECIMALS = 6
# Beyond this many texts the kernel runs in a thread (it releases the GIL) and the event loop goes on.
MOST_SCORED_INLINE = 8


@dataclass(frozen=True, slots=True)
class Scored:
    scores: Mapping[str, float]
    spans: tuple[Span, ...] = ()


class Moderation:
    def __init__(self, models: Models, directory: Directory, store: Store) -> None:
        self._models = models
        self._directory = directory
        self._store = store

    async def submit(self, key: ApiKey, comment: Comment) -> Record:
        """Score, decide and record a comment. The same id and text again gives the stored answer.

        Raises QueueFull, StoreUnavailable (nothing was acknowledged) and Conflict for an id that was erased.
        """
        judgement = self.judge(key.site, comment.text)
        comment_id = comment.id or str(uuid_utils.uuid7())
        outcome, record = await self._store.comments.submit(
            Site(key.site), comment_id, comment, judgement, urgency=urgency(judgement.reasons), actor=key.name
        )
        if record is None:
            raise QueueFull("too many comments wait for moderators", retry_after_s=60)
        if outcome == "erased":
            raise Conflict("comment_erased", f"comment '{comment_id}' was erased", {"id": comment_id})
        return record

    def judge(self, site: str, text: str) -> Judgement:
        """What the automatic step says of a text under the site's policy."""
        model = self._models.current
        policy = self._directory.policy(site)
        scores = _rounded(model.labels, model.score(text))
        decision = decide(scores, policy)
        spans = () if decision.action is Action.APPROVE else _spans(model.spans(text))
        return Judgement(decision.action, scores, decision.reasons, model.version, str(policy), spans)

    async def score(self, texts: Sequence[str], *, spans: bool) -> tuple[str, list[Scored]]:
        """The model's version and the scores of each text, in order. Keeps nothing, needs no Redis."""
        model = self._models.current
        if len(texts) <= MOST_SCORED_INLINE:
            rows: Sequence[Sequence[float]] = [model.score(text) for text in texts]
            return model.version, _scored(model, texts, rows, with_spans=spans)
        rows = (await asyncio.to_thread(model.score_many, texts)).tolist()
        return model.version, await asyncio.to_thread(_scored, model, texts, rows, with_spans=spans)

    async def follow(self, site: str, comment_id: str, wait_s: float) -> Record:
        """The comment now, or as soon as its status is final, or after `wait_s` seconds. Raises NotFound."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + wait_s
        with self._store.changes.watch(site, comment_id) as news:
            while True:
                record = await self._store.comments.get(Site(site), comment_id)
                left_s = ends_at - loop.time()
                if record.is_final or left_s <= 0:
                    return record
                await news.next(left_s)

    @property
    def attributes(self) -> tuple[str, ...]:
        return self._models.current.labels


def _scored(
    model: classifier.Model, texts: Sequence[str], rows: Sequence[Sequence[float]], *, with_spans: bool
) -> list[Scored]:
    found = [_spans(model.spans(text)) if with_spans else () for text in texts]
    return [Scored(_rounded(model.labels, row), spans) for row, spans in zip(rows, found, strict=True)]


def _rounded(labels: Sequence[str], row: Sequence[float]) -> dict[str, float]:
    return {label: round(p, DECIMALS) for label, p in zip(labels, row, strict=True)}


def _spans(found: Sequence[classifier.Span]) -> tuple[Span, ...]:
    return tuple(Span(s.start, s.end, s.label, round(s.weight, DECIMALS)) for s in found)
