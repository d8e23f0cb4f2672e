"""The policy of a site: show, try out on recent comments, change, and list its versions."""

from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from service import app_keys as keys
from service.cases import policies
from service.cases.policies import Simulation
from service.console import policy_form, words
from service.console.policy_fields import flat
from service.console.policy_form import Entered
from service.console.policy_groups import GROUPS
from service.console.texts import N_
from service.console.visit import ADMINS, OVERSEERS, Nav, Page, Visit
from service.store.access import Version
from service.values.accounts import Role
from service.values.domain import Action
from service.values.errors import Conflict
from service.values.policy import DEFAULT, Policy

LAST = 5_000
SHOWN_VERSIONS = 20

ACTIONS = {Action.APPROVE: N_("Approve"), Action.REVIEW: N_("Review"), Action.REJECT: N_("Reject")}


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A field that differs between two versions. None: not set."""

    path: str
    before: Any
    after: Any


SAID = {"saved": N_("Saved. Every process decides by it within seconds."), "unchanged": N_("Nothing was changed.")}


async def show_policy(visit: Visit) -> web.StreamResponse:
    now = await policies.newest(visit.console.store, visit.site)
    return await _page(visit, now, policy_form.of(now), said=SAID.get(visit.request.query.get("said", ""), ""))


async def preview(visit: Visit) -> web.StreamResponse:
    """Decisions on recent comments under this policy: a part of the page for the script, else the page with the form.

    Changes nothing. It is a POST because the form does not fit into a URL.
    """
    now = await policies.newest(visit.console.store, visit.site)
    # Browsers send no disabled fields: whoever may not change the policy sees what the current one does.
    is_disabled = visit.role is not Role.ADMIN and not any(name.startswith("counts.") for name in visit.form)
    entered = policy_form.of(now) if is_disabled else policy_form.read(visit.form, now, _attributes(visit))
    found = None if entered.problems else await _simulated(visit, entered.policy)
    if visit.request.headers.get("X-Part") == "preview":
        return visit.show("policy_preview.html", found=found, problems=entered.problems, actions=ACTIONS)
    return await _page(visit, now, entered, status=400 if entered.problems else 200, found=found)


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
        outran=changes(entered.policy, now) if is_outrun else [],
        history=_history(versions),
        may_change=visit.role is Role.ADMIN,
        asks_for_audits=visit.role is Role.ADMIN and now.review.is_unasked,
        last=LAST,
    )


async def _simulated(visit: Visit, policy: Policy) -> Simulation:
    return await policies.simulate(visit.console.store, visit.site, policy, _attributes(visit), LAST)


def _attributes(visit: Visit) -> tuple[str, ...]:
    return visit.request.app[keys.MODERATION].attributes


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
    Page(path="/policy/preview", view=preview, method="POST", roles=OVERSEERS),
    Page(path="/policy", view=save_policy, method="POST", roles=ADMINS),
    Page(path="/policy/audits", view=answer_audits, method="POST", roles=ADMINS),
)
