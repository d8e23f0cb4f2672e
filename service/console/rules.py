"""The rules of a site: show, try, switch, delete, and undo the last change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from service import app_keys as keys
from service.cases import policies
from service.cases.policies import RuleTrial, Simulation
from service.cases.ruling import RuleCheck
from service.console import policy, rule_form, rule_kinds, rule_words, words
from service.console.policy_kinds import FieldProblem
from service.console.rule_changes import LAST, faults_of, find_rule, keep, simulated
from service.console.rule_form import Fault
from service.console.rule_kinds import JSON, KINDS
from service.console.shown import marked
from service.console.texts import N_
from service.console.visit import ADMINS, OVERSEERS, Nav, Page, Visit
from service.http import bodies
from service.values.accounts import Role
from service.values.domain import Comment
from service.values.errors import BadRequest, TooLarge
from service.values.policy import DEFAULT, Policy
from service.values.rules import Rule, RuleState

SAID = {
    "saved": N_("The rule is saved. It is in force within seconds."),
    "on": N_("The rule is on."),
    "shadow": N_("The rule is in shadow: it is counted and changes nothing."),
    "off": N_("The rule is off."),
    "deleted": N_("The rule is deleted."),
    "undone": N_("The last change is undone."),
}
SWITCHES = {
    RuleState.ON: N_("Turn on"),
    RuleState.SHADOW: N_("Put in shadow"),
    RuleState.OFF: N_("Turn off"),
}


@dataclass(frozen=True, slots=True)
class RuleRow:
    rule: Rule
    sentence: str
    consequences: list[str]
    is_over: bool


@dataclass(frozen=True, slots=True)
class LastChange:
    """What the newest version of the policy changed, and by whom. `added` and so on: names of rules."""

    version: int
    actor: str | None
    at: datetime | None
    added: list[str]
    changed: list[str]
    removed: list[str]
    is_more: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """A comment in the test box, and what the rules say of it. `values`: the fields of the box."""

    values: dict[str, str]
    check: RuleCheck | None = None
    problem: FieldProblem | None = None


async def show_rules(visit: Visit) -> web.StreamResponse:
    now = await policies.newest(visit.console.store, visit.site)
    return await _page(visit, now, said=SAID.get(visit.request.query.get("said", ""), ""))


async def preview_rules(visit: Visit) -> web.StreamResponse:
    """How often each rule would have applied to recent comments. Rules that are off are tried as well."""
    now = await policies.newest(visit.console.store, visit.site)
    tried = [_in_shadow_if_off(rule) for rule in now.rules]
    found = await simulated(visit, msgspec.structs.replace(now, rules=tuple(tried)))
    return await _page(visit, now, found=found)


async def try_text(visit: Visit) -> web.StreamResponse:
    """Which rules apply to a text. Nothing is recorded."""
    now = await policies.newest(visit.console.store, visit.site)
    values = {name: visit.field(name).replace("\r\n", "\n") for name in ("text", "author", "section", "language")}
    try:
        comment = bodies.check_comment(_comment(values))
    except (BadRequest, TooLarge, msgspec.ValidationError) as error:
        is_blank = not values["text"].strip()
        problem = (
            FieldProblem(N_("Enter a text."), {})
            if is_blank
            else FieldProblem(N_("This cannot be used: %(detail)s"), {"detail": str(error)})
        )
        return await _page(visit, now, 400, tried=Tried(values, problem=problem))
    compiled = await visit.request.app[keys.RULEBOOK].compiled(visit.site, now)
    check = visit.request.app[keys.MODERATION].try_rules(visit.site, now, compiled, comment)
    return await _page(visit, now, tried=Tried(values, check))


def _comment(values: dict[str, str]) -> Comment:
    given: dict[str, Any] = {"text": values["text"]}
    if values["author"].strip():
        given["author"] = {"id": values["author"].strip()}
    if values["section"].strip():
        given["article"] = {"section": values["section"].strip()}
    if values["language"].strip():
        given["language"] = values["language"].strip()
    return msgspec.convert(given, Comment)


async def switch_rule(visit: Visit) -> web.StreamResponse:
    now = await policies.newest(visit.console.store, visit.site)
    rule = find_rule(now, visit.field("id"))
    try:
        state = RuleState(visit.field("state"))
    except ValueError as error:
        raise BadRequest("state: must be on, shadow or off") from error
    after = rule_form.replaced(now.rules, rule.id, msgspec.structs.replace(rule, state=state))
    if state is not RuleState.OFF and (found := await faults_of(visit, now, after, rule.id)):
        return await _page(visit, now, 400, problem=_told(found))
    return await _saved(visit, now, msgspec.structs.replace(now, rules=after), state.value)


async def delete_rule(visit: Visit) -> web.StreamResponse:
    now = await policies.newest(visit.console.store, visit.site)
    rule = find_rule(now, visit.field("id"))
    left = tuple(each for each in now.rules if each.id != rule.id)
    return await _saved(visit, now, msgspec.structs.replace(now, rules=left), "deleted")


async def undo(visit: Visit) -> web.StreamResponse:
    """Bring the version before the newest one back, as the next version."""
    store, site = visit.console.store, visit.site
    now = await policies.newest(store, site)
    before = await policies.at_version(store, site, now.version - 1)
    return await _saved(visit, now, before, "undone")


def _in_shadow_if_off(rule: Rule) -> Rule:
    return msgspec.structs.replace(rule, state=RuleState.SHADOW) if rule.state is RuleState.OFF else rule


def _told(found: Sequence[Fault]) -> FieldProblem:
    return FieldProblem(N_("The rule cannot be used as it is: %(detail)s"), {"detail": found[0][1]})


async def _saved(visit: Visit, now: Policy, after: Policy, said: str) -> web.Response:
    problem = await keep(visit, now, after)
    if problem is None:
        return visit.go("/rules", said=said)
    return await _page(visit, await policies.newest(visit.console.store, visit.site), 409, problem=problem)


async def _page(
    visit: Visit,
    now: Policy,
    status: int = 200,
    *,
    said: str = "",
    problem: FieldProblem | None = None,
    found: Simulation | None = None,
    tried: Tried | None = None,
) -> web.Response:
    trials: dict[str, RuleTrial] = {each.rule: each for each in found.rules} if found else {}
    return visit.show(
        "rules.html",
        status,
        policy=now,
        rows=[_row(visit, rule) for rule in now.rules],
        said=said,
        problem=problem,
        found=found,
        trials=trials,
        tried=tried,
        tried_text=_tried_text(tried),
        last_change=await _last_change(visit, now),
        states=rule_words.STATES,
        switches=SWITCHES,
        decisions=words.DECISIONS,
        depends=rule_words.DEPENDS,
        kinds=[(name, kind.title, kind.hint) for name, kind in KINDS.items()]
        + [(JSON, rule_kinds.JSON_TITLE, rule_kinds.JSON_HINT)],
        may_change=visit.role is Role.ADMIN,
        last=LAST,
    )


def _row(visit: Visit, rule: Rule) -> RuleRow:
    is_over = rule.has_ended(datetime.now(UTC).date())
    return RuleRow(
        rule, rule_words.sentence(visit.texts, rule), rule_words.consequences(visit.texts, visit.reasons, rule), is_over
    )


def _tried_text(tried: Tried | None) -> Any:  # noqa: ANN401 - Markup, or nothing
    """The text with what the rules found in it marked."""
    if tried is None or tried.check is None:
        return None
    return marked(tried.values["text"], rules=tried.check.rules)


async def _last_change(visit: Visit, now: Policy) -> LastChange | None:
    """None: there is nothing to turn back, or the version before cannot be read."""
    versions = await visit.console.store.access.policies(visit.site)
    newest = next((each for each in versions if each.policy.version == now.version), None)
    earlier = [DEFAULT, *(each.policy for each in versions)]
    before = next((each for each in earlier if each.version == now.version - 1), None)
    if newest is None or before is None:
        return None
    old, new = ({rule.id: rule for rule in each.rules} for each in (before, now))
    return LastChange(
        now.version,
        newest.actor,
        newest.at,
        [name for name in new if name not in old],
        [name for name in new if name in old and new[name] != old[name]],
        [name for name in old if name not in new],
        any(not change.path.startswith("rules.") for change in policy.changes(before, now)),
    )


PAGES = (
    Page(path="/rules", view=show_rules, roles=OVERSEERS, nav=Nav(title=N_("Rules"), order=61)),
    Page(path="/rules/preview", view=preview_rules, method="POST", roles=OVERSEERS),
    Page(path="/rules/try", view=try_text, method="POST", roles=OVERSEERS, limit=4 * bodies.MAX_BODY_BYTES),
    Page(path="/rules/state", view=switch_rule, method="POST", roles=ADMINS),
    Page(path="/rules/delete", view=delete_rule, method="POST", roles=ADMINS),
    Page(path="/rules/undo", view=undo, method="POST", roles=ADMINS),
)
