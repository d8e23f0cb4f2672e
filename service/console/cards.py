"""Cards: a comment as moderators see it, with the reasons in words."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from babel.numbers import format_decimal
from markupsafe import Markup

from service import app_keys as keys
from service.cases.answers import ReviewItem, review_item
from service.cases.authors import History
from service.console.reasons import CODES, SEVERE, attribute_title, code_title
from service.console.shown import marked, plain
from service.console.texts import N_, Texts
from service.console.visit import Visit
from service.store.articles import ArticleInForce
from service.store.base import Record
from service.store.reports import Reports
from service.values.articles import ARTICLE_HEATED, SECTION_HEATED, places_of
from service.values.attention import sla_ms_of, soon_ms
from service.values.domain import Reason, State, Why
from service.values.errors import StoreUnavailable
from service.values.policy import LANGUAGE_NOT_SUPPORTED
from service.values.review_settings import Reviewing
from service.values.rules import RULE, RULE_UNAVAILABLE, RuleAction

WHYS = {
    "uncertain": N_("Score in the review range"),
    "unscored": CODES["unscored"],
    LANGUAGE_NOT_SUPPORTED: CODES[LANGUAGE_NOT_SUPPORTED],
    "reported": N_("Reported by readers"),
    "appeal": N_("The author appeals"),
    "reopened": N_("To be judged anew"),
    "rule": N_("A rule holds it"),
}
# What only labels or approves holds nothing. What was rejected may wait for an appeal.
HOLDING = frozenset({RuleAction.REVIEW, RuleAction.PREMODERATE, RuleAction.REJECT})
# The reason of an approval: its score reached no threshold.
BELOW = "score_below_review_band"
HEATED = frozenset({ARTICLE_HEATED, SECTION_HEATED})


@dataclass(frozen=True, slots=True)
class Bar:
    """A score as a bar from 0 to 1. `zone`: its position relative to the thresholds."""

    attribute: str
    score: float
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """`item` is what may be shown (service/cases/answers.py); the other fields are derived from it.

    `is_reserved`: assigned to somebody else, who alone is offered it now. `places`: the statuses of its article and
    section that are not open, by kind. `reports`: what readers said.
    """

    item: ReviewItem
    text: Markup | None
    line: Markup
    parent: Markup | None
    why: list[str]
    bars: list[Bar]
    is_blurred: bool
    is_late: bool
    is_reserved: bool = False
    escalated_by: str | None = None
    escalation: str | None = None
    note: str | None = None
    history: History | None = None
    places: Mapping[str, ArticleInForce] = field(default_factory=dict)
    reports: Reports = field(default_factory=Reports)

    @property
    def is_notable(self) -> bool:
        """Whether its reason says more than that the model was in doubt, which most rows of a list would say."""
        is_doubt = self.item.review is not None and self.item.review.why == Why.UNCERTAIN
        return self.escalation is not None or not is_doubt or len(self.why) > 1 or bool(self.item.reasons)

    @property
    def is_held(self) -> bool:
        return self.item.lease is not None


def cards(visit: Visit, records: Sequence[Record]) -> list[Card]:
    """Cards for a list, without the authors' histories."""
    return [card(visit, record) for record in records]


async def full_cards(visit: Visit, records: Sequence[Record]) -> list[Card]:
    """Cards with the authors' histories, the statuses of articles, and what readers said; each is looked up once."""
    shown = cards(visit, records)
    standing = await visit.console.store.articles.in_force(
        visit.site, [place for each in shown for place in places_of(each.item.article)]
    )
    authors = {each.item.author.id for each in shown if each.item.author and each.item.author.id}
    store = visit.request.app[keys.AUTHORS]
    found = await asyncio.gather(*(store.history(visit.site, author) for author in authors))
    histories = {history.author: history for history in found}
    reported = [each.item.id for each in shown if each.item.reports]
    said = await asyncio.gather(*(visit.console.store.reports.of(visit.site, each) for each in reported))
    reports = dict(zip(reported, said, strict=True))
    return [
        replace(
            each,
            reports=reports.get(each.item.id, Reports()),
            history=histories.get(each.item.author.id or "") if each.item.author else None,
            places={place.kind.value: standing[place] for place in places_of(each.item.article) if place in standing},
        )
        for each in shown
    ]


