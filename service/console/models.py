"""Models: list them with their metrics, promote, roll back, put in shadow; for all sites, or for one as its own."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from aiohttp import web
from msgspec import Meta, Struct

import classifier
from classifier import Losses, Measured, Worth, losses
from service import app_keys as keys
from service.cases.model_files import ALL_SITES
from service.cases.model_folders import Described
from service.cases.model_roles import INSTALLATION
from service.cases.promotion import ModelPromotion
from service.cases.shadowing import Shadowing
from service.console import policy_state, words
from service.console.policy_form import between
from service.console.policy_kinds import FieldProblem
from service.console.texts import N_
from service.console.visit import ADMINS, OVERSEERS, Nav, Page, Visit
from service.http import bodies
from service.values.accounts import Role
from service.values.approvals import PromoteModel
from service.values.errors import Conflict, Forbidden, ModelUnusable, NotFound

SAID = {
    "promoted": N_("The model is in use; every replica takes it within seconds."),
    "proposed": N_("Nothing is done yet: somebody else must approve it, on the page Approvals, within 24 hours."),
    "rolled-back": N_("The model that was in use before is in use again."),
    "promoted-own": N_("The site has this model now; every replica takes it within seconds. Other sites keep theirs."),
    "rolled-back-own": N_("The model that the site used before is in use again. Other sites keep theirs."),
    "shadow": N_("The model is in shadow: it scores a share of new comments and decides nothing."),
    "shadow-ended": N_("The model is out of shadow. What it counted is kept for its 90 days."),
}


# Percent of the new comments.
LEAST_SHARE = 0.01

NOT_MEANT = N_("This model is worse than the one in use. Tick the box if you mean it.")


async def show_models(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


class GateQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`only_site`: for a promotion as the site's own model; else for all sites."""

    version: Annotated[str, Meta(min_length=1, max_length=256)]
    only_site: Literal["0", "1"] = "0"


async def show_gate(visit: Visit) -> web.StreamResponse:
    """What the gate of the site's policy says of a model. Both models score texts again, which takes seconds."""
    query = visit.query(GateQuery)
    own = visit.site if query.only_site == "1" else ALL_SITES
    policy = visit.request.app[keys.DIRECTORY].policy(visit.site)
    gate = await policy_state.gate_of(visit, policy, query.version, own)
    return visit.show(
        "model_gate.html",
        409 if gate.problem else 200,
        gate=gate,
        gate_checks=policy_state.CHECKS,
        version=query.version,
        own=own,
        may_change=_may_change(visit, own),
    )


async def promote(visit: Visit) -> web.StreamResponse:
    """Requires a confirmation in the same form if the model is worse than the one in use.

    For the site alone, INSTALLATION in place of the version takes that of all sites.
    """
    app, version, own = visit.request.app, visit.field("version"), _own(visit)
    promoting = _promoting(visit, own)
    named = "" if own and version == INSTALLATION else version
    judged = named or app[keys.MODELS].current.version
    if visit.field("meant") != "1" and lost(await asyncio.to_thread(app[keys.MODELS].list, own), judged):
        return await _page(visit, 409, problem=visit.texts(NOT_MEANT))
    try:
        await app[keys.GATE].admit(visit.site, app[keys.DIRECTORY].policy(visit.site), judged, own)
        await promoting.promote(visit.site, named, visit.account.name, own)
    except Conflict as error:
        if error.reason not in ("gate_failed", "too_many_models"):
            raise
        stopped = version if error.reason == "gate_failed" else ""
        return await _page(visit, 409, problem=str(error), stopped=stopped, stopped_own=own)
    except (ModelUnusable, NotFound) as error:
        return await _page(visit, 409, problem=str(error))
    return visit.go("/models", said="promoted-own" if own else "promoted")


async def propose(visit: Visit) -> web.StreamResponse:
    """Have a second person promote a model past the gate."""
    own = _own(visit)
    _promoting(visit, own)
    asked = {"kind": "promote_model", "model": visit.field("version"), "why": visit.field("why").strip()}
    deed = bodies.shape({**asked, "only_site": bool(own)}, PromoteModel)
    try:
        await visit.request.app[keys.APPROVALS].propose(visit.site, deed, visit.account.name)
    except (ModelUnusable, NotFound) as error:
        return await _page(visit, 409, problem=str(error))
    return visit.go("/models", said="proposed")


async def roll_back(visit: Visit) -> web.StreamResponse:
    own = _own(visit)
    promoting = _promoting(visit, own)
    try:
        await promoting.roll_back(visit.site, visit.account.name, own)
    except (ModelUnusable, NotFound) as error:
        return await _page(visit, 409, problem=str(error))
    return visit.go("/models", said="rolled-back-own" if own else "rolled-back")


