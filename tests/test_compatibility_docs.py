"""docs/compatibility.md says of each detail of each protocol what becomes of it; here that it says so truly.

A row is `| what | state | shown by, or why |`. The tests that it names must exist; what is supported must name one, and
what is not (or not wholly) must say why.
"""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
HEAD = "| what | state | shown by, or why |"
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
# What is left of a cell when the tests are taken out must have this many letters to be a reason.
_SHORTEST_REASON = 12

# A state, and whether a row with it must name a test and give a reason.
STATES = {
    "supported": (True, False),
    "in part": (True, True),
    "refused": (False, True),
    "ignored": (False, True),
    "unlike": (False, True),
}


class Row(NamedTuple):
    section: str
    what: str
    state: str
    shown: str

    @property
    def tests(self) -> list[tuple[str, str]]:
        return _NAMED.findall(self.shown)

    @property
    def has_reason(self) -> bool:
        return len(re.findall(r"\w", _NAMED.sub("", self.shown))) >= _SHORTEST_REASON


def rows(page: str) -> list[Row]:
    """Of all tables with the head above; a bar within a cell is written as backslash and bar."""
    found, section, is_table = [], "", False
    for line in page.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        is_table = line == HEAD or (is_table and line.startswith("|"))
        if is_table and line != HEAD and not line.startswith("| ---"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            assert len(cells) == 3, f"not three cells: {line}"
            found.append(Row(section, *cells))
    return found


@cache
def functions_of(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    nodes = ast.walk(ast.parse(file.read_text()))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def faults(row: Row) -> list[str]:
    said = []
    if row.state not in STATES:
        return [f"the state '{row.state}' is none of {', '.join(STATES)}"]
    needs_test, needs_reason = STATES[row.state]
    if not row.what:
        said.append("names nothing")
    if needs_test and not row.tests:
        said.append("names no test")
    if (needs_reason or not row.tests) and not row.has_reason:
        said.append("gives no reason")
    said += [f"{path} has no {name}" for path, name in row.tests if name not in functions_of(path)]
    said += [f"{name} is no test" for _, name in row.tests if not name.startswith("test_")]
    return said


PAGE = (ROOT / "docs" / "compatibility.md").read_text()
ROWS = rows(PAGE)


@pytest.mark.parametrize("section", re.findall(r"^## (.+)$", PAGE, re.MULTILINE))
def test_every_row_names_a_test_that_exists_or_a_reason(section: str) -> None:
    of_section = [row for row in ROWS if row.section == section]
    assert of_section, "a protocol without a table"
    assert {row.what: faults(row) for row in of_section if faults(row)} == {}


@pytest.mark.parametrize("section", re.findall(r"^## (.+)$", PAGE, re.MULTILINE))
def test_nothing_is_said_twice(section: str) -> None:
    named = [row.what for row in ROWS if row.section == section]
    assert sorted({what for what in named if named.count(what) > 1}) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("| `x` | supported | `tests/test_packaging.py::nowhere` |", "has no nowhere"),
        ("| `x` | supported | `tests/nowhere.py::test_x` |", "has no test_x"),
        ("| `x` | supported | because we say so, at length |", "names no test"),
        ("| `x` | refused | no |", "gives no reason"),
        ("| `x` | refused | |", "gives no reason"),
        ("| `x` | in part | `tests/test_compatibility_docs.py::test_nothing_is_said_twice` |", "gives no reason"),
        ("| `x` | perhaps | because we say so, at length |", "is none of"),
        ("| `x` | supported | `tests/test_compatibility_docs.py::rows` |", "is no test"),
    ],
)
def test_a_row_that_is_not_true_is_found(line: str, fault: str) -> None:
    (row,) = rows(f"## X\n{HEAD}\n| --- | --- | --- |\n{line}\n\n| not | a | row |\n")
    assert any(fault in each for each in faults(row)), faults(row)
