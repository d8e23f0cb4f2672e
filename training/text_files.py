"""Text files that other software wrote: their encoding, their delimiter, and how to treat malformed rows."""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from training.errors import DataUnusable

# Bytes: two characters of UTF-16.
_HEAD = 4
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# How Excel names the delimiter.
_SEP = re.compile(r'^"?sep=(.)"?\r?\n', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class FileOptions:
    """What the user says about a file. None: detected from the file.

    `lenient`: read malformed rows line by line, or skip them, and count them. `multiline`: accept quoted texts with
    lines that look like rows. `warn` is called with a message about malformed rows.
    """

    encoding: str | None = None
    delimiter: str | None = None
    lenient: bool = False
    multiline: bool = False
    warn: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Layout:
    """`sep`: the line before the header that names the delimiter, verbatim; empty for most files."""

    encoding: str
    delimiter: str
    sep: str = ""
    line_end: str = "\n"


def encoding_of(path: Path, options: FileOptions) -> str:
    """The encoding in `options`, else by the byte order mark, else UTF-8. Raises DataUnusable."""
    if options.encoding is not None:
        return "utf-8-sig" if codecs.lookup(options.encoding).name == "utf-8" else options.encoding
    head = _head(path)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    # UTF-16 without a mark: a header begins with ASCII characters, so every other byte is zero.
    if len(head) == _HEAD and not any(head[1::2]):
        return "utf-16-le"
    return "utf-16-be" if len(head) == _HEAD and not any(head[::2]) else "utf-8"


def layout_of(path: Path, usual: str, options: FileOptions) -> Layout:
    """The layout of a file of rows. `usual`: the delimiter that its suffix implies. Raises DataUnusable."""
    encoding = encoding_of(path, options)
    lines = lines_of(path, encoding)
    first = next(lines, "")
    sep = _SEP.match(first)
    header = next(lines, "") if sep else first
    line_end = "\r\n" if header.endswith("\r\n") else "\n"
    delimiter = options.delimiter or (sep[1] if sep else _guessed(header, usual))
    return Layout(encoding, delimiter, first if sep else "", line_end)


def _guessed(header: str, usual: str) -> str:
    """Picks another delimiter only if the usual one does not occur in the header."""
    bare = _QUOTED.sub("", header)
    if usual in bare:
        return usual
    return max(_DELIMITERS, key=lambda each: (bare.count(each), each == usual))


def lines_of(path: Path, encoding: str) -> Iterator[str]:
    """The lines with their line ends. Raises DataUnusable naming the first line that is not in that encoding."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            yield from file
    except OSError as error:
        raise DataUnusable(f"{path}: {error}") from error
    except UnicodeError as error:
        raise DataUnusable(f"{path}: {_misread(path, encoding)}") from error


def _misread(path: Path, encoding: str) -> str:
    """Names the line that is not in the encoding, and a remedy."""
    shown = encoding.removesuffix("-sig").upper()
    cure = "if the file has another encoding, name it: --encoding cp1252 for most Windows programs"
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not _is_readable(line, encoding):
                    return f"line {number} is not {shown}; {cure}"
    except OSError as error:
        return str(error)
    return f"it is not {shown}; {cure}"


def _is_readable(line: bytes, encoding: str) -> bool:
    if encoding.startswith(("utf-16", "utf-32")):  # a byte 0x0A need not be a line end
        return True
    try:
        line.decode(encoding)
    except UnicodeError:
        return False
    return True


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise DataUnusable(f"{path}: {error}") from error
