"""The audit trail in Redis: append-only, readable in order."""

from datetime import UTC, datetime

from service.store.base import AuditEntry, fields
from service.store.keyspace import Site
from service.store.pipe import Pipe

# Read per look at the stream; the caller goes on at the cursor, so nothing is out of reach.
MOST_READ = 5_000


class Audit:
    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def page(
        self, site: Site, after: str, limit: int, *, comment: str = "", actor: str = ""
    ) -> tuple[list[AuditEntry], str | None]:
        """Entries after the cursor, oldest first; the cursor to go on at, None at the end of the trail.

        One call reads at most MOST_READ entries, so a page of a rare comment can be empty and still go on.
        """
        wanted = {name: value for name, value in (("comment", comment), ("actor", actor)) if value}
        start = f"({after}" if after else "-"
        entries = await self._pipe.call("XRANGE", site.key("audit"), start, "+", "COUNT", MOST_READ)
        found: list[AuditEntry] = []
        for cursor, flat in entries:
            details = fields(flat)
            if wanted.items() <= details.items():
                found.append(AuditEntry(cursor.decode(), _at(cursor), details))
                if len(found) == limit:
                    return found, cursor.decode()
        return found, entries[-1][0].decode() if len(entries) == MOST_READ else None

    async def write(self, site: Site, action: str, actor: str, **details: str) -> None:
        """Record what is not a change of a comment: a model promoted, a key made."""
        flat = [part for pair in details.items() for part in pair]
        await self._pipe.call("XADD", site.key("audit"), "*", "action", action, "actor", actor, *flat)


def _at(cursor: bytes) -> datetime:
    return datetime.fromtimestamp(int(cursor.partition(b"-")[0]) / 1000, UTC)