def card(visit: Visit, record: Record) -> Card:
    show_scores = visit.request.app[keys.DIRECTORY].shows_scores(visit.site)
    item = review_item(visit.site, record, holder=visit.account.name, show_scores=show_scores)
    is_escalated = record.state is State.ESCALATED
    ruled = _ruled(item, record)
    blurred = is_blurred(visit, item)
    return Card(
        item=item,
        text=None if item.text is None else marked(item.text, item.spans or (), ruled),
        line=Markup() if item.text is None else plain(item.text),
        parent=marked(item.parent.text) if item.parent and item.parent.text else None,
        why=_why(visit.texts, item, [of_rule(visit, each, is_blurred=blurred) for each in ruled], record.halved),
        bars=_bars(item),
        is_blurred=blurred,
        is_late=_due(item) is not None and visit.now > (_due(item) or visit.now),
        is_reserved=_is_reserved(visit, record),
        escalated_by=record.moderator if is_escalated else None,
        escalation=_escalation(visit, record) if is_escalated else None,
        note=record.note if is_escalated else None,
    )


def _is_reserved(visit: Visit, record: Record) -> bool:
    is_open = record.state is State.QUEUED and record.reserved_until is not None
    return is_open and record.assignee != visit.account.name and visit.now < (record.reserved_until or visit.now)


def _due(item: ReviewItem) -> datetime | None:
    return item.review.due_at if item.review else None


def _ruled(item: ReviewItem, record: Record) -> list[Reason]:
    """The reasons of the rules, and of the author's status, that hold the comment.

    Where scores are hidden, only if they are why it waits. An audit looks uncertain instead, so it shows none.
    """
    if item.reasons is None and not (item.review and item.review.why == Why.RULE):
        return []
    reasons = record.content.judgement.reasons if record.content else ()
    return [each for each in reasons if _is_holding(each)]


def is_of_rules(reason: Reason) -> bool:
    """Whether it comes from a rule or from the status of the author, and not from the model."""
    return reason.code == RULE_UNAVAILABLE or reason.action is not None


def _is_holding(reason: Reason) -> bool:
    return reason.code == RULE_UNAVAILABLE or (reason.action in HOLDING and not reason.shadow)


def of_rule(visit: Visit, reason: Reason, *, is_blurred: bool) -> str:
    """A reason of a rule, or of the author's status. What the rule found is left out where the text is hidden."""
    if reason.code not in {RULE, RULE_UNAVAILABLE}:
        return visit.texts(code_title(reason.code))
    if reason.code == RULE_UNAVAILABLE:
        return visit.texts(N_("Rule %(rule)s cannot be evaluated"), rule=reason.rule)
    if reason.entry and not is_blurred:
        said = visit.texts(N_("Rule %(rule)s found “%(entry)s”"), rule=reason.rule, entry=reason.entry)
    else:
        said = visit.texts(N_("Rule %(rule)s"), rule=reason.rule)
    note = _note(visit, reason.rule)
    return f"{said} ({note})" if note else said


def _note(visit: Visit, rule: str | None) -> str:
    """As the rule says now. Without the policy people can go on, without notes."""
    try:
        rules = visit.request.app[keys.DIRECTORY].policy(visit.site).rules
    except StoreUnavailable:
        return ""
    return next((each.note for each in rules if each.id == rule), "")


def _why(texts: Texts, item: ReviewItem, of_rules: Sequence[str], halved: int) -> list[str]:
    """Every reason why the comment waits, one sentence each. `of_rules`: those of rules. `halved`: of the reports."""
    said = []
    why = item.review.why if item.review else None
    if item.reports:
        said.append(texts.counted("%(n)d reader reported it", "%(n)d readers reported it", item.reports))
    if halved:
        said.append(
            texts.counted(
                "%(n)d of them counts half: most of their reports were dismissed",
                "%(n)d of them count half: most of their reports were dismissed",
                halved,
            )
        )
    if why == LANGUAGE_NOT_SUPPORTED and item.language:
        said.append(texts(N_("Its language (%(language)s) is not judged"), language=item.language))
    elif why in WHYS and not _is_said(item, why, of_rules):
        said.append(texts(WHYS[why]))
    said += of_rules
    scored = sorted(filter(_is_of_model, item.reasons or ()), key=lambda each: -(each.score or 1.0))
    is_heated = any(each.code in HEATED for each in scored)  # then the score that the model found low is not low
    said += [_reason(texts, reason) for reason in scored if not (is_heated and reason.code == BELOW)]
    return said


