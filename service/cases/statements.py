"""The statement of reasons for a rejected comment (docs/dsa.md)."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta

from service.cases.directory import Directory
from service.store import Store
from service.store.restrictions import restriction_of
from service.values.addresses import Addressed, address_of
from service.values.domain import State
from service.values.dsa import Dsa, Restriction
from service.values.errors import Conflict, NotFound
from service.values.policy import Policy
from service.values.statement_words import WordedStatement, worded

# Where the console shows statements to authors.
PAGES = "/console/reasons/"


def dsa_of(policy: Policy) -> Dsa | None:
    """None: the site gives no statements of reasons."""
    return policy.dsa if policy.dsa is not UNSET and policy.dsa.in_scope else None


class AddressedStatement(WordedStatement, frozen=True, kw_only=True):
    """A statement of reasons, and the page that shows it to the author."""

    page_url: Annotated[
        str, Meta(description="A page with the statement, for the author alone: nobody can guess its address.")
    ]


async def statement(store: Store, directory: Directory, site: str, comment_id: str, pages: str) -> AddressedStatement:
    """`pages`: the address below which authors find theirs. The texts name it if the site names none for complaints.

    Raises NotFound, and Conflict if the site is not in scope or the comment is not rejected.
    """
    dsa = dsa_of(directory.for_people(site))
    if dsa is None:
        raise Conflict("dsa_off", "the policy of this site does not say that it is in scope (`dsa.in_scope`)", {})
    record = await store.comments.get(site, comment_id)
    if record.state is State.ERASED:
        raise NotFound(f"comment '{comment_id}' was erased")
    restriction = restriction_of(site, record)
    if restriction is None:
        raise Conflict("not_rejected", "only a rejected comment has a statement of reasons", {"id": comment_id})
    return with_page(restriction, dsa, page_url(pages, directory.salt, site, comment_id, record.revision))


def page_url(pages: str, salt: bytes, site: str, comment_id: str, revision: int) -> str:
    """Where the author reads the statement of this revision, as long as one stands. `pages`: as for `statement`."""
    return pages + address_of(salt, Addressed(site, comment_id, revision))


def with_page(restriction: Restriction, dsa: Dsa, page: str) -> AddressedStatement:
    """Raises KeyError if the site has no clause for it."""
    found = worded(restriction, msgspec.structs.replace(dsa, complaint_url=dsa.complaint_url or page))
    return AddressedStatement(**msgspec.structs.asdict(found), page_url=page)
