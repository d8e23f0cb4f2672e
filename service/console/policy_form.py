"""The policy form: the text format of its fields, parsing, and error messages."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from service.console import policy_clauses, policy_texts
from service.console.policy_groups import AKISMET_DOUBTFUL, FIELDS
from service.console.policy_kinds import FieldProblem, PolicyField
from service.console.policy_promises import GATE_REQUIRED
from service.console.texts import N_
from service.http.shapes import fault_of
from service.values.dsa import Dsa, faults_of
from service.values.gate import Gate
from service.values.policy import Policy, Thresholds
from service.values.review_settings import review_faults
from service.values.site_settings import faults
from service.values.statement_schema import categories
from service.values.strikes import EXPIRE_DAYS, strike_faults
from service.values.targets import Target, Targets

HOUR_S = 3600
CENT = 100

# Parts of a policy that may be left out, and the field without which there is none.
_OPTIONAL = {"strikes": "at", "trust": "approvals"}
_USUAL = {"strikes.expire_days": EXPIRE_DAYS, "trust.days": 0}
# Parts that are unset in most policies, as the form shows them then.
_UNSET_PARTS = {"targets": Targets(), "gate": Gate(), "dsa": Dsa()}

A_NUMBER = N_("Enter a number from %(least)s to %(most)s.")


EXPIRY_AFTER = "review.expiry.after"
LEAST_HOURS, MOST_HOURS = 60 / HOUR_S, 90 * 24


@dataclass(frozen=True, slots=True)
class Entered:
    """A submitted form. `values`: by field name. `policy`: valid only without `problems`."""

    values: Mapping[str, str]
    policy: Policy
    problems: Mapping[str, FieldProblem]


def of(policy: Policy) -> Entered:
    """The form for an existing policy."""
    values = {field.path: _written(field, _at(policy, field.path)) for field in FIELDS if field.kind != "expiry"}
    values[AKISMET_DOUBTFUL] = policy.protocols.akismet.doubtful_answer
    values[GATE_REQUIRED] = "" if policy.gate is UNSET else "1"
    values |= policy_clauses.written({} if policy.dsa is UNSET else policy.dsa.clauses)
    expiry = policy.review.expiry
    values["review.expiry"] = expiry.decision if expiry else ""
    values[EXPIRY_AFTER] = for_input(expiry.after_s / HOUR_S) if expiry else ""
    for attribute, limits in policy.thresholds.items():
        values[f"counts.{attribute}"] = "1"
        for name in ("review_at", "reject_at"):
            values[f"{name}.{attribute}"] = for_input(getattr(limits, name))
    return Entered(values, policy, {})


def read(form: Mapping[str, list[str]], before: Policy, known: Iterable[str]) -> Entered:
    """Parse the form. Fields that it does not show keep their values from `before`."""
    values = {name: found[0] for name, found in form.items()}
    problems: dict[str, FieldProblem] = {}
    raw: dict[str, Any] = {
        "review": msgspec.to_builtins(before.review),
        "languages": msgspec.to_builtins(before.languages),
        "protocols": msgspec.to_builtins(before.protocols),
        "two_people": msgspec.to_builtins(before.second_person),
        **{name: msgspec.to_builtins(getattr(before, name)) or {} for name in _OPTIONAL},
        **{name: msgspec.to_builtins(getattr(before, name) or usual) for name, usual in _UNSET_PARTS.items()},
    }
    for field in FIELDS:
        if field.kind == "expiry":
            _put(raw, field.path, _expiry(values, problems))
        elif field.kind == "flag" or field.path in values:
            _put(raw, field.path, _value(field, values.get(field.path, ""), problems))
    if values.get(AKISMET_DOUBTFUL) == before.protocols.akismet.doubtful_answer:  # an older policy says it otherwise
        _put(raw, AKISMET_DOUBTFUL, before.protocols.akismet.doubtful)
    thresholds = _thresholds(values, before, known, problems)
    clauses, placed = policy_clauses.read(values, (before.dsa or Dsa()).clauses, problems)
    raw["dsa"]["clauses"] = msgspec.to_builtins(clauses)
    if raw["strikes"].get("weights") and not raw["strikes"].get("at"):
        problems.setdefault("strikes.at", FieldProblem(N_("Enter at least one step, or no strikes for a reason."), {}))
    raw |= {name: raw[name] if raw[name].get(needed) else None for name, needed in _OPTIONAL.items()}
    if problems:
        return Entered(values, before, problems)
    parts = (*raw, "thresholds")
    for name in _left_out(raw, before):
        del raw[name]
    try:
        shown = msgspec.convert({**raw, "thresholds": thresholds}, Policy)
        policy = msgspec.structs.replace(before, **{name: getattr(shown, name) for name in parts})
    except msgspec.ValidationError as error:
        wrong = fault_of(str(error), "", Policy)
        path = wrong.pointer.removeprefix("/").replace("/", ".")
        told = {"detail": f"{path}: {wrong.detail}"}
        return Entered(values, before, {_field_of(path): FieldProblem(N_("This cannot be read: %(detail)s"), told)})
    for steps, why in _faults(policy, tuple(known)):
        detail = f"{steps[-1]}: {why}"
        where = policy_clauses.field_of(steps[2:], placed) if steps[:2] == _CLAUSES else _field_of(".".join(steps))
        problems.setdefault(where, FieldProblem(N_("This cannot be read: %(detail)s"), {"detail": detail}))
    return Entered(values, before if problems else policy, problems)


_CLAUSES = ("dsa", "clauses")


def _left_out(raw: Mapping[str, Any], before: Policy) -> Iterator[str]:
    """Parts that say nothing, so that the policy does not have them."""
    if not any(raw["two_people"].values()):
        yield "two_people"
    if not any(raw["targets"].get(target) for target in Target):
        yield "targets"
    if not raw["gate"].pop("required"):
        yield "gate"
    usual = msgspec.structs.asdict(Dsa())
    dsa = {**usual, **raw["dsa"]}
    if before.dsa is UNSET and {**dsa, "territory": tuple(dsa["territory"])} == usual:
        yield "dsa"


def _field_of(path: str) -> str:
    return next((field.path for field in FIELDS if path.startswith(field.path)), "")


def _faults(policy: Policy, known: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    yield from ((("protocols", *each.steps), each.why) for each in faults(policy.protocols, known))
    yield from ((("review", *steps), why) for steps, why in review_faults(policy.review, known))
    if policy.strikes is not None:
        yield from ((("strikes", *steps), why) for steps, why in strike_faults(policy.strikes))
    if policy.dsa is not UNSET:
        yield from ((("dsa", *steps), why) for steps, why in faults_of(policy.dsa, categories()))


def _thresholds(
    values: Mapping[str, str], before: Policy, known: Iterable[str], problems: dict[str, FieldProblem]
) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = {}
    for attribute in dict.fromkeys((*known, *before.thresholds)):
        if not values.get(f"counts.{attribute}"):
            continue
        row = {
            name: between(values.get(f"{name}.{attribute}", ""), f"{name}.{attribute}", 0, 1, problems)
            for name in ("review_at", "reject_at")
        }
        limits = Thresholds(**row)
        if limits.review_at is not None and limits.reject_at is not None and limits.review_at > limits.reject_at:
            problems[f"review_at.{attribute}"] = FieldProblem(N_("This is above the threshold for rejecting."), {})
        found[attribute] = row
    if not found:
        problems["thresholds"] = FieldProblem(N_("At least one attribute must count."), {})
    for attribute in found.keys() - set(known):
        problems[f"review_at.{attribute}"] = FieldProblem(N_("The model in use does not judge this attribute."), {})
    return found


def _expiry(values: Mapping[str, str], problems: dict[str, FieldProblem]) -> dict[str, Any] | None:
    if not values.get("review.expiry"):
        return None
    hours = between(values.get(EXPIRY_AFTER, ""), EXPIRY_AFTER, LEAST_HOURS, MOST_HOURS, problems, is_needed=True)
    return {"decision": values["review.expiry"], "after_s": round((hours or 1) * HOUR_S)}


def _value(field: PolicyField, text: str, problems: dict[str, FieldProblem]) -> Any:  # noqa: ANN401 - the field's own type
    if field.kind in ("flag", "choice", "text"):
        return bool(text) if field.kind == "flag" else text.strip() or None
    if field.kind in ("lines", "pairs", *policy_texts.FORMS):
        return _lines(field, text, problems)
    found = between(text, field.path, field.least, field.most, problems, is_needed=not field.may_be_empty)
    if found is None or field.kind in ("score", "number"):
        return found
    if field.kind == "share":
        return round(found / CENT, 6)
    if found != int(found):
        problems[field.path] = FieldProblem(N_("Enter a whole number."), {})
    return int(found)


def _lines(field: PolicyField, text: str, problems: dict[str, FieldProblem]) -> Any:  # noqa: ANN401 - the field's own type
    if field.kind == "lines":
        return list(dict.fromkeys(filter(None, map(str.strip, text.splitlines()))))
    if field.kind == "pairs":
        return _pairs(field, text, problems)
    try:
        return policy_texts.parsed(field.kind, text)
    except ValueError:
        problems[field.path] = FieldProblem(policy_texts.FORMS[field.kind], {})
        return None


def _pairs(field: PolicyField, text: str, problems: dict[str, FieldProblem]) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        name, is_pair, attribute = (part.strip() for part in line.partition("="))
        if name and is_pair and attribute:
            found[name] = attribute
        elif line.strip():
            problems[field.path] = FieldProblem(N_("Each line must be a name, =, and an attribute."), {})
    return found


def between(
    text: str, where: str, least: float, most: float, problems: dict[str, FieldProblem], *, is_needed: bool = False
) -> float | None:
    """Parse a number, with a decimal point or comma."""
    if not text.strip() and not is_needed:
        return None
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        problems[where] = FieldProblem(A_NUMBER, {"least": for_input(least), "most": for_input(most)})
        return None
    return value


def _written(field: PolicyField, value: Any) -> str:  # noqa: ANN401 - the field's own type
    if field.kind == "flag":
        return "1" if value else ""
    if field.kind in ("choice", "text"):
        return value or ""
    if field.kind == "lines":
        return "\n".join(value if isinstance(value, tuple) else sorted(value))
    if field.kind == "pairs":
        return "\n".join(f"{name} = {attribute}" for name, attribute in value.items())
    if field.kind in policy_texts.FORMS:
        return policy_texts.written(field.kind, value)
    return for_input(value * CENT if field.kind == "share" and value is not None else value)


def for_input(value: float | None) -> str:
    """Format a number for <input type="number">."""
    return "" if value is None else f"{round(value, 6):.6f}".rstrip("0").rstrip(".")


def _at(policy: Policy, path: str) -> Any:  # noqa: ANN401 - the field's own type
    """None, or the usual value, of a part that the policy lacks."""
    if path == GATE_REQUIRED:
        return policy.gate is not UNSET
    part, *steps = path.split(".")
    found: Any = getattr(policy, part)
    found = _UNSET_PARTS.get(part, found) if found is UNSET else found
    for name in steps:
        found = _USUAL.get(path) if found in (None, UNSET) else getattr(found, name)
    return found


def _put(raw: dict[str, Any], path: str, value: Any) -> None:  # noqa: ANN401 - the field's own type
    *steps, last = path.split(".")
    for step in steps:
        raw = raw.setdefault(step, {})
    raw[last] = value
