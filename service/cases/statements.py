"""The statement of reasons for a rejected comment (docs/dsa.md)."""

from msgspec import UNSET

from service.cases.directory import Directory
from service.store import Store
from service.store.restrictions import restriction_of
from service.values.domain import State
from service.values.dsa import Dsa
from service.values.errors import Conflict, NotFound
from service.values.policy import Policy
from service.values.statement_words import WordedStatement, worded


def dsa_of(policy: Policy) -> Dsa | None:
    """None: the site gives no statements of reasons."""
    return policy.dsa if policy.dsa is not UNSET and policy.dsa.in_scope else None


async def statement(store: Store, directory: Directory, site: str, comment_id: str) -> WordedStatement:
    """Raises NotFound, and Conflict if the site is not in scope or the comment is not rejected."""
    dsa = dsa_of(directory.for_people(site))
    if dsa is None:
        raise Conflict("dsa_off", "the policy of this site does not say that it is in scope (`dsa.in_scope`)", {})
    record = await store.comments.get(site, comment_id)
    if record.state is State.ERASED:
        raise NotFound(f"comment '{comment_id}' was erased")
    restriction = restriction_of(site, record)
    if restriction is None:
        raise Conflict("not_rejected", "only a rejected comment has a statement of reasons", {"id": comment_id})
    return worded(restriction, dsa)
