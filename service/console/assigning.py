"""Assignment of waiting comments: one on its card, or many that are selected in the list."""

from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.cases.answers import review_item
from service.console.queue import asked_in
from service.console.texts import N_
from service.console.visit import DECIDERS, Page, Visit, in_words, own_path
from service.http import bodies
from service.http.problems import problem_of, rendered
from service.store.base import Record
from service.values.approvals import MOST_ALONE
from service.values.domain import Id
from service.values.errors import BadRequest, Fault, ServiceError

REFUSED = {
    "not_waiting": N_("This comment does not wait any more."),
    "may_not_judge": N_("Somebody else must judge this one: that person did before."),
}

_UNKNOWN = N_("Nobody with this name may decide it.")

Name = Annotated[str, Meta(max_length=64)]


class DeskAssignRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """`to`: the name of a person; "": nobody any more."""

    to: Name


class DeskAssignManyRequest(DeskAssignRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    ids: Annotated[list[Id], Meta(min_length=1, max_length=MOST_ALONE)]


class DeskAssignResponse(Struct, frozen=True, omit_defaults=True):
    """The result for one comment. `lease`: while the visitor holds it. `problem`: why nothing was done."""

    id: str
    assigned_to: str | None = None
    lease: str | None = None
    problem: dict[str, Any] | None = None


class People(Struct, frozen=True):
    names: list[str]


async def show_people(visit: Visit) -> web.StreamResponse:
    """Who may be given a comment, for our scripts."""
    return visit.answer(People(await visit.request.app[keys.ASSIGNING].people(visit.site)))


async def assign(visit: Visit) -> web.StreamResponse:
    comment_id = visit.request.match_info["id"]
    to = visit.body(DeskAssignRequest).to if visit.wants_json else _named(visit)
    with in_words(visit, REFUSED, _UNKNOWN):
        record = await visit.request.app[keys.ASSIGNING].assign(visit.moderator, comment_id, to)
    if visit.wants_json:
        return visit.answer(_answer(visit, record))
    back = own_path(visit.field("back"))
    return visit.go(back or asked_in(visit, "in_").link())


async def assign_many(visit: Visit) -> web.StreamResponse:
    """Assign each one separately, with a result for each."""
    if visit.wants_json:
        asked = visit.body(DeskAssignManyRequest)
    else:
        ids = [each.split(" ", 2)[-1] for each in visit.form.get("chosen", [])]
        if not ids:
            return visit.go(asked_in(visit, "in_").link(refused="nothing_chosen"))
        asked = bodies.shape({"ids": ids, "to": _named(visit)}, DeskAssignManyRequest)
    with in_words(visit, REFUSED, _UNKNOWN):
        found = await visit.request.app[keys.ASSIGNING].assign_many(visit.moderator, asked.ids, asked.to)
    if not visit.wants_json:
        return visit.go(asked_in(visit, "in_").link())
    results = [
        DeskAssignResponse(name, problem=rendered(problem_of(each)))
        if isinstance(each, ServiceError)
        else _answer(visit, each)
        for name, each in zip(asked.ids, found, strict=True)
    ]
    return visit.answer({"results": results})


def _named(visit: Visit) -> str:
    """As the buttons of a form say: to me, to nobody, or to whom the field names."""
    choice = visit.field("assign")
    if choice in ("me", "nobody"):
        return visit.account.name if choice == "me" else ""
    to = visit.field("to").strip()
    if not to:
        raise BadRequest(_UNKNOWN, [Fault("/to", "must not be empty")])
    return to


def _answer(visit: Visit, record: Record) -> DeskAssignResponse:
    shown = review_item(visit.site, record, holder=visit.account.name)
    return DeskAssignResponse(record.id, record.assignee, shown.lease)


PAGES = (
    Page(path="/queue/people", view=show_people, roles=DECIDERS, is_background=True),
    Page(path="/queue/assign", view=assign_many, method="POST", roles=DECIDERS),
    Page(path="/queue/{id}/assign", view=assign, method="POST", roles=DECIDERS),
)
