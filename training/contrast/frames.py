"""Reads and checks the files of frames and fillers."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable
from itertools import dropwhile
from types import MappingProxyType

from classifier import LABELS
from training.errors import DataUnusable

# The most sentences of one frame, unless its file sets `most`.
MOST = 18
# One in this many frames is for tests only.
TESTED = 3
# Surface variation: all kinds; without openings, tags and emoji, which would mock sad sentences; none.
SURFACES = ("varied", "sober", "plain")
# A function is harmful if its toxicity or spam is at least this.
HARMFUL_FROM = 0.5

# {slot}, {slot2}, {slot:kind,kind}, {one|other}, {from function, function}
SLOT = re.compile(r"\{([^{}]*)\}")
_PLAIN_SLOT = re.compile(r"([a-z_]+)(\d?)(?::([a-z_,]+))?")
_SETTINGS = ("most", "surface")


@dataclass(frozen=True, slots=True)
class Slot:
    """`number` distinguishes two fillers of one table in a sentence: {name} and {name2}. `kinds`: () for any."""

    column: str
    number: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """`is_test` depends only on the text, so that no frame changes its part when others are added."""

    text: str
    digest: str
    is_test: bool

    @classmethod
    def of(cls, text: str) -> "Frame":
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(text, digest, int(digest, 16) % TESTED == 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of language, such as a threat: frames with the same labels. Labels that it lacks are unknown."""

    name: str
    labels: Mapping[str, float]
    frames: tuple[Frame, ...]
    most: int = MOST
    surface: str = "varied"

    @property
    def is_harmful(self) -> bool:
        return max(self.labels["toxicity"], self.labels.get("spam", 0)) >= HARMFUL_FROM


