"""Word lists as files: Steward's own CSV, and those of Discourse, WordPress and Coral."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple, NoReturn

import msgspec
from msgspec import Struct

from service.values.errors import BadRequest, Fault
from service.values.lists import MAX_NOTE, ListEntry, merged
from service.values.rules import MAX_LIST_ENTRIES, Match

# Lines with an entry, so that a file of nothing but duplicates takes no longer than the largest list.
MAX_LINES = 2 * MAX_LIST_ENTRIES
# Faults of a file that one answer names.
MOST_FAULTS = 20


class ListFormat(StrEnum):
    """CSV: a header, then one entry a row. Discourse: rows of watched words. WordPress and Coral: one term a line."""

    CSV = "csv"
    DISCOURSE = "discourse"
    WORDPRESS = "wordpress"
    CORAL = "coral"

    @property
    def content_type(self) -> str:
        return "text/csv" if self in (ListFormat.CSV, ListFormat.DISCOURSE) else "text/plain"

    def file_name(self, name: str) -> str:
        """Of the file with the list `name`."""
        return f"{name}.{'csv' if self.content_type == 'text/csv' else 'txt'}"


class Remark(Struct, frozen=True):
    """Something in a file that the list does not take over: first in `line`, and in `count` lines."""

    line: int
    count: int
    detail: str


class Duplicate(Struct, frozen=True):
    """An entry left out because its term is there already. Lines of a file, or positions in a request, from 1."""

    line: int
    first: int


class ReadFile(NamedTuple):
    entries: tuple[ListEntry, ...]
    duplicates: tuple[Duplicate, ...]
    remarks: tuple[Remark, ...]


class WrittenFile(NamedTuple):
    """`left_out`: entries that the format cannot express: exceptions, expired entries and the like."""

    text: str
    left_out: int


class _Row(NamedTuple):
    """A line of a file as an entry, or what is wrong with it. `remarks`: what the list does not take over."""

    line: int
    entry: ListEntry | None = None
    fault: str = ""
    remarks: tuple[str, ...] = ()


def read(text: str, form: ListFormat) -> ReadFile:
    """The entries of a file. Raises BadRequest, which names the lines that are at fault; then nothing is read."""
    lines: list[int] = []
    entries: list[ListEntry] = []
    faults: list[tuple[int, str]] = []
    remarks: dict[str, Remark] = {}
    for number, (line, entry, fault, said) in enumerate(_READERS[form](text.removeprefix("\ufeff"))):
        if number == MAX_LINES:
            _refuse([(line, f"more than {MAX_LINES:,} lines with an entry")])
        for detail in said:
            before = remarks.get(detail, Remark(line, 0, detail))
            remarks[detail] = msgspec.structs.replace(before, count=before.count + 1)
        if fault:
            faults.append((line, fault))
        if entry is not None:
            lines.append(line)
            entries.append(entry)
        if len(faults) == MOST_FAULTS:
            _refuse(faults)
    found = merged(entries)
    faults += [(lines[position], detail) for position, detail in found.faults[:MOST_FAULTS]]
    if faults:
        _refuse(sorted(faults)[:MOST_FAULTS])
    if not found.entries:
        raise BadRequest("the file has no entries", [Fault("", "no entries")])
    duplicates = tuple(Duplicate(lines[position], lines[first]) for position, first in found.duplicates)
    return ReadFile(found.entries, duplicates, tuple(remarks.values()))


def _refuse(faults: Sequence[tuple[int, str]]) -> NoReturn:
    line, detail = faults[0]
    # Positions in a JSON Pointer begin at 0.
    raise BadRequest(f"line {line}: {detail}", [Fault(f"/{at - 1}", f"line {at}: {said}") for at, said in faults])


def write(entries: Iterable[ListEntry], form: ListFormat, today: date) -> WrittenFile:
    """`today`: an entry that ended before is left out where the format has no dates."""
    if form is ListFormat.CSV:
        rows = [_cells(entry) for entry in entries]
        return WrittenFile(_table([COLUMNS, *rows]), 0)
    given = list(entries)
    current = [each for each in given if not each.is_exception and not each.has_ended(today)]
    if form is ListFormat.DISCOURSE:
        words = [_with_wildcards(entry) for entry in current if "*" not in entry.text]
        return WrittenFile(_table([(word,) for word in words]), len(given) - len(words))
    return WrittenFile("".join(f"{entry.text}\n" for entry in current), len(given) - len(current))


COLUMNS = ("text", "match", "exception", "note", "until")
_YES, _NO = ("true", "yes", "1"), ("", "false", "no", "0")
# A spreadsheet would run a cell that begins so (OWASP, CSV injection). An apostrophe before it prevents that; reading
# takes it away again.
_RUNS = re.compile(r"'*[=+\-@]")


def _cells(entry: ListEntry) -> tuple[str, ...]:
    texts = [f"'{cell}" if _RUNS.match(cell) else cell for cell in (entry.text, entry.note)]
    until = "" if entry.until is None else entry.until.isoformat()
    return texts[0], entry.match or "", "true" if entry.is_exception else "", texts[1], until


def _cell(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _RUNS.match(cell) else cell


def _table(rows: Iterable[Sequence[str]]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


def _with_wildcards(entry: ListEntry) -> str:
    if entry.match is Match.PART:
        return f"*{entry.text}*"
    return f"{entry.text}*" if entry.match is Match.STEM else entry.text


def _parsed(text: str, delimiter: str = ",") -> Iterator[tuple[int, list[str], str]]:
    """The rows that are not blank, each with the line where it begins; the last one may have a fault instead.

    Strict: an unbalanced quote would swallow the lines that follow.
    """
    csv.field_size_limit(_LONGEST_CELL)  # of the whole process, which others may have changed
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for row in rows:
            if any("\n" in cell or "\r" in cell for cell in row):
                yield begins, [], _OVER_LINES
            elif any(cell and not cell.isspace() for cell in row):
                yield begins, row, ""
            begins = rows.line_num + 1
    except csv.Error:
        yield begins, [], _NOT_CSV


_LONGEST_CELL = 131_072
_OVER_LINES = "a cell goes over several lines, and no entry does: a quote is not closed where its cell ends"
_NOT_CSV = (
    "not valid CSV: a quote is not closed where its cell ends (double a quote that belongs to the text), or a cell is "
    f"longer than {_LONGEST_CELL:,} characters"
)


def _read_csv(text: str) -> Iterator[_Row]:
    sep, delimiter = _SEP.match(text), ","
    if sep:
        text, delimiter = "\n" + text[sep.end() :], sep[1]
    elif head := _FIRST_LINE.match(text):
        delimiter = next((mark for mark in ";\t|" if "text" in _names(head[1], mark)), ",")
    columns: Sequence[str] = ()
    width = 0
    for line, row, fault in _parsed(text, delimiter):
        if fault:
            yield _Row(line, fault=fault)
        elif not width:
            width = len(row)
            columns = _without_blanks([cell.strip().lower() for cell in row])
            if wrong := _header_fault(columns, width):
                yield _Row(line, fault=wrong)
                return
        elif len(row) > width:
            yield _Row(line, fault=f"{len(row)} cells, but the header names {width} columns")
        elif any(cell.strip() for cell in row[len(columns) :]):
            yield _Row(line, fault="a cell in a column that the header does not name")
        else:
            yield _entry(line, dict(zip(columns, row, strict=False)))


# How Excel names the delimiter; and the first line with anything in it.
_SEP = re.compile(r'"?sep=([^"\r\n])"?(?:\r\n?|\n)', re.IGNORECASE)
_FIRST_LINE = re.compile(r'(?:[ \t\f\v;|,"]*+[\r\n])*+([^\r\n]+)')
# Cells of a header: far more than a spreadsheet writes by mistake.
_WIDEST = 1_000


def _without_blanks(cells: Sequence[str]) -> Sequence[str]:
    """Without empty cells at the end, as spreadsheets write them."""
    return next((cells[:end] for end in range(len(cells), 0, -1) if cells[end - 1].strip()), [])


def _names(line: str, delimiter: str) -> list[str]:
    return [cell.strip().strip('"').lower() for cell in line.split(delimiter)]


def _header_fault(columns: Sequence[str], width: int) -> str:
    """`width`: cells of the header, with the empty ones at its end."""
    if width > _WIDEST:
        return f"the header has more than {_WIDEST:,} cells"
    if "text" not in columns:
        return f"no header: the first line must name the columns, as in {','.join(COLUMNS)}"
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown:
        return f"column {columns.index(unknown[0]) + 1} is none of {', '.join(COLUMNS)}"
    return "a column appears twice" if len(set(columns)) < len(columns) else ""


def _entry(line: int, cells: dict[str, str]) -> _Row:
    match, exception, until = (cells.get(name, "").strip().lower() for name in ("match", "exception", "until"))
    if match and match not in list(Match):
        return _Row(line, fault=f"match: must be {', '.join(Match)} or empty")
    if exception not in _YES + _NO:
        return _Row(line, fault="exception: must be true, false or empty")
    try:
        day = _day(until)
    except ValueError:
        return _Row(line, fault="until: must be a day such as 2027-01-31, or empty")
    note = " ".join(_cell(cells.get("note", "")).split())
    if len(note) > MAX_NOTE:
        return _Row(line, fault=f"note: longer than {MAX_NOTE} characters")
    text = _cell(cells.get("text", ""))
    return _Row(line, ListEntry(text, Match(match) if match else None, exception in _YES, note=note, until=day))


def _day(text: str) -> date | None:
    """Raises ValueError; date.fromisoformat takes other forms too."""
    if not text:
        return None
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise ValueError(text)
    return date.fromisoformat(text)


# The actions of Discourse's watched words, and the action of a rule that does the same.
_ACTIONS = {"block": "reject", "require_approval": "review", "flag": "review"}
_DISCOURSE = ("word", "replacement", "tag", "action", "case")


def _read_discourse(text: str) -> Iterator[_Row]:
    """Discourse writes no header: word, replacement or tags, case. A file with a header may have other columns too."""
    columns: Sequence[str] = ("word", "replacement", "case")
    is_first = True
    for line, row, fault in _parsed(text):
        if fault:
            yield _Row(line, fault=fault)
            return
        names = [cell.strip().lower() for cell in row]
        if is_first and len(row) > 1 and "word" in names and set(names) <= {*_DISCOURSE, ""}:
            columns = names
        elif row[columns.index("word")].strip() if len(row) > columns.index("word") else "":
            yield _watched(line, dict(zip(columns, row, strict=False)))
        else:
            yield _Row(line, fault="no word")
        is_first = False


def _watched(line: int, cells: dict[str, str]) -> _Row:
    remarks = [f"{name}: a list has no {name}s" for name in ("replacement", "tag") if cells.get(name, "").strip()]
    if cells.get("case", "").strip().lower() in ("true", "1", "yes"):
        remarks.append("case: whether capitals count is said where a policy uses the list")
    if action := cells.get("action", "").strip().lower():
        remarks.append(_about_action(action))
    word = cells["word"].strip()
    bare = word.strip("*")
    if "*" in bare or not bare:
        return _Row(line, remarks=(*remarks, "left out: a * that is neither at the beginning nor at the end of a word"))
    match = Match.PART if word.startswith("*") else Match.STEM if word.endswith("*") else Match.WORD
    if match is Match.PART and not word.endswith("*"):
        remarks.append("a * only at the beginning: also found inside words now")
    return _Row(line, ListEntry(bare, match), remarks=tuple(remarks))


def _about_action(action: str) -> str:
    if action in _ACTIONS:
        return f"action {action}: use the list in a rule with the action {_ACTIONS[action]}"
    known = ("censor", "replace", "tag", "link", "silence")
    return f"action {action}: no action of a rule does this" if action in known else "action: not one of Discourse's"


def _read_lines(match: Match | None) -> Callable[[str], Iterator[_Row]]:
    def reading(text: str) -> Iterator[_Row]:
        for line, term in enumerate(io.StringIO(text, newline=None), 1):
            if term and not term.isspace():
                yield _Row(line, ListEntry(term, match))

    return reading


_READERS: dict[ListFormat, Callable[[str], Iterator[_Row]]] = {
    ListFormat.CSV: _read_csv,
    ListFormat.DISCOURSE: _read_discourse,
    # WordPress also finds its terms inside words.
    ListFormat.WORDPRESS: _read_lines(Match.PART),
    ListFormat.CORAL: _read_lines(None),
}