def _is_of_model(reason: Reason) -> bool:
    return reason.code != LANGUAGE_NOT_SUPPORTED and not is_of_rules(reason)


def _is_said(item: ReviewItem, why: str, of_rules: Sequence[str]) -> bool:
    """Whether another sentence says more exactly why the comment waits."""
    return bool({"reported": item.reports, "uncertain": item.reasons, "rule": of_rules}.get(why))


def _reason(texts: Texts, reason: Reason) -> str:
    """A reason of the model."""
    attribute = attribute_title(texts, reason.attribute) if reason.attribute else ""
    if reason.code == "unscored" and attribute:
        return texts(N_("no score for %(attribute)s"), attribute=attribute)
    if reason.score is None:
        return texts(code_title(reason.code))
    score = _number(texts, reason.score)
    if reason.code == "toxicity_stands_in":
        return texts(
            N_("toxicity %(score)s stands in for %(attribute)s, which is not judged in this language"),
            attribute=attribute,
            score=score,
        )
    said = _band(texts, attribute, reason, reason.score)
    return f"{texts(code_title(reason.code))}: {said}" if reason.code in HEATED else said


def _band(texts: Texts, attribute: str, reason: Reason, score: float) -> str:
    """The zone of a score, for display only."""
    said = {"attribute": attribute, "score": _number(texts, score)}
    low, high = reason.review_at, reason.reject_at
    if low is not None and high is not None and low <= score < high:
        low_high = {"low": _number(texts, low), "high": _number(texts, high)}
        return texts(N_("%(attribute)s %(score)s (review from %(low)s, reject from %(high)s)"), **said, **low_high)
    if high is not None and score >= high:
        return texts(N_("%(attribute)s %(score)s (reject from %(at)s)"), **said, at=_number(texts, high))
    if low is not None and score >= low:
        return texts(N_("%(attribute)s %(score)s (review from %(at)s)"), **said, at=_number(texts, low))
    return texts(N_("%(attribute)s %(score)s (low)"), **said)


def _number(texts: Texts, value: float) -> str:
    return format_decimal(value, format="0.00", locale=texts.locale)


def _bars(item: ReviewItem) -> list[Bar]:
    """The scores, highest first; none if they are not shown (review-queue.md, section 7)."""
    high = {each.attribute for each in item.reasons or () if each.score is not None and each.code != BELOW}
    found = [
        Bar(attribute, score, "review" if attribute in high else "") for attribute, score in (item.scores or {}).items()
    ]
    return sorted(found, key=lambda bar: -bar.score)


def is_blurred(visit: Visit, item: ReviewItem) -> bool:
    wanted = visit.preferences.blur
    due = _due(item)
    if wanted != "severe" or due is None or item.review is None or item.review.why not in ("uncertain", "rule"):
        return wanted == "all"
    review = visit.request.app[keys.DIRECTORY].policy(visit.site).review
    is_soon = item.article is not None and item.article.section in review.urgent_sections
    return due - item.created_at <= _severe_within(review, is_soon=is_soon) + timedelta(seconds=1)


def _severe_within(review: Reviewing, *, is_soon: bool) -> timedelta:
    """The due time that only what may be severe has. `is_soon`: what is not is due sooner, too.

    Nobody may see which comments are audits, nor their scores. So blurring depends on what all may see.
    """
    others = min(sla_ms_of(None, review), soon_ms(review)) if is_soon else sla_ms_of(None, review)
    severe = (sla_ms_of(each, review) for each in SEVERE)
    return timedelta(milliseconds=max((each for each in severe if each < others), default=-1_000))


def _escalation(visit: Visit, record: Record) -> str:
    if record.vote is not None:
        return visit.texts(N_("Two moderators disagreed"))
    if record.reason:
        return visit.texts(N_("Escalated: %(reason)s"), reason=visit.texts(visit.reasons.title(record.reason)))
    return visit.texts(N_("Escalated for somebody else to decide"))
