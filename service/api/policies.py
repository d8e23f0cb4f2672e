"""The policy of a site: show, change, try out."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct

from service import app_keys as keys
from service.api.operation import Call, Operation
from service.cases import policies
from service.cases.policies import Simulation
from service.cases.ruling import RuleCheck
from service.http import bodies
from service.http.shapes import pointer
from service.rules.faults import faults as rule_faults
from service.rules.faults import never_in_force
from service.values.access import Scope
from service.values.approvals import TwoPeople
from service.values.domain import Comment, LanguageCode
from service.values.dsa import Dsa, faults_of
from service.values.errors import BadRequest, Fault
from service.values.gate import Gate
from service.values.policy import InLanguage, Policy, Thresholds, default_thresholds
from service.values.review_settings import Reviewing, review_faults
from service.values.rules import MAX_RULES, ListName, ListUse, Rule
from service.values.site_settings import Protocols, faults
from service.values.statement_schema import categories
from service.values.strikes import Strikes, Trust, strike_faults
from service.values.targets import Targets


class PolicyRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole policy; attributes that are left out do not count towards a decision.

    With targets the thresholds may be left out: those of the default policy give the attributes their weights.
    """

    thresholds: Annotated[dict[str, Thresholds], Meta(max_length=64)] = {}
    version: (
        Annotated[int, Meta(ge=1, description="The version that this replaces; unset: whichever is newest.")] | None
    ) = None
    review: Reviewing = Reviewing()
    languages: Annotated[dict[LanguageCode, InLanguage], Meta(max_length=64, description="By ISO 639-1 code.")] = {}
    protocols: Protocols = Protocols()
    rules: Annotated[tuple[Rule, ...], Meta(max_length=MAX_RULES)] = ()
    lists: Annotated[dict[ListName, ListUse], Meta(max_length=64, description="How rules match each list.")] = {}
    strikes: Strikes | None = None
    trust: Trust | None = None
    keep_ban_on_erase: Annotated[
        bool, Meta(description="The keyed hash of a banned author stays banned when the author is erased.")
    ] = False
    targets: Targets | None = None
    dsa: Annotated[Dsa | None, Meta(description="Statements of reasons (EU Digital Services Act).")] = None
    gate: Annotated[Gate | None, Meta(description="What a model must show before a promotion.")] = None
    two_people: Annotated[TwoPeople | None, Meta(description="What takes a second person.")] = None


class PolicyVersionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """`version`: the one to bring back, as a new version."""

    version: Annotated[int, Meta(ge=1)]


class RuleCheckRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A comment to try rules on. Without `rules` those in force are tried."""

    comment: Comment
    rules: Annotated[tuple[Rule, ...], Meta(max_length=MAX_RULES)] | None = None
    lists: Annotated[dict[ListName, ListUse], Meta(max_length=64)] = {}


class SimulationRequest(PolicyRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy to try. `version`, and all but thresholds, languages, rules and lists may be sent and change nothing."""

    last: Annotated[int, Meta(ge=1, le=20_000, description="How many of the newest comments.")] = 5_000


async def show_policy(call: Call) -> Policy:
    return await policies.newest(call.request.app[keys.STORE], call.key.site, call.request.match_info["name"])


async def replace_policy(call: Call) -> Policy:
    """Store the next version; every worker decides by it within seconds."""
    asked: PolicyRequest = call.body
    before = await show_policy(call)
    await _check(call, asked, before)
    if asked.version not in (None, before.version):
        raise policies.changed(f"the newest version is {before}", before)
    asked_for = Policy(
        asked.thresholds or default_thresholds(call.request.app[keys.MODERATION].attributes(call.key.site)),
        review=asked.review,
        languages=asked.languages,
        protocols=asked.protocols,
        rules=asked.rules,
        lists=asked.lists,
        strikes=asked.strikes,
        trust=asked.trust,
        keep_ban_on_erase=asked.keep_ban_on_erase,
        targets=asked.targets or UNSET,
        dsa=asked.dsa or UNSET,
        two_people=asked.two_people or UNSET,
        gate=asked.gate or UNSET,
        # A certificate stays; it applies as long as what decides is what it was made for.
        certificate=before.certificate,
        suspended=before.suspended,
    )
    return await _replaced(call, before, asked_for)


async def restore_policy(call: Call) -> Policy:
    """Bring an earlier version back, as the next version.

    Refused (409, `list_gone`) if its rules name word lists that were deleted since.
    """
    asked: PolicyVersionRequest = call.body
    before = await show_policy(call)
    earlier = await policies.at_version(call.request.app[keys.STORE], call.key.site, asked.version)
    return await _replaced(call, before, earlier)


