"""What a webhook says of the notices that its event decided, or opened again."""

import logging
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import UNSET

from service.store import Store
from service.store.access import PolicyUnreadable
from service.store.outbox import Event
from service.values.errors import Retryable
from service.values.notices import NoticeOutcome, NoticesTold

log = logging.getLogger(__name__)
_read = msgspec.json.Decoder(NoticesTold).decode


class DecidedNotices(NoticesTold, frozen=True, kw_only=True, omit_defaults=True):
    """With what their readers can do about it. GET /v1/comments/{id}/notices/{notice} has the text for each reader."""

    complaint_until: datetime | None = None
    complaint_url: str | None = None
    dispute_url: str | None = None


async def notices_for(store: Store, site: str, event: Event) -> DecidedNotices | None:
    """None if the event is about no notice. If Redis cannot be read, it is sent without what readers can do."""
    if event.notices is None:
        return None
    told = _read(event.notices)
    found = DecidedNotices(told.ids, told.outcome, told.automated)
    if told.outcome not in (NoticeOutcome.RESTRICTED, NoticeOutcome.KEPT):
        return found
    try:
        policy = await store.access.policy(site)
    except (Retryable, PolicyUnreadable) as error:
        log.warning("%s: a webhook about notices is sent without redress (%s)", site, type(error).__name__)
        return found
    if policy is None or policy.dsa is UNSET or not policy.dsa.in_scope:
        return found
    until = datetime.fromtimestamp(event.at / 1000, UTC) + timedelta(days=policy.dsa.complaint_days)
    return msgspec.structs.replace(
        found,
        complaint_until=until,
        complaint_url=policy.dsa.complaint_url,
        dispute_url=policy.dsa.dispute_url,
    )
