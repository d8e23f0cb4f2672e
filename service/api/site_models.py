"""The models of one site: of its own, or else those of all sites. As service/api/models.py does for all of them."""

import asyncio
from typing import Annotated

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api import models
from service.api.models import LISTED, ComparisonQuery, ShadowRequest, operation
from service.api.operation import Call
from service.cases.comparison import Comparison
from service.cases.gate import GateResult
from service.cases.model_files import Generation, ShadowSetting
from service.cases.model_folders import Described
from service.cases.model_roles import Roles
from service.cases.shadowing import ShadowReport
from service.values.access import Scope
from service.values.errors import Forbidden


class SiteModelsResponse(Struct, frozen=True, kw_only=True):
    site: str
    active: Annotated[str, Meta(description="The model that judges the comments of the site.")]
    is_own: Annotated[bool, Meta(description="Whether the site has a model of its own; false: that of all sites.")]
    problem: Annotated[
        str | None,
        Meta(description="Why another model judges than the one that was promoted for the site; null: it does."),
    ]
    roles: Annotated[
        Roles | None, Meta(description="Each name stands for the version. Null for a key with the scope `score` alone.")
    ]
    models: Annotated[list[Described], Meta(description="Empty for a key with the scope `score` alone.")]


def _site(call: Call) -> str:
    """The site of the address. Raises Forbidden for another one than the key's."""
    site = call.request.match_info["site"]
    if site != call.key.site:
        raise Forbidden("this API key is of another site than the address names")
    return site


async def list_site_models(call: Call) -> SiteModelsResponse:
    """Which model judges the site, whether it is one of its own, and every model folder that this service sees."""
    site, app = _site(call), call.request.app
    may_see = models.may_see(call)
    return SiteModelsResponse(
        site=site,
        active=app[keys.MODELS].of(site).version,
        is_own=app[keys.MODELS].has_own(site),
        problem=app[keys.MODELS].problem(site),
        roles=await asyncio.to_thread(app[keys.ROLES].of, site) if may_see else None,
        models=await models.described(call, site) if may_see else [],
    )


async def show_site_model(call: Call) -> Described:
    """`active`: whether it judges the site. The names in `roles` stand for versions here, too."""
    return await models.show(call, _site(call))


async def promote_site_model(call: Call) -> Generation:
    """Put a model in use on every replica, as the site's own. Other sites keep what they have.

    `installation` in place of the version: from now on the site has no model of its own and takes that of all sites. It
    is loaded and checked first; what fails changes nothing. 409 `too_many_models`: STEWARD_MAX_MODELS allows no further
    one in memory. 409 `gate_failed`: as for `POST /v1/models/{version}:promote`, with `only_site` in the approval.
    """
    return await models.promote(call, _site(call))


async def roll_back_site_model(call: Call) -> Generation:
    """Put the model that the site used before back in use; before its first own model that was the one of all sites."""
    return await models.roll_back(call, _site(call))


async def show_site_gate(call: Call) -> GateResult:
    """Whether a model may be promoted for the site: each check against the model that judges the site now."""
    return await models.gate(call, _site(call))


async def start_site_shadow(call: Call) -> ShadowSetting:
    """Let a model judge a share of the site's live comments beside the one in use, on every replica.

    It takes the place of the model that is in shadow for all sites.
    """
    return await models.shadow(call, _site(call))


async def stop_site_shadow(call: Call) -> None:
    """Take the site's model out of shadow, on every replica. What it counted is kept for its 90 days."""
    await models.end_shadow(call, _site(call))


async def show_site_shadow(call: Call) -> ShadowReport:
    """What a model in shadow would have done with the site's comments, beside what the model in use did."""
    return await models.report_shadow(call, _site(call))


async def compare_site_models(call: Call) -> Comparison:
    """A model as challenger on what people of the site decided; unless `against` is set, against the site's model."""
    return await models.compare(call, _site(call))


_ROOT = "/v1/sites/{site}/models"
_ONE = _ROOT + "/{version}"
OPERATIONS = (
    operation("GET", _ROOT, list_site_models, SiteModelsResponse, "Which model judges the site.", **LISTED),
    operation(
        "GET",
        _ONE,
        show_site_model,
        Described,
        "One model, as it stands for the site.",
        or_scope=Scope.OPERATE,
        problems=(404, 409),
    ),
    operation(
        "GET",
        _ONE + "/comparison",
        compare_site_models,
        Comparison,
        "Another model and the site's on what people decided.",
        query=ComparisonQuery,
    ),
    operation("GET", _ONE + "/gate", show_site_gate, GateResult, "What a model shows before a promotion for the site."),
    operation(
        "GET", _ONE + "/shadow", show_site_shadow, ShadowReport, "What a model in shadow would have done at the site."
    ),
    operation(
        "PUT",
        _ONE + "/shadow",
        start_site_shadow,
        ShadowSetting,
        "Put a model in shadow for the site alone.",
        body=ShadowRequest,
    ),
    operation("DELETE", _ONE + "/shadow", stop_site_shadow, None, "Take the site's model out of shadow.", status=204),
    operation("POST", _ONE + ":promote", promote_site_model, Generation, "Give the site a model of its own."),
    operation(
        "POST",
        _ROOT + ":rollback",
        roll_back_site_model,
        Generation,
        "Put the model that the site used before back in use.",
    ),
)
