"""Draws for blind audits in Redis: which automatic decisions were drawn, and what became of each (see draws.lua)."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec

from service.redis.pipe import Pipe
from service.store.keyspace import Shard, Shards
from service.values.audits import Draw, DrawState, ModelPair
from service.values.domain import Action, DecidedBy, Verdict

EPOCH = date(1970, 1, 1)
# Days that one call reads together.
AT_ONCE = 16
# Why a comment was drawn, and in which keys that is recorded. Both have probabilities, and only audits are a sample
# in which all decisions of one kind have the same.
Sampler = Literal["audit", "learning"]
_RECORDED_IN: Mapping[Sampler, str] = {"audit": "draws", "learning": "learning"}
# Elements of an answer that are read at once; more of them would delay other requests.
MOST_AT_ONCE = 200
_decode = msgspec.msgpack.Decoder(tuple[str | int, ...]).decode


class Draws:
    def __init__(self, pipe: Pipe, shards: Shards) -> None:
        self._pipe = pipe
        self._shards = shards

    async def of_day(self, site: str, day: date, sampler: Sampler = "audit") -> list[Draw]:
        """The draws of one day (UTC), oldest first."""
        name = _RECORDED_IN[sampler]
        found = [each for shard in self._shards.each(site) for each in await self._of_shard(shard, day, name)]
        return sorted(found, key=lambda draw: (draw.at, draw.comment, draw.revision))

    async def since(self, site: str, start: datetime, sampler: Sampler = "audit") -> list[Draw]:
        """The draws from `start` on, oldest first."""
        start = start.astimezone(UTC)
        last = datetime.now(UTC).date()
        days = [start.date() + timedelta(days=n) for n in range((last - start.date()).days + 1)]
        found: list[Draw] = []
        for at in range(0, len(days), AT_ONCE):
            some = await asyncio.gather(*(self.of_day(site, day, sampler) for day in days[at : at + AT_ONCE]))
            found += [draw for page in some for draw in page if draw.at >= start]
        return found

    async def sampled_since(self, site: str, start: datetime, models: ModelPair) -> list[Draw]:
        """The draws of comments that the model in use decided and the one in shadow would have decided otherwise."""
        first, last = start.astimezone(UTC).date(), datetime.now(UTC).date()
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        found: list[Draw] = []
        for day in days:
            some = [each for shard in self._shards.each(site) for each in await self._of_shard(shard, day, "sampled")]
            found += [draw for draw in some if draw.models == models]
        return found

    async def _of_shard(self, shard: Shard, day: date, name: str = "draws") -> list[Draw]:
        flat = await self._pipe.call("HGETALL", shard.key(f"{name}:{(day - EPOCH).days}"))
        if len(flat) <= MOST_AT_ONCE:
            return _draws(flat)
        return await asyncio.to_thread(_draws, flat)


def _draws(flat: Sequence[bytes]) -> list[Draw]:
    return [_draw(name.decode(), packed) for name, packed in zip(flat[::2], flat[1::2], strict=True)]


def _draw(name: str, packed: bytes) -> Draw:
    comment, _, revision = name.rpartition("\n")
    parts: Sequence[str] = [str(each) for each in _decode(packed)]
    at, decision, share, scores, language, model, policy, decided_by, state, detail, settled, is_blind = parts[:12]
    return Draw(
        comment=comment,
        revision=int(revision),
        at=_instant(at),
        decision=Action(decision),
        inclusion=float(share),
        scores=_scores(scores),
        language=language,
        model=model,
        policy=policy,
        decided_by=DecidedBy(decided_by),
        state=DrawState(state),
        verdict=Verdict(detail) if state == DrawState.ANSWERED else None,
        lost=detail if state == DrawState.LOST else None,
        settled_at=_instant(settled) if settled else None,
        is_blind=is_blind == "1",
        would=Action(parts[12]) if parts[12:13] and parts[12] else None,
        models=ModelPair(parts[14], parts[13]) if parts[14:15] and parts[14] else None,
    )


def _instant(ms: str) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


def _scores(text: str) -> dict[str, float]:
    """As the audit trail names them: `toxicity 0.981234, threat 0.990000`."""
    pairs = (each.rpartition(" ") for each in text.split(", ") if each)
    return {name: float(score) for name, _, score in pairs}
