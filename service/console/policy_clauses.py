"""The clauses of a site in the policy form: a row of fields for each."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from service.console.policy_kinds import FieldProblem
from service.console.texts import N_
from service.http.shapes import fault_of
from service.values.dsa import Clause, ClauseTexts
from service.values.errors import Fault
from service.values.review_settings import Code
from service.values.statement_schema import categories

PATH = "dsa.clauses"
# Further rows for new clauses; saving gives more.
EMPTY_ROWS = 2
MOST_ROWS = 128
USUAL_CATEGORY = Clause("-", "-").category
FIELDS = ("code", "clause", "explanation", "illegal", "category", "url", "translations", "remove")
A_LINE = N_(
    "Each line must be a language, the clause and the explanation, such as: de | Abschnitt 3 | Keine Beleidigungen."
)


class ClauseRow(NamedTuple):
    """`at`: the beginning of its fields' names. `is_new`: an empty one, to fill in."""

    at: str
    is_new: bool


def rows(values: Mapping[str, str]) -> list[ClauseRow]:
    """The rows of a form, whose fields are named `dsa.clauses.N.FIELD`."""
    count = 0
    while f"{PATH}.{count}.code" in values:
        count += 1
    used = [n for n in range(count) if values[f"{PATH}.{n}.code"].strip()]
    most = min(MOST_ROWS, (used[-1] + 1 if used else 0) + EMPTY_ROWS)
    return [ClauseRow(f"{PATH}.{n}", is_new=n not in used) for n in range(max(most, 0))]


def written(clauses: Mapping[str, Clause]) -> dict[str, str]:
    """The fields for clauses, and the empty ones after them."""
    found: dict[str, str] = {}
    for n, (code, clause) in enumerate(clauses.items()):
        row = {
            "code": code,
            "clause": clause.clause,
            "explanation": clause.explanation,
            "illegal": "1" if clause.ground == "illegal" else "",
            "category": clause.category,
            "url": clause.url or "",
            "translations": "\n".join(_line(language, each) for language, each in clause.translations.items()),
        }
        found |= {f"{PATH}.{n}.{name}": value for name, value in row.items()}
    return found


def read(
    values: Mapping[str, str], before: Mapping[str, Clause], problems: dict[str, FieldProblem]
) -> tuple[dict[str, Clause], dict[str, str]]:
    """The clauses of a form, and the row of each. A form without rows keeps those before.

    What nobody changed in the form stays as it was, also what the fields do not show, such as line breaks.
    """
    if f"{PATH}.0.code" not in values:
        return dict(before), {}
    found: dict[str, Clause] = {}
    placed: dict[str, str] = {}
    for row in rows(values):
        # Browsers send a line break as two characters.
        given = {name: values.get(f"{row.at}.{name}", "").replace("\r\n", "\n").strip() for name in FIELDS}
        if given["remove"]:
            continue
        if not given["code"]:
            if given["clause"] or given["explanation"]:
                problems[f"{row.at}.code"] = FieldProblem(N_("Name the reason or attribute of this clause."), {})
            continue
        if given["code"] in found:
            problems[f"{row.at}.code"] = FieldProblem(N_("There is a clause for this already."), {})
            continue
        if (wrong := _fault(given["code"], Code)) is not None:
            problems[f"{row.at}.code"] = _unreadable(wrong)
            continue
        placed[given["code"]] = row.at
        clause = _clause(row.at, given, before.get(given["code"]), problems)
        if clause is not None:
            found[given["code"]] = clause
    return found, placed


def _clause(
    at: str, given: Mapping[str, str], before: Clause | None, problems: dict[str, FieldProblem]
) -> Clause | None:
    """`before`: the clause for the same; None: there was none."""
    raw: dict[str, Any] = {name: _unless_same(given[name], before, name) for name in ("clause", "explanation")}
    raw |= {"ground": "illegal" if given["illegal"] else "terms", "category": given["category"] or USUAL_CATEGORY}
    if given["url"]:
        raw["url"] = given["url"]
    try:
        raw["translations"] = dict(_translations(given["translations"], before.translations if before else {}))
    except ValueError:
        problems[f"{at}.translations"] = FieldProblem(A_LINE, {})
        return None
    if (wrong := _fault(raw, Clause)) is not None:
        problems[f"{at}.{wrong.pointer.split('/')[1]}"] = _unreadable(wrong)
        return None
    return msgspec.convert(raw, Clause)


def _fault(raw: Any, kind: Any) -> Fault | None:  # noqa: ANN401 - any field, any type
    try:
        msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        return fault_of(str(error), "", kind)
    return None


def _unreadable(wrong: Fault) -> FieldProblem:
    return FieldProblem(N_("This cannot be read: %(detail)s"), {"detail": wrong.detail})


def _unless_same(text: str, before: Clause | None, name: str) -> str:
    known: str = getattr(before, name) if before else ""
    return known if known.strip() == text else text


def _line(language: str, texts: ClauseTexts) -> str:
    return " ".join(f"{language} | {texts.clause} | {texts.explanation}".split())


def _translations(text: str, before: Mapping[str, ClauseTexts]) -> Iterator[tuple[str, dict[str, str]]]:
    """Raises ValueError for a line of another form."""
    known = {_line(language, each): (language, each) for language, each in before.items()}
    for line in filter(None, map(str.strip, text.split("\n"))):
        if line in known:
            language, each = known[line]
            yield language, {"clause": each.clause, "explanation": each.explanation}
        else:
            language, clause, explanation = (part.strip() for part in line.split("|", 2))
            yield language, {"clause": clause, "explanation": explanation}


def field_of(steps: tuple[str, ...], placed: Mapping[str, str]) -> str:
    """The field of a fault in the clauses, by the steps to it below `dsa.clauses`."""
    if not steps or steps[0] not in placed:
        return PATH
    return f"{placed[steps[0]]}.{steps[1]}" if len(steps) > 1 else f"{placed[steps[0]]}.code"


def category_names() -> dict[str, str]:
    """The categories of the transparency database, and each without what all begin with."""
    return {
        name: name.removeprefix("STATEMENT_CATEGORY_").replace("_", " ").capitalize() for name in sorted(categories())
    }
