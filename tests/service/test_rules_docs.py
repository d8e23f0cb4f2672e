"""The table in docs/rules.md beside other products: each row names tests that exist, or says that it is not done."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text()
HEAD = "| they have | here | tests |"
PRODUCTS = ("Coral", "Discourse", "WordPress", "Coop", "Akismet", "Mastodon")
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[tuple[str, str, str]]:
    lines = PAGE[PAGE.index(HEAD) :].splitlines()[2:]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines if line.startswith("|")]
    return [(what, here, tests) for what, here, tests in cells]


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_row_names_tests_that_exist_or_says_that_it_is_not_done(row: tuple[str, str, str]) -> None:
    _, here, tests = row
    named = _NAMED.findall(tests)
    assert bool(named) != here.startswith("not done"), here
    assert _NAMED.sub("", tests).strip(" ,") == "", tests
    for path, name in named:
        assert name.startswith("test_")
        assert name in names_in(path), f"{path} has no {name}"


def test_each_product_has_rows() -> None:
    assert {what.split(":")[0] for what, _, _ in rows()} >= set(PRODUCTS)
    assert len({what for what, _, _ in rows()}) == len(rows())
