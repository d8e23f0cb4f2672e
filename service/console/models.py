"""Models: which there are, what they were measured to be worth, which judges; promoted and rolled back."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from aiohttp import web

from service import keys, promoting
from service.accounts import Role
from service.console import words
from service.console.texts import N_
from service.console.visit import ADMINS, OVERSEERS, Nav, Page, Visit
from service.errors import ModelUnusable, NotFound
from service.models import Described

SAID = {
    "promoted": N_("The model is in use; every replica takes it within seconds."),
    "rolled-back": N_("The model that was in use before is in use again."),
}


class Measured(NamedTuple):
    """One line of a model's metrics: what it was worth on texts of one data set that it was not trained on."""

    data_set: str
    attribute: str
    texts: int
    positive: int
    roc_auc: float | None
    calibration_error: float | None


async def show_models(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def promote(visit: Visit) -> web.StreamResponse:
    app, version = visit.request.app, visit.field("version")
    try:
        await promoting.promote(app[keys.MODELS], visit.console.store, visit.site.name, version, visit.account.name)
    except (ModelUnusable, NotFound) as error:
        return await _page(visit, 409, problem=str(error))
    return visit.go("/models", said="promoted")


async def roll_back(visit: Visit) -> web.StreamResponse:
    app = visit.request.app
    try:
        await promoting.roll_back(app[keys.MODELS], visit.console.store, visit.site.name, visit.account.name)
    except (ModelUnusable, NotFound) as error:
        return await _page(visit, 409, problem=str(error))
    return visit.go("/models", said="rolled-back")


async def _page(visit: Visit, status: int = 200, problem: str = "") -> web.Response:
    models = visit.request.app[keys.MODELS]
    found = await asyncio.to_thread(models.list)
    return visit.show(
        "models.html",
        status,
        words=words,
        models=sorted(found, key=lambda each: (not each.active, -(each.generation or 0), each.version)),
        measured={each.version: list(measured(each)) for each in found},
        earlier=await asyncio.to_thread(models.before),
        may_change=visit.role is Role.ADMIN,
        said=SAID.get(visit.request.query.get("said", ""), ""),
        problem=problem,
    )


def measured(model: Described) -> Iterator[Measured]:
    """A manifest is made elsewhere, and perhaps by an earlier release: what is not there as expected is left out."""
    held_out = model.metrics.get("held_out")
    for data_set, attributes in held_out.items() if isinstance(held_out, Mapping) else ():
        for attribute, found in attributes.items() if isinstance(attributes, Mapping) else ():
            if isinstance(found, Mapping):
                yield Measured(
                    str(data_set),
                    str(attribute),
                    int(_number(found, "texts") or 0),
                    int(_number(found, "positive") or 0),
                    _number(found, "roc_auc"),
                    _number(found, "calibration_error"),
                )


def _number(found: Mapping[str, Any], name: str) -> float | None:
    value = found.get(name)
    return value if isinstance(value, (int, float)) else None


PAGES = (
    Page(path="/models", view=show_models, roles=OVERSEERS, nav=Nav(title=N_("Models"), order=70)),
    Page(path="/models/promote", view=promote, method="POST", roles=ADMINS),
    Page(path="/models/roll-back", view=roll_back, method="POST", roles=ADMINS),
)
