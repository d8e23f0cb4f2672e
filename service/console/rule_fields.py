"""The guided fields of a rule's condition: read them, and fill them in."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from service.console.policy_form import CENT, HOUR_S, between, for_input
from service.console.policy_kinds import FieldProblem
from service.console.rule_kinds import KINDS, RuleField, fields_of
from service.console.texts import N_
from service.http.shapes import fault_of
from service.rules.links import is_domain
from service.rules.words import is_findable
from service.values.rules import Condition

ONE_OF_THEM = N_("Fill in at least one of these fields.")
CHOICES = frozenset({"choice", "list", "attribute"})


def read(kind: str, form: Mapping[str, str], problems: dict[str, FieldProblem]) -> Condition:
    fields = fields_of(kind)
    first = fields[0].leaf
    found: dict[str, dict[str, Any]] = {first: {}}
    before = len(problems)
    for field in fields:
        value = _value(field, form.get(field.path, ""), problems)
        if value is not None:
            found.setdefault(field.leaf, {})[field.name] = value
    if len(problems) > before:
        return Condition()
    _check(kind, found, problems)
    if len(problems) > before:
        return Condition()
    try:
        several = [msgspec.convert({leaf: values}, Condition) for leaf, values in found.items()]
    except msgspec.ValidationError as error:
        wrong = fault_of(str(error), "", Condition)
        at = field_at(kind, wrong.pointer.split("/")[1:])
        problems[at] = FieldProblem(N_("This cannot be used: %(detail)s"), {"detail": wrong.detail})
        return Condition()
    return several[0] if len(several) == 1 else Condition(all=tuple(several))


def field_at(kind: str, steps: Sequence[str]) -> str:
    """The name of the field where a fault is. `steps`: those within the condition."""
    paths = [field.path for field in fields_of(kind)]
    named = (f"{leaf}.{name}" for leaf, name in itertools.pairwise(steps))
    return next((path for path in named if path in paths), paths[0])


def _check(kind: str, found: Mapping[str, Mapping[str, Any]], problems: dict[str, FieldProblem]) -> None:
    """Faults that are told in the language of the page; service.rules.faults finds all the others."""
    first = fields_of(kind)[0]
    if kind == "words":
        _check_words(found["words"], problems)
    elif kind == "score":
        _check_range(found["score"].get("at_least"), found["score"].get("below"), problems)
    elif KINDS[kind].is_any_needed and not found[first.leaf]:
        problems[first.path] = FieldProblem(ONE_OF_THEM, {})
    for name in ("domains", "not_domains"):
        for domain in found.get("links", {}).get(name, ()):
            if not is_domain(domain):
                problems[f"links.{name}"] = FieldProblem(N_("“%(domain)s” is no domain."), {"domain": domain})


def _check_words(words: Mapping[str, Any], problems: dict[str, FieldProblem]) -> None:
    if bool(words.get("list")) is bool(words.get("any")):
        problems["words.list"] = FieldProblem(N_("Choose a list or write words, one of both."), {})
    for word in words.get("any", ()):
        if not is_findable(word):
            problems["words.any"] = FieldProblem(N_("“%(word)s” has nothing that can be found."), {"word": word})


def _check_range(low: float | None, high: float | None, problems: dict[str, FieldProblem]) -> None:
    if low is None and high is None:
        problems["score.at_least"] = FieldProblem(ONE_OF_THEM, {})
    elif low is not None and high is not None and low >= high:
        problems["score.at_least"] = FieldProblem(N_("This must be less than the upper limit."), {})


def written(when: Condition, kind: str) -> dict[str, str]:
    """What the fields of a kind say of a condition."""
    found = leaves(when) or {}
    return {
        field.path: _text(field, getattr(found.get(field.leaf), field.name, None), is_there=field.leaf in found)
        for field in fields_of(kind)
    }


def leaves(when: Condition) -> dict[str, Any] | None:
    """The conditions that must all hold, by name; None if they are combined otherwise."""
    several = [when] if when.all is UNSET else [*(when.all or ())]
    found: dict[str, Any] = {}
    for each in several:
        for field in msgspec.structs.fields(Condition):
            leaf = getattr(each, field.name)
            if leaf is UNSET:
                continue
            if field.name in found or not isinstance(leaf, msgspec.Struct) or isinstance(leaf, Condition):
                return None
            found[field.name] = leaf
    return found


def _value(field: RuleField, text: str, problems: dict[str, FieldProblem]) -> Any:  # noqa: ANN401 - the field's own type
    """None: not set."""
    if field.kind == "flag":
        return True if text else None
    if field.kind == "unset":
        return None if text else False
    if field.kind == "lines":
        lines = [" ".join(line.split()) for line in text.splitlines()]
        return [*dict.fromkeys(filter(None, lines))] or None
    if field.kind in CHOICES:
        return text or None
    found = _number(field, text, problems)
    if found is None or field.kind == "score":
        return found
    return _OF_NUMBERS[field.kind](found)


def _number(field: RuleField, text: str, problems: dict[str, FieldProblem]) -> float | None:
    most = CENT if field.kind == "share" else field.most
    value = between(text, field.path, field.least, most, problems, is_needed=field.is_needed)
    if field.kind == "whole" and value is not None and value != int(value):
        problems[field.path] = FieldProblem(N_("Enter a whole number."), {})
        return None
    return value


_OF_NUMBERS: Mapping[str, Callable[[float], float]] = {
    "whole": int,
    "hours": lambda hours: max(1, round(hours * HOUR_S)),
    "share": lambda percent: round(percent / CENT, 6),
}


def _text(field: RuleField, value: Any, *, is_there: bool) -> str:  # noqa: ANN401 - the field's own type
    if field.kind == "unset":
        return "" if value is False else "1"
    if not is_there or value is None or value is False:
        return ""
    if field.kind == "flag":
        return "1"
    if field.kind == "lines":
        return "\n".join(value)
    if field.kind in CHOICES:
        return str(value)
    return for_input(value / HOUR_S if field.kind == "hours" else value * CENT if field.kind == "share" else value)
