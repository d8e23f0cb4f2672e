"""Rows of CSV and TSV (RFC 4180); a stray quote that swallows rows is detected.

A quote that is opened by mistake includes everything up to the next quote. The signs of this are text after the closing
quote, the end of the file within a quote, or lines within the quoted text that look like the rows around them.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.errors import DataUnusable
from training.text_files import FileOptions, Layout, layout_of, lines_of

Row = list[str]

# Characters of one cell. No comment is longer, so this bounds how far an unclosed quote is read.
_LONGEST_CELL = 1 << 20
# A word in a column of words is no longer, and ids of one length are no shorter.
_LONGEST_WORD, _SHORTEST_CODE = 64, 8
_ADDRESS = re.compile(r"https?://\S+|[^\s@]+@[^\s@]+")
_CODE = re.compile(r"[A-Za-z0-9_-]+")
# Rows that are sampled to learn what a column holds, and how many distinct values a column of labels may have.
_LOOKED_AT = 2_000
_MOST_LABELS = 50
_ENOUGH_ROWS = 200
_DIGITS = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+")
_LONGEST_SHAPE = 64
_CURE = "double a quote that belongs to the text, or use --lenient to read such rows line by line"
_OTHER_CURE = "use --multiline if these lines belong to one text, or --lenient if they are rows"


class Delimited:
    """`names`: the header. Iterating yields rows with as many cells as there are names. Raises DataUnusable."""

    def __init__(self, path: Path, usual: str, options: FileOptions) -> None:
        self.path = path
        self.layout: Layout = layout_of(path, usual, options)
        self._options = options
        self._lines = _Lines(lines_of(path, self.layout.encoding))
        if self.layout.sep:
            next(self._lines)
        csv.field_size_limit(_LONGEST_CELL)
        delimiter = re.escape(self.layout.delimiter)
        self._whole_cell = re.compile(rf'"([^"]*+(?:""[^"]*+)*+)"(?={delimiter}|$)')
        self._split, self._left_out, self._blank = 0, 0, 0
        self._number, self._begins = 0, 1
        self._seen: list[set[str]] = []
        self.names: Row = []
        self.names = next(self._records(), [])
        if not self.names:
            raise DataUnusable(f"{path} is empty")
        self._seen = [set() for _ in self.names]
        self._number = 0

    def __iter__(self) -> Iterator[Row]:
        width, path = len(self.names), self.path
        for row in self._records():
            cells = row
            if len(cells) > width and not any(cells[width:]):
                cells = cells[:width]  # spreadsheets write empty cells after the last column
            if len(cells) == width:
                yield cells
                continue
            self._left_out += 1
            if not self._options.lenient:
                raise DataUnusable(
                    f"{path}: {self._place()} has {_columns(len(cells))} where the header has {width}; "
                    f"a text with {_shown(self.layout.delimiter)} in it must be quoted; "
                    "--lenient skips such rows"
                )
        if width == 1 and self._blank:
            self._options.warn(f"{path}: skipped blank lines between rows: {self._blank}")
        if self._split:
            self._options.warn(f"{path}: rows with a stray quote that were read line by line: {self._split}")
        if self._left_out:
            self._options.warn(f"{path}: skipped rows with another number of columns: {self._left_out}")

    def _place(self) -> str:
        return f"row {self._number} (line {self._begins})"

    def _records(self) -> Iterator[Row]:
        """All records except blank lines, which are counted if there is only one column: they may be rows of it."""
        lines = self._lines
        reader, blank = self._reader(), 0
        while True:
            self._begins = lines.number + 1
            lines.taken.clear()
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._number += 1
                row, reader = self._one_line(self._cause(error)), self._reader()
            else:
                if not row:
                    blank += 1
                    continue
                self._blank += blank
                blank = 0
                self._number += 1
                if len(lines.taken) > 1 and not self._options.multiline and self._holds_rows(row):
                    problem = f"its quoted text contains lines that look like rows; {_OTHER_CURE}"
                    row, reader = self._one_line(problem), self._reader()
                elif self._number <= _LOOKED_AT and len(lines.taken) == 1:
                    self._learn(row)
            yield row

    def _cause(self, error: csv.Error) -> str:
        if len(self._lines.taken) == 1 and "field limit" in str(error):
            return f"a cell has more than {_LONGEST_CELL:,} characters; --lenient reads it"
        return f"a quote is not closed at the end of its cell; {_CURE}"

    def _reader(self) -> Iterator[Row]:
        return csv.reader(self._lines, delimiter=self.layout.delimiter, strict=True)

    def _one_line(self, problem: str) -> Row:
        """The first line of a record as a row of its own; the other lines are read again. Raises DataUnusable."""
        if not self._options.lenient:
            where = self._place() if self.names else "the header"
            raise DataUnusable(f"{self.path}: {where}: {problem}")
        self._split += 1
        self._lines.put_back()
        return self._cells(self._lines.taken[0])

    def _cells(self, line: str) -> Row:
        """The cells of one line; a quote that does not open a whole cell has no special meaning."""
        text, found, at = line.rstrip("\r\n"), Row(), 0
        while True:
            whole = self._whole_cell.match(text, at)
            if whole:
                found.append(whole[1].replace('""', '"'))
                at = whole.end()
            else:
                end = text.find(self.layout.delimiter, at)
                end = len(text) if end < 0 else end
                found.append(text[at:end])
                at = end
            if at == len(text):
                return found
            at += 1

    def _learn(self, row: Row) -> None:
        for seen, value in zip(self._seen, row, strict=False):
            if len(seen) <= _MOST_LABELS:
                seen.add(value)

    def _holds_rows(self, row: Row) -> bool:
        """Whether one of the lines of a multi-line record looks like a row of its own.

        The cells before the quoted text are always on the first line, and those after it on the last one, so these
        cells are not compared there.
        """
        spanning = [at for at, cell in enumerate(row) if "\n" in cell or "\r" in cell]
        told_by = [at for at, cell in enumerate(row) if at not in spanning and cell.strip()]
        first, *middle, last = self._lines.taken
        return (
            self._is_alike(row, first, [at for at in told_by if at > max(spanning, default=0)])
            or self._is_alike(row, last, [at for at in told_by if at < min(spanning, default=0)])
            or any(self._is_alike(row, line, told_by) for line in middle)
        )

    def _is_alike(self, row: Row, line: str, told_by: Sequence[int]) -> bool:
        if not told_by or line.count(self.layout.delimiter) < len(row) - 1:
            return False
        cells = self._cells(line)
        if len(cells) != len(row):
            return False
        fit = [self._fits(at, row[at], cells[at]) for at in told_by]
        return True in fit and False not in fit

    def _fits(self, at: int, value: str, other: str) -> bool | None:
        """Whether both values fit that column: numbers, ids of the same shape, or labels seen in other rows.

        None if that cannot be told, as of names.
        """
        seen = self._seen[at] if at < len(self._seen) else set[str]()
        if value == other or (other in seen and len(seen) <= _MOST_LABELS):
            return True
        if value.isdecimal() and other.isdecimal():
            return abs(len(value) - len(other)) <= 1  # a 2000 in a text does not look like the id 184467
        shape = _shape(value)
        if ("9" in shape and shape == _shape(other)) or _are_alike(value, other):
            return True
        is_of_labels = self._number > _ENOUGH_ROWS and len(seen) <= _MOST_LABELS
        return None if "9" not in shape and not is_of_labels and len(other) <= _LONGEST_WORD else False


class _Lines:
    """Numbered lines that remember those of the current record, so that they can be read again."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._ahead: deque[str] = deque()
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._lines)
        self.taken.append(line)
        self.number += 1
        return line

    def put_back(self) -> None:
        """Puts back all lines of the record except the first."""
        self._ahead.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1


def _are_alike(value: str, other: str) -> bool:
    """Ids of the same length, or addresses."""
    if len(value) == len(other) >= _SHORTEST_CODE and _CODE.fullmatch(value) and _CODE.fullmatch(other):
        return not (_is_word(value) or _is_word(other))
    return bool(_ADDRESS.fullmatch(value) and _ADDRESS.fullmatch(other))


def _is_word(value: str) -> bool:
    return value.isalpha() and value[1:].islower()


def _shape(value: str) -> str:
    """`c-12` and `x-9` have the same shape, and so have instants with a space before the time."""
    text = value.strip()
    if len(text) > _LONGEST_SHAPE:
        return ""
    shape = _LETTERS.sub("a", _DIGITS.sub("9", text))
    return shape if " " not in shape or (shape[0] == "9" and "a" not in shape) else ""


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def _shown(delimiter: str) -> str:
    return "a tab" if delimiter == "\t" else f"'{delimiter}'"
