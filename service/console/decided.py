"""What a moderator decided today, with undo."""

from datetime import datetime
from typing import NamedTuple

from aiohttp import web
from markupsafe import Markup
from msgspec import Struct

from service.console import words
from service.console.comment import is_veiled, seen
from service.console.shown import plain
from service.console.texts import N_
from service.console.visit import DECIDERS, Page, Visit, whole
from service.store.base import AuditEntry, Record
from service.values.domain import State
from service.values.errors import Conflict, NotFound

# Entries of the audit trail that one page reads, and decisions that it shows, newest first.
MOST_READ = 20_000
MOST_SHOWN = 100
AT_ONCE = 1_000
DEEDS = frozenset({"decided", "voted", "escalated"})

SAID = {"undone": N_("Taken back. You hold the comment.")}
REFUSED = N_("It could not be taken back: it changed meanwhile, or the time for it is over.")


class DecidedQuery(Struct, frozen=True, forbid_unknown_fields=True):
    said: str = ""
    refused: str = ""


class Decided(NamedTuple):
    """`undo`: the version to take back; 0: not possible any more, or taken back already."""

    id: str
    at: datetime
    verdict: str
    line: Markup
    is_veiled: bool
    author: str
    undo: int


async def show_decided(visit: Visit) -> web.StreamResponse:
    query = visit.query(DecidedQuery)
    begin = visit.now.replace(hour=0, minute=0, second=0, microsecond=0)
    mine = await _mine(visit, begin)
    verdicts = [_verdict(entry) for entry in mine.values()]
    newest = sorted(mine.values(), key=lambda entry: entry.at, reverse=True)[:MOST_SHOWN]
    return visit.show(
        "decided.html",
        words=words,
        counts={name: verdicts.count(name) for name in ("approve", "reject", "escalate")},
        decided=[each for entry in newest if (each := await _decided(visit, entry))],
        day=begin,
        is_cut=len(mine) > MOST_SHOWN,
        said=SAID.get(query.said, ""),
        problem=REFUSED if query.refused else "",
    )


async def undo(visit: Visit) -> web.StreamResponse:
    comment_id = visit.field("id")
    try:
        await visit.reviewing.undo(visit.moderator, comment_id, version=whole(visit.field("version")))
    except (Conflict, NotFound):
        return visit.go("/decided", refused="1")
    return visit.go("/decided", said="undone")


async def _mine(visit: Visit, begin: datetime) -> dict[str, AuditEntry]:
    """The last decision on each comment by this moderator since `begin`, without those taken back."""
    audit, found = visit.console.store.audit, dict[str, AuditEntry]()
    after: str | None = audit.just_before(visit.site, begin)
    for _ in range(0, MOST_READ, AT_ONCE):
        page, after = await audit.page(visit.site, after or "", AT_ONCE, actor=visit.account.name)
        for entry in page:
            comment, action = entry.details.get("comment", ""), entry.details["action"]
            if action in DEEDS:
                found[comment] = entry
            elif action == "undone":
                found.pop(comment, None)
        if after is None:
            break
    return found


async def _decided(visit: Visit, entry: AuditEntry) -> Decided | None:
    try:
        record = await visit.console.store.comments.get(visit.site, entry.details["comment"])
    except NotFound:  # its time is over
        return None
    comment = record.content.comment if record.content else None
    author = comment.author.name if comment and comment.author and comment.author.name else ""
    is_hidden = comment is not None and is_veiled(visit, seen(visit, record))
    line = plain(comment.text) if comment is not None and not is_hidden else Markup()
    return Decided(record.id, entry.at, _verdict(entry), line, is_hidden, author, _undoable(visit, record, entry))


def _verdict(entry: AuditEntry) -> str:
    return "escalate" if entry.details["action"] == "escalated" else entry.details.get("decision", "")


def _undoable(visit: Visit, record: Record, entry: AuditEntry) -> int:
    """Offered while it is the last thing that happened. The store also refuses what is too long ago."""
    is_last = record.state in (State.DECIDED, State.ESCALATED) and record.moderator == visit.account.name
    return record.version if is_last and entry.details.get("version") == str(record.version) else 0


PAGES = (
    Page(path="/decided", view=show_decided, roles=DECIDERS),
    Page(path="/decided/undo", view=undo, method="POST", roles=DECIDERS),
)