async def start_shadow(visit: Visit) -> web.StreamResponse:
    """Let a model judge a share of the live comments beside the one in use."""
    own, problems = _own(visit), dict[str, FieldProblem]()
    shadowing = _shadowing(visit, own)
    share = between(visit.field("share"), "share", LEAST_SHARE, 100, problems, is_needed=True)
    if share is None:
        wrong = problems["share"]
        return await _page(visit, 400, problem=visit.texts(wrong.message, **wrong.values))
    try:
        await shadowing.start(visit.site, visit.field("version"), share / 100, visit.account.name, own)
    except Conflict as error:
        return await _page(visit, 409, problem=str(error))
    except (ModelUnusable, NotFound) as error:
        return await _page(visit, 409, problem=str(error))
    return visit.go("/models", said="shadow")


async def stop_shadow(visit: Visit) -> web.StreamResponse:
    own = _own(visit)
    try:
        await _shadowing(visit, own).stop(visit.site, visit.field("version"), visit.account.name, own)
    except (ModelUnusable, NotFound) as error:
        return await _page(visit, 409, problem=str(error))
    return visit.go("/models", said="shadow-ended")


def _own(visit: Visit) -> str:
    """The site whose own model a form is about; ALL_SITES if it is about that of all sites."""
    return visit.site if visit.field("only_site") == "1" else ALL_SITES


def _may_change(visit: Visit, own: str) -> bool:
    """An administrator may change the site's own model; that of all sites takes more."""
    return visit.role is Role.ADMIN and (bool(own) or visit.operates)


def _check_may_change(visit: Visit, own: str) -> None:
    """Raises Forbidden unless the account may change things that all sites share, such as their model."""
    if not _may_change(visit, own):
        raise Forbidden(N_("This takes an administrator of every site that has API keys or moderators."))


def _promoting(visit: Visit, own: str) -> ModelPromotion:
    """Raises Forbidden."""
    app = visit.request.app
    return ModelPromotion(app[keys.MODELS], _shadowing(visit, own), visit.console.store, app[keys.DIRECTORY])


def _shadowing(visit: Visit, own: str) -> Shadowing:
    """Raises Forbidden."""
    _check_may_change(visit, own)
    app = visit.request.app
    return Shadowing(app[keys.SHADOW], app[keys.MODELS], visit.console.store, app[keys.DIRECTORY])


async def _page(
    visit: Visit, status: int = 200, problem: str = "", stopped: str = "", stopped_own: str = ALL_SITES
) -> web.Response:
    """`stopped`: a model that the gate stopped, which a second person may promote, for all sites or `stopped_own`."""
    models = visit.request.app[keys.MODELS]
    found = await asyncio.to_thread(models.list)
    for_site = await asyncio.to_thread(models.list, visit.site)
    return visit.show(
        "models.html",
        status,
        words=words,
        models=sorted(found, key=lambda each: (not each.active, -(each.generation or 0), each.version)),
        measured={each.version: list(measured(each)) for each in found},
        lost={each.version: lost(found, each.version) for each in found if not each.active},
        earlier=await asyncio.to_thread(models.before),
        **await _of_site(visit, for_site),
        shadow=visit.request.app[keys.SHADOW].setting(ALL_SITES),
        may_change=_may_change(visit, ALL_SITES),
        may_change_own=_may_change(visit, visit.site),
        said=SAID.get(visit.request.query.get("said", ""), ""),
        problem=problem,
        stopped=stopped,
        stopped_own=stopped_own,
    )


async def _of_site(visit: Visit, found: Sequence[Described]) -> dict[str, Any]:
    """For the template: the model that the site has of its own. `found`: all, as they stand for the site."""
    models, shadow = visit.request.app[keys.MODELS], visit.request.app[keys.SHADOW]
    try:
        earlier = await asyncio.to_thread(models.before, visit.site)
    except ModelUnusable:  # the history is damaged, which `own_problem` says
        earlier = None
    setting = shadow.setting(visit.site)
    return {
        "own": models.of(visit.site).version if models.has_own(visit.site) else "",
        "judging": models.of(visit.site).version,
        "own_problem": models.problem(visit.site),
        "own_earlier": earlier,
        "own_lost": {each.version: lost(found, each.version) for each in found if not each.active},
        "own_shadow": setting if setting and setting.site else None,
    }


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
    Page(path="/models/gate", view=show_gate, roles=OVERSEERS),
    Page(path="/models/shadow", view=start_shadow, method="POST", roles=ADMINS),
    Page(path="/models/shadow/stop", view=stop_shadow, method="POST", roles=ADMINS),
)
