"""Moderators' notes on comments in Redis: beside the text, and gone with it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import uuid_utils
from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.base import Outcome, Record, answered
from service.store.keyspace import Shards
from service.store.scripts import script

# Notes of one comment. Every reader of the comment gets them all, so they are few and short.
MOST_NOTES = 20
# Mentions of one moderator in one shard: the newest, for so long after the last one.
MOST_MENTIONS, MENTION_DAYS = 200, 90


class Mention(Struct, frozen=True):
    """A note that names a moderator, by its id."""

    comment: str
    note: str
    at: datetime


class NoteBook:
    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def add(
        self, site: str, comment_id: str, moderator: str, text: str, *, role: str = "", mentions: Sequence[str] = ()
    ) -> tuple[Outcome, Record | None]:
        """Add a note to a comment whose text is stored. The same text by the same moderator is no second note.

        `mentions`: names without spaces; each finds the note in `mentioned`.
        """
        return answered(
            comment_id,
            await self._shards.run(
                script("add_note"),
                site,
                comment_id,
                moderator,
                str(uuid_utils.uuid7()),
                text,
                MOST_NOTES,
                role,
                " ".join(mentions),
                MOST_MENTIONS,
                MENTION_DAYS * 86_400,
            ),
        )

    async def remove(
        self, site: str, comment_id: str, moderator: str, note_id: str, *, may_others: bool, role: str = ""
    ) -> tuple[Outcome, Record | None]:
        """Remove a note of this moderator, or of any if `may_others`. Safe to repeat."""
        run = self._shards.run
        return answered(
            comment_id, await run(script("remove_note"), site, comment_id, moderator, note_id, int(may_others), role)
        )

    async def mentioned(self, site: str, moderator: str, limit: int) -> list[Mention]:
        """The newest mentions first. Some may be of notes that are gone with their comments."""
        call = self._pipe.call
        keys = [shard.key(f"mentions:{moderator}") for shard in self._shards.each(site)]
        found = await asyncio.gather(*(call("ZREVRANGE", key, 0, limit - 1, "WITHSCORES") for key in keys))
        mentions = [_mention(*each) for flat in found for each in zip(flat[::2], flat[1::2], strict=True)]
        return sorted(mentions, key=lambda each: each.at, reverse=True)[:limit]

    async def count_mentions(self, site: str, moderator: str) -> int:
        keys = (shard.key(f"mentions:{moderator}") for shard in self._shards.each(site))
        return sum(await asyncio.gather(*(self._pipe.call("ZCARD", key) for key in keys)))

    async def drop_mention(self, site: str, moderator: str, mention: Mention) -> None:
        """Safe to repeat; the note stays."""
        key = self._shards.of(site, mention.comment).key(f"mentions:{moderator}")
        await self._pipe.call("ZREM", key, f"{mention.note} {mention.comment}")


def _mention(member: bytes, at_ms: bytes) -> Mention:
    note, _, comment = member.decode().partition(" ")
    return Mention(comment, note, datetime.fromtimestamp(float(at_ms) / 1000, UTC))
