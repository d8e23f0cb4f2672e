"""The statement of reasons in a webhook: why the comment of the event was rejected."""

import logging

from msgspec import UNSET

from service.cases.statements import AddressedStatement, page_url, with_page
from service.store import Store
from service.store.access import PolicyUnreadable
from service.store.outbox import Event
from service.store.restrictions import complaint_of, restriction_of
from service.values.complaints import ComplaintAnswer
from service.values.domain import Status
from service.values.errors import NotFound, Retryable
from service.values.statement_words import WordedStatement, worded

log = logging.getLogger(__name__)


async def complaint_for(store: Store, site: str, event: Event) -> ComplaintAnswer | None:
    """What became of the author's complaint; None as for the statement, also if the event is about no complaint."""
    if event.complaint is None:
        return None
    try:
        policy = await store.access.policy(site)
        if policy is None or policy.dsa is UNSET or not policy.dsa.in_scope:
            return None
        record = await store.comments.get(site, event.comment)
        return complaint_of(site, record, policy.dsa) if record.version == event.version else None
    except NotFound:
        return None
    except (Retryable, PolicyUnreadable, KeyError) as error:
        log.warning("%s: a webhook is sent without what became of a complaint (%s)", site, type(error).__name__)
        return None


async def statement_for(
    store: Store, site: str, event: Event, pages: str | None
) -> WordedStatement | AddressedStatement | None:
    """None unless the site is in scope, and the comment still is as the event says.

    `pages`: the address below which authors find theirs; None: the relay does not know it, so the statement names no
    page. An event is sent without a statement if Redis cannot be read: GET /v1/comments/{id}/statement has it too.
    """
    if event.status != Status.REJECTED or event.author or event.article or event.section or event.promise:
        return None
    try:
        policy = await store.access.policy(site)
        if policy is None or policy.dsa is UNSET or not policy.dsa.in_scope:
            return None
        record = await store.comments.get(site, event.comment)
        restriction = restriction_of(site, record) if record.version == event.version else None
        if restriction is None or pages is None:
            return None if restriction is None else worded(restriction, policy.dsa)
        page = page_url(pages, await store.access.salt(), site, event.comment, record.revision)
        return with_page(restriction, policy.dsa, page)
    except NotFound:
        return None
    except (Retryable, PolicyUnreadable, KeyError) as error:
        log.warning("%s: a webhook is sent without its statement of reasons (%s)", site, type(error).__name__)
        return None
