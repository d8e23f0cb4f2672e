"""One author: the stored comments and the status. Each view is recorded in the audit trail."""

from datetime import timedelta
from typing import Annotated, NamedTuple

from aiohttp import web
from markupsafe import Markup
from msgspec import Meta, Struct

from service import app_keys as keys
from service.cases.approvals import NEEDED
from service.cases.author_status import BatchId, RejectionReason, StatusRequest
from service.console import words
from service.console.comment import is_veiled, seen
from service.console.shown import plain
from service.console.texts import N_
from service.console.visit import ADMINS, SUPERVISORS, Page, Visit, whole
from service.http import bodies
from service.values.accounts import Role
from service.values.approvals import Chosen, DecideMany, Deed, EraseAuthor
from service.values.domain import Id, Verdict
from service.values.errors import BadRequest, Conflict, NotFound
from service.values.rules import AuthorStatus

SAID = {
    "erased": N_("All comments of this author are erased."),
    "more": N_("Many comments are erased; there are more. Do it again until none is left."),
    "changed": N_("The status is changed. It counts for new comments."),
    "undone": N_("The change was taken back."),
    "proposed": N_("Nothing is done yet: somebody else must approve it, on the page Approvals, within 24 hours."),
}
# Conflicts that a person can cause with two open pages.
REFUSED = {
    "status_changed": N_("Somebody else changed the status meanwhile. This is how it stands now."),
    "not_yours": N_("Somebody else made the last change. Set a status instead."),
    "already_undone": N_("The change was taken back before."),
    "undo_window_closed": N_("It is too late to take this back. Set a status instead."),
    "batch_full": N_("This batch is full. Begin another one."),
}
# How long a status lasts, in days; 0: until somebody changes it.
DAYS = {
    0: N_("Until somebody changes it"),
    1: N_("1 day"),
    3: N_("3 days"),
    7: N_("7 days"),
    30: N_("30 days"),
    90: N_("90 days"),
}
Count = Annotated[int, Meta(ge=0, le=10_000)]


class AuthorQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`batch`: rejections that can be taken back, with how many comments were `rejected` and `skipped`.

    `left`: more of the author may wait, or stand in the batch. `undone`: how many rejections were taken back.
    """

    id: Id
    said: str = ""
    refused: str = ""
    batch: BatchId | None = None
    rejected: Count | None = None
    undone: Count | None = None
    skipped: Count = 0
    left: Annotated[int, Meta(ge=0, le=1)] = 0


class ReasonField(Struct, frozen=True):
    reason: RejectionReason = ""


class BatchField(Struct, frozen=True):
    batch: BatchId


class AuthorTexts(NamedTuple):
    """The beginning of a comment's text, and the name under which it was written.

    `is_veiled`: this person sees the text only on request, so it has no line.
    """

    id: str
    name: str = ""
    line: Markup = Markup()
    is_veiled: bool = False


# Characters of about two lines.
TWO_LINES = 160
# Comments of an author that are read for the name.
LOOKED_AT = 5


async def show_author(visit: Visit) -> web.StreamResponse:
    return await _page(visit, visit.query(AuthorQuery))


async def _page(visit: Visit, query: AuthorQuery, status: int = 200, problem: str = "") -> web.StreamResponse:
    app = visit.request.app
    history = await app[keys.AUTHORS].profile(visit.site, query.id, visit.account.name)
    standing = await app[keys.AUTHOR_STATUS].show(visit.site, history.author)
    may_change = visit.role in SUPERVISORS
    latest = [await written(visit, each.id) for each in history.latest]
    return visit.show(
        "author.html",
        status,
        name=next((each.name for each in latest if each.name), ""),
        written={each.id: each for each in latest},
        words=words,
        history=history,
        standing=standing,
        query=query,
        said=SAID.get(query.said, ""),
        refused=REFUSED.get(query.refused, ""),
        problem=problem,
        grounds=visit.reasons.grounds,
        title_of=visit.reasons.title,
        days=DAYS,
        may_change=may_change,
        keeps_ban=app[keys.DIRECTORY].for_people(visit.site).keep_ban_on_erase,
        may_undo=may_change and app[keys.AUTHOR_STATUS].can_undo(standing, visit.account.name),
        may_erase=visit.role is Role.ADMIN and (history.comments > 0 or bool(standing.history)),
    )


async def name_of(visit: Visit, author: str) -> str:
    """The name under which an author (by the stored id) wrote some comment; "" if none is kept."""
    ids = await visit.console.store.authors.ids(visit.site, author, LOOKED_AT)
    return next((each.name for each in [await written(visit, name) for name in ids] if each.name), "")


async def written(visit: Visit, comment_id: str) -> AuthorTexts:
    """What a comment says; nothing of a text that this person would see hidden."""
    try:
        record = await visit.console.store.comments.get(visit.site, comment_id)
    except NotFound:
        return AuthorTexts(comment_id)
    comment = record.content.comment if record.content else None
    if comment is None:
        return AuthorTexts(comment_id)
    name = comment.author.name if comment.author else None
    is_hidden = is_veiled(visit, seen(visit, record))
    line = Markup() if is_hidden else plain(comment.text, TWO_LINES)
    return AuthorTexts(comment_id, name or "", line, is_hidden)


async def set_status(visit: Visit) -> web.StreamResponse:
    author = _author(visit)
    days = visit.field("days", "0")
    if days not in map(str, DAYS):
        raise BadRequest("days: not one of the choices")
    asked = {
        "status": visit.field("status"),
        "why": visit.field("why") or None,
        "note": visit.field("note").strip(),
        "until": visit.now + timedelta(days=int(days)) if int(days) else None,
        "version": whole(visit.field("version")),
    }
    if asked["status"] == AuthorStatus.MUTED and asked["until"] is None:
        return await _page(visit, AuthorQuery(author), 400, N_("Choose for how long the author is muted."))
    if asked["status"] == AuthorStatus.ACTIVE:
        asked["until"] = None
    try:
        await visit.request.app[keys.AUTHOR_STATUS].change(
            visit.site, author, bodies.shape(asked, StatusRequest), visit.account.name
        )
    except Conflict as error:
        return _refused(visit, author, error)
    return visit.go("/author", id=author, said="changed")


async def undo_status(visit: Visit) -> web.StreamResponse:
    author = _author(visit)
    try:
        await visit.request.app[keys.AUTHOR_STATUS].undo(
            visit.site, author, visit.account.name, whole(visit.field("version"))
        )
    except Conflict as error:
        return _refused(visit, author, error)
    return visit.go("/author", id=author, said="undone")


async def reject_waiting(visit: Visit) -> web.StreamResponse:
    app, batch = visit.request.app, visit.field("batch")
    author, reason = _author(visit), bodies.shape({"reason": visit.field("reason")}, ReasonField).reason
    labels = visit.reasons.labels(reason, app[keys.MODERATION].attributes(visit.site))
    try:
        done = await app[keys.AUTHOR_STATUS].reject_waiting(
            visit.moderator,
            author,
            reason=reason,
            labels=labels,
            batch=bodies.shape({"batch": batch}, BatchField).batch if batch else None,
            policy=app[keys.DIRECTORY].policy(visit.site),
        )
    except Conflict as error:
        if error.reason == NEEDED:
            waiting = await app[keys.AUTHOR_STATUS].waiting(visit.site, author)
            chosen = tuple(Chosen(each, version) for each, version in waiting.versions.items())
            return await _proposed(visit, author, DecideMany(Verdict.REJECT, chosen, reason, labels))
        return _refused(visit, author, error)
    outcome = {"rejected": str(done.rejected), "skipped": str(len(done.skipped)), "left": str(int(done.more))}
    return visit.go("/author", id=author, batch=done.batch, **outcome)


async def undo_rejected(visit: Visit) -> web.StreamResponse:
    author, batch = _author(visit), bodies.shape({"batch": visit.field("batch")}, BatchField).batch
    try:
        done = await visit.request.app[keys.AUTHOR_STATUS].undo_rejected(visit.moderator, batch)
    except NotFound as error:
        raise NotFound(N_("This batch was taken back before, or is too old.")) from error
    outcome = {"undone": str(done.undone), "skipped": str(len(done.skipped)), "left": str(int(done.more))}
    return visit.go("/author", id=author, **({"batch": batch} if done.more else {}), **outcome)


async def erase_author(visit: Visit) -> web.StreamResponse:
    """Requires a confirmation in the same form, because it cannot be undone."""
    author = visit.field("id")
    if visit.field("meant") != "1":
        raise Conflict("not_confirmed", N_("Tick the box first: what is erased does not come back."), {})
    if visit.request.app[keys.DIRECTORY].policy(visit.site).second_person.erasures:
        return await _proposed(visit, author, EraseAuthor(_author(visit)))
    receipt = await visit.request.app[keys.AUTHORS].erase(visit.site, author, visit.account.name)
    return visit.go("/author", id=receipt.author, said="more" if receipt.left else "erased")


async def _proposed(visit: Visit, author: str, deed: Deed) -> web.StreamResponse:
    await visit.request.app[keys.APPROVALS].propose(visit.site, deed, visit.account.name)
    return visit.go("/author", id=author, said="proposed")


def _author(visit: Visit) -> str:
    query = bodies.shape({"id": visit.field("id")}, AuthorQuery)
    return visit.request.app[keys.AUTHORS].shown_id(visit.site, query.id)


def _refused(visit: Visit, author: str, error: Conflict) -> web.StreamResponse:
    if error.reason not in REFUSED:
        raise error
    return visit.go("/author", id=author, refused=error.reason)


PAGES = (
    Page(path="/author", view=show_author),
    Page(path="/author/status", view=set_status, method="POST", roles=SUPERVISORS),
    Page(path="/author/status/undo", view=undo_status, method="POST", roles=SUPERVISORS),
    Page(path="/author/reject-waiting", view=reject_waiting, method="POST", roles=SUPERVISORS),
    Page(path="/author/undo-rejected", view=undo_rejected, method="POST", roles=SUPERVISORS),
    Page(path="/author/erase", view=erase_author, method="POST", roles=ADMINS),
)
