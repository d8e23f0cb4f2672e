"""Files of text as other software writes them: which encoding, which delimiter, and what to do about odd rows."""

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
# Excel's own way to say the delimiter.
_SEP = re.compile(r'^"?sep=(.)"?\r?\n', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a person says about a file. None: told from the file itself.

    `lenient`: what cannot be read right is read line by line or left out, and counted. `multiline`: quoted texts may
    hold lines that look like rows. `say` hears what was done about odd rows.
    """

    encoding: str | None = None
    delimiter: str | None = None
    lenient: bool = False
    multiline: bool = False
    say: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Layout:
    """`sep`: the line before the header that names the delimiter, as it stands; most files have none."""

    encoding: str
    delimiter: str
    sep: str = ""
    line_end: str = "\n"


def encoding_of(path: Path, reading: Reading) -> str:
    """Of a file of text: as it was said, or by its byte order mark, or UTF-8. Raises DataUnusable."""
    if reading.encoding is not None:
        return "utf-8-sig" if codecs.lookup(reading.encoding).name == "utf-8" else reading.encoding
    head = _head(path)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    # Without a mark: a header begins with Latin letters or signs, and then every other byte is zero.
    if len(head) == _HEAD and not any(head[1::2]):
        return "utf-16-le"
    return "utf-16-be" if len(head) == _HEAD and not any(head[::2]) else "utf-8"


def layout_of(path: Path, usual: str, reading: Reading) -> Layout:
    """How a file of rows is written; `usual`: the delimiter that its name promises. Raises DataUnusable."""
    encoding = encoding_of(path, reading)
    lines = lines_of(path, encoding)
    first = next(lines, "")
    sep = _SEP.match(first)
    header = next(lines, "") if sep else first
    line_end = "\r\n" if header.endswith("\r\n") else "\n"
    delimiter = reading.delimiter or (sep[1] if sep else _guessed(header, usual))
    return Layout(encoding, delimiter, first if sep else "", line_end)


def _guessed(header: str, usual: str) -> str:
    """Another delimiter only where the usual one does not stand in the header at all."""
    bare = _QUOTED.sub("", header)
    if usual in bare:
        return usual
    return max(_DELIMITERS, key=lambda each: (bare.count(each), each == usual))


def lines_of(path: Path, encoding: str) -> Iterator[str]:
    """With their ends. Raises DataUnusable, which names the line, for what is not in that encoding."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            yield from file
    except OSError as error:
        raise DataUnusable(f"{path}: {error}") from error
    except UnicodeError as error:
        raise DataUnusable(f"{path}: {_misread(path, encoding)}") from error


def _misread(path: Path, encoding: str) -> str:
    """Which line is not in the encoding, and what may be done."""
    shown = encoding.removesuffix("-sig").upper()
    cure = "if it was written in another encoding, say which: --encoding cp1252 for most Windows programs"
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not _is_readable(line, encoding):
                    return f"line {number} is not {shown}; {cure}"
    except OSError as error:
        return str(error)
    return f"it is not {shown}; {cure}"


def _is_readable(line: bytes, encoding: str) -> bool:
    if encoding.startswith(("utf-16", "utf-32")):  # lines do not end where a byte says so
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