async def _replaced(call: Call, before: Policy, after: Policy) -> Policy:
    found = await policies.replace(call.request.app[keys.STORE], call.key.site, before, after, call.key.name)
    await call.request.app[keys.DIRECTORY].refresh()
    return found


async def try_rules(call: Call) -> RuleCheck:
    """Which rules apply to one comment, and where in its text. Nothing is recorded.

    `open`: rules that depend on what is counted of the author, the article or the site.
    """
    asked: RuleCheckRequest = call.body
    app, site = call.request.app, call.key.site
    policy = await show_policy(call)
    if asked.rules is not None:
        names = (await app[keys.STORE].lists.versions(site)).keys()
        _refuse(
            await asyncio.to_thread(rule_faults, asked.rules, asked.lists, names, app[keys.MODERATION].attributes(site))
        )
        _refuse(never_in_force(asked.rules, policy.rules, datetime.now(UTC).date()))
        policy = msgspec.structs.replace(policy, rules=asked.rules, lists=asked.lists)
    comment = bodies.check_comment(asked.comment, "/comment")
    rules = await app[keys.RULEBOOK].compiled(site, policy)
    return app[keys.MODERATION].try_rules(site, policy, rules, comment)


async def simulate_policy(call: Call) -> Simulation:
    """What the newest comments would have got under this policy, by the scores that they have; nothing changes.

    The site's trail is read backwards, as far as Redis has it: `comments` says how many were found.
    """
    asked: SimulationRequest = call.body
    app, site = call.request.app, call.key.site
    attributes = app[keys.MODERATION].attributes(site)
    await _check(call, asked, await show_policy(call))
    policy = Policy(asked.thresholds, languages=asked.languages, rules=asked.rules, lists=asked.lists)
    rules = await app[keys.RULEBOOK].compiled(site, policy) if asked.rules else None
    return await policies.simulate(app[keys.STORE], site, policy, attributes, asked.last, rules)


async def _check(call: Call, asked: PolicyRequest, before: Policy) -> None:
    known = call.request.app[keys.MODERATION].attributes(call.key.site)
    if not asked.thresholds and (asked.targets is None or isinstance(asked, SimulationRequest)):
        raise BadRequest("/thresholds: needed without targets", [Fault("/thresholds", "needed without targets")])
    if asked.targets is not None and not asked.targets.wanted:
        raise BadRequest("/targets: names no target", [Fault("/targets", "names no target")])
    found = policies.first_fault(asked.thresholds, known)
    if found is not None:
        at = pointer("/thresholds", found.attribute)
        where = at if found.field is None else f"{at}/{found.field}"
        raise BadRequest(f"{where}: {found.detail}", [Fault(where, found.detail)])
    wrong = [Fault(pointer("/review", *steps), why) for steps, why in review_faults(asked.review, known)]
    wrong += [Fault(pointer("/protocols", *steps), why) for steps, why in faults(asked.protocols, known)]
    if asked.strikes is not None:
        wrong += [Fault(pointer("/strikes", *steps), why) for steps, why in strike_faults(asked.strikes)]
    if asked.dsa is not None:
        wrong += [Fault(pointer("/dsa", *steps), why) for steps, why in faults_of(asked.dsa, categories())]
    if asked.keep_ban_on_erase and not call.request.app[keys.SETTINGS].hash_authors:
        wrong.append(Fault("/keep_ban_on_erase", "would keep an author's id: STEWARD_HASH_AUTHORS is false"))
    if wrong:
        raise BadRequest(f"{wrong[0].pointer}: {wrong[0].detail}", wrong)
    if asked.rules or asked.lists:
        names = (await call.request.app[keys.STORE].lists.versions(call.key.site)).keys()
        _refuse(await asyncio.to_thread(rule_faults, asked.rules, asked.lists, names, known))
        _refuse(never_in_force(asked.rules, before.rules, datetime.now(UTC).date()))


def _refuse(found: Sequence[tuple[tuple[str, ...], str]]) -> None:
    wrong = [Fault(pointer("", *map(str, steps)), why) for steps, why in found]
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
        path="/v1/policies/{name}:restore",
        handler=restore_policy,
        scope=Scope.ADMIN,
        tag="Policies",
        summary="Bring an earlier version of the policy back.",
        body=PolicyVersionRequest,
        answer=Policy,
        problems=(404, 409, 503),
    ),
    Operation(
        method="POST",
        path="/v1/policies/{name}:try",
        handler=try_rules,
        scope=Scope.ADMIN,
        tag="Policies",
        summary="Which rules apply to one comment, and why.",
        body=RuleCheckRequest,
        answer=RuleCheck,
        problems=(404, 503),
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
