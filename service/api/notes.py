"""Notes: what moderators write about a comment for each other."""

from typing import Annotated

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.api.review import moderator_of
from service.cases.notes import MOST_CHARS, MentionShown
from service.store.base import CommentNote
from service.values.access import Scope


class NoteRequest(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=MOST_CHARS, description="Not blank.")]


class NotesResponse(Struct, frozen=True):
    """Oldest first; at most 20."""

    notes: tuple[CommentNote, ...]


class MentionsResponse(Struct, frozen=True):
    """Newest first; at most 100."""

    mentions: list[MentionShown]


async def list_mentions(call: Call) -> MentionsResponse:
    """Notes that name the caller with an @, until they are taken out of this list."""
    return MentionsResponse(await call.request.app[keys.NOTES].mentions(moderator_of(call)))


async def drop_mention(call: Call) -> None:
    """Take a note out of the caller's mentions. The note stays."""
    await call.request.app[keys.NOTES].dismiss(moderator_of(call), call.request.match_info["note"])


async def list_notes(call: Call) -> NotesResponse:
    """What moderators wrote about a comment, waiting or decided. Sites and authors do not see it.

    While the comment waits for a second opinion, notes of the moderator who gave the first one are left out.
    """
    return NotesResponse(await call.request.app[keys.NOTES].of(call.key.site, call.id, call.key.name))


async def add_note(call: Call) -> CommentNote:
    """Write a note about a comment, under the name of the key. The same text again is no second note.

    Notes last as long as the text, and are erased with it. The author's export has their texts, without names.
    """
    asked: NoteRequest = call.body
    return await call.request.app[keys.NOTES].add(moderator_of(call), call.id, asked.text)


async def remove_note(call: Call) -> None:
    """Remove one's own note; with the scope admin, anybody's."""
    await call.request.app[keys.NOTES].remove(moderator_of(call), call.id, call.request.match_info["note"])


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/review/{id}/notes",
        handler=list_notes,
        scope=Scope.REVIEW,
        tag="Review",
        summary="Notes of moderators about a comment.",
        answer=NotesResponse,
        problems=(404, 503),
    ),
    Operation(
        method="POST",
        path="/v1/review/{id}/notes",
        handler=add_note,
        scope=Scope.REVIEW,
        tag="Review",
        summary="Write a note about a comment.",
        body=NoteRequest,
        answer=CommentNote,
        problems=(404, 409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/review/mentions",
        handler=list_mentions,
        scope=Scope.REVIEW,
        tag="Review",
        summary="Notes that name the caller.",
        answer=MentionsResponse,
        problems=(503,),
    ),
    Operation(
        method="DELETE",
        path="/v1/review/mentions/{note}",
        handler=drop_mention,
        scope=Scope.REVIEW,
        tag="Review",
        summary="Take a note out of one's mentions.",
        status=204,
        problems=(503,),
    ),
    Operation(
        method="DELETE",
        path="/v1/review/{id}/notes/{note}",
        handler=remove_note,
        scope=Scope.REVIEW,
        tag="Review",
        summary="Remove a note.",
        status=204,
        problems=(404, 409, 503),
    ),
)
