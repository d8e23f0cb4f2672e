"""The rules of a site: show, try, add, change, switch, delete, and turn the last change back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from service import app_keys as keys
from service.cases import policies
from service.cases.policies import RuleTrial, Simulation
from service.cases.ruling import RuleCheck
from service.console import policy, rule_form, rule_words, words
from service.console.policy_form import FieldProblem
from service.console.reasons import GROUNDS
from service.console.rule_form import JSON, KINDS, Entered, Fault
from service.console.shown import marked
from service.console.texts import N_
from service.console.visit import ADMINS, OVERSEERS, Nav, Page, Visit
from service.http import bodies
from service.rules.faults import faults
from service.values.accounts import Role
from service.values.domain import Comment, Reason, Span
from service.values.errors import BadRequest, Conflict, NotFound, TooLarge
from service.values.policy import DEFAULT, Policy
from service.values.rules import Rule, RuleState

LAST = policy.LAST
SAID = {
    "saved": N_("The rule is saved. It is in force within seconds."),
    "on": N_("The rule is on."),
    "shadow": N_("The rule is in shadow: it is counted and changes nothing."),
    "off": N_("The rule is off."),
    "deleted": N_("The rule is deleted."),
    "undone": N_("The last change is turned back."),
}
SWITCHES = {
    RuleState.ON: N_("Turn on"),
    RuleState.SHADOW: N_("To shadow"),
    RuleState.OFF: N_("Turn off"),
}
OUTRUN = N_("Somebody else changed the policy meanwhile. This is how it is now; do it again if you still want to.")


class RuleQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`id`: the rule to edit, "": a new one. `kind`: of the form."""

    id: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Row:
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
    found = await _simulated(visit, msgspec.structs.replace(now, rules=tuple(tried)))
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
    check = visit.request.app[keys.MODERATION].try_rules(now, compiled, comment)
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
    rule = _rule(now, visit.field("id"))
    try:
        state = RuleState(visit.field("state"))
    except ValueError as error:
        raise BadRequest("state: must be on, shadow or off") from error
    after = rule_form.replaced(now.rules, rule.id, msgspec.structs.replace(rule, state=state))
    if state is not RuleState.OFF and (found := await _faults_of(visit, now, after, rule.id)):
        return await _page(visit, now, 400, problem=_told(found))
    return await _saved(visit, now, msgspec.structs.replace(now, rules=after), state.value)


async def delete_rule(visit: Visit) -> web.StreamResponse:
    now = await policies.newest(visit.console.store, visit.site)
    rule = _rule(now, visit.field("id"))
    left = tuple(each for each in now.rules if each.id != rule.id)
    return await _saved(visit, now, msgspec.structs.replace(now, rules=left), "deleted")


async def turn_back(visit: Visit) -> web.StreamResponse:
    """Bring the version before the newest one back, as the next version."""
    store, site = visit.console.store, visit.site
    now = await policies.newest(store, site)
    before = await policies.at_version(store, site, now.version - 1)
    return await _saved(visit, now, before, "undone")


async def edit_rule(visit: Visit) -> web.StreamResponse:
    now = await policies.newest(visit.console.store, visit.site)
    query = visit.query(RuleQuery)
    if query.id:
        return await _form(visit, now, rule_form.of(_rule(now, query.id), query.kind), query.id)
    return await _form(visit, now, rule_form.blank(_kind(query.kind), visit.account.name), "")


async def preview_rule(visit: Visit) -> web.StreamResponse:
    """What recent comments would have got if this rule were on: a part of the page for the script, else the page."""
    now = await policies.newest(visit.console.store, visit.site)
    before, entered = await _entered(visit, now)
    found = None
    if entered.rule is not None:
        is_on = msgspec.structs.replace(entered.rule, state=RuleState.ON)
        rules = rule_form.replaced(now.rules, before, is_on)
        found = await _simulated(visit, msgspec.structs.replace(now, rules=rules))
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
    if visit.field("version") == str(now.version) and await _is_kept(visit, now, after):
        return visit.go("/rules", said="saved")
    now = await policies.newest(visit.console.store, visit.site)
    return await _form(visit, now, entered, before, 409, is_outrun=True)


async def _entered(visit: Visit, now: Policy) -> tuple[str, Entered]:
    """The name that the rule had, "": it is new; and the form, with all its faults."""
    before = visit.field("rule")
    form = {name: found[0].replace("\r\n", "\n") for name, found in visit.form.items()}
    entered = rule_form.read(_kind(visit.field("kind")), form)
    rule = entered.rule
    if rule is None:
        return before, entered
    if rule_form.is_taken(now.rules, before, rule.id):
        problems = {"id": FieldProblem(N_("Another rule has this name."), {})}
        return before, Entered(entered.kind, entered.values, None, problems)
    found = await _faults_of(visit, now, rule_form.replaced(now.rules, before, rule), rule.id)
    return before, rule_form.with_faults(entered, found)


def _kind(name: str) -> str:
    """Raises NotFound."""
    if name not in (*KINDS, JSON):
        raise NotFound(N_("There is no such page."))
    return name


def _rule(now: Policy, name: str) -> Rule:
    """Raises NotFound."""
    found = next((rule for rule in now.rules if rule.id == name), None)
    if found is None:
        raise NotFound(N_("There is no such rule any more."))
    return found


