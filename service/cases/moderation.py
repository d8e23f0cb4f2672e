"""The main use case: take a comment, score it, decide, record the decision, answer."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import msgspec
import uuid_utils

import classifier
from service.cases import ruling
from service.cases.batching import ScoreBatcher
from service.cases.bounded_executor import BoundedExecutor
from service.cases.directory import AUTHOR_CHARS, Directory
from service.cases.models import Models
from service.cases.rulebook import Rulebook
from service.cases.ruling import NOBODY, RuleCheck, SentBy
from service.cases.scores import (
    MOST_SCORED_INLINE,
    Assessed,
    Scored,
    TextScores,
    assess,
    count_language,
    language_of,
    own_spans,
    rounded,
    score_texts,
    support_of,
)
from service.cases.shadow import Offer
from service.cases.teaching import learning_draw
from service.cases.unrecorded import UnrecordedSender, apply_rules
from service.rules.compiled import CompiledRules
from service.store import Store
from service.store.base import Outcome, Record
from service.store.reports import READER_CHARS, Reader
from service.values.access import ApiKey
from service.values.attention import attention, audit_share, soon_ms
from service.values.domain import Action, Comment, Judgement, LanguageSupport, Sender, Span, Urgency
from service.values.errors import Conflict, NotFound, QueueFull
from service.values.ladder import InForceCache, likelihood_in_force, unless_promised
from service.values.learning import LearningDraw
from service.values.networks import network_of
from service.values.policy import Decision, Policy, decide_scored, set_aside
from service.values.windows import windows


class Moderation:
    def __init__(
        self,
        models: Models,
        directory: Directory,
        store: Store,
        rulebook: Rulebook,
        offer_shadow: Offer | None = None,
        *,
        hash_authors: bool = True,
        max_waiting_batches: int = 32,
    ) -> None:
        self._rulebook = rulebook
        self._offer_shadow = offer_shadow
        self._models = models
        self._directory = directory
        self._store = store
        self._hash_authors = hash_authors
        self._batcher = ScoreBatcher()
        self._in_force = InForceCache()
        self.executor = BoundedExecutor(max_waiting_batches)

    async def submit(self, key: ApiKey, comment: Comment) -> Record:
        """Score, decide and record a comment. The same id and text again gives the stored answer.

        Raises QueueFull, StoreUnavailable (nothing was acknowledged) and Conflict for an id that was erased.
        """
        policy = self._directory.policy(key.site)
        judgement = await self._judge_batched(key.site, policy, comment.text, comment.language)
        is_new, record = await self._record(key.site, policy, comment, judgement, key.name)
        if self._offer_shadow is not None and is_new:
            self._offer_shadow(key.site, policy, comment.text, comment.language, judgement, record)
        return record

    async def record(self, site: str, comment: Comment, judgement: Judgement, *, actor: str) -> Record:
        """Record a comment and its judgement; raises as `submit` does."""
        return (await self._record(site, self._directory.policy(site), comment, judgement, actor))[1]

    async def _record(
        self, site: str, policy: Policy, comment: Comment, judgement: Judgement, actor: str
    ) -> tuple[bool, Record]:
        """Returns too whether the comment or this revision of it is new."""
        comment_id = comment.id or str(uuid_utils.uuid7())
        sent_by = self._sent_by(site, comment) if comment.sender else NOBODY
        comment = self._pseudonymous(site, comment)
        section = comment.article.section if comment.article else None
        # Most sites use neither audits nor double review, so the draw has no effect.
        draw = self._draw(site, comment_id, comment.text) if policy.review.draws else None

        def attend(decision: Decision) -> Urgency | None:
            return attention(decision, policy, section, 1.0 if draw is None else draw)

        is_soon = section in policy.review.urgent_sections
        rules = await self._rulebook.rules(site, policy)
        submit = partial(
            self._store.comments.submit,
            site,
            comment_id,
            comment,
            judgement,
            urgency=attend(Decision(judgement.decision, judgement.reasons)),
            actor=actor,
            audit_share=audit_share(judgement.decision, policy),
            draw=draw,
            audits_per_day=policy.review.audits_per_day,
            keep_rejected_s=policy.keep_rejected_s,
            learning=self._learning(site, policy, comment.text, judgement, draw, is_soon=is_soon),
        )
        looked = ruling.look(rules, comment, judgement, datetime.now(UTC), sent_by) if rules is not None else None
        watch = ruling.limits_in(looked) if looked is not None and self._store.shards == 1 else None
        asked = None
        if looked is not None and watch is None:
            asked = ruling.ask(policy, looked, comment, judgement, attend, is_soon=is_soon, is_first=True)
        outcome, record = await submit(rules=asked, watch=watch)
        if outcome == "ask":
            if looked is not None:
                asked = ruling.ask(policy, looked, comment, judgement, attend, is_soon=is_soon)
            else:
                asked = ruling.without_rules(policy, comment, judgement, attend, is_soon=is_soon)
            outcome, record = await submit(rules=asked)
        if record is None:
            raise _full()
        if outcome == "erased":
            raise Conflict("comment_erased", f"comment '{comment_id}' was erased", {"id": comment_id})
        is_new = outcome in ("created", "revised")
        if asked is not None and record.content is not None and is_new:
            ruling.count_rules(record.content.judgement.reasons)
        return is_new, record

    def _learning(
        self, site: str, policy: Policy, text: str, judgement: Judgement, draw: float | None, *, is_soon: bool
    ) -> LearningDraw | None:
        if draw is None or not policy.review.learning_share or not judgement.scores:
            return None
        decides = self._in_force(policy, self._models.of(site).digest, judgement.language).policy
        return learning_draw(policy, decides, text, judgement, draw, is_soon=is_soon)

    async def judge_all(
        self, site: str, text: str, declared: str | None = None, *, name: str = "", email: str = ""
    ) -> Judgement:
        """Judge a text of any length, without spans. `name`, `email`: of the author, for rules on words.

        Returns the judgement of the worst window, with the highest score of each attribute in any. Rules only count
        where they need no more than these, because nothing is recorded. Raises Overloaded, and
        StoreUnavailable if the lists of its rules were never read.
        """
        policy = self._directory.policy(site)
        found = await self._judge_windows(site, policy, text, declared)
        rules = await self._rulebook.rules(site, policy)
        sender = UnrecordedSender(name, email, self._stored_id(site, email.strip().lower()))
        return await apply_rules(self._store, site, policy, rules, text, found, sender)

    async def _judge_windows(self, site: str, policy: Policy, text: str, declared: str | None) -> Judgement:
        pieces = windows(text)
        if len(pieces) == 1:
            return self._judge(site, policy, text, declared, with_spans=False)
        found = await self.executor.run(
            lambda: [self._judge(site, policy, each, declared, with_spans=False) for each in pieces]
        )
        highest: dict[str, float] = {}
        for each in found:
            highest |= {name: max(p, highest.get(name, 0.0)) for name, p in each.scores.items()}
        worst = max(found, key=lambda each: _SEVERITY[each.decision])
        return msgspec.structs.replace(worst, scores=highest)

    def try_rules(self, site: str, policy: Policy, rules: CompiledRules, comment: Comment) -> RuleCheck:
        """Which rules of a policy of the site apply to a comment. Stores nothing."""
        judgement = self._judge(site, policy, comment.text, comment.language, with_spans=False)
        return ruling.check(rules, comment, judgement, datetime.now(UTC))

    def judge(self, site: str, text: str, declared: str | None = None, *, with_spans: bool = True) -> Judgement:
        """Score a text and decide on it under the site's policy. `declared`: its language, as the site declares it."""
        return self._judge(site, self._directory.policy(site), text, declared, with_spans=with_spans)

    def _judge(self, site: str, policy: Policy, text: str, declared: str | None, *, with_spans: bool) -> Judgement:
        model = self._models.of(site)
        language = language_of(model, text, declared)
        return self._judgement(policy, model, text, language, assess(model, text, language), with_spans=with_spans)

    def judge_assessed(self, site: str, assessed: Assessed, declared: str | None) -> Judgement:
        """The same for a scored text. It is scored again only if it must be judged in another language."""
        model, text, language, found = assessed
        if classifier.language_of(text, declared, model.languages) != language:
            return self.judge(site, text, declared)
        return self._judgement(self._directory.policy(site), model, text, language, found)

    async def _judge_batched(self, site: str, policy: Policy, text: str, declared: str | None) -> Judgement:
        """As `_judge`, but scores the text together with those of concurrent requests."""
        model = self._models.of(site)
        language = language_of(model, text, declared)
        found = await self._batcher.assess(model, text, language) if language in model.languages else None
        return self._judgement(policy, model, text, language, found)

    def _judgement(
        self,
        policy: Policy,
        model: classifier.Model,
        text: str,
        language: str,
        found: classifier.Assessment | None,
        *,
        with_spans: bool = True,
    ) -> Judgement:
        """`found`: None if the model does not judge the language."""
        if found is None:
            aside = set_aside(language)
            return _make_judgement(aside, {}, (), model, policy, language)
        labels = model.languages[language]
        scores = rounded(labels, found.scores)
        lacking = () if labels == model.labels else frozenset(model.labels).difference(labels)
        promised = self._in_force(policy, model.digest, language)
        decision = decide_scored(
            scores,
            promised.policy,
            language=language,
            is_measured=language not in model.transferred,
            is_evident=partial(classifier.is_evident_spam, text),
            lacking=lacking,
        )
        if promised.unpromised:
            decision = unless_promised(decision, promised.unpromised)
        shows = with_spans and decision.action is not Action.APPROVE
        spans = own_spans(found.spans()) if shows else ()
        judgement = _make_judgement(decision, scores, spans, model, policy, language)
        if not policy.review.learning_share:
            return judgement
        return msgspec.structs.replace(judgement, disagreement=found.disagreement)

    def _sent_by(self, site: str, comment: Comment) -> SentBy:
        """What rules may ask of the sender: nothing of it is stored, except counts of a hash of the network."""
        sender = comment.sender or Sender()
        network = network_of(sender.ip) if sender.ip else None
        hashed = self._directory.pseudonym(site, f"network\n{network}")[:AUTHOR_CHARS] if network else ""
        return SentBy(sender.email or "", hashed)

    def _pseudonymous(self, site: str, comment: Comment) -> Comment:
        """Replace the author's id by a pseudonym: a hash under a key that is secret (security.md, section 7).

        Without the sender, who is not stored.
        """
        if comment.sender is not None:
            comment = msgspec.structs.replace(comment, sender=None)
        if not self._hash_authors or comment.author is None or comment.author.id is None:
            return comment
        author = msgspec.structs.replace(comment.author, id=self._stored_id(site, comment.author.id))
        return msgspec.structs.replace(comment, author=author)

    def _stored_id(self, site: str, who: str) -> str:
        return self._directory.pseudonym(site, who)[:AUTHOR_CHARS] if who and self._hash_authors else who

    def _draw(self, site: str, comment_id: str, text: str) -> float:
        """A number in [0, 1) that depends on the id and the text, so that a repeated comment draws the same one.

        The salt is secret, so that a client cannot choose an id that is never audited.
        """
        drawn_by = f"{site}\n{comment_id}\n{text}".encode()
        return int.from_bytes(hashlib.blake2b(drawn_by, digest_size=7, key=self._directory.salt).digest()) / 2**56

    async def report(self, site: str, comment_id: str, reader: str, kind: str = "", text: str = "") -> Record:
        """Count a reader's report, and keep its reason. Raises NotFound, QueueFull and StoreUnavailable."""
        review = self._directory.policy(site).review
        outcome, record = await self._store.comments.report(
            site,
            comment_id,
            Reader(self._directory.pseudonym(site, reader)[:READER_CHARS], kind, text),
            needed=review.reports_needed,
            sla_ms=soon_ms(review),
            reopen_judged=review.reports_reopen_judged,
            discounts=review.reports_discount,
        )
        return self._expected(comment_id, outcome, record)

    def _expected(self, comment_id: str, outcome: Outcome, record: Record | None) -> Record:
        if record is None:
            raise NotFound(f"no comment '{comment_id}'")
        if outcome == "full":
            raise _full()
        return record

    async def score(
        self, site: str, texts: Sequence[str], *, spans: bool, language: str | None
    ) -> tuple[str, list[Scored]]:
        """The site's model's version and the scores of each text, in order. Stores nothing and needs no Redis.

        `language`: the declared language of all texts; None: detect the language of each. Raises Overloaded.
        """
        model = self._models.of(site)
        if len(texts) == 1 and not spans:
            return model.version, [await self._scored_soon(model, texts[0], language)]
        if len(texts) <= MOST_SCORED_INLINE:
            return model.version, score_texts(model, texts, language, with_spans=spans)
        return model.version, await self.executor.run(score_texts, model, texts, language, with_spans=spans)

    async def assess_in(
        self, site: str, language: str, text: str, parts: Sequence[str] = ()
    ) -> "tuple[Assessed, list[TextScores]]":
        """Score a text in a language that the site's model judges, and parts of the text, in order.

        Stores nothing and needs no Redis. A part that is the whole text is not scored again. Raises Overloaded.
        """
        model = self._models.of(site)
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
        """How close the site's policy is to rejecting a text with these scores; see policy.likelihood."""
        model = self._models.of(site)
        lacking = frozenset(model.labels).difference(model.languages.get(language, ()))
        in_force = self._in_force(self._directory.policy(site), model.digest, language)
        return likelihood_in_force(scores, in_force, lacking)

    async def _scored_soon(self, model: classifier.Model, text: str, declared: str | None) -> Scored:
        language = language_of(model, text, declared)
        labels = model.languages.get(language)
        if labels is None:
            return Scored(language, {})
        return Scored(language, rounded(labels, (await self._batcher.assess(model, text, language)).scores))

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

    def support(self, site: str, language: str) -> LanguageSupport:
        """Whether the model in use at a site judges a language, and whether it was measured there."""
        return support_of(self._models.of(site), language)

    def attributes(self, site: str) -> tuple[str, ...]:
        return self._models.of(site).labels

    def languages(self, site: str) -> Mapping[str, tuple[str, ...]]:
        """The attributes judged in each language. The first language is used for texts of unknown language."""
        return self._models.of(site).languages


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
