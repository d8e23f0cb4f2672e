"""Models: list them with their metrics, promote, roll back."""

import asyncio
from collections.abc import Iterator, Sequence

from aiohttp import web

import classifier
from classifier import Losses, Measured, Worth, losses
from service import app_keys as keys
from service.cases.models import Described
from service.cases.promotion import ModelPromotion
from service.console import words
from service.console.texts import N_
from service.console.visit import ADMINS, OVERSEERS, Nav, Page, Visit
from service.http import bodies
from service.values.approvals import PromoteModel
from service.values.errors import Conflict, Forbidden, ModelUnusable, NotFound

SAID = {
    "promoted": N_("The model is in use; every replica takes it within seconds."),
    "proposed": N_("Nothing is done yet: somebody else must approve it, on the page Approvals, within 24 hours."),
    "rolled-back": N_("The model that was in use before is in use again."),
}


NOT_MEANT = N_("This model is worse than the one in use. Tick the box if you mean it.")


async def show_models(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def promote(visit: Visit) -> web.StreamResponse:
    """Requires a confirmation in the same form if the model is worse than the one in use."""
    app, version = visit.request.app, visit.field("version")
    promoting = _promoting(visit)
    if visit.field("meant") != "1" and lost(await asyncio.to_thread(app[keys.MODELS].list), version):
        return await _page(visit, 409, problem=visit.texts(NOT_MEANT))
    try:
        await app[keys.GATE].admit(visit.site, app[keys.DIRECTORY].policy(visit.site), version)
        await promoting.promote(visit.site, version, visit.account.name)
    except Conflict as error:
        if error.reason != "gate_failed":
            raise
        return await _page(visit, 409, problem=str(error), stopped=version)
    except (ModelUnusable, NotFound) as error:
        return await _page(visit, 409, problem=str(error))
    return visit.go("/models", said="promoted")


async def propose(visit: Visit) -> web.StreamResponse:
    """Have a second person promote a model past the gate."""
    _promoting(visit)
    deed = bodies.shape(
        {"kind": "promote_model", "model": visit.field("version"), "why": visit.field("why").strip()}, PromoteModel
    )
    try:
        await visit.request.app[keys.APPROVALS].propose(visit.site, deed, visit.account.name)
    except (ModelUnusable, NotFound) as error:
        return await _page(visit, 409, problem=str(error))
    return visit.go("/models", said="proposed")


async def roll_back(visit: Visit) -> web.StreamResponse:
    promoting = _promoting(visit)
    try:
        await promoting.roll_back(visit.site, visit.account.name)
    except (ModelUnusable, NotFound) as error:
        return await _page(visit, 409, problem=str(error))
    return visit.go("/models", said="rolled-back")


def _promoting(visit: Visit) -> ModelPromotion:
    """Raises Forbidden unless the account may change things that all sites share, such as the model."""
    if not visit.operates:
        raise Forbidden("this takes an administrator of every site that has API keys or moderators")
    app = visit.request.app
    return ModelPromotion(app[keys.MODELS], visit.console.store, app[keys.DIRECTORY])


async def _page(visit: Visit, status: int = 200, problem: str = "", stopped: str = "") -> web.Response:
    """`stopped`: a model that the gate stopped, which a second person may promote."""
    models = visit.request.app[keys.MODELS]
    found = await asyncio.to_thread(models.list)
    return visit.show(
        "models.html",
        status,
        words=words,
        models=sorted(found, key=lambda each: (not each.active, -(each.generation or 0), each.version)),
        measured={each.version: list(measured(each)) for each in found},
        lost={each.version: lost(found, each.version) for each in found if not each.active},
        earlier=await asyncio.to_thread(models.before),
        may_change=visit.operates,
        said=SAID.get(visit.request.query.get("said", ""), ""),
        problem=problem,
        stopped=stopped,
    )


def measured(model: Described) -> Iterator[Measured]:
    return classifier.measured(model.metrics)


def lost(models: Sequence[Described], version: str) -> Losses | None:
    """What gets worse if this model replaces the one in use; None for nothing."""
    active = next((each for each in models if each.active), None)
    other = next((each for each in models if each.version == version), None)
    if active is None or other is None or active.problem or other.problem:
        return None
    found = losses(Worth(active.languages, active.metrics), Worth(other.languages, other.metrics))
    return found if found.is_any else None


PAGES = (
    Page(path="/models", view=show_models, roles=OVERSEERS, nav=Nav(title=N_("Models"), order=70)),
    Page(path="/models/promote", view=promote, method="POST", roles=ADMINS),
    Page(path="/models/propose", view=propose, method="POST", roles=ADMINS),
    Page(path="/models/roll-back", view=roll_back, method="POST", roles=ADMINS),
)
