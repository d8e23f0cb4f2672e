"""The one story: take a comment, score it, decide, record, answer."""

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import msgspec
import uuid_utils

import classifier
from service import metrics
from service.cases.batching import ScoreBatcher
from service.cases.bounded_executor import BoundedExecutor
from service.cases.directory import AUTHOR_CHARS, Directory
from service.cases.models import Models
from service.store import Store
from service.store.base import Outcome, Record
from service.values.access import ApiKey
from service.values.domain import Action, Comment, Judgement, LanguageSupport, Span, Urgency
from service.values.errors import Conflict, NotFound, QueueFull
from service.values.policy import (
    SOON_MS,
    Decision,
    Policy,
    attention,
    audit_share,
    decide_scored,
    likelihood,
    set_aside,
)
from service.values.windows import windows

# Scores are rounded before anything is decided, so that whoever reads an answer can redo the decision.
DECIMALS = 6
_MILLION = 10**DECIMALS
# Beyond this many texts the kernel runs in a thread (it releases the GIL) and the event loop goes on.
MOST_SCORED_INLINE = 8


@dataclass(frozen=True, slots=True)
class Scored:
    """`scores` is empty where the model does not judge the language."""

    language: str
    scores: Mapping[str, float]
    spans: tuple[Span, ...] = ()


class TextScores(NamedTuple):
    """The scores of one text, rounded when they are read: of seven most callers want one."""

    labels: Sequence[str]
    probabilities: Sequence[float]

    def of(self, label: str) -> float:
        return _rounded((label,), (self.probabilities[self.labels.index(label)],))[label]

    def all(self) -> dict[str, float]:
        return _rounded(self.labels, self.probabilities)


class Assessed(NamedTuple):
    """A text that was scored, with all that a judgement of it needs: it need not be scored again."""

    model: classifier.Model
    text: str
    language: str
    found: classifier.Assessment

    @property
    def scores(self) -> TextScores:
        return TextScores(self.model.languages[self.language], self.found.scores)


