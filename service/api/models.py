"""Models: list, promote, roll back, compare, put in shadow."""

import asyncio
from typing import Annotated, Literal

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.comparison import Comparison
from service.cases.gate import GateResult
from service.cases.models import Described, Generation
from service.cases.promotion import ModelPromotion
from service.cases.shadow import ShadowSetting
from service.cases.shadowing import Shadowing, ShadowReport
from service.values.access import Scope
from service.values.openai_models import OpenAiModel, openai_models


class ModelsResponse(Struct, frozen=True):
    active: str
    models: Annotated[list[Described], Meta(description="Empty for a key with the scope `score` alone.")]
    data: Annotated[list[OpenAiModel], Meta(description="The same in OpenAI's form, for its clients.")]
    object: Literal["list"] = "list"


async def list_models(call: Call) -> ModelsResponse:
    """Every model folder that this service sees; one with a `problem` cannot be promoted.

    `object` and `data` are what OpenAI's clients read: the names by which they may ask for the model in use.
    """
    models = call.request.app[keys.MODELS]
    in_use = models.current
    may_see = not call.key.scopes.isdisjoint((Scope.ADMIN, Scope.OPERATE))
    found = await asyncio.to_thread(models.list) if may_see else []
    return ModelsResponse(in_use.version, found, openai_models(in_use.version, in_use.manifest.created_at))


async def show_model(call: Call) -> Described:
    return await asyncio.to_thread(call.request.app[keys.MODELS].describe, call.request.match_info["version"])


async def promote_model(call: Call) -> Generation:
    """Put a model in use on every replica. It is loaded and checked first; what fails changes nothing.

    409 `gate_failed`: the site's policy has a gate, and the model does not pass it. Two people can promote it even so,
    with a reason (`POST /v1/approvals`, `promote_model`).
    """
    version, app = call.request.match_info["version"], call.request.app
    await app[keys.GATE].admit(call.key.site, app[keys.DIRECTORY].policy(call.key.site), version)
    return await _promoting(call).promote(call.key.site, version, call.key.name)


async def roll_back_model(call: Call) -> Generation:
    """Put the model that was in use before back in use."""
    return await _promoting(call).roll_back(call.key.site, call.key.name)


def _promoting(call: Call) -> ModelPromotion:
    app = call.request.app
    return ModelPromotion(app[keys.MODELS], app[keys.STORE], app[keys.DIRECTORY])


async def show_gate(call: Call) -> GateResult:
    """Whether a model may be promoted: each check of the site's policy with its figures. Nothing changes.

    Without a gate in the policy the usual one is shown, and a promotion does not ask it.
    """
    app, site = call.request.app, call.key.site
    return await app[keys.GATE].check(site, app[keys.DIRECTORY].policy(site), call.request.match_info["version"])


class ShadowRequest(Struct, frozen=True, forbid_unknown_fields=True):
    share: Annotated[float, Meta(gt=0, le=1, description="Of the new comments that come to POST /v1/comments.")] = 0.1


async def start_shadow(call: Call) -> ShadowSetting:
    """Let a model judge a share of the live comments beside the one in use, on every replica. It decides nothing.

    One model at a time is in shadow, for all sites; another one takes its place.
    """
    version = call.request.match_info["version"]
    return await _shadowing(call).start(call.key.site, version, call.body.share, call.key.name)


async def stop_shadow(call: Call) -> None:
    """Take a model out of shadow, on every replica. What it counted is kept for its 90 days."""
    await _shadowing(call).stop(call.key.site, call.request.match_info["version"], call.key.name)


async def show_shadow(call: Call) -> ShadowReport:
    """What a model in shadow would have done with the site's comments, beside what the model in use did."""
    return await _shadowing(call).report(call.key.site, call.request.match_info["version"])


def _shadowing(call: Call) -> Shadowing:
    app = call.request.app
    return Shadowing(app[keys.SHADOW], app[keys.MODELS], app[keys.STORE], app[keys.DIRECTORY])


class ComparisonQuery(Struct, frozen=True, forbid_unknown_fields=True):
    against: Annotated[str | None, Meta(description="The champion; unset: the model in use.")] = None
    last: Annotated[int, Meta(ge=1, le=10_000, description="How many of the newest comments that people decided.")] = (
        2_000
    )


async def compare_models(call: Call) -> Comparison:
    """A model as challenger on what people of the site decided. Both models score the same texts; nothing changes."""
    comparisons, query = call.request.app[keys.COMPARISONS], call.query
    return await comparisons.compare(call.key.site, call.request.match_info["version"], query.against, query.last)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/models",
        handler=list_models,
        scope=Scope.ADMIN,
        or_scope=Scope.OPERATE,
        also_scopes=(Scope.SCORE,),
        tag="Models",
        summary="Which models there are and which is in use.",
        answer=ModelsResponse,
    ),
    Operation(
        method="GET",
        path="/v1/models/{version}",
        handler=show_model,
        scope=Scope.ADMIN,
        or_scope=Scope.OPERATE,
        tag="Models",
        summary="One model.",
        answer=Described,
        problems=(404,),
    ),
    Operation(
        method="GET",
        path="/v1/models/{version}/comparison",
        handler=compare_models,
        scope=Scope.ADMIN,
        tag="Models",
        summary="Champion and challenger on what people decided.",
        query=ComparisonQuery,
        answer=Comparison,
        problems=(404, 409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/models/{version}/gate",
        handler=show_gate,
        scope=Scope.ADMIN,
        tag="Models",
        summary="What a model shows before a promotion.",
        answer=GateResult,
        problems=(404, 409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/models/{version}/shadow",
        handler=show_shadow,
        scope=Scope.ADMIN,
        tag="Models",
        summary="What a model in shadow would have done.",
        answer=ShadowReport,
        problems=(404, 503),
    ),
    Operation(
        method="PUT",
        path="/v1/models/{version}/shadow",
        handler=start_shadow,
        scope=Scope.OPERATE,
        tag="Models",
        summary="Put a model in shadow on every replica.",
        body=ShadowRequest,
        answer=ShadowSetting,
        problems=(404, 409, 503),
    ),
    Operation(
        method="DELETE",
        path="/v1/models/{version}/shadow",
        handler=stop_shadow,
        scope=Scope.OPERATE,
        tag="Models",
        summary="Take a model out of shadow on every replica.",
        status=204,
        problems=(404, 503),
    ),
    Operation(
        method="POST",
        path="/v1/models/{version}:promote",
        handler=promote_model,
        scope=Scope.OPERATE,
        tag="Models",
        summary="Put a model in use on every replica.",
        answer=Generation,
        problems=(404, 409, 503),
    ),
    Operation(
        method="POST",
        path="/v1/models:rollback",
        handler=roll_back_model,
        scope=Scope.OPERATE,
        tag="Models",
        summary="Put the model that was in use before back in use.",
        answer=Generation,
        problems=(404, 409, 503),
    ),
)
