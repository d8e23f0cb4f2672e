"""Models: list, promote, roll back, compare, put in shadow."""

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases.comparison import Comparison
from service.cases.gate import GateResult
from service.cases.model_files import ALL_SITES, Generation, ShadowSetting
from service.cases.model_folders import Described
from service.cases.model_roles import Roles
from service.cases.promotion import ModelPromotion
from service.cases.shadowing import Shadowing, ShadowReport
from service.values.access import Scope
from service.values.openai_models import OpenAiModel, openai_models


class ModelsResponse(Struct, frozen=True):
    """`active`: the model in use at all sites that have none of their own."""

    active: str
    models: Annotated[list[Described], Meta(description="Empty for a key with the scope `score` alone.")]
    data: Annotated[
        list[OpenAiModel], Meta(description="In OpenAI's form, for its clients: the model that judges the key's site.")
    ]
    object: Literal["list"] = "list"
    roles: Annotated[
        Roles | None, Meta(description="Each name stands for the version. Null for a key with the scope `score` alone.")
    ] = None


async def list_models(call: Call) -> ModelsResponse:
    """Every model folder that this service sees; one with a `problem` cannot be promoted.

    `object` and `data` are what OpenAI's clients read: the names by which they may ask for the model in use.
    """
    models, roles = call.request.app[keys.MODELS], call.request.app[keys.ROLES]
    judging = models.of(call.key.site)
    data = openai_models(judging.version, judging.manifest.created_at)
    if not may_see(call):
        return ModelsResponse(models.current.version, [], data)
    return ModelsResponse(models.current.version, await described(call), data, roles=await asyncio.to_thread(roles.of))


def may_see(call: Call) -> bool:
    """Whether the key may see all models, and not only the one in use."""
    return not call.key.scopes.isdisjoint((Scope.ADMIN, Scope.OPERATE))


async def described(call: Call, own: str = ALL_SITES) -> list[Described]:
    """All models; which other sites have one as their own is only for who operates the service."""
    found = await asyncio.to_thread(call.request.app[keys.MODELS].list, own)
    return [_seen_by(call, each) for each in found]


def _seen_by(call: Call, model: Described) -> Described:
    if Scope.OPERATE in call.key.scopes:
        return model
    return msgspec.structs.replace(model, sites=tuple(site for site in model.sites if site == call.key.site))


async def show_model(call: Call) -> Described:
    """`champion`, `challenger` and `previous` in place of the version stand for the model of this role."""
    return await show(call)


async def show(call: Call, own: str = ALL_SITES) -> Described:
    version = await _version(call, own)
    return _seen_by(call, await asyncio.to_thread(call.request.app[keys.MODELS].describe, version, own))


async def _version(call: Call, own: str) -> str:
    """The version that the address names. Raises NotFound and ModelUnusable."""
    return await asyncio.to_thread(call.request.app[keys.ROLES].version, call.request.match_info["version"], own)


async def promote_model(call: Call) -> Generation:
    """Put a model in use on every replica, at all sites that have none of their own.

    It is loaded and checked first; what fails changes nothing. 409 `gate_failed`: the site's policy has a gate, and the
    model does not pass it. Two people can promote it even so, with a reason (`POST /v1/approvals`, `promote_model`).
    """
    return await promote(call)


async def promote(call: Call, own: str = ALL_SITES) -> Generation:
    app, site = call.request.app, call.key.site
    named = await asyncio.to_thread(app[keys.ROLES].named, call.request.match_info["version"], own)
    version = named or app[keys.MODELS].current.version
    await app[keys.GATE].admit(site, app[keys.DIRECTORY].policy(site), version, own)
    return await _promoting(call).promote(site, named, call.key.name, own)


async def roll_back_model(call: Call) -> Generation:
    """Put the model that was in use before back in use."""
    return await roll_back(call)


async def roll_back(call: Call, own: str = ALL_SITES) -> Generation:
    return await _promoting(call).roll_back(call.key.site, call.key.name, own)


def _promoting(call: Call) -> ModelPromotion:
    app = call.request.app
    return ModelPromotion(app[keys.MODELS], _shadowing(call), app[keys.STORE], app[keys.DIRECTORY])


async def show_gate(call: Call) -> GateResult:
    """Whether a model may be promoted: each check of the site's policy with its figures. Nothing changes.

    Without a gate in the policy the usual one is shown, and a promotion does not ask it.
    """
    return await gate(call)


