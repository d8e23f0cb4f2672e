"""The policy of a site: show, change, try out."""

from typing import Annotated

from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases import policies
from service.cases.policies import Simulation
from service.http.shapes import pointer
from service.values.access import Scope
from service.values.errors import BadRequest, Fault
from service.values.policy import InLanguage, LanguageCode, Policy, Reviewing, Thresholds
from service.values.site_settings import Protocols, faults


class PolicyRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole policy; attributes that are left out do not count towards a decision."""

    thresholds: Annotated[dict[str, Thresholds], Meta(min_length=1, max_length=64)]
    version: (
        Annotated[int, Meta(ge=1, description="The version that this replaces; unset: whichever is newest.")] | None
    ) = None
    review: Reviewing = Reviewing()
    languages: Annotated[dict[LanguageCode, InLanguage], Meta(max_length=64, description="By ISO 639-1 code.")] = {}
    protocols: Protocols = Protocols()


class SimulationRequest(PolicyRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy to try. `version`, `review` and `protocols` may be sent and change nothing."""

    last: Annotated[int, Meta(ge=1, le=20_000, description="How many of the newest comments.")] = 5_000


async def show_policy(call: Call) -> Policy:
    return await policies.newest(call.request.app[keys.STORE], call.key.site, call.request.match_info["name"])


async def replace_policy(call: Call) -> Policy:
    """Store the next version; every worker decides by it within seconds."""
    asked: PolicyRequest = call.body
    _check(asked, call.request.app[keys.MODERATION].attributes)
    before = await show_policy(call)
    if asked.version not in (None, before.version):
        raise policies.changed(f"the newest version is {before}", before)
    asked_for = Policy(asked.thresholds, review=asked.review, languages=asked.languages, protocols=asked.protocols)
    after = await policies.replace(call.request.app[keys.STORE], call.key.site, before, asked_for, call.key.name)
    await call.request.app[keys.DIRECTORY].refresh()
    return after


async def simulate_policy(call: Call) -> Simulation:
    """What the newest comments would have got under this policy, by the scores that they have; nothing changes.

    The site's trail is read backwards, as far as Redis has it: `comments` says how many were found.
    """
    asked: SimulationRequest = call.body
    attributes = call.request.app[keys.MODERATION].attributes
    _check(asked, attributes)
    await show_policy(call)  # raises NotFound for an unknown name
    policy = Policy(asked.thresholds, languages=asked.languages)
    return await policies.simulate(call.request.app[keys.STORE], call.key.site, policy, attributes, asked.last)


def _check(asked: PolicyRequest, known: tuple[str, ...]) -> None:
    found = policies.first_fault(asked.thresholds, known)
    if found is not None:
        at = pointer("/thresholds", found.attribute)
        where = at if found.field is None else f"{at}/{found.field}"
        raise BadRequest(f"{where}: {found.detail}", [Fault(where, found.detail)])
    wrong = [Fault(pointer("/protocols", *steps), why) for steps, why in faults(asked.protocols, known)]
    if wrong:
        raise BadRequest(f"{wrong[0].pointer}: {wrong[0].detail}", wrong)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/policies/{name}",
        handler=show_policy,
        scope=Scope.ADMIN,
        tag="Policies",
        summary="The policy in force.",
        answer=Policy,
        problems=(404, 409, 503),
    ),
    Operation(
        method="PUT",
        path="/v1/policies/{name}",
        handler=replace_policy,
        scope=Scope.ADMIN,
        tag="Policies",
        summary="Replace the policy by a new version.",
        body=PolicyRequest,
        answer=Policy,
        problems=(404, 409, 503),
    ),
    Operation(
        method="POST",
        path="/v1/policies/{name}:simulate",
        handler=simulate_policy,
        scope=Scope.ADMIN,
        tag="Policies",
        summary="What the newest comments would have got under a policy.",
        body=SimulationRequest,
        answer=Simulation,
        problems=(404, 503),
    ),
)
