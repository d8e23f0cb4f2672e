"""The page of one rule: add it, change it, and preview what it would do."""

from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from service.cases import policies
from service.cases.policies import Simulation
from service.console import policy, rule_form, rule_kinds, rule_words
from service.console.policy_kinds import FieldProblem
from service.console.rule_changes import LAST, OUTRUN, attributes_of, faults_of, find_rule, keep, lists_of, simulated
from service.console.rule_form import EnteredRule
from service.console.rule_kinds import JSON, KINDS
from service.console.texts import N_
from service.console.visit import ADMINS, Page, Visit
from service.http import bodies
from service.values.errors import NotFound
from service.values.policy import Policy
from service.values.rules import RuleState


class RuleQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`id`: the rule to edit, "": a new one. `kind`: of the form."""

    id: str = ""
    kind: str = ""


async def edit_rule(visit: Visit) -> web.StreamResponse:
    now = await policies.newest(visit.console.store, visit.site)
    query = visit.query(RuleQuery)
    if query.id:
        return await _form(visit, now, rule_form.of(find_rule(now, query.id), query.kind), query.id)
    return await _form(visit, now, rule_form.blank(_kind(query.kind), visit.account.name), "")


async def preview_rule(visit: Visit) -> web.StreamResponse:
    """What recent comments would have got if this rule were on: a part of the page for the script, else the page."""
    now = await policies.newest(visit.console.store, visit.site)
    before, entered = await _entered(visit, now)
    found = None
    if entered.rule is not None:
        is_on = msgspec.structs.replace(entered.rule, state=RuleState.ON)
        rules = rule_form.replaced(now.rules, before, is_on)
        found = await simulated(visit, msgspec.structs.replace(now, rules=rules))
    if visit.field("part"):
        return visit.show("rule_preview.html", **_preview(visit, entered, found))
    return await _form(visit, now, entered, before, 200 if found else 400, found=found)


async def save_rule(visit: Visit) -> web.StreamResponse:
    """Store the next version of the policy, with this rule. If another one came first, show the form again."""
    now = await policies.newest(visit.console.store, visit.site)
    before, entered = await _entered(visit, now)
    if entered.rule is None:
        return await _form(visit, now, entered, before, 400)
    after = msgspec.structs.replace(now, rules=rule_form.replaced(now.rules, before, entered.rule))
    problem = await keep(visit, now, after)
    if problem is None:
        return visit.go("/rules", said="saved")
    now = await policies.newest(visit.console.store, visit.site)
    is_outrun = problem.message == OUTRUN
    if not is_outrun:
        before, entered = await _entered(visit, now)  # its faults say at which field the list is missing
    return await _form(visit, now, entered, before, 409, is_outrun=is_outrun)


async def _entered(visit: Visit, now: Policy) -> tuple[str, EnteredRule]:
    """The name that the rule had, "": it is new; and the form, with all its faults."""
    before = visit.field("rule")
    form = {name: found[0].replace("\r\n", "\n") for name, found in visit.form.items()}
    entered = rule_form.read(_kind(visit.field("kind")), form)
    rule = entered.rule
    if rule is None:
        return before, entered
    if rule_form.is_taken(now.rules, before, rule.id):
        problems = {"id": FieldProblem(N_("Another rule has this name."), {})}
        return before, EnteredRule(entered.kind, entered.values, None, problems)
    found = await faults_of(visit, now, rule_form.replaced(now.rules, before, rule), rule.id)
    return before, rule_form.with_faults(entered, found)


def _kind(name: str) -> str:
    """Raises NotFound."""
    if name not in (*KINDS, JSON):
        raise NotFound(N_("There is no such page."))
    return name


async def _form(
    visit: Visit,
    now: Policy,
    entered: EnteredRule,
    before: str,
    status: int = 200,
    *,
    found: Simulation | None = None,
    is_outrun: bool = False,
) -> web.Response:
    kind = entered.kind
    return visit.show(
        "rule.html",
        status,
        policy=now,
        before=before,
        kind=kind,
        kind_title=rule_kinds.JSON_TITLE if kind == JSON else KINDS[kind].title,
        kind_hint=rule_kinds.JSON_HINT if kind == JSON else KINDS[kind].hint,
        fields=() if kind == JSON else KINDS[kind].fields,
        lists=await lists_of(visit),
        attributes=attributes_of(visit),
        grounds=visit.reasons.grounds,
        rule_actions=rule_words.ACTIONS,
        states=rule_words.STATES,
        is_outrun=is_outrun,
        **_preview(visit, entered, found),
    )


def _preview(visit: Visit, entered: EnteredRule, found: Simulation | None) -> dict[str, Any]:
    rule = entered.rule
    return {
        "entered": entered,
        "problems": entered.problems,
        "found": found,
        "actions": policy.ACTIONS,
        "sentence": rule_words.sentence(visit.texts, rule) if rule else "",
        "trial": next((each for each in found.rules if rule and each.rule == rule.id), None) if found else None,
        "last": LAST,
    }


PAGES = (
    Page(path="/rules/edit", view=edit_rule, roles=ADMINS),
    Page(path="/rules/edit", view=save_rule, method="POST", roles=ADMINS, limit=4 * bodies.MAX_BODY_BYTES),
    Page(path="/rules/edit/preview", view=preview_rule, method="POST", roles=ADMINS, limit=4 * bodies.MAX_BODY_BYTES),
)
