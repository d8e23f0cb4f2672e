"""Every regular expression of the code takes a time that is linear in the text, whatever the text.

All of them are found in the source: what is handed to `re`, and every `pattern=` that msgspec checks. Each is tried on
texts that are made from the expression itself: what it needs to get to each of its parts, and then what that part
accepts, again and again. A quadratic one takes seconds there, a linear one some milliseconds. What cannot be evaluated,
because it is put together when the code runs, is on a list that somebody has looked through.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from growth import times_as_long

ROOT = Path(__file__).parents[1]
ROOMS = ("service", "classifier", "training")
# Most files have no expression: they need not be parsed, which takes half a minute for all of them.
MAY_HAND_OVER = re.compile(r"\bre\s*\.|\bpattern\s*=")
CALLS = {"compile", "search", "match", "fullmatch", "split", "sub", "subn", "findall", "finditer"}
LONG = 20_480
# As long as a simple linear expression takes for as many characters. Ours take up to 160 times as long, and those of
# test_an_expression_that_backtracks_is_caught more than 2,000 times.
MOST_TIMES = 600
SIMPLE = re.compile("[0-4]")

# Put together where the code runs: by file, what is handed over, and why it cannot backtrack.
REVIEWED = {
    ("service/console/rule_words.py", "leaf"): "shows the pattern of a rule, which RE2 compiles elsewhere",
    (
        "classifier/spam_evidence.py",
        "f'(?:(?<![a-z0-9])(?:{alphanumeric}){signs})(?![a-z0-9])'",
    ): "phrases between boundaries; nothing repeats",
    (
        "service/values/statement_schema.py",
        "rules['pattern'].replace('$', '\\\\Z')",
    ): "the patterns of statement.schema.json, which is ours",
    ("training/contrast/counts.py", "_ROW.format(language=re.escape(language))"): "reads our own documentation only",
    ("service/commands/keys.py", "pattern"): "a constant of service/values/access.py; the operator types it",
    (
        "service/commands/moderators.py",
        "pattern",
    ): "a constant of service/values/accounts.py; the operator types it",
    ("training/bias.py", "f\"\\\\b(?:{'|'.join(words)})\\\\b\""): "words between boundaries; nothing repeats",
    (
        "training/contrast/surface.py",
        "f\"\\\\b(?:{'|'.join(map(re.escape, self._shorthand))})\\\\b\"",
    ): "words between boundaries; nothing repeats",
    (
        "training/delimited.py",
        'f\'"([^"]*+(?:""[^"]*+)*+)"(?={delimiter}|$)\'',
    ): "possessive, and tried once where a cell begins",
}


class Expression(NamedTuple):
    where: str
    source: str
    pattern: str | bytes | None  # None: it cannot be evaluated
    flags: int
    method: str


def expressions() -> Iterator[Expression]:
    for path in sorted(each for room in ROOMS for each in (ROOT / room).rglob("*.py")):
        source = path.read_text()
        if not MAY_HAND_OVER.search(source):
            continue
        nodes = list(ast.walk(ast.parse(source)))
        where = path.relative_to(ROOT)
        used = methods_of_names(nodes)
        for node in nodes:
            if not isinstance(node, ast.Call):
                continue
            for handed, method, flags in handed_over(node, used):
                yield Expression(str(where), ast.unparse(handed), *evaluated(where, handed, flags), method)


def methods_of_names(nodes: list[ast.AST]) -> dict[int, str]:
    """For each `NAME = re.compile(...)` by its line: "fullmatch" where the file does nothing else with it."""
    called: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            called.setdefault(node.value.id, set()).add(node.attr)
    return {
        node.value.lineno: "fullmatch"
        for node in nodes
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and called.get(node.targets[0].id, {"search"}) <= {"fullmatch", "match"}
    }


def handed_over(node: ast.Call, used: dict[int, str]) -> Iterator[tuple[ast.expr, str, ast.expr | None]]:
    """An expression, what is done with it, and its flags."""
    function = node.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re":
        if function.attr in CALLS and node.args:
            named = [each.value for each in node.keywords if each.arg == "flags"]
            last = {"compile": 1, "sub": 4, "subn": 4, "split": 3}.get(function.attr, 2)
            flags = [*named, *node.args[last : last + 1], None][0]
            method = used.get(node.lineno, "search") if function.attr == "compile" else function.attr
            yield node.args[0], method, flags
        return
    yield from ((each.value, "search", None) for each in node.keywords if each.arg == "pattern")


def evaluated(path: Path, handed: ast.expr, flags: ast.expr | None) -> tuple[str | bytes | None, int]:
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    names = vars(importlib.import_module(name))
    try:
        found = eval(compile(ast.Expression(handed), str(path), "eval"), dict(names))  # noqa: S307 - our own source
        asked = eval(compile(ast.Expression(flags), str(path), "eval"), dict(names)) if flags else 0  # noqa: S307 - flags out of our own source
    except NameError:
        return None, 0
    return (found if isinstance(found, str | bytes) else None), int(asked)


FOUND = sorted(set(expressions()), key=lambda each: (each.where, each.source))
EVALUATED = [each for each in FOUND if each.pattern is not None]


def tree_of(each: Expression) -> Any:
    return re._parser.parse(each.pattern, each.flags)  # type: ignore[attr-defined] # noqa: SLF001 - nothing public says it


CATEGORIES = {
    "CATEGORY_DIGIT": "5",
    "CATEGORY_NOT_DIGIT": "x",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": "x",
    "CATEGORY_WORD": "x",
    "CATEGORY_NOT_WORD": "-",
}


def accepted(item: Any) -> str:
    """Characters that a part of an expression accepts, one of each kind."""
    kind, value = str(item[0]), item[1]
    if kind == "IN" and str(value[0][0]) == "NEGATE":
        refused = "".join(map(accepted, value[1:]))
        return "".join(each for each in "x5- \n.<" if each not in refused)[:3] or "\u2603"
    if kind == "IN":
        return "".join(map(accepted, value))
    simple = {
        "LITERAL": lambda: chr(value),
        "ANY": lambda: "x",
        "CATEGORY": lambda: CATEGORIES[str(value)],
        "RANGE": lambda: chr(value[0]),
        "NOT_LITERAL": lambda: next(each for each in "x-" if ord(each) != value),
    }
    return simple[kind]() if kind in simple else ""


def parts(tree: Any) -> Iterator[Any]:
    """All single items, those within others as well."""
    for item in tree:
        kind, value = str(item[0]), item[1]
        if kind in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            yield from parts(value[2])
        elif kind == "SUBPATTERN":
            yield from parts(value[3])
        elif kind == "BRANCH":
            for branch in value[1]:
                yield from parts(branch)
        elif kind == "ATOMIC_GROUP":
            yield from parts(value)
        elif kind in {"ASSERT", "ASSERT_NOT"}:
            yield from parts(value[1])
        else:
            yield item


def shortest(tree: Any) -> Iterator[str]:
    """What matches each item at the top, as short as it goes, once for optional ones."""
    for item in tree:
        kind, value = str(item[0]), item[1]
        if kind in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            yield "".join(shortest(value[2])) * max(1, int(value[0]))
        elif kind == "SUBPATTERN":
            yield "".join(shortest(value[3]))
        elif kind == "ATOMIC_GROUP":
            yield "".join(shortest(value))
        elif kind == "BRANCH":
            yield "".join(shortest(value[1][0]))
        else:
            yield accepted(item)[:1]


def hostile(each: Expression) -> Iterator[str]:
    tree = tree_of(each)
    alphabet = sorted({character for item in parts(tree) for character in accepted(item)})[:6]
    steps = list(shortest(tree))
    whole = "".join(steps)
    before = {"", *("".join(steps[:at]) for at in range(1, len(steps) + 1))}
    units = [*alphabet, whole, *filter(None, steps), *map("".join, product(alphabet[:3], repeat=2))]
    for unit in dict.fromkeys(filter(None, units)):
        for start in ("",) if len(unit) == 2 and unit not in steps else sorted(before, key=len)[-3:]:
            for end in ("", "\0"):
                yield start + unit * (LONG // len(unit)) + end


def of_simple() -> None:
    SIMPLE.sub("", "5" * LONG)


def takes(each: Expression, text: str) -> float:
    """As many times as long as `of_simple`."""
    pattern = re.compile(each.pattern, each.flags)  # type: ignore[arg-type]
    subject: Any = text.encode("utf-8", "replace")[:LONG] if isinstance(each.pattern, bytes) else text
    # What is anchored is tried at one place only; what looks for all tries everywhere.
    call: Any = pattern.fullmatch if each.method in {"fullmatch", "match"} else lambda of: pattern.sub(type(of)(), of)
    return times_as_long(lambda: call(subject), of_simple, MOST_TIMES, tries=4)


@pytest.mark.parametrize("each", EVALUATED, ids=lambda each: f"{each.where}:{each.source[:60]}")
def test_no_text_makes_an_expression_try_again_and_again(each: Expression) -> None:
    for text in hostile(each):
        took = takes(each, text)
        assert took <= MOST_TIMES, f"{each.pattern!r} takes {took:.0f} times as long for {text[:40]!r}..."


def test_what_is_put_together_at_run_time_was_looked_through() -> None:
    unknown = {(each.where, each.source) for each in FOUND if each.pattern is None}
    assert unknown == set(REVIEWED), "look through what is new, and take off what is gone"


def test_all_expressions_are_found() -> None:
    assert len(FOUND) > 80
    assert {each.where.split("/")[0] for each in FOUND} == set(ROOMS)


@pytest.mark.parametrize("pattern", [r"@.*\$|\$.*@", r"\s*,\s*"])
def test_an_expression_that_backtracks_is_caught(pattern: str) -> None:
    each = Expression("here", pattern, pattern, 0, "search")
    assert any(takes(each, text) > MOST_TIMES for text in hostile(each))