def _in_shadow_if_off(rule: Rule) -> Rule:
    return msgspec.structs.replace(rule, state=RuleState.SHADOW) if rule.state is RuleState.OFF else rule


async def _faults_of(visit: Visit, now: Policy, rules: Sequence[Rule], name: str) -> list[Fault]:
    """The faults of the rule `name`, with the steps within it, and of all rules together. Faults of other rules do not
    count: an attribute may have gone with the model, and that must not keep anybody from changing this rule.
    """
    lists = await _lists(visit)
    at = next(number for number, rule in enumerate(rules) if rule.id == name)
    found = faults(rules, now.lists, lists, _attributes(visit))
    wrong = {steps[1] for steps, _ in found if steps[:1] == ("rules",) and len(steps) > 1}
    ours = [(steps[2:], detail) for steps, detail in found if steps[:2] == ("rules", str(at))]
    ours += [((), detail) for steps, detail in found if steps == ("rules",)]
    if ours or not found:
        return ours
    # Patterns are only checked together if nothing else is wrong.
    sound = [rule for number, rule in enumerate(rules) if str(number) not in wrong]
    at = next(number for number, rule in enumerate(sound) if rule.id == name)
    return [
        (steps[2:] if steps[:2] == ("rules", str(at)) else (), detail)
        for steps, detail in faults(sound, {}, lists, _attributes(visit))
    ]


def _told(found: Sequence[Fault]) -> FieldProblem:
    return FieldProblem(N_("The rule cannot be used as it is: %(detail)s"), {"detail": found[0][1]})


async def _saved(visit: Visit, now: Policy, after: Policy, said: str) -> web.Response:
    if visit.field("version") == str(now.version) and await _is_kept(visit, now, after):
        return visit.go("/rules", said=said)
    now = await policies.newest(visit.console.store, visit.site)
    return await _page(visit, now, 409, problem=FieldProblem(OUTRUN, {}))


async def _is_kept(visit: Visit, now: Policy, after: Policy) -> bool:
    try:
        await policies.replace(visit.console.store, visit.site, now, after, visit.account.name)
    except Conflict:
        return False
    await visit.request.app[keys.DIRECTORY].refresh()
    return True


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
        + [(JSON, rule_form.JSON_TITLE, rule_form.JSON_HINT)],
        may_change=visit.role is Role.ADMIN,
        last=LAST,
    )


def _row(visit: Visit, rule: Rule) -> Row:
    is_over = rule.until is not None and rule.until < datetime.now(UTC).date()
    return Row(rule, rule_words.sentence(visit.texts, rule), rule_words.consequences(visit.texts, rule), is_over)


def _tried_text(tried: Tried | None) -> Any:  # noqa: ANN401 - Markup, or nothing
    """The text with what the rules found in it marked."""
    if tried is None or tried.check is None:
        return None
    return marked(tried.values["text"], [span for reason in tried.check.rules for span in _spans(reason)])


def _spans(reason: Reason) -> list[Span]:
    return [Span(start, end, reason.rule or "", 1.0) for start, end in reason.spans]


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


async def _form(
    visit: Visit,
    now: Policy,
    entered: Entered,
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
        kind_title=rule_form.JSON_TITLE if kind == JSON else KINDS[kind].title,
        kind_hint=rule_form.JSON_HINT if kind == JSON else KINDS[kind].hint,
        fields=() if kind == JSON else KINDS[kind].fields,
        lists=await _lists(visit),
        attributes=_attributes(visit),
        grounds=GROUNDS,
        rule_actions=rule_words.ACTIONS,
        states=rule_words.STATES,
        is_outrun=is_outrun,
        **_preview(visit, entered, found),
    )


def _preview(visit: Visit, entered: Entered, found: Simulation | None) -> dict[str, Any]:
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


async def _simulated(visit: Visit, tried: Policy) -> Simulation:
    rules = await visit.request.app[keys.RULEBOOK].compiled(visit.site, tried)
    return await policies.simulate(visit.console.store, visit.site, tried, _attributes(visit), LAST, rules)


async def _lists(visit: Visit) -> Collection[str]:
    return sorted(await visit.console.store.lists.versions(visit.site))


def _attributes(visit: Visit) -> tuple[str, ...]:
    return visit.request.app[keys.MODERATION].attributes


PAGES = (
    Page(path="/rules", view=show_rules, roles=OVERSEERS, nav=Nav(title=N_("Rules"), order=61)),
    Page(path="/rules/preview", view=preview_rules, method="POST", roles=OVERSEERS),
    Page(path="/rules/try", view=try_text, method="POST", roles=OVERSEERS, limit=4 * bodies.MAX_BODY_BYTES),
    Page(path="/rules/state", view=switch_rule, method="POST", roles=ADMINS),
    Page(path="/rules/delete", view=delete_rule, method="POST", roles=ADMINS),
    Page(path="/rules/undo", view=turn_back, method="POST", roles=ADMINS),
    Page(path="/rules/edit", view=edit_rule, roles=ADMINS),
    Page(path="/rules/edit", view=save_rule, method="POST", roles=ADMINS, limit=4 * bodies.MAX_BODY_BYTES),
    Page(path="/rules/edit/preview", view=preview_rule, method="POST", roles=ADMINS, limit=4 * bodies.MAX_BODY_BYTES),
)
