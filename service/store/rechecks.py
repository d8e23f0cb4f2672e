"""Brings decided comments back to the queue as blind audits, so that their labels are checked."""

from collections.abc import Iterable
from typing import NamedTuple

from service.store.base import Outcome, Record, answered
from service.store.comments import DAY_S
from service.store.keyspace import Shards
from service.store.scripts import script
from service.values.audits import ModelPair
from service.values.domain import Action, Judgement


class Differing(NamedTuple):
    """A comment that a model in shadow would have decided otherwise than the one in use.

    `draw`: uniform in [0, 1), belongs to the comment. `share`: to be drawn, at most `most` a day. `compared`: the share
    of comments that were compared. `inclusion` in the record of the draw is the product of both shares.
    """

    site: str
    comment_id: str
    revision: int
    judgement: Judgement
    models: ModelPair
    would: Action
    draw: float
    share: float
    most: int
    compared: float
    sla_ms: int


class Rechecks:
    def __init__(self, shards: Shards, max_queued: int, label_days: int) -> None:
        self._shards = shards
        self._max_queued = max_queued
        self._label_days = label_days

    async def add(
        self,
        site: str,
        comment_id: str,
        label: str,
        actor: str,
        *,
        sla_ms: int,
        deciders: Iterable[str],
        role: str = "",
    ) -> tuple[Outcome, Record | None]:
        """Queue a comment that a person decided, once for each revision. `label`: the cursor of that decision's label.

        `deciders`: the names of all who may answer. The outcome is ok, duplicate, stale, own, expired, full or gone
        (see recheck.lua).
        """
        names = " ".join(deciders)
        found = await self._shards.run(
            script("recheck"), site, comment_id, actor, label, sla_ms, self._max_queued, role, names
        )
        return answered(comment_id, found)

    async def draw(self, differing: Differing) -> bool:
        """Queue a comment as a blind audit if it is drawn. Safe to repeat."""
        said = differing.judgement
        drawn = await self._shards.run(
            script("draw_differing"),
            differing.site,
            differing.comment_id,
            differing.revision,
            differing.draw,
            differing.share,
            max(1, differing.most // self._shards.count),
            differing.compared,
            differing.sla_ms,
            self._max_queued,
            self._label_days * DAY_S,
            differing.models.challenger,
            differing.models.champion,
            differing.would,
            said.language or "",
            said.model,
            said.policy,
        )
        return bool(drawn)
