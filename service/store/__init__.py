"""Everything stored in Redis. No other package sends commands to it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from service.background import Background
from service.redis.connect import Durability
from service.redis.opening import open_pipe
from service.redis.pipe import Pipe
from service.settings import Settings
from service.store.access import Access
from service.store.accounts import Accounts
from service.store.approvals import ApprovalBook
from service.store.articles import ArticleStatuses
from service.store.assignments import AssignmentBook
from service.store.audit import Audit
from service.store.author_status import AuthorStatuses
from service.store.authors import AuthorIndex
from service.store.batches import Batches
from service.store.changes import Changes
from service.store.comments import Comments, Retention
from service.store.draws import Draws
from service.store.events import Events
from service.store.fsck import Fsck
from service.store.fullness import Fullness
from service.store.keyspace import Shards
from service.store.labels import Labels
from service.store.lists import Lists
from service.store.notes import NoteBook
from service.store.notices import NoticeBook
from service.store.outbox import Outbox
from service.store.presence import Presence
from service.store.recent import Recent
from service.store.rechecks import Rechecks
from service.store.recovery import Recovery
from service.store.reports import ReportReasons
from service.store.review import Queue, QueueLimits
from service.store.saved_filters import SavedFilters
from service.store.shadow import ShadowCounts
from service.store.strikes import StrikeBook
from service.store.stuck import StuckIndex
from service.store.threads import ReplyIndex
from service.store.usage import UsageCounters
from service.store.watch import Watches

__all__ = ["Store", "open_store"]


@dataclass(frozen=True, slots=True)
class Store:
    """All stored data, one attribute per subject."""

    comments: Comments
    queue: Queue
    notes: NoteBook
    notices: NoticeBook
    assignments: AssignmentBook
    filters: SavedFilters
    presence: Presence
    labels: Labels
    audit: Audit
    draws: Draws
    rechecks: Rechecks
    events: Events
    recent: Recent
    authors: AuthorIndex
    replies: ReplyIndex
    statuses: AuthorStatuses
    strikes: StrikeBook
    articles: ArticleStatuses
    stuck: StuckIndex
    batches: Batches
    reports: ReportReasons
    outbox: Outbox
    access: Access
    accounts: Accounts
    lists: Lists
    usage: UsageCounters
    shadow: ShadowCounts
    watches: Watches
    approvals: ApprovalBook
    fsck: Fsck
    fullness: Fullness
    recovery: Recovery
    changes: Changes
    durability: Durability
    background: Background  # runs and reports background loops
    pipe: Pipe
    shards: int

    async def check(self) -> None:
        """Raises StoreUnavailable with the reason if no comment could be recorded now.

        Raises SettingsError if the number of shards differs, so that other processes would not find the comment.
        """
        await self.pipe.check()
        await self.access.agree_on_shards(self.shards)


@contextlib.asynccontextmanager
async def open_store(settings: Settings, url: str, background: Background | None = None) -> AsyncIterator[Store]:
    """Connects on first use, so that the service starts, and scores, while Redis is unavailable.

    `background`: the loops of the application; None: a set of its own.
    """
    durability = Durability(accept_loss=settings.accept_loss, wait_replicas=settings.wait_replicas)
    pipe = open_pipe(settings, url, durability)
    background = Background() if background is None else background
    retention = Retention(settings.text_days, settings.label_days, settings.event_days)
    limits = QueueLimits(
        settings.max_lease_age_s, settings.max_open_leases, settings.undo_hold_s, settings.undo_window_s
    )
    shards, most = Shards(pipe, settings.shards), settings.max_queued
    fullness, statuses = Fullness(most), AuthorStatuses(pipe, shards)
    store = Store(
        comments=Comments(pipe, retention, most, fullness, shards, index_authors=settings.index_authors),
        queue=Queue(pipe, retention, limits, fullness, shards),
        notes=NoteBook(pipe, shards),
        notices=NoticeBook(pipe, retention, most, shards),
        assignments=AssignmentBook(pipe, shards),
        filters=SavedFilters(pipe),
        presence=Presence(pipe),
        fullness=fullness,
        recovery=Recovery(pipe, shards),
        labels=Labels(pipe, retention, shards),
        audit=Audit(pipe, shards),
        draws=Draws(pipe, shards),
        rechecks=Rechecks(shards, most, retention.label_days),
        events=Events(pipe, settings.undo_hold_s, shards),
        recent=Recent(pipe, shards),
        authors=AuthorIndex(pipe, shards),
        replies=ReplyIndex(pipe, shards),
        statuses=statuses,
        strikes=StrikeBook(pipe, shards, statuses, background),
        articles=ArticleStatuses(pipe, shards),
        stuck=StuckIndex(pipe, shards),
        batches=Batches(pipe, settings.undo_window_s),
        reports=ReportReasons(pipe, shards),
        outbox=Outbox(pipe, shards, background),
        access=Access(pipe, background),
        accounts=Accounts(pipe),
        lists=Lists(pipe),
        usage=UsageCounters(pipe),
        shadow=ShadowCounts(pipe),
        watches=Watches(pipe),
        approvals=ApprovalBook(pipe),
        fsck=Fsck(pipe, shards, retention.author_s if settings.index_authors else 0, retention.author_s),
        changes=Changes(pipe.subscriber, background),
        durability=durability,
        background=background,
        pipe=pipe,
        shards=shards.count,
    )
    try:
        yield store
    finally:
        await pipe.close()
