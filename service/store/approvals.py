"""Proposals that wait for a second person. They expire; the audit trail keeps who proposed and approved what."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from service.redis.pipe import Pipe
from service.store.base import fields, instant
from service.store.keyspace import Shard
from service.store.scripts import script
from service.values.approvals import KEPT_FOR, MOST_OPEN, OPEN_FOR, Approval, ApprovalState, Deed

Settled = Literal["ok", "gone", "own", "expired", "refused", "done", "busy"]
# For how long a run holds an approved deed. While it works, it renews this.
HELD_FOR_S = 30


class ApprovalBook:
    """All proposals of a site are in its first shard."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def propose(self, site: str, new_id: str, deed: Deed, by: str, told: Mapping[str, str]) -> str | None:
        """Returns the id of the proposal: of an earlier one if the same person proposes the same while it is open.

        None: too many are open. `told`: details of the audit entry.
        """
        written = msgspec.json.encode(deed)
        digest = hashlib.blake2b(by.casefold().encode() + b"\n" + written, digest_size=12).hexdigest()
        found = await self._pipe.run(
            script("propose"),
            [Shard(site).prefix],
            new_id,
            digest,
            written,
            by,
            by.casefold(),
            round(OPEN_FOR.total_seconds() * 1000),
            round(KEPT_FOR.total_seconds() * 1000),
            MOST_OPEN,
            *_flat(told),
        )
        return found.decode() if found else None

    async def get(self, site: str, approval: str) -> Approval | None:
        now_ms = await self._now_ms()
        return await self._read(site, approval, now_ms)

    async def listed(self, site: str) -> list[Approval]:
        """Those that are kept, newest first."""
        now_ms = await self._now_ms()
        names = await self._pipe.call("ZREVRANGE", Shard(site).key("approvals"), 0, 4 * MOST_OPEN)
        found = [await self._read(site, name.decode(), now_ms) for name in names]
        return [each for each in found if each is not None]

    async def approve(self, site: str, approval: str, who: str, run: str, told: Mapping[str, str]) -> Settled:
        """Let it be done by this `run`, and by no other for HELD_FOR_S. Safe to repeat until it is noted as done.

        `told`: details of the audit entry.
        """
        rest: list[str | int] = [who.casefold(), run, HELD_FOR_S * 1000, *_flat(told)]
        return await self._run(site, approval, "approve", who, *rest)

    async def refuse(self, site: str, approval: str, who: str, told: Mapping[str, str]) -> Settled:
        return await self._run(site, approval, "refuse", who, who.casefold(), "", 0, *_flat(told))

    async def hold(self, site: str, approval: str, run: str) -> None:
        """Let no other run do it for HELD_FOR_S from now on, if this one still holds it."""
        await self._run(site, approval, "hold", "", run, HELD_FOR_S * 1000)

    async def free(self, site: str, approval: str, run: str) -> None:
        """The run failed; another approval may go on at once."""
        await self._run(site, approval, "free", "", run)

    async def note_done(self, site: str, approval: str, run: str, deed: Deed, outcome: Mapping[str, int | str]) -> None:
        """Nothing changes if another run took over meanwhile. `deed`: what is kept of it from now on."""
        await self._run(site, approval, "done", "", run, msgspec.json.encode(deed), msgspec.json.encode(outcome))

    async def _run(self, site: str, approval: str, act: str, who: str, *args: str | bytes | int) -> Settled:
        found = await self._pipe.run(script("settle_approval"), [Shard(site).prefix], approval, act, who, *args)
        settled: Settled = found.decode()
        return settled

    async def _now_ms(self) -> int:
        seconds, micros = await self._pipe.call("TIME")
        return int(seconds) * 1000 + int(micros) // 1000

    async def _read(self, site: str, approval: str, now_ms: int) -> Approval | None:
        found = fields(await self._pipe.call("HGETALL", Shard(site).key(f"approval:{approval}")))
        if not found:
            return None
        is_late = found["state"] == ApprovalState.OPEN and int(found["expires"]) <= now_ms
        return Approval(
            id=approval,
            deed=_deed(found["deed"]),
            by=found["by"],
            at=_at(found["at"]),
            expires_at=_at(found["expires"]),
            state=ApprovalState.EXPIRED if is_late else ApprovalState(found["state"]),
            second=found.get("second"),
            second_at=instant(found.get("second_at")),
            outcome=msgspec.json.decode(found.get("outcome", "{}")),
        )


def _flat(told: Mapping[str, str]) -> list[str]:
    return [part for pair in told.items() for part in pair]


def _at(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


_deed = msgspec.json.Decoder(Deed).decode
