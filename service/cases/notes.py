"""Moderators' notes on comments, for each other. Neither the site nor the author is told."""

import asyncio
import re
from collections.abc import Mapping

from msgspec import Struct

from service.cases import team
from service.cases.answers import current, visible_notes
from service.cases.reviewing import Moderator
from service.store import Store
from service.store.base import CommentNote, Record
from service.store.notes import MOST_NOTES, Mention
from service.values.errors import BadRequest, Conflict, Fault, NotFound

MOST_CHARS = 1_000
# Names that one note tells, and mentions that one list has.
MOST_MENTIONED, MOST_LISTED = 10, 100
_NAME = re.compile(r"(?<![\w@])@([\x21-\x7e]{1,64})")
_AFTER_NAMES = ".,;:!?)]}'\"-"


class MentionShown(Struct, frozen=True):
    """A note that names the reader, with the id of its comment."""

    comment: str
    note: CommentNote


class NoteTaking:
    """Methods raise BadRequest, Conflict, NotFound and StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, site: str, comment_id: str, viewer: str) -> tuple[CommentNote, ...]:
        """The notes that this moderator may read, oldest first."""
        return visible_notes(await self._store.comments.get(site, comment_id), viewer)

    async def add(self, who: Moderator, comment_id: str, text: str) -> CommentNote:
        """Add a note; the same text by the same moderator again is answered with the first note."""
        said = text.strip().replace("\r\n", "\n")
        if not said:
            raise BadRequest("/text: must not be empty", [Fault("/text", "must not be empty")])
        outcome, record = await self._store.notes.add(
            who.site, comment_id, who.name, said, role=who.role, mentions=await self._mentioned(who, said)
        )
        found = _kept(outcome, comment_id, record)
        return next(each for each in reversed(found.notes) if each.by == who.name and each.text == said)

    async def _mentioned(self, who: Moderator, text: str) -> list[str]:
        """The members of the team whom a text names, except its author; MOST_MENTIONED at most."""
        named = [*dict.fromkeys(_NAME.findall(text))]
        if not named:
            return []
        people, of_keys = await asyncio.gather(
            team.roles(self._store, who.site), team.reviewing_keys(self._store, who.site)
        )
        known = {name.casefold(): name for name in [*of_keys, *people]}
        found = [known.get(_spoken(each, known)) for each in named]
        return [*dict.fromkeys(each for each in found if each not in (None, who.name))][:MOST_MENTIONED]

    async def mentions(self, who: Moderator) -> list[MentionShown]:
        """Notes that name this moderator, newest first. Forgets those that are gone.

        While a comment waits for this moderator's second opinion, notes of the first are left out.
        """
        found = await self._store.notes.mentioned(who.site, who.name, MOST_LISTED)
        ids = [*dict.fromkeys(each.comment for each in found)]
        records = dict(zip(ids, await asyncio.gather(*(self._record(who.site, each) for each in ids)), strict=True))
        shown: list[MentionShown] = []
        lost: list[Mention] = []
        for each in found:
            record = records[each.comment]
            notes = {note.id: note for note in record.notes} if record else {}
            if each.note not in notes:
                lost.append(each)
            elif record and notes[each.note] in visible_notes(record, who.name):
                shown.append(MentionShown(each.comment, notes[each.note]))
        await asyncio.gather(*(self._drop(who, each) for each in lost))
        return shown

    async def count_mentions(self, site: str, name: str) -> int:
        return await self._store.notes.count_mentions(site, name)

    async def dismiss(self, who: Moderator, note_id: str) -> None:
        """Take a note out of this moderator's mentions; "": all that can be read. Safe to repeat."""
        done = [each for each in await self.mentions(who) if note_id in ("", each.note.id)]
        await asyncio.gather(*(self._drop(who, Mention(each.comment, each.note.id, each.note.at)) for each in done))

    async def _drop(self, who: Moderator, mention: Mention) -> None:
        await self._store.notes.drop_mention(who.site, who.name, mention)

    async def _record(self, site: str, comment_id: str) -> Record | None:
        try:
            return await self._store.comments.get(site, comment_id)
        except NotFound:
            return None

    async def remove(self, who: Moderator, comment_id: str, note_id: str) -> None:
        """Remove the moderator's own note, or anybody's if the moderator may overrule. Safe to repeat."""
        outcome, record = await self._store.notes.remove(
            who.site, comment_id, who.name, note_id, may_others=who.may_overrule, role=who.role
        )
        _kept(outcome, comment_id, record)


def _spoken(written: str, known: Mapping[str, str]) -> str:
    """The known name, in lower case, that somebody wrote, perhaps with a full stop or the like behind it."""
    name = written.casefold()
    while name and name not in known and name[-1] in _AFTER_NAMES:
        name = name[:-1]
    return name


def _kept(outcome: str, comment_id: str, record: Record | None) -> Record:
    if outcome == "gone" or record is None:
        raise NotFound(f"no comment '{comment_id}'")
    if outcome in _DETAILS:
        code, detail = _DETAILS[outcome]
        raise Conflict(code, detail, current(record))
    return record


_DETAILS = {
    "full": ("notes_full", f"a comment has at most {MOST_NOTES} notes; remove one first"),
    "expired": ("text_expired", "the text is not kept any more, so nothing more is written about it"),
    "not_yours": ("not_yours", "somebody else wrote this note; a supervisor can remove it"),
}