async def gate(call: Call, own: str = ALL_SITES) -> GateResult:
    app, site = call.request.app, call.key.site
    return await app[keys.GATE].check(site, app[keys.DIRECTORY].policy(site), await _version(call, own), own)


class ShadowRequest(Struct, frozen=True, forbid_unknown_fields=True):
    share: Annotated[float, Meta(gt=0, le=1, description="Of the new comments that come to POST /v1/comments.")] = 0.1


async def start_shadow(call: Call) -> ShadowSetting:
    """Let a model judge a share of the live comments beside the one in use, on every replica. It decides nothing.

    One model at a time is in shadow for all sites that have none of their own in shadow; another one takes its place.
    """
    return await shadow(call)


async def shadow(call: Call, own: str = ALL_SITES) -> ShadowSetting:
    version = await _version(call, own)
    return await _shadowing(call).start(call.key.site, version, call.body.share, call.key.name, own)


async def stop_shadow(call: Call) -> None:
    """Take a model out of shadow, on every replica. What it counted is kept for its 90 days."""
    await end_shadow(call)


async def end_shadow(call: Call, own: str = ALL_SITES) -> None:
    await _shadowing(call).stop(call.key.site, await _version(call, own), call.key.name, own)


async def show_shadow(call: Call) -> ShadowReport:
    """What a model in shadow would have done with the site's comments, beside what the model in use did."""
    return await report_shadow(call)


async def report_shadow(call: Call, own: str = ALL_SITES) -> ShadowReport:
    return await _shadowing(call).report(call.key.site, await _version(call, own))


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
    return await compare(call)


async def compare(call: Call, own: str = ALL_SITES) -> Comparison:
    app, query = call.request.app, call.query
    against = query.against and await asyncio.to_thread(app[keys.ROLES].version, query.against, own)
    return await app[keys.COMPARISONS].compare(call.key.site, await _version(call, own), against, query.last, own)


def operation(
    method: str,
    path: str,
    handler: Any,  # noqa: ANN401 - of any answer
    answer: type | None,
    summary: str,
    *,
    scope: Scope = Scope.ADMIN,
    problems: tuple[int, ...] = (404, 409, 503),
    **more: Any,  # noqa: ANN401 - the row's own options
) -> Operation:
    """A row about models, of all sites or of one."""
    return Operation(
        method=method,
        path=path,
        handler=handler,
        scope=scope,
        tag="Models",
        summary=summary,
        answer=answer,
        problems=problems,
        **more,
    )


# Who may list all models; with the scope `score` alone, only the one in use.
LISTED: dict[str, Any] = {"or_scope": Scope.OPERATE, "also_scopes": (Scope.SCORE,), "problems": ()}

_ROOT = "/v1/models"
_ONE = _ROOT + "/{version}"
OPERATIONS = (
    operation("GET", _ROOT, list_models, ModelsResponse, "Which models there are and which is in use.", **LISTED),
    operation("GET", _ONE, show_model, Described, "One model.", or_scope=Scope.OPERATE, problems=(404,)),
    operation(
        "GET",
        _ONE + "/comparison",
        compare_models,
        Comparison,
        "Champion and challenger on what people decided.",
        query=ComparisonQuery,
    ),
    operation("GET", _ONE + "/gate", show_gate, GateResult, "What a model shows before a promotion."),
    operation(
        "GET",
        _ONE + "/shadow",
        show_shadow,
        ShadowReport,
        "What a model in shadow would have done.",
        problems=(404, 503),
    ),
    operation(
        "PUT",
        _ONE + "/shadow",
        start_shadow,
        ShadowSetting,
        "Put a model in shadow on every replica.",
        scope=Scope.OPERATE,
        body=ShadowRequest,
    ),
    operation(
        "DELETE",
        _ONE + "/shadow",
        stop_shadow,
        None,
        "Take a model out of shadow on every replica.",
        scope=Scope.OPERATE,
        status=204,
        problems=(404, 503),
    ),
    operation(
        "POST",
        _ONE + ":promote",
        promote_model,
        Generation,
        "Put a model in use on every replica.",
        scope=Scope.OPERATE,
    ),
    operation(
        "POST",
        _ROOT + ":rollback",
        roll_back_model,
        Generation,
        "Put the model that was in use before back in use.",
        scope=Scope.OPERATE,
    ),
)
