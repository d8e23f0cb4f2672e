"""A site's policy: which score leads to what."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from service import keys
from service.access import Scope
from service.api.operation import Call, Operation
from service.errors import BadRequest, Conflict, Fault, NotFound
from service.http import bodies
from service.policy import DEFAULT, Policy, Reviewing, Thresholds
from service.store.keyspace import Site


class PolicyRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole policy; attributes that are left out do not count towards a decision."""

    thresholds: Annotated[dict[str, Thresholds], Meta(min_length=1, max_length=64)]
    version: (
        Annotated[int, Meta(ge=1, description="The version that this replaces; unset: whichever is newest.")] | None
    ) = None
    review: Reviewing = Reviewing()


async def show_policy(call: Call) -> Policy:
    return await _newest(call)


async def replace_policy(call: Call) -> Policy:
    """Store the next version; every worker decides by it within seconds."""
    asked: PolicyRequest = call.body
    _check(asked, call.request.app[keys.MODERATION].attributes)
    before = await _newest(call)
    if asked.version not in (None, before.version):
        raise Conflict("policy_changed", f"the newest version is {before}", msgspec.to_builtins(before))
    after = Policy(asked.thresholds, before.name, before.version + 1, asked.review)
    access = call.request.app[keys.STORE].access
    if not await access.keep_policy(Site(call.key.site), after, call.key.name):
        raise Conflict("policy_changed", "another change came first", msgspec.to_builtins(await _newest(call)))
    await call.request.app[keys.DIRECTORY].refresh()
    return after


async def _newest(call: Call) -> Policy:
    name = call.request.match_info["name"]
    if name != DEFAULT.name:
        raise NotFound(f"no policy '{name}': a site has one, named '{DEFAULT.name}'")
    return await call.request.app[keys.STORE].access.policy(Site(call.key.site)) or DEFAULT


def _check(asked: PolicyRequest, known: tuple[str, ...]) -> None:
    for attribute, limits in asked.thresholds.items():
        at = bodies.pointer("/thresholds", attribute)
        if attribute not in known:
            raise BadRequest(f"{at}: not an attribute of this model", [Fault(at, "not an attribute of this model")])
        if limits.review_at is not None and limits.reject_at is not None and limits.review_at > limits.reject_at:
            raise BadRequest(f"{at}: review_at is above reject_at", [Fault(f"{at}/review_at", "above reject_at")])


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/policies/{name}",
        handler=show_policy,
        scope=Scope.ADMIN,
        tag="Policies",
        summary="The policy in force.",
        answer=Policy,
        problems=(404, 503),
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
)
