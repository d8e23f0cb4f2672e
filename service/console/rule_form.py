"""The form of a rule: guided fields for the common kinds, JSON for every other condition."""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from service.console.policy_form import A_NUMBER, FieldProblem
from service.console.texts import N_
from service.http import bodies
from service.http.shapes import fault_of, pointer
from service.rules.links import is_domain
from service.rules.words import is_findable
from service.values.errors import BadRequest, TooLarge
from service.values.rules import MAX_WINDOW_S, Condition, Rule, RuleAction, RuleState

HOUR_S = 3600
CENT = 100
JSON = "json"
WHEN = "when"
# A field name in fault messages of service.rules.faults: the rule's place, then the steps within it.
Steps = tuple[str, ...]
Fault = tuple[Steps, str]

# whole: an integer. score: 0 to 1. share: percent. hours: seconds, shown as hours. lines: one entry a line. flag: true
# or not set; unset: ticked if it is not set, else false. choice, list, attribute: one of several.
FieldKind = Literal["whole", "score", "share", "hours", "lines", "flag", "unset", "choice", "list", "attribute"]


@dataclass(frozen=True, slots=True)
class Field:
    """`path`: a condition and its field, and the name in the form. `least` and `most`: in the unit of the form."""

    path: str
    kind: FieldKind
    label: str
    hint: str = ""
    least: float = 1
    most: float = 1_000
    is_needed: bool = False
    choices: Mapping[str, str] | None = None
    standard: str = ""

    @property
    def leaf(self) -> str:
        return self.path.partition(".")[0]

    @property
    def name(self) -> str:
        return self.path.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Kind:
    """`fields`: those of the first condition, which the rule always has, and then those of others, which it may have.

    `is_any_needed`: at least one field must be filled in.
    """

    title: str
    hint: str
    fields: tuple[Field, ...]
    is_any_needed: bool = False


_NEW_AUTHORS = Field(
    "author.approved_below",
    "whole",
    N_("Only of authors with fewer approved comments than"),
    N_("Empty: of all authors. 1: only of authors of whom nothing was approved yet."),
)

