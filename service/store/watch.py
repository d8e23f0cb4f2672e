"""What the watch knows of a site's promises: one record for each site, which every process may advance."""

from datetime import datetime

import msgspec
from msgspec import Struct

from service.redis.pipe import Pipe
from service.store.keyspace import Shard
from service.store.scripts import script
from service.values.targets import Side
from service.values.watching import Departure, Drift, Evidence, PromiseState


class SideWatch(Struct, frozen=True, omit_defaults=True):
    """`since`: when the state last changed; None: not seen yet."""

    evidence: Evidence = Evidence()
    state: PromiseState = PromiseState.UNKNOWN
    since: datetime | None = None


class Counted(Struct, frozen=True, array_like=True):
    """An audit that counts as evidence, in case its answer is taken back. `cursor`: of its label."""

    cursor: str
    comment: str
    side: Side
    is_wrong: bool


class WatchState(Struct, frozen=True, omit_defaults=True):
    """`certificate`: the one that the evidence is about. `cursor`: labels up to here are counted.

    `measured_at`: when the figures without labels (`drift`, `coverage`, `inflow`) were measured. `broken`: certificates
    that audits contradicted, so that no fallback returns to them.
    """

    certificate: str = ""
    cursor: str = ""
    sides: dict[Side, SideWatch] = {}
    counted: tuple[Counted, ...] = ()
    measured_at: datetime | None = None
    drift: Drift | None = None
    coverage: Departure | None = None
    inflow: Departure | None = None
    broken: tuple[str, ...] = ()


class Watches:
    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def read(self, site: str) -> tuple[int, WatchState]:
        """The version of the record (0: none yet), and the record."""
        version, state = await self._pipe.call("HMGET", Shard(site).key("watch"), "version", "state")
        if state is None:
            return 0, WatchState()
        return int(version), _state(state)

    async def put(self, site: str, version: int, state: WatchState) -> bool:
        """Returns False if another process stored a newer record than `version`."""
        return bool(await self._pipe.run(_PUT, [Shard(site).prefix], version, msgspec.json.encode(state)))


_state = msgspec.json.Decoder(WatchState).decode
_PUT = script("put_watch")
