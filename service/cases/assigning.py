"""Assignment: a waiting comment is meant for one person, and offered to others only when it becomes due."""

import asyncio
from collections.abc import Sequence

from service.cases import team
from service.cases.answers import current
from service.cases.reviewing import Moderator
from service.store import Store
from service.store.base import Record
from service.values.domain import State
from service.values.errors import BadRequest, Conflict, Fault, NotFound, ServiceError


class Assigning:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def assign(self, who: Moderator, comment_id: str, to: str) -> Record:
        """Assign a waiting comment to somebody who may decide it; "": to nobody any more. Safe to repeat.

        Whoever holds the comment and assigns it to somebody else gives it back. Raises BadRequest for an unknown name,
        Conflict, NotFound and StoreUnavailable.
        """
        may_overrule = await self._may_overrule(who, to)
        return await self._assign(who, comment_id, to, may_overrule=may_overrule)

    async def assign_many(self, who: Moderator, ids: Sequence[str], to: str) -> list[Record | ServiceError]:
        """Assign each one separately; the result of each, in the order of `ids`. The team is read once.

        Raises BadRequest for an unknown name, and StoreUnavailable.
        """
        may_overrule = await self._may_overrule(who, to)

        async def one(comment_id: str) -> Record | ServiceError:
            try:
                return await self._assign(who, comment_id, to, may_overrule=may_overrule)
            except (BadRequest, Conflict, NotFound) as error:
                return error

        return await asyncio.gather(*map(one, ids))

    async def _assign(self, who: Moderator, comment_id: str, to: str, *, may_overrule: bool) -> Record:
        if not may_overrule and (await self._store.comments.get(who.site, comment_id)).state is State.ESCALATED:
            raise _unknown("may not decide what is escalated")
        outcome, record = await self._store.assignments.assign(who.site, comment_id, who.name, to, role=who.role)
        if outcome == "gone" or record is None:
            raise NotFound(f"no comment '{comment_id}'")
        if outcome in _DETAILS:
            code, detail = _DETAILS[outcome]
            raise Conflict(code, detail, current(record))
        return record

    async def _may_overrule(self, who: Moderator, to: str) -> bool:
        """Whether that person may decide what is escalated; True for nobody. Raises BadRequest for an unknown name."""
        found = {who.name: who.may_overrule, "": True}
        if to not in found:
            accounts, of_keys = await asyncio.gather(
                team.deciders(self._store, who.site), team.reviewing_keys(self._store, who.site)
            )
            found = of_keys | accounts
        if to not in found:
            raise _unknown("nobody of this name decides comments of this site")
        return found[to]

    async def people(self, site: str) -> list[str]:
        """The names of those who may be given a comment to decide, without API keys."""
        return sorted(await team.deciders(self._store, site), key=str.casefold)


def _unknown(detail: str) -> BadRequest:
    return BadRequest(f"/to: {detail}", [Fault("/to", detail)])


_DETAILS = {
    "stale": ("not_waiting", "it does not wait for a decision"),
    "own": ("may_not_judge", "this moderator decided it before, so somebody else must judge it"),
}