KINDS: Mapping[str, Kind] = {
    "words": Kind(
        N_("Words"),
        N_("Words that you write here, or those of a list."),
        (
            Field("words.list", "list", N_("List")),
            Field("words.any", "lines", N_("Or these words"), N_("One word or phrase a line.")),
            Field(
                "words.match",
                "choice",
                N_("Where they are found"),
                choices={
                    "": N_("As the list says, else as whole words"),
                    "word": N_("As whole words"),
                    "stem": N_("Also at the beginning of longer words"),
                    "part": N_("Also inside other words"),
                },
            ),
            Field("words.unmask", "unset", N_("Also find disguised words"), N_("Such as w-o-r-d.")),
            Field("words.case", "flag", N_("Tell capitals from small letters"), N_("Then disguises are not found.")),
        ),
        is_any_needed=True,
    ),
    "links": Kind(
        N_("Links"),
        N_("How many links, and to where; also only of new authors."),
        (
            Field("links.at_least", "whole", N_("At least this many links"), N_("Empty: one.")),
            Field(
                "links.domains",
                "lines",
                N_("Only links to these domains"),
                N_("One a line, such as example.org. Subdomains count, too."),
            ),
            Field("links.not_domains", "lines", N_("Links to these domains do not count"), N_("One a line.")),
            Field("links.shortener", "flag", N_("Only links through a link shortener")),
            _NEW_AUTHORS,
        ),
    ),
    "repetition": Kind(
        N_("Repetition"),
        N_("The same text, a similar one, or the same link again."),
        (
            Field(
                "duplicate.match",
                "choice",
                N_("What comes again"),
                choices={
                    "exact": N_("The same text"),
                    "near": N_("A similar text"),
                    "links": N_("A link to the same page"),
                },
                standard="exact",
            ),
            Field(
                "duplicate.of",
                "choice",
                N_("From whom"),
                choices={"author": N_("From the same author"), "site": N_("From anybody")},
                standard="author",
            ),
            Field(
                "duplicate.at_least",
                "whole",
                N_("How many times, this one included"),
                least=2,
                is_needed=True,
                standard="3",
            ),
            Field(
                "duplicate.s",
                "hours",
                N_("Within hours"),
                least=0.01,
                most=MAX_WINDOW_S / HOUR_S,
                is_needed=True,
                standard="24",
            ),
            _NEW_AUTHORS,
        ),
    ),
    "flood": Kind(
        N_("Too many comments in a short time"),
        N_("Of one author, under one article or on the whole site."),
        (
            Field(
                "velocity.by",
                "choice",
                N_("Which comments are counted"),
                choices={
                    "author": N_("Those of one author"),
                    "article": N_("Those under one article"),
                    "site": N_("All of the site"),
                },
                standard="author",
            ),
            Field("velocity.more_than", "whole", N_("More than"), most=10_000, is_needed=True, standard="20"),
            Field("velocity.s", "whole", N_("Within seconds"), most=MAX_WINDOW_S, is_needed=True, standard="60"),
        ),
    ),
    "new_author": Kind(
        N_("New authors"),
        N_("By how many of their comments were approved, or since when they write here."),
        (
            Field("author.approved_below", "whole", N_("Fewer approved comments than")),
            Field("author.new", "hours", N_("First comment less than this many hours ago"), least=0.01, most=365 * 24),
        ),
        is_any_needed=True,
    ),
    "score": Kind(
        N_("Score"),
        N_("A score of the model within a range."),
        (
            Field("score.attribute", "attribute", N_("Attribute")),
            Field("score.at_least", "score", N_("At least"), N_("From 0 to 1. Empty: no limit."), 0, 1),
            Field("score.below", "score", N_("Below"), N_("From 0 to 1. Empty: no limit."), 0, 1),
        ),
        is_any_needed=True,
    ),
    "text": Kind(
        N_("Language, capitals or length"),
        N_("The rule applies if all that you fill in is so."),
        (
            Field("text.language", "lines", N_("Languages"), N_("Their codes, one a line: de, en, uk.")),
            Field("text.capitals_above", "share", N_("More than this share of the letters are capitals, %"), least=0),
            Field("text.shorter_than", "whole", N_("Fewer characters than"), most=20_480),
            Field("text.longer_than", "whole", N_("More characters than"), least=0, most=20_480),
        ),
        is_any_needed=True,
    ),
    "article": Kind(
        N_("Section or article"),
        N_("All comments of a section or under an article."),
        (
            Field("article.section", "lines", N_("Sections"), N_("One a line, as the site names them.")),
            Field("article.ids", "lines", N_("Ids of articles"), N_("One a line.")),
        ),
        is_any_needed=True,
    ),
}
JSON_TITLE, JSON_HINT = N_("Anything else"), N_("Patterns, times, and conditions combined, as JSON.")
ONE_OF_THEM = N_("Fill in at least one of these fields.")
CHOICES = frozenset({"choice", "list", "attribute"})


@dataclass(frozen=True, slots=True)
class Entered:
    """A form. `values`: by field name. `rule`: None if there are problems."""

    kind: str
    values: Mapping[str, str]
    rule: Rule | None
    problems: Mapping[str, FieldProblem]


def blank(kind: str, author: str) -> Entered:
    """The form of a new rule. It begins in shadow, so that nothing happens before somebody has looked."""
    values = {field.path: field.standard for field in _fields(kind)}
    values |= {field.path: "1" for field in _fields(kind) if field.kind == "unset"}
    values |= {"state": RuleState.SHADOW.value, "action": RuleAction.REVIEW.value, "author": author}
    return Entered(kind, values, None, {})


def of(rule: Rule, kind: str = "") -> Entered:
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
        values |= _written(rule.when, kind)
    return Entered(kind, values, rule, {})


def kind_of(when: Condition) -> str:
    """The kind whose fields express the condition completely; JSON if none does."""
    for kind in KINDS:
        problems: dict[str, FieldProblem] = {}
        if _leaves(when) is not None and _read_guided(kind, _written(when, kind), problems) == when and not problems:
            return kind
    return JSON


