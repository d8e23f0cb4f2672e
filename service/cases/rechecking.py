"""Has somebody else judge a decided comment anew, blind, because its label may be wrong."""

import asyncio

from service.cases import team
from service.cases.answers import current
from service.cases.directory import Directory
from service.cases.reviewing import Moderator
from service.store import Store
from service.values.attention import sla_ms_of
from service.values.errors import Conflict, NotFound, QueueFull


class Rechecking:
    """Methods raise Conflict, NotFound, QueueFull and StoreUnavailable."""

    def __init__(self, directory: Directory, store: Store) -> None:
        self._directory = directory
        self._store = store

    async def recheck(self, who: Moderator, comment_id: str, label: str) -> bool:
        """Queue a comment as a blind audit; its status stands meanwhile. `label`: the cursor of its newest label.

        Returns False, and changes nothing, if it waits already or two people have judged this revision.
        """
        sla_ms = sla_ms_of(None, self._directory.for_people(who.site).review)  # as audits
        people, of_keys = await asyncio.gather(
            team.deciders(self._store, who.site), team.reviewing_keys(self._store, who.site)
        )
        outcome, record = await self._store.rechecks.add(
            who.site, comment_id, label, who.name, sla_ms=sla_ms, role=who.role, deciders=people.keys() | of_keys.keys()
        )
        if outcome == "gone" or record is None:
            raise NotFound(f"no comment '{comment_id}'")
        if outcome == "full":
            raise QueueFull("too many comments wait for moderators", retry_after_s=60)
        if outcome in _DETAILS:
            code, detail = _DETAILS[outcome]
            raise Conflict(code, detail, current(record))
        return outcome == "ok"


_DETAILS = {
    "own": ("nobody_else", "all who may decide comments of this site have judged it, so nobody could answer"),
    "stale": ("label_replaced", "the label is not the newest one of this comment"),
    "expired": ("text_expired", "the text is not kept any more"),
}
