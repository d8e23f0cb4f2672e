"""One comment: its status, its history, and the actions that are possible."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.cases.answers import ReviewItem, comment_answer, review_item
from service.cases.statements import dsa_of
from service.console import rule_words, words
from service.console.cards import BELOW, is_blurred, is_of_rules, of_rule
from service.console.reasons import SEVERE, attribute_name, code_title
from service.console.shown import marked
from service.console.texts import N_
from service.console.visit import ADMINS, DECIDERS, OVERSEERS, SUPERVISORS, Page, Visit
from service.store.base import AuditEntry, Record
from service.values.accounts import Role
from service.values.domain import NOT_OURS, WORDS, Id, Reason, State, Status
from service.values.errors import Conflict
from service.values.rules import RULE, RuleAction, RuleState

# The number of trail entries that one request reads; a link leads to the next ones.
MOST_LOOKS = 4
SHOWN = 200
ORIGIN = r"^[0-9]{1,16}-[0-9]{1,16}$(?!\n)"


SAID = {
    "undone": N_("Your decision was taken back. The comment is yours again, in the queue."),
    "reopened": N_("The comment is back in the queue, for somebody who did not decide it."),
    "erased": N_("Text, author and metadata are erased everywhere."),
}
# Fields that reveal a judgment, which would bias a person who still has to judge.
# Of a rejection, for its statement of reasons; other entries say the same.
OF_STATEMENT = frozenset({"why", "automatic", "before", "reports", "scores_shown"})
TELLING = frozenset(
    {
        *("decision", "decided_by", "reason", "macro", "model", "policy", "inclusion", "learning_inclusion"),
        *("mode", "rules", "score"),
    }
)


class CommentQuery(Struct, frozen=True, forbid_unknown_fields=True):
    id: Id
    after: Annotated[str, Meta(pattern=ORIGIN, extra={WORDS: NOT_OURS})] | None = None
    said: str = ""


class Step(Struct, frozen=True):
    """One entry of the history. `told`: its details in words, as pairs of name (or "") and value.

    `note`: what was written about the comment, while it is kept.
    """

    at: datetime
    deed: str
    actor: str
    told: list[tuple[str, str]]
    note: str = ""


class Timeline(Struct, frozen=True):
    """`next`: the next cursor, None at the end. `is_cut`: Redis no longer has the beginning; the export does."""

    steps: list[Step]
    next: str | None
    is_cut: bool


async def show_comment(visit: Visit) -> web.StreamResponse:
    query = visit.query(CommentQuery)
    store, site = visit.console.store, visit.site
    record = await store.comments.get(site, query.id)
    is_blind = blinds(visit, record)
    untold, letters = await store.outbox.about(site, record.id, record.version)
    item = seen(visit, record)
    return visit.show(
        "comment.html",
        words=words,
        item=item,
        of_model=[each for each in item.reasons or () if not is_of_rules(each)],
        of_rules=[_of_rule(visit, item, each) for each in item.reasons or () if is_of_rules(each)],
        record=record,
        is_blind=is_blind,
        timeline=await _timeline(visit, record, item, query.after, is_blind=is_blind),
        reports=await store.reports.of(site, record.id),
        untold=untold,
        letters=letters,
        said=SAID.get(query.said, ""),
        may=allowed(visit, record),
        may_note=visit.role in DECIDERS and record.content is not None,
        title_of=visit.reasons.title,
        has_statement=has_statement(visit, record),
        has_complaint=has_complaint(visit, record),
        code_title=code_title,
        **telling(visit),
    )


def _of_rule(visit: Visit, item: ReviewItem, reason: Reason) -> str:
    """What applied, and what it asked for."""
    texts = visit.texts
    said = [of_rule(visit, reason, is_blurred=is_veiled(visit, item))]
    if reason.code == RULE and reason.action is not None:
        said.append(texts(rule_words.ACTIONS[RuleAction(reason.action)]))
    if reason.attribute:
        said.append(texts(N_("Label: %(attribute)s"), attribute=texts(attribute_name(reason.attribute))))
    if reason.shadow:
        said.append(texts(rule_words.STATES[RuleState.SHADOW]))
    return " · ".join(said)


def blinds(visit: Visit, record: Record) -> bool:
    """Whether this person may still judge the comment, and so must not see judgments of others or of the model."""
    return record.is_waiting and visit.role in DECIDERS


def has_statement(visit: Visit, record: Record) -> bool:
    """Whether the page of a comment links to its statement."""
    return record.status is Status.REJECTED and _tells_authors(visit, record)


def has_complaint(visit: Visit, record: Record) -> bool:
    """Whether the page of a comment links to what became of its author's complaint."""
    return record.is_appealed and _tells_authors(visit, record)


def _tells_authors(visit: Visit, record: Record) -> bool:
    is_in_scope = dsa_of(visit.request.app[keys.DIRECTORY].for_people(visit.site)) is not None
    return is_in_scope and visit.role in OVERSEERS and record.erased_at is None and not blinds(visit, record)


def seen(visit: Visit, record: Record) -> ReviewItem:
    """The comment as this person may see it."""
    show_scores = visit.request.app[keys.DIRECTORY].shows_scores(visit.site)
    shown = review_item(visit.site, record, holder=visit.account.name, show_scores=show_scores)
    if not record.is_waiting or visit.role in DECIDERS:
        return shown
    told = comment_answer(visit.site, record)
    return ReviewItem(
        **{name: getattr(shown, name) for name in ReviewItem.__struct_fields__}
        | {name: getattr(told, name) for name in told.__struct_fields__}
        | {"notes": record.notes}
    )


