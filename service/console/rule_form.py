"""The form of a rule: guided fields for the common kinds, JSON for every other condition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from service.console import rule_fields
from service.console.policy_kinds import FieldProblem
from service.console.rule_kinds import JSON, KINDS, fields_of
from service.console.texts import N_
from service.http import bodies
from service.http.shapes import fault_of, pointer
from service.values.errors import BadRequest, TooLarge
from service.values.rules import Condition, Rule, RuleAction, RuleState

WHEN = "when"
# A field name in fault messages of service.rules.faults: the rule's place, then the steps within it.
Steps = tuple[str, ...]
Fault = tuple[Steps, str]


@dataclass(frozen=True, slots=True)
class EnteredRule:
    """A form. `values`: by field name. `rule`: None if there are problems."""

    kind: str
    values: Mapping[str, str]
    rule: Rule | None
    problems: Mapping[str, FieldProblem]


def blank(kind: str, author: str) -> EnteredRule:
    """The form of a new rule. It begins in shadow, so that nothing happens before somebody has looked."""
    values = {field.path: field.standard for field in fields_of(kind)}
    values |= {field.path: "1" for field in fields_of(kind) if field.kind == "unset"}
    values |= {"state": RuleState.SHADOW.value, "action": RuleAction.REVIEW.value, "author": author}
    return EnteredRule(kind, values, None, {})


def of(rule: Rule, kind: str = "") -> EnteredRule:
    """The form of a rule. `kind`: JSON to have any rule as JSON."""
    kind = kind if kind == JSON else kind_of(rule.when)
    then = rule.then
    values = {
        "id": rule.id,
        "note": rule.note,
        "author": rule.author,
        "state": rule.state.value,
        "until": rule.until.isoformat() if rule.until else "",
        "action": then.action.value,
        "due": then.due or "",
        "label": then.label or "",
        "reason": then.reason or "",
        "override": "1" if then.override else "",
    }
    if kind == JSON:
        values[WHEN] = msgspec.json.format(msgspec.json.encode(rule.when), indent=2).decode()
    else:
        values |= rule_fields.written(rule.when, kind)
    return EnteredRule(kind, values, rule, {})


def kind_of(when: Condition) -> str:
    """The kind whose fields express the condition completely; JSON if none does."""
    if rule_fields.leaves(when) is None:
        return JSON
    for kind in KINDS:
        problems: dict[str, FieldProblem] = {}
        if rule_fields.read(kind, rule_fields.written(when, kind), problems) == when and not problems:
            return kind
    return JSON


def read(kind: str, form: Mapping[str, str]) -> EnteredRule:
    """Parse the form."""
    problems: dict[str, FieldProblem] = {}
    when = _read_json(form, problems) if kind == JSON else rule_fields.read(kind, form, problems)
    raw: dict[str, Any] = {
        "id": form.get("id", "").strip(),
        "note": form.get("note", "").strip(),
        "author": form.get("author", "").strip(),
        "state": form.get("state", ""),
        "until": form.get("until", "").strip() or None,
        "when": {},
        "then": {
            **{name: form.get(name, "") or None for name in ("due", "label", "reason")},
            "action": form.get("action", ""),
            "override": bool(form.get("override")),
        },
    }
    if not raw["id"]:
        problems["id"] = FieldProblem(N_("Give the rule a name."), {})
    if raw["then"]["override"] and raw["then"]["action"] != RuleAction.APPROVE:
        problems["override"] = FieldProblem(N_("Only a rule that approves can overrule the model."), {})
    if raw["then"]["action"] == RuleAction.LABEL and not raw["then"]["label"]:
        problems["label"] = FieldProblem(N_("Choose the label."), {})
    try:
        rule = msgspec.convert(raw, Rule)
    except msgspec.ValidationError as error:
        wrong = fault_of(str(error), "", Rule)
        name = wrong.pointer.rpartition("/")[2]
        problems.setdefault(name if name in _MESSAGES else "", _said(name, wrong.detail))
        rule = None
    if rule is None or problems:
        return EnteredRule(kind, form, None, problems)
    return EnteredRule(kind, form, msgspec.structs.replace(rule, when=when), {})


_MESSAGES = {
    "id": N_("Use at most 64 small letters, digits, - and _; begin with a letter or a digit."),
    "until": N_("Enter a date."),
    "note": N_("This is too long."),
    "author": N_("This is too long."),
}


def _said(name: str, detail: str) -> FieldProblem:
    if name in _MESSAGES:
        return FieldProblem(_MESSAGES[name], {})
    return FieldProblem(N_("This cannot be read: %(detail)s"), {"detail": detail})


def with_faults(entered: EnteredRule, faults: Iterable[Fault]) -> EnteredRule:
    """The form with the faults of its rule, each beside the field where it is. Steps are those within the rule."""
    problems = dict(entered.problems)
    for steps, detail in faults:
        problems.setdefault(_field_at(entered.kind, steps), _at_place(entered.kind, steps, detail))
    return EnteredRule(entered.kind, entered.values, None if problems else entered.rule, problems)


def _field_at(kind: str, steps: Steps) -> str:
    if steps[:1] == ("then",):
        return steps[1] if len(steps) > 1 else "action"
    if steps[:1] == ("until",):
        return "until"
    if steps[:1] != (WHEN,):
        return ""
    return WHEN if kind == JSON else rule_fields.field_at(kind, steps[1:])


def _at_place(kind: str, steps: Steps, detail: str) -> FieldProblem:
    if kind == JSON and steps[:1] == (WHEN,):
        place = pointer("", *steps[1:]) or "/"
        return FieldProblem(N_("At %(place)s: %(detail)s"), {"place": place, "detail": detail})
    return FieldProblem(N_("This cannot be used: %(detail)s"), {"detail": detail})


def _read_json(form: Mapping[str, str], problems: dict[str, FieldProblem]) -> Condition:
    try:
        return bodies.shape(bodies.parse(form.get(WHEN, "")), Condition)
    except (BadRequest, TooLarge) as error:
        for fault in error.faults[:1]:
            if fault.pointer:
                values = {"place": fault.pointer, "detail": fault.detail}
                problems[WHEN] = FieldProblem(N_("At %(place)s: %(detail)s"), values)
        problems.setdefault(WHEN, FieldProblem(N_("This cannot be read: %(detail)s"), {"detail": str(error)}))
    return Condition()


def replaced(rules: Sequence[Rule], before: str, rule: Rule) -> tuple[Rule, ...]:
    """The rules with `rule` in place of the one named `before`, or at the end if there is none."""
    if all(each.id != before for each in rules):
        return (*rules, rule)
    return tuple(rule if each.id == before else each for each in rules)


def is_taken(rules: Sequence[Rule], before: str, name: str) -> bool:
    return name != before and name in {each.id for each in rules}
