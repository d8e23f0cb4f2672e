"""Periodic work on the outbox: deletes old dead letters and updates the metrics."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from service.background import Background
from service.store.outbox import Outbox
from service.webhooks import metrics

LETTERS_KEPT = timedelta(days=30)


async def keep_up(outbox: Outbox, sites: Iterable[str], now: datetime, background: Background) -> None:
    backlogs = []
    for name in sites:
        with background.sparing("relay_upkeep", name):
            backlogs.append(await outbox.backlog(name))
            for shard in outbox.shards(name):
                while await outbox.purge(shard, now - LETTERS_KEPT):
                    pass
    metrics.PENDING.set(sum(each.pending for each in backlogs))
    metrics.LETTERS.set(sum(each.dead for each in backlogs))
    metrics.OVERDUE.set(max((each.overdue_s or 0.0 for each in backlogs), default=0.0))