def allowed(visit: Visit, record: Record) -> set[str]:
    """The actions to offer. The store refuses those that are too late."""
    is_decided = record.state is State.DECIDED
    return {
        name
        for name, is_so in {
            "undo": is_decided and record.moderator == visit.account.name and visit.role in DECIDERS,
            "reopen": is_decided and record.content is not None and visit.role in SUPERVISORS,
            "erase": record.state is not State.ERASED and visit.role is Role.ADMIN,
        }.items()
        if is_so
    }


def telling(visit: Visit) -> dict[str, Any]:
    """Template values for showing readers' texts: inert, and blurred if the person prefers it."""
    return {"marked": marked, "is_veiled": lambda item: is_veiled(visit, item)}


def is_veiled(visit: Visit, item: ReviewItem) -> bool:
    severe = {each.attribute for each in item.reasons or () if each.code != BELOW and not each.shadow} & SEVERE
    return is_blurred(visit, item) or (bool(severe) and visit.preferences.blur == "severe")


async def _timeline(visit: Visit, record: Record, item: ReviewItem, after: str | None, *, is_blind: bool) -> Timeline:
    audit = visit.console.store.audit
    # The first entry is written when the comment is submitted, and its position in the trail is that instant.
    begin = f"{int(record.created_at.timestamp() * 1000) - 1}-0"
    place: str | None = after or begin
    entries: list[AuditEntry] = []
    for _ in range(MOST_LOOKS):
        found, place = await audit.about(visit.site, record.id, place or begin, SHOWN - len(entries))
        entries += found
        if place is None or len(entries) >= SHOWN:
            break
    is_cut = after is None and await audit.is_cut(visit.site, record.id, begin)
    # That two people are asked does not reveal the first vote; that somebody is the second one does.
    shown = [entry for entry in entries if not (is_blind and entry.details["action"] == "voted")]
    unread = {each.id for each in record.notes} - {each.id for each in item.notes}
    notes = {each.id: each.text for each in item.notes}
    steps = [
        _step(visit, entry, notes, is_blind=is_blind) for entry in shown if entry.details.get("note") not in unread
    ]
    return Timeline(steps, place, is_cut)


def _step(visit: Visit, entry: AuditEntry, notes: Mapping[str, str], *, is_blind: bool) -> Step:
    told = entry.details
    known = {
        "action",
        "actor",
        "comment",
        "from",
        "to",
        "version",
        "revision",
        "token",
        "batch",
        "noted",
        "note",
    } | OF_STATEMENT
    if visit.role not in OVERSEERS:  # it helps only those who read the service's log
        known |= {"request"}
    hidden = known | TELLING if is_blind else known
    return Step(
        entry.at,
        told["action"],
        told["actor"],
        [
            _detail(visit, name, each)
            for name, value in told.items()
            if value and name not in hidden
            for each in _parts(name, value)
        ],
        notes.get(told.get("note", ""), ""),
    )


def _detail(visit: Visit, name: str, value: str) -> tuple[str, str]:
    """A reason may be one of the site's own."""
    if name == "reason":
        return visit.texts(words.told(name)), visit.texts(visit.reasons.title(value))
    return words.detail(visit.texts, name, value)


def _parts(name: str, value: str) -> list[str]:
    """The values of a detail: the script that submits a comment joins the rules that applied, and the scores."""
    return value.split(", ") if name in {"rules", "score"} else [value]


async def undo(visit: Visit) -> web.StreamResponse:
    comment_id = visit.field("id")
    await visit.reviewing.undo(visit.moderator, comment_id, version=_version(visit))
    return _back(visit, comment_id, "undone")


async def reopen(visit: Visit) -> web.StreamResponse:
    comment_id = visit.field("id")
    await visit.reviewing.reopen(visit.moderator, comment_id, _version(visit))
    return _back(visit, comment_id, "reopened")


async def erase(visit: Visit) -> web.StreamResponse:
    """Requires a confirmation in the same form, because it cannot be undone."""
    comment_id, store = visit.field("id"), visit.console.store
    if visit.field("meant") != "1":
        raise Conflict(
            "not_confirmed", N_("Tick the box first: what is erased does not come back."), {"id": comment_id}
        )
    await store.comments.get(visit.site, comment_id)
    await store.comments.erase(visit.site, comment_id, visit.account.name)
    return _back(visit, comment_id, "erased")


def _version(visit: Visit) -> int | None:
    """The version that the page showed, so that the store refuses if the comment has changed since."""
    said = visit.field("version")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 16 else None  # noqa: PLR2004 - 2^53


def _back(visit: Visit, comment_id: str, said: str) -> web.StreamResponse:
    return visit.go("/comment", id=comment_id, said=said)


PAGES = (
    Page(path="/comment", view=show_comment),
    Page(path="/comment/undo", view=undo, method="POST", roles=DECIDERS),
    Page(path="/comment/reopen", view=reopen, method="POST", roles=SUPERVISORS),
    Page(path="/comment/erase", view=erase, method="POST", roles=ADMINS),
)
