"""Compares the model in use with another one on decisions of this site's moderators."""

import asyncio
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.console import words
from service.console.models import lost
from service.console.texts import N_
from service.console.visit import OVERSEERS, Page, Visit
from service.values.accounts import Role
from service.values.errors import ModelUnusable, NotFound

LAST = 2_000
# Below this p-value, such an uneven split happens by chance less than once in twenty times.
TELLING_P = 0.05


class CompareQuery(Struct, frozen=True, forbid_unknown_fields=True):
    challenger: Annotated[str, Meta(min_length=1, max_length=200)]


async def show_comparison(visit: Visit) -> web.StreamResponse:
    """Both models score the same texts again, which takes seconds. One comparison runs at a time. Changes nothing."""
    query, app = visit.query(CompareQuery), visit.request.app
    found, problem = None, ""
    try:
        found = await app[keys.COMPARISONS].compare(visit.site, query.challenger, None, LAST)
    except ModelUnusable as error:
        problem = str(error)
    models = await asyncio.to_thread(app[keys.MODELS].list)
    if all(each.version != query.challenger for each in models):
        raise NotFound(N_("No such model."))
    return visit.show(
        "comparison.html",
        409 if problem else 200,
        words=words,
        found=found,
        challenger=query.challenger,
        lost=lost(models, query.challenger),
        problem=problem,
        verdict=verdict(found.audited.only_champion_wrong, found.audited.only_challenger_wrong, found.audited.p_value)
        if found
        else "",
        may_change=visit.role is Role.ADMIN,
    )


def verdict(champion_wrong: int, challenger_wrong: int, p_value: float) -> str:
    """The result of the significance test in words."""
    if champion_wrong + challenger_wrong == 0:
        return N_("No blind audit tells the two apart.")
    if p_value >= TELLING_P:
        return N_("The blind audits do not tell which is better: so uneven a split comes by chance.")
    if challenger_wrong < champion_wrong:
        return N_("The challenger is wrong less often, by more than chance.")
    return N_("The model in use is wrong less often, by more than chance.")


PAGES = (Page(path="/models/compare", view=show_comparison, roles=OVERSEERS),)
