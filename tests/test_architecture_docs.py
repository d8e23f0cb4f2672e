"""The drawings in docs/architecture.md are true: the rooms import each other as drawn, and every step exists."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "architecture.md").read_text()
PACKAGES = ("classifier", "service", "training")
Graph = Mapping[str, set[str]]


def room(module: str) -> str:
    """Rooms of the service stand for themselves; the other packages are one room each."""
    first, *rest = module.split(".")
    return rest[0] if first == "service" and rest else first


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from service import metrics` names a module, not something in it.
            yield from (f"{node.module}.{each.name}" for each in node.names)


def imports() -> Graph:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            here = room(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
            found[here] |= {room(name) for name in imported(file) if name.split(".")[0] in PACKAGES} - {here}
    return found


def reached(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        new = graph.get(ahead.pop(), set()) - found
        found |= new
        ahead += new
    return found


def without_what_follows(graph: Graph) -> set[tuple[str, str]]:
    return {
        (start, end)
        for start, ends in graph.items()
        for end in ends
        if not any(end in reached(graph, other) for other in ends - {end})
    }


def test_the_rooms_import_each_other_as_drawn() -> None:
    drawing = TEXT.split("```mermaid")[1].split("```")[0]
    drawn = set(re.findall(r"(\w+) --> (\w+)", drawing))
    assert drawn == {edge for edge in without_what_follows(imports()) if edge[0] != "__main__"}


def test_every_room_has_its_line_in_the_table() -> None:
    listed = set(re.findall(r"^\| `([\w/.]+?)/?` \|", TEXT, re.MULTILINE))
    there = {f"service/{name}" for name in imports() if name not in {*PACKAGES, "__main__"}}
    rooms = {each.removesuffix(".py") for each in listed if each.startswith("service/")}
    assert rooms == there | {"service/demo", "service/values", "service/metrics"}


def test_every_step_that_is_drawn_exists() -> None:
    steps = re.findall(r'\["((?:classifier|service|training)[\w.]+)', TEXT)
    assert len(steps) > 20
    for step in steps:
        parts = step.split(".")
        module = next(end for end in range(len(parts), 0, -1) if (ROOT / ("/".join(parts[:end]) + ".py")).exists())
        found = import_module(".".join(parts[:module]))
        for name in parts[module:]:
            found = getattr(found, name)