@dataclass(frozen=True, slots=True)
class Table:
    """Fillers that belong together: rows of columns. A plain list has one column, named after its file."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]

    def places(self, kinds: Sequence[str]) -> list[int]:
        """The rows of these kinds; all rows if `kinds` is empty."""
        return [at for at, row in enumerate(self.rows) if not kinds or row["kind"] in kinds]


@dataclass(frozen=True, slots=True)
class Frames:
    """All frames of one language. `columns`: the table that fills each slot."""

    language: str
    functions: Mapping[str, Function]
    columns: Mapping[str, Table]

    @property
    def tables(self) -> dict[str, Table]:
        return {table.name: table for table in self.columns.values()}

    def quotable(self, names: Sequence[str], *, is_test: bool) -> list[str]:
        """The frames of these functions and of one part that do not refer to other functions."""
        found = [frame for name in names for frame in self.functions[name].frames if frame.is_test == is_test]
        return [frame.text for frame in found if "{from " not in frame.text]


def read_frames(folder: Traversable, language: str) -> Frames:
    """Raises DataUnusable naming the file and the line."""
    tables = [_table(path) for path in _texts(folder / "fillers")]
    columns = {column: table for table in tables for column in table.columns}
    functions = {path.name.removesuffix(".txt"): _function(path) for path in _texts(folder)}
    frames = Frames(language, MappingProxyType(functions), MappingProxyType(columns))
    _check(frames)
    return frames


@cache
def slot(inner: str) -> Slot | None:
    """The text between braces as a slot; None if it is a list of alternatives or a reference to functions."""
    found = _PLAIN_SLOT.fullmatch(inner)
    return Slot(found[1], found[2], tuple(found[3].split(",")) if found[3] else ()) if found else None


def sources(inner: str) -> list[str]:
    """The functions that a reference names; [] if it is something else."""
    return [each.strip() for each in inner.removeprefix("from ").split(",")] if inner.startswith("from ") else []


def _texts(folder: Traversable) -> list[Traversable]:
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if path.name.endswith(".txt")), key=lambda path: path.name)


def _lines(path: Traversable) -> Iterator[tuple[int, str]]:
    """Numbered lines without the comments at the top; a backslash and n are a line break."""
    numbered = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    for number, line in dropwhile(lambda each: each[1].startswith("#"), numbered):
        yield number, line.strip().replace("\\n", "\n")


def _function(path: Traversable) -> Function:
    """A head of `name: value` lines, an empty line, and the frames, one a line."""
    head: dict[str, str] = {}
    frames: list[str] = []
    is_head = True
    for number, line in _lines(path):
        if is_head and line:
            name, found, value = line.partition(":")
            if not found or name not in (*LABELS, *_SETTINGS):
                raise DataUnusable(f"{path.name}: line {number}: '{name}' is neither an attribute nor a setting")
            head[name] = value.strip()
        elif line:
            frames.append(line)
        else:
            is_head = is_head and not head
    if "toxicity" not in head:
        raise DataUnusable(f"{path.name}: the label of toxicity is missing")
    return Function(
        name=path.name.removesuffix(".txt"),
        labels=MappingProxyType({name: _share(path, name, head[name]) for name in LABELS if name in head}),
        frames=tuple(Frame.of(text) for text in frames),
        most=_most(path, head.get("most", str(MOST))),
        surface=_surface(path, head.get("surface", SURFACES[0])),
    )


def _most(path: Traversable, value: str) -> int:
    if not value.isdecimal():
        raise DataUnusable(f"{path.name}: most: '{value}' is not a whole number")
    return int(value)


def _surface(path: Traversable, value: str) -> str:
    if value not in SURFACES:
        raise DataUnusable(f"{path.name}: surface: '{value}' is none of {', '.join(SURFACES)}")
    return value


def _share(path: Traversable, name: str, value: str) -> float:
    try:
        share = float(value)
    except ValueError as error:
        raise DataUnusable(f"{path.name}: {name}: '{value}' is not a number") from error
    if not 0 <= share <= 1:
        raise DataUnusable(f"{path.name}: {name} is {value}; it must lie between 0 and 1")
    return share


def _table(path: Traversable) -> Table:
    """`columns: kind; one; other`, and rows with as many parts; without that line it is a list."""
    name = path.name.removesuffix(".txt")
    lines = [(number, line) for number, line in _lines(path) if line]
    columns: tuple[str, ...] = (name,)
    is_list = not lines or not lines[0][1].startswith("columns:")
    if not is_list:
        columns = tuple(each.strip() for each in lines.pop(0)[1].removeprefix("columns:").split(";"))
    rows = []
    for number, line in lines:
        parts = [line] if is_list else [each.strip() for each in line.split(";")]
        if len(parts) != len(columns):
            raise DataUnusable(f"{path.name}: line {number}: {len(parts)} parts for {len(columns)} columns")
        rows.append(MappingProxyType(dict(zip(columns, parts, strict=True))))
    return Table(name, columns, tuple(rows))


def _check(frames: Frames) -> None:
    """Checks that every slot has fillers, every referenced function exists, and no frame is a duplicate."""
    known: dict[str, str] = {}
    for function in frames.functions.values():
        for frame in function.frames:
            if frame.text in known:
                raise DataUnusable(f"{function.name}: '{frame.digest[:8]}' is also in {known[frame.text]}")
            known[frame.text] = function.name
            for inner in SLOT.findall(frame.text):
                _check_slot(frames, function, frame, inner)
            if set(SLOT.sub("", frame.text)) & set("{}"):
                raise DataUnusable(f"{function.name}: a frame has an open brace: {frame.text[:20]}")


def _check_slot(frames: Frames, function: Function, frame: Frame, inner: str) -> None:
    named = sources(inner)
    missing = [name for name in named if name not in frames.functions]
    if missing:
        raise DataUnusable(f"{function.name}: no function '{missing[0]}'")
    if named and not frames.quotable(named, is_test=frame.is_test):
        raise DataUnusable(f"{function.name}: {{{inner}}} has no frame for {'tests' if frame.is_test else 'training'}")
    if "|" in inner or named:
        return
    asked = slot(inner)
    table = frames.columns.get(asked.column) if asked else None
    if not asked or not table:
        raise DataUnusable(f"{function.name}: no fillers for {{{inner}}}")
    if asked.kinds and ("kind" not in table.columns or not table.places(asked.kinds)):
        raise DataUnusable(f"{function.name}: no fillers of that kind for {{{inner}}}")
