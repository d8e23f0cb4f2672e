"""The thread around a comment, asked for when somebody opens it: a part of the card, and a page without scripts."""

from dataclasses import dataclass

from aiohttp import web
from markupsafe import Markup

from service.cases.answers import ReviewItem
from service.cases.threads import thread_of
from service.console import words
from service.console.comment import is_veiled, seen
from service.console.shown import plain
from service.console.visit import Page, Visit
from service.store.base import Record
from service.values.domain import DecidedBy, Parent, State

# Of each text so much is shown; its page has the rest.
MOST_CHARS = 600


@dataclass(frozen=True, slots=True)
class Post:
    """A comment of the thread as this person may see it. `is_same`: by the author of the comment in the middle.

    `is_hidden`: shown only on demand. `who`: who decided it, '' while it waits.
    """

    item: ReviewItem
    text: Markup | None
    is_long: bool
    is_hidden: bool
    is_same: bool
    who: str


async def show_thread(visit: Visit) -> web.StreamResponse:
    record = await visit.console.store.comments.get(visit.site, visit.request.match_info["id"])
    thread = await thread_of(visit.console.store, visit.site, record)
    is_part = "part" in visit.request.query
    return visit.show(
        "thread_part.html" if is_part else "thread.html",
        thread=thread,
        here=_post(visit, record, record),
        above=[_post(visit, each, record) for each in thread.above],
        parent=_sent(thread.parent),
        before=[_post(visit, each, record) for each in thread.before],
        after=[_post(visit, each, record) for each in thread.after],
        below=[_post(visit, each, record) for each in thread.below],
        hides_parent=visit.preferences.blur == "all",
        words=words,
    )


def _post(visit: Visit, record: Record, middle: Record) -> Post:
    item = seen(visit, record)
    author, own = _author(record), _author(middle)
    return Post(
        item,
        None if item.text is None else plain(item.text, MOST_CHARS),
        is_long=item.text is not None and len(item.text) > MOST_CHARS,
        is_hidden=is_veiled(visit, item),
        is_same=author is not None and author == own,
        who="" if record.is_waiting or record.state is State.ERASED else _decider(visit, record),
    )


def _author(record: Record) -> str | None:
    author = record.content.comment.author if record.content else None
    return author.id if author else None


def _decider(visit: Visit, record: Record) -> str:
    is_person = record.decided_by is DecidedBy.MODERATOR
    return (record.moderator if is_person else None) or visit.texts(words.DECIDED_BY[record.decided_by])


def _sent(parent: Parent | None) -> Markup | None:
    return plain(parent.text, MOST_CHARS) if parent and parent.text else None


PAGES = (Page(path="/queue/{id}/thread", view=show_thread),)
