"""The policy of a site: show, try out on recent comments, change, and list its versions."""

from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from service import app_keys as keys
from service.cases import policies
from service.cases.policies import Simulation
from service.console import policy_clauses, policy_form, policy_state, words
from service.console.policy_fields import flat
from service.console.policy_form import Entered
from service.console.policy_groups import GROUPS
from service.console.policy_kinds import FieldProblem
from service.console.policy_state import GateFound
from service.console.texts import N_
from service.console.visit import ADMINS, OVERSEERS, Nav, Page, Visit, whole
from service.store.access import Version
from service.values.accounts import Role
from service.values.domain import Action
from service.values.dsa import OTHER
from service.values.errors import Conflict
from service.values.policy import DEFAULT, Policy

LAST = 5_000
# Many clauses of a site, each with a long explanation.
MOST_BYTES = 1024 * 1024
SHOWN_VERSIONS = 20

_LATE = N_("Nothing was brought back: version %(version)s was saved meanwhile. Look at it first.")
_GONE = N_(
    "Nothing was changed: rules would name word lists that are not there any more: %(lists)s."
    " Bring these back first, or make them again."
)

ACTIONS = {Action.APPROVE: N_("Approve"), Action.REVIEW: N_("Review"), Action.REJECT: N_("Reject")}


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A field that differs between two versions. None: not set."""

    path: str
    before: Any
    after: Any


SAID = {
    "saved": N_("Saved. Every process decides by it within seconds."),
    "unchanged": N_("Nothing was changed."),
    "restored": N_("The version is brought back, as the newest one."),
}


async def show_policy(visit: Visit) -> web.StreamResponse:
    now = await policies.newest(visit.console.store, visit.site)
    return await _page(visit, now, policy_form.of(now), said=SAID.get(visit.request.query.get("said", ""), ""))


async def preview(visit: Visit) -> web.StreamResponse:
    """Decisions on recent comments under this policy: a part of the page for the script, else the page with the form.

    Changes nothing. It is a POST because the form does not fit into a URL.
    """
    now = await policies.newest(visit.console.store, visit.site)
    entered = _entered(visit, now)
    found = None if entered.problems else await _simulated(visit, entered.policy)
    if visit.request.headers.get("X-Part") == "preview":
        return visit.show("policy_preview.html", found=found, problems=entered.problems, actions=ACTIONS)
    return await _page(visit, now, entered, status=400 if entered.problems else 200, found=found)


async def preview_gate(visit: Visit) -> web.StreamResponse:
    """The page with what the gate in the form says of the model in shadow. Changes nothing."""
    now = await policies.newest(visit.console.store, visit.site)
    entered, model = _entered(visit, now), policy_state.challenger_of(visit)
    gate = None
    if not entered.problems and model is not None:
        gate = await policy_state.gate_of(visit, entered.policy, model, visit.site)
    return await _page(visit, now, entered, status=400 if entered.problems else 200, gate=gate)


def _entered(visit: Visit, now: Policy) -> Entered:
    """Browsers send no disabled fields: whoever may not change the policy sees what the current one does."""
    is_disabled = visit.role is not Role.ADMIN and not any(name.startswith("counts.") for name in visit.form)
    return policy_form.of(now) if is_disabled else policy_form.read(visit.form, now, _attributes(visit))


async def restore_policy(visit: Visit) -> web.StreamResponse:
    """Store an earlier version again, as the next one."""
    store, site = visit.console.store, visit.site
    now = await policies.newest(store, site)
    if visit.field("version") != str(now.version):
        return await _not_restored(visit, now)
    earlier = await policies.at_version(store, site, whole(visit.field("restored"), "restored"))
    try:
        await policies.replace(store, site, now, earlier, visit.account.name)
    except Conflict as error:
        return await _not_restored(visit, await policies.newest(store, site), lists_gone(error))
    await visit.request.app[keys.DIRECTORY].refresh()
    return visit.go("/policy", said="restored")


async def _not_restored(visit: Visit, now: Policy, problem: FieldProblem | None = None) -> web.Response:
    """`problem` None: a newer version came first."""
    refused = problem or FieldProblem(_LATE, {"version": now.version})
    return await _page(visit, now, policy_form.of(now), status=409, refused=refused)


def lists_gone(error: Conflict) -> FieldProblem | None:
    """What to say if lists that the rules name were deleted; None: something else was in the way."""
    if error.reason != "list_gone":
        return None
    return FieldProblem(_GONE, {"lists": ", ".join(error.current["lists"])})


async def save_policy(visit: Visit) -> web.StreamResponse:
    """Store the next version after the one in the form. If another one came first, show the form again."""
    store, site = visit.console.store, visit.site
    now = await policies.newest(store, site)
    entered = policy_form.read(visit.form, now, _attributes(visit))
    if entered.problems:
        return await _page(visit, now, entered, status=400)
    if visit.field("version") != str(now.version):
        return await _page(visit, now, entered, status=409, is_outrun=True)
    if msgspec.structs.replace(entered.policy, name=now.name, version=now.version) == now:
        return visit.go("/policy", said="unchanged")
    try:
        await policies.replace(store, site, now, entered.policy, visit.account.name)
    except Conflict:
        now = await policies.newest(store, site)
        return await _page(visit, now, entered, status=409, is_outrun=True)
    await visit.request.app[keys.DIRECTORY].refresh()
    return visit.go("/policy", said="saved")


async def answer_audits(visit: Visit) -> web.StreamResponse:
    """The administrator's answer to whether a sample of the automatic decisions is audited."""
    store, site = visit.console.store, visit.site
    now = await policies.newest(store, site)
    none = msgspec.structs.replace(now.review, audit_approved=0.0, audit_rejected=0.0)
    review = now.review.audited() if visit.field("answer") == "on" else none
    if now.review.is_unasked:
        try:
            after = msgspec.structs.replace(now, review=review)
            await policies.replace(store, site, now, after, visit.account.name)
        except Conflict:
            return visit.go("/policy")  # it shows what somebody else saved meanwhile, and asks again if need be
        await visit.request.app[keys.DIRECTORY].refresh()
    return visit.go("/policy", said="saved")


