"""One author and the stored comments. Each view is recorded in the audit trail."""

from aiohttp import web
from msgspec import Struct

from service import app_keys as keys
from service.console import words
from service.console.texts import N_
from service.console.visit import ADMINS, Page, Visit
from service.values.accounts import Role
from service.values.domain import Id
from service.values.errors import Conflict

SAID = {
    "erased": N_("All comments of this author are erased."),
    "more": N_("Many comments are erased; there are more. Do it again until none is left."),
}


class AuthorQuery(Struct, frozen=True, forbid_unknown_fields=True):
    id: Id
    said: str = ""


async def show_author(visit: Visit) -> web.StreamResponse:
    query = visit.query(AuthorQuery)
    history = await visit.request.app[keys.AUTHORS].profile(visit.site, query.id, visit.account.name)
    return visit.show(
        "author.html",
        words=words,
        history=history,
        said=SAID.get(query.said, ""),
        may_erase=visit.role is Role.ADMIN and history.comments > 0,
    )


async def erase_author(visit: Visit) -> web.StreamResponse:
    """Requires a confirmation in the same form, because it cannot be undone."""
    author = visit.field("id")
    if visit.field("meant") != "1":
        raise Conflict("not_confirmed", "tick the box first: what is erased does not come back", {})
    receipt = await visit.request.app[keys.AUTHORS].erase(visit.site, author, visit.account.name)
    return visit.go("/author", id=receipt.author, said="more" if receipt.left else "erased")


PAGES = (
    Page(path="/author", view=show_author),
    Page(path="/author/erase", view=erase_author, method="POST", roles=ADMINS),
)
