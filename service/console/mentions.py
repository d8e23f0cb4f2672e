"""Notes that name the visitor, until the visitor is done with them."""

import asyncio
from typing import NamedTuple

from aiohttp import web

from service import app_keys as keys
from service.console.author import AuthorTexts, written
from service.console.visit import Page, Visit
from service.store.base import CommentNote


class MentionRow(NamedTuple):
    """A note, and the beginning of its comment as far as this person sees it."""

    note: CommentNote
    comment: AuthorTexts


async def show_mentions(visit: Visit) -> web.StreamResponse:
    notes = visit.request.app[keys.NOTES]
    found = await notes.mentions(visit.moderator)
    visit.mentions = await notes.count_mentions(visit.site, visit.account.name)  # without those that are gone now
    about = await asyncio.gather(*(written(visit, each.comment) for each in found))
    rows = [MentionRow(each.note, said) for each, said in zip(found, about, strict=True)]
    return visit.show("mentions.html", rows=rows, hidden=max(0, visit.mentions - len(rows)))


async def dismiss(visit: Visit) -> web.StreamResponse:
    """One of them; all without a note's id."""
    await visit.request.app[keys.NOTES].dismiss(visit.moderator, visit.field("note"))
    return visit.go("/mentions")


PAGES = (
    Page(path="/mentions", view=show_mentions),
    Page(path="/mentions/done", view=dismiss, method="POST"),
)
