"""make shape: lengths of files and functions, imports from room to room, and class names with more than one home.

Prints Markdown for docs/architecture.md. `--root` names another checkout, for a comparison.
"""

import argparse
import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

PACKAGES = ("classifier", "training", "service")


class Shape(NamedTuple):
    """`crossings`: how many modules of a room import another room. `homes`: the modules that define a class name."""

    files: dict[str, list[int]]
    functions: dict[str, list[int]]
    crossings: Counter[tuple[str, str]]
    homes: dict[str, list[str]]

    @property
    def shared_names(self) -> dict[str, list[str]]:
        return {name: modules for name, modules in sorted(self.homes.items()) if len(modules) > 1}


def measure(root: Path) -> Shape:
    shape = Shape(defaultdict(list), defaultdict(list), Counter(), defaultdict(list))
    modules = {_module(root, path): path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))}
    for module, path in modules.items():
        source = path.read_text()
        package = module.partition(".")[0]
        shape.files[package].append(len(source.splitlines()))
        for node in ast.walk(tree := ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                shape.functions[package].append(node.end_lineno - node.lineno + 1)
            elif isinstance(node, ast.ClassDef):
                shape.homes[node.name].append(module)
        others = {_room(name) for name in _imported(tree)} - {_room(module)}
        shape.crossings.update((_room(module), other) for other in others)
    return shape


def _module(root: Path, path: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _imported(tree: ast.AST) -> Iterator[str]:
    """Every module, or name in a module, of ours."""
    for node in ast.walk(tree):
        names = list[str]()
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{each.name}" for each in node.names]
        yield from (name for name in names if name.partition(".")[0] in PACKAGES)


def _room(name: str) -> str:
    """A package, or in the service what lies directly in it: `classifier`, `service.store`, `service.settings`."""
    return ".".join(name.split(".")[: 2 if name.startswith("service.") else 1])


def tables(shape: Shape) -> str:
    rows: list[tuple[str, ...]] = [("", "number", "median", "9th decile", "most")]
    for name, counts in (("lines of a file", shape.files), ("lines of a function", shape.functions)):
        rows += [(f"{name}, `{package}`", *_spread(counts[package])) for package in PACKAGES]
    crossings = shape.crossings
    both = sorted({tuple(sorted(pair)) for pair in crossings if pair[::-1] in crossings})
    shared = shape.shared_names
    facts = [
        ("", "number"),
        ("rooms", f"{len({room for pair in crossings for room in pair})}"),
        ("pairs of rooms of which one imports the other", f"{len(crossings)}"),
        ("imports of another room by a module", f"{crossings.total()}"),
        ("pairs of rooms that import each other", f"{len(both)}"),
        ("class names with more than one home", f"{len(shared)}"),
    ]
    lines = [_markdown(rows), _markdown(facts)]
    if both:
        lines.append("Rooms that import each other: " + ", ".join(f"`{a}` and `{b}`" for a, b in both) + ".")
    if shared:
        named = ", ".join(f"`{name}` ({', '.join(modules)})" for name, modules in shared.items())
        lines.append(f"Class names with more than one home: {named}.")
    return "\n\n".join(lines)


def _spread(counts: Sequence[int]) -> tuple[str, ...]:
    return f"{len(counts):,}", f"{median(counts):.0f}", f"{quantiles(counts, n=10)[8]:.0f}", f"{max(counts)}"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *rest = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, f"|{' --- |' * len(rows[0])}", *rest])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1], help="the checkout to measure")
    print(tables(measure(parser.parse_args().root)))  # noqa: T201 - a command that prints
