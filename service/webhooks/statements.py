"""The statement of reasons in a webhook: why the comment of the event was rejected."""

import logging

from msgspec import UNSET

from service.store import Store
from service.store.access import PolicyUnreadable
from service.store.outbox import Event
from service.store.restrictions import restriction_of
from service.values.domain import Status
from service.values.errors import NotFound, Retryable
from service.values.statement_words import WordedStatement, worded

log = logging.getLogger(__name__)


async def statement_for(store: Store, site: str, event: Event) -> WordedStatement | None:
    """None unless the site is in scope, and the comment still is as the event says.

    An event is sent without it if Redis cannot be read: GET /v1/comments/{id}/statement has it too.
    """
    if event.status != Status.REJECTED or event.author or event.article or event.section or event.promise:
        return None
    try:
        policy = await store.access.policy(site)
        if policy is None or policy.dsa is UNSET or not policy.dsa.in_scope:
            return None
        record = await store.comments.get(site, event.comment)
        restriction = restriction_of(site, record) if record.version == event.version else None
        return None if restriction is None else worded(restriction, policy.dsa)
    except NotFound:
        return None
    except (Retryable, PolicyUnreadable, KeyError) as error:
        log.warning("%s: a webhook is sent without its statement of reasons (%s)", site, type(error).__name__)
        return None