async def _page(
    visit: Visit,
    now: Policy,
    entered: Entered,
    *,
    status: int = 200,
    found: Simulation | None = None,
    said: str = "",
    is_outrun: bool = False,
    refused: FieldProblem | None = None,
    gate: GateFound | None = None,
) -> web.Response:
    versions = await visit.console.store.access.policies(visit.site)
    return visit.show(
        "policy.html",
        status,
        words=words,
        policy=now,
        entered=entered,
        attributes=sorted({*_attributes(visit), *now.thresholds}, key=_order(_attributes(visit))),
        groups=GROUPS,
        found=found,
        problems=entered.problems,
        actions=ACTIONS,
        said=said,
        is_outrun=is_outrun,
        refused=refused,
        outran=changes(entered.policy, now) if is_outrun else [],
        history=_history(versions),
        may_change=visit.role is Role.ADMIN,
        asks_for_audits=visit.role is Role.ADMIN and now.review.is_unasked,
        last=LAST,
        clauses=policy_clauses.rows(entered.values),
        clause_fields=policy_clauses.FIELDS,
        categories=policy_clauses.category_names(),
        usual_category=policy_clauses.USUAL_CATEGORY,
        clause_names=_clause_names(visit, now),
        **await policy_state.state_of(visit, now, entered.policy, gate),
    )


def _clause_names(visit: Visit, policy: Policy) -> list[str]:
    """What a clause can be for: the moderators' reasons, the model's attributes, and all else."""
    reasons = [ground.code for ground in visit.reasons.grounds]
    return [OTHER, *dict.fromkeys((*reasons, *_attributes(visit), *policy.thresholds))]


async def _simulated(visit: Visit, policy: Policy) -> Simulation:
    return await policies.simulate(visit.console.store, visit.site, policy, _attributes(visit), LAST)


def _attributes(visit: Visit) -> tuple[str, ...]:
    return visit.request.app[keys.MODERATION].attributes(visit.site)


def _order(known: tuple[str, ...]) -> Any:  # noqa: ANN401 - a key for sorted()
    places = {attribute: place for place, attribute in enumerate(known)}
    return lambda attribute: (places.get(attribute, len(places)), attribute)


def _history(versions: list[Version]) -> list[tuple[Version, list[PolicyChange]]]:
    """The newest versions, each with its changes."""
    before = [DEFAULT, *(each.policy for each in versions)]
    pairs = zip(versions, before, strict=False)
    return [(each, changes(earlier, each.policy)) for each, earlier in reversed(list(pairs)[-SHOWN_VERSIONS:])]


def changes(before: Policy, after: Policy) -> list[PolicyChange]:
    old, new = flat(before), flat(after)
    return [
        PolicyChange(path, old.get(path), new.get(path))
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]


PAGES = (
    Page(path="/policy", view=show_policy, roles=OVERSEERS, nav=Nav(title=N_("Policy"), order=60)),
    Page(path="/policy/preview", view=preview, method="POST", roles=OVERSEERS, limit=MOST_BYTES),
    Page(path="/policy/gate", view=preview_gate, method="POST", roles=OVERSEERS, limit=MOST_BYTES),
    Page(path="/policy/restore", view=restore_policy, method="POST", roles=ADMINS),
    Page(path="/policy", view=save_policy, method="POST", roles=ADMINS, limit=MOST_BYTES),
    Page(path="/policy/audits", view=answer_audits, method="POST", roles=ADMINS),
)