def read(kind: str, form: Mapping[str, str]) -> Entered:
    """Parse the form."""
    problems: dict[str, FieldProblem] = {}
    when = _read_json(form, problems) if kind == JSON else _read_guided(kind, form, problems)
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
        return Entered(kind, form, None, problems)
    return Entered(kind, form, msgspec.structs.replace(rule, when=when), {})


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


def with_faults(entered: Entered, faults: Iterable[Fault]) -> Entered:
    """The form with the faults of its rule, each beside the field where it is. Steps are those within the rule."""
    problems = dict(entered.problems)
    for steps, detail in faults:
        problems.setdefault(_field_at(entered.kind, steps), _at_place(entered.kind, steps, detail))
    return Entered(entered.kind, entered.values, None if problems else entered.rule, problems)


def _field_at(kind: str, steps: Steps) -> str:
    if steps[:1] == ("then",):
        return steps[1] if len(steps) > 1 else "action"
    if steps[:1] != (WHEN,):
        return ""
    if kind == JSON:
        return WHEN
    paths = [field.path for field in _fields(kind)]
    named = (f"{leaf}.{name}" for leaf, name in itertools.pairwise(steps))
    return next((path for path in named if path in paths), paths[0])


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


def _read_guided(kind: str, form: Mapping[str, str], problems: dict[str, FieldProblem]) -> Condition:
    fields = _fields(kind)
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
        at = _field_at(kind, (WHEN, *wrong.pointer.split("/")[1:]))
        problems[at] = FieldProblem(N_("This cannot be used: %(detail)s"), {"detail": wrong.detail})
        return Condition()
    return several[0] if len(several) == 1 else Condition(all=tuple(several))


def _check(kind: str, found: Mapping[str, Mapping[str, Any]], problems: dict[str, FieldProblem]) -> None:
    """Faults that are told in the language of the page; service.rules.faults finds all the others."""
    first = _fields(kind)[0]
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


def _written(when: Condition, kind: str) -> dict[str, str]:
    """What the fields of a kind say of a condition."""
    leaves = _leaves(when) or {}
    return {
        field.path: _text(field, getattr(leaves.get(field.leaf), field.name, None), is_there=field.leaf in leaves)
        for field in _fields(kind)
    }


def _leaves(when: Condition) -> dict[str, Any] | None:
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


def _fields(kind: str) -> Sequence[Field]:
    return () if kind == JSON else KINDS[kind].fields


def _value(field: Field, text: str, problems: dict[str, FieldProblem]) -> Any:  # noqa: ANN401 - the field's own type
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


def _number(field: Field, text: str, problems: dict[str, FieldProblem]) -> float | None:
    text = text.strip().replace(",", ".")
    if not text and not field.is_needed:
        return None
    most = CENT if field.kind == "share" else field.most
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not field.least <= value <= most:
        limits = {"least": _shown(field.least), "most": _shown(most)}
        problems[field.path] = FieldProblem(A_NUMBER, limits)
        return None
    if field.kind == "whole" and value != int(value):
        problems[field.path] = FieldProblem(N_("Enter a whole number."), {})
        return None
    return value


_OF_NUMBERS: Mapping[str, Callable[[float], float]] = {
    "whole": int,
    "hours": lambda hours: max(1, round(hours * HOUR_S)),
    "share": lambda percent: round(percent / CENT, 6),
}


def _text(field: Field, value: Any, *, is_there: bool) -> str:  # noqa: ANN401 - the field's own type
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
    return _shown(value / HOUR_S if field.kind == "hours" else value * CENT if field.kind == "share" else value)


def _shown(value: float) -> str:
    """Format a number for <input type="number">."""
    return f"{round(value, 6):.6f}".rstrip("0").rstrip(".")


def replaced(rules: Sequence[Rule], before: str, rule: Rule) -> tuple[Rule, ...]:
    """The rules with `rule` in place of the one named `before`, or at the end if there is none."""
    if all(each.id != before for each in rules):
        return (*rules, rule)
    return tuple(rule if each.id == before else each for each in rules)


def is_taken(rules: Sequence[Rule], before: str, name: str) -> bool:
    return name != before and name in {each.id for each in rules}
