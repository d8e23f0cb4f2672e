"""Notes of moderators on a comment: written on its card or its page, removed on its page."""

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.cases.notes import MOST_CHARS
from service.console.queue import asked_in
from service.console.texts import N_
from service.console.visit import DECIDERS, Page, Visit, in_words, own_path
from service.http import bodies

REFUSED = {
    "notes_full": N_("This comment has the maximum number of notes."),
    "text_expired": N_("The text is not kept any more."),
    "not_yours": N_("Somebody else wrote this note; a supervisor can remove it."),
}


class DeskNoteRequest(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=MOST_CHARS)]


async def add(visit: Visit) -> web.StreamResponse:
    """Answers our script with the note, a form with the page that it was on."""
    if visit.wants_json:
        asked = visit.body(DeskNoteRequest)
    else:  # browsers send a line break as two characters
        asked = bodies.shape({"text": visit.field("text").replace("\r\n", "\n")}, DeskNoteRequest)
    with in_words(visit, REFUSED):
        note = await visit.request.app[keys.NOTES].add(visit.moderator, visit.request.match_info["id"], asked.text)
    return visit.answer(note) if visit.wants_json else _back(visit)


async def remove(visit: Visit) -> web.StreamResponse:
    comment_id = visit.request.match_info["id"]
    with in_words(visit, REFUSED):
        await visit.request.app[keys.NOTES].remove(visit.moderator, comment_id, visit.field("note"))
    return _back(visit)


def _back(visit: Visit) -> web.Response:
    back = own_path(visit.field("back"))
    return visit.go(back or asked_in(visit, "in_").link())


PAGES = (
    Page(path="/queue/{id}/note", view=add, method="POST", roles=DECIDERS),
    Page(path="/queue/{id}/note/remove", view=remove, method="POST", roles=DECIDERS),
)
