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

Settled = Literal["ok", "gone", "own", "expired", "refused", "done"]


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
        flat = [part for pair in told.items() for part in pair]
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
            *flat,
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

    async def approve(self, site: str, approval: str, who: str, told: Mapping[str, str]) -> Settled:
        """Let it be done. Safe to repeat until it is noted as done. `told`: details of the audit entry."""
        return await self._settle(site, approval, "approve", who, told)

    async def refuse(self, site: str, approval: str, who: str, told: Mapping[str, str]) -> Settled:
        return await self._settle(site, approval, "refuse", who, told)

    async def note_done(self, site: str, approval: str, deed: Deed, outcome: Mapping[str, int | str]) -> None:
        """`deed`: what is kept of it from now on."""
        said = msgspec.json.encode(outcome)
        await self._pipe.run(
            script("settle_approval"), [Shard(site).prefix], approval, "done", "", msgspec.json.encode(deed), said
        )

    async def _settle(self, site: str, approval: str, act: str, who: str, told: Mapping[str, str]) -> Settled:
        flat = [part for pair in told.items() for part in pair]
        found = await self._pipe.run(
            script("settle_approval"), [Shard(site).prefix], approval, act, who, who.casefold(), *flat
        )
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


def _at(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


_deed = msgspec.json.Decoder(Deed).decode