class Moderation:
    def __init__(
        self,
        models: Models,
        directory: Directory,
        store: Store,
        *,
        hash_authors: bool = True,
        max_waiting_batches: int = 32,
    ) -> None:
        self._models = models
        self._directory = directory
        self._store = store
        self._hash_authors = hash_authors
        self._batcher = ScoreBatcher()
        self.executor = BoundedExecutor(max_waiting_batches)

    async def submit(self, key: ApiKey, comment: Comment) -> Record:
        """Score, decide and record a comment. The same id and text again gives the stored answer.

        Raises QueueFull, StoreUnavailable (nothing was acknowledged) and Conflict for an id that was erased.
        """
        judgement = await self._judged(key.site, comment.text, comment.language)
        return await self.record(key.site, comment, judgement, actor=key.name)

    async def record(self, site: str, comment: Comment, judgement: Judgement, *, actor: str) -> Record:
        """Record a comment that was judged; raises as `submit` does."""
        comment_id = comment.id or str(uuid_utils.uuid7())
        urgency = self._attention(site, comment_id, comment, judgement)
        outcome, record = await self._store.comments.submit(
            site,
            comment_id,
            self._pseudonymous(site, comment),
            judgement,
            urgency=urgency,
            actor=actor,
            audit_share=audit_share(judgement.decision, self._directory.policy(site)),
        )
        if record is None:
            raise _full()
        if outcome == "erased":
            raise Conflict("comment_erased", f"comment '{comment_id}' was erased", {"id": comment_id})
        return record

    async def judge_all(self, site: str, text: str, declared: str | None = None) -> Judgement:
        """Of a text of any length: what `judge` says of its worst window, with the highest scores of all; no spans.

        Raises Overloaded.
        """
        pieces = windows(text)
        if len(pieces) == 1:
            return self.judge(site, text, declared, with_spans=False)
        found = await self.executor.run(lambda: [self.judge(site, each, declared, with_spans=False) for each in pieces])
        highest: dict[str, float] = {}
        for each in found:
            highest |= {name: max(p, highest.get(name, 0.0)) for name, p in each.scores.items()}
        worst = max(found, key=lambda each: _SEVERITY[each.decision])
        return msgspec.structs.replace(worst, scores=highest)

    def judge(self, site: str, text: str, declared: str | None = None, *, with_spans: bool = True) -> Judgement:
        """What the automatic step says of a text under the site's policy. `said`: its language, as the site says."""
        model = self._models.current
        language = _language(model, text, declared)
        found = model.assess(text, language=language) if language in model.languages else None
        return self._judgement(site, model, text, language, found, with_spans=with_spans)

    def judge_assessed(self, site: str, assessed: Assessed, declared: str | None) -> Judgement:
        """The same of a text that was scored; it is scored anew only where it is judged in another language."""
        model, text, language, found = assessed
        if classifier.language_of(text, declared, model.languages) != language:
            return self.judge(site, text, declared)
        return self._judgement(site, model, text, language, found)

    async def _judged(self, site: str, text: str, declared: str | None) -> Judgement:
        """What `judge` says, scored together with what others ask for at the same time."""
        model = self._models.current
        language = _language(model, text, declared)
        found = await self._batcher.assess(model, text, language) if language in model.languages else None
        return self._judgement(site, model, text, language, found)

    def _judgement(
        self,
        site: str,
        model: classifier.Model,
        text: str,
        language: str,
        found: classifier.Assessment | None,
        *,
        with_spans: bool = True,
    ) -> Judgement:
        """`found`: None where the model does not judge the language."""
        policy = self._directory.policy(site)
        if found is None:
            aside = set_aside(language)
            return _make_judgement(aside, {}, (), model, policy, language)
        labels = model.languages[language]
        scores = _rounded(labels, found.scores)
        lacking = () if labels == model.labels else frozenset(model.labels).difference(labels)
        decision = decide_scored(
            scores,
            policy,
            language=language,
            is_measured=language not in model.transferred,
            is_evident=partial(classifier.is_evident_spam, text),
            lacking=lacking,
        )
        shows = with_spans and decision.action is not Action.APPROVE
        spans = _spans(found.spans()) if shows else ()
        return _make_judgement(decision, scores, spans, model, policy, language)

    def _pseudonymous(self, site: str, comment: Comment) -> Comment:
        """The author known again by whoever knows the id, and by nobody else (security.md, section 7)."""
        if not self._hash_authors or comment.author is None or comment.author.id is None:
            return comment
        author = msgspec.structs.replace(
            comment.author, id=self._directory.pseudonym(site, comment.author.id)[:AUTHOR_CHARS]
        )
        return msgspec.structs.replace(comment, author=author)

    def _attention(self, site: str, comment_id: str, comment: Comment, judgement: Judgement) -> Urgency | None:
        policy = self._directory.policy(site)
        # Most sites draw nothing, and then none of it matters.
        draw = self._draw(site, comment_id, comment.text) if policy.review.draws else 1.0
        section = comment.article.section if comment.article else None
        decision = Decision(judgement.decision, judgement.reasons)
        return attention(decision, policy, section, draw)

    def _draw(self, site: str, comment_id: str, text: str) -> float:
        """By the id and the text, so that the same comment again draws the same.

        With a salt that nobody outside knows, so that nobody can choose an id that is never audited.
        """
        said = f"{site}\n{comment_id}\n{text}".encode()
        return int.from_bytes(hashlib.blake2b(said, digest_size=7, key=self._directory.salt).digest()) / 2**56

    async def report(self, site: str, comment_id: str, reader: str) -> Record:
        """Count a reader's report. Raises NotFound, QueueFull and StoreUnavailable."""
        review = self._directory.policy(site).review
        outcome, record = await self._store.comments.report(
            site,
            comment_id,
            self._directory.pseudonym(site, reader)[:16],
            needed=review.reports_needed,
            sla_ms=SOON_MS,
            reopen_judged=review.reports_reopen_judged,
        )
        return self._expected(comment_id, outcome, record)

    async def appeal(self, site: str, comment_id: str, reason: str) -> Record:
        """Bring a rejected comment back to the queue. Raises NotFound, Conflict, QueueFull and StoreUnavailable."""
        outcome, record = await self._store.comments.appeal(site, comment_id, reason, sla_ms=SOON_MS)
        return self._expected(comment_id, outcome, record)

    def _expected(self, comment_id: str, outcome: Outcome, record: Record | None) -> Record:
        if record is None:
            raise NotFound(f"no comment '{comment_id}'")
        if outcome == "full":
            raise _full()
        if outcome in _REFUSED:
            raise Conflict(*_REFUSED[outcome], {"id": comment_id, "status": record.status, "state": record.state})
        return record

    async def score(self, texts: Sequence[str], *, spans: bool, language: str | None) -> tuple[str, list[Scored]]:
        """The model's version and the scores of each text, in order. Keeps nothing, needs no Redis.

        `language`: of all the texts, as the caller says; None: as each text says. Raises Overloaded.
        """
        model = self._models.current
        if len(texts) == 1 and not spans:
            return model.version, [await self._scored_soon(model, texts[0], language)]
        if len(texts) <= MOST_SCORED_INLINE:
            return model.version, _scored(model, texts, language, with_spans=spans)
        return model.version, await self.executor.run(_scored, model, texts, language, with_spans=spans)

    async def assess_in(
        self, language: str, text: str, parts: Sequence[str] = ()
    ) -> "tuple[Assessed, list[TextScores]]":
        """A text in a language that the model judges, and the scores of parts of it, in order.

        Keeps nothing, needs no Redis. A part that is the whole text is not scored again. Raises Overloaded.
        """
        model = self._models.current
        count_language(model.languages, language)
        labels = model.languages[language]
        soon = self._batcher.assess(model, text, language)
        others = [part for part in parts if part != text]
        if len(others) < MOST_SCORED_INLINE:
            rows = [(await each).scores for each in [self._batcher.assess(model, part, language) for part in others]]
        else:
            found = await self.executor.run(model.score_many, others, language=language)
            rows = [tuple(row) for row in found.tolist()]
        assessed = Assessed(model, text, language, await soon)
        of_others = iter(rows)
        return assessed, [assessed.scores if part == text else TextScores(labels, next(of_others)) for part in parts]

    def likelihood(self, site: str, language: str, scores: Mapping[str, float]) -> float:
        """How near the site's policy comes to rejecting a text with these scores; see policy.likelihood."""
        model = self._models.current
        lacking = frozenset(model.labels).difference(model.languages.get(language, ()))
        return likelihood(scores, self._directory.policy(site), lacking)

    async def _scored_soon(self, model: classifier.Model, text: str, declared: str | None) -> Scored:
        language = _language(model, text, declared)
        labels = model.languages.get(language)
        if labels is None:
            return Scored(language, {})
        return Scored(language, _rounded(labels, (await self._batcher.assess(model, text, language)).scores))

    async def follow(self, site: str, comment_id: str, wait_s: float) -> Record:
        """The comment now, or as soon as its status is final, or after `wait_s` seconds. Raises NotFound."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + wait_s
        with self._store.changes.watch(site, comment_id) as news:
            while True:
                record = await self._store.comments.get(site, comment_id)
                left_s = ends_at - loop.time()
                if record.is_final or left_s <= 0 or self._store.changes.is_closing:
                    return record
                await news.next(left_s)

    def support(self, language: str) -> LanguageSupport:
        """How far the model in use can be believed in a language."""
        return support_of(self._models.current, language)

    @property
    def attributes(self) -> tuple[str, ...]:
        return self._models.current.labels

    @property
    def languages(self) -> Mapping[str, tuple[str, ...]]:
        """The attributes that are judged in each language; what nobody can tell is taken for the first."""
        return self._models.current.languages


_REFUSED: dict[Outcome, tuple[str, str]] = {
    "not_rejected": ("not_rejected", "only a rejected comment can be appealed"),
    "appealed": ("already_appealed", "this revision was appealed before, and decided again"),
    "expired": ("text_expired", "the text is not kept any more; send the comment again"),
}


_SEVERITY = {Action.APPROVE: 0, Action.REVIEW: 1, Action.REJECT: 2}


def _full() -> QueueFull:
    return QueueFull("too many comments wait for moderators", retry_after_s=60)


def _make_judgement(  # noqa: PLR0917 - all that a judgement is made of
    decision: Decision,
    scores: Mapping[str, float],
    spans: tuple[Span, ...],
    model: classifier.Model,
    policy: Policy,
    language: str,
) -> Judgement:
    return Judgement(
        decision.action,
        scores,
        decision.reasons,
        model.version,
        str(policy),
        spans,
        language,
        support_of(model, language),
    )


def support_of(model: classifier.Model, language: str) -> LanguageSupport:
    if language in model.transferred:
        return LanguageSupport.TRANSFERRED
    return LanguageSupport.MEASURED if language in model.languages else LanguageSupport.NONE


def _language(model: classifier.Model, text: str, declared: str | None) -> str:
    language = classifier.language_of(text, declared, model.languages)
    count_language(model.languages, language)
    return language


def count_language(judged: Collection[str], language: str) -> None:
    """What a site calls a language is as good as what a user wrote: it is not counted by name."""
    metrics.LANGUAGES.labels(language if language in judged else "other").inc()


def _scored(model: classifier.Model, texts: Sequence[str], declared: str | None, *, with_spans: bool) -> list[Scored]:
    """The kernel's way for many texts costs more than it saves for a few, and gives no spans."""
    languages = [_language(model, text, declared) for text in texts]
    if with_spans or len(texts) <= MOST_SCORED_INLINE:
        pairs = zip(texts, languages, strict=True)
        return [_scored_alone(model, text, language, with_spans=with_spans) for text, language in pairs]
    found = [Scored(language, {}) for language in languages]
    for language, labels in model.languages.items():
        places = [place for place, each in enumerate(languages) if each == language]
        rows = model.score_many([texts[place] for place in places], language=language).tolist()
        for place, row in zip(places, rows, strict=True):
            found[place] = Scored(language, _rounded(labels, row))
    return found


def _scored_alone(model: classifier.Model, text: str, language: str, *, with_spans: bool) -> Scored:
    labels = model.languages.get(language)
    if labels is None:
        return Scored(language, {})
    found = model.assess(text, language=language)
    return Scored(language, _rounded(labels, found.scores), _spans(found.spans()) if with_spans else ())


def _rounded(labels: Sequence[str], row: Sequence[float]) -> dict[str, float]:
    try:
        # round(p, 6), but that a tie goes up, in two thirds of its time.
        return {label: int(p * _MILLION + 0.5) / _MILLION for label, p in zip(labels, row, strict=True)}
    except (ValueError, OverflowError):  # what is no number goes on, to be noticed by whoever decides
        return dict(zip(labels, row, strict=True))


def _spans(found: Sequence[classifier.Span]) -> tuple[Span, ...]:
    return tuple(Span(s.start, s.end, s.label, round(s.weight, DECIMALS)) for s in found)
