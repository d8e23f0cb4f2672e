"""Text files that other software wrote: their encoding, their delimiter, and how to treat malformed rows."""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from training.errors import DataUnusable

# Bytes that tell the encoding, or that a file is no text.
_HEAD = 256
# In UTF-16, delimiters, spaces and line ends have a zero byte even if all letters are of another script.
_FEWEST_ZEROS, _LEAST_ZEROS = 4, 1 / 16
# Bytes: two characters of UTF-32.
_TWO_CHARACTERS = 8
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# How files that are no text begin, and what to do with them.
_NO_TEXT = (
    (b"\x1f\x8b", "it is compressed with gzip; decompress it first"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with Zstandard; decompress it first"),
    (b"BZh91AY&SY", "it is compressed with bzip2; decompress it first"),
    (b"\xfd7zXZ\x00", "it is compressed with xz; decompress it first"),
    (b"PK\x03\x04", "it is a ZIP archive or a spreadsheet; extract it, or save the sheet as CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "it is a spreadsheet of Excel; save the sheet as CSV in UTF-8"),
    (b"PAR1\x15", "it is a Parquet file; its name must end in .parquet"),
    (b"ARROW1\x00\x00", "it is an Arrow (Feather) file; write it as Parquet"),
)
# How Excel names the delimiter.
_SEP = re.compile(r'^"?sep=([^"\r\n])"?(?:\r\n?|\n)', re.IGNORECASE)
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
    """The encoding in `options`, else by the byte order mark, else by zero bytes, else UTF-8. Raises DataUnusable."""
    head = _head(path)
    for beginning, cure in _NO_TEXT:
        if head.startswith(beginning):
            raise DataUnusable(f"{path}: {cure}")
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if options.encoding is None:
        return marked or _unmarked(head) or "utf-8"
    said = codecs.lookup(options.encoding).name
    if marked is None:
        # Python requires a mark if the name does not say the order of the bytes.
        return {"utf-8": "utf-8-sig", "utf-16": _unmarked(head) or "utf-16-le"}.get(said, options.encoding)
    if not marked.startswith(said[: len("utf-16")]):
        shown = marked.removesuffix("-sig").upper()
        raise DataUnusable(f"{path}: it begins with the byte order mark of {shown}; leave out --encoding")
    return marked


def _unmarked(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: the high bytes of most characters are zero."""
    quarters = [any(head[at::4]) for at in range(4)]
    if len(head) >= _TWO_CHARACTERS and quarters in ([True, True, False, False], [True, False, False, False]):
        return "utf-32-le"
    if len(head) >= _TWO_CHARACTERS and quarters in ([False, False, True, True], [False, False, False, True]):
        return "utf-32-be"
    even, odd = head[::2].count(0), head[1::2].count(0)
    fewest = max(
        _FEWEST_ZEROS, len(head) * _LEAST_ZEROS, _FEWEST_ZEROS * min(even, odd)
    )  # U+3000 has a low byte of zero
    if max(even, odd) < fewest:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


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
    shown, is_wide = encoding.removesuffix("-sig").upper(), encoding.startswith(("utf-16", "utf-32"))
    cure = "the file may be damaged or cut off" if is_wide else "name another encoding with --encoding"
    if shown == "UTF-8":
        cure = "if the file has another encoding, name it: --encoding cp1252 for most Windows programs"
    # The codecs of UTF-16 and UTF-32 cannot escape every byte.
    errors, sign = ("replace", "\ufffd") if is_wide else ("surrogateescape", _ESCAPED)
    try:
        with path.open(encoding=encoding, errors=errors, newline="") as file:
            found = next((number for number, line in enumerate(file, 1) if re.search(sign, line)), None)
    except (OSError, UnicodeError) as error:
        return f"it cannot be read as {shown}: {error}"
    return f"{'it' if found is None else f'line {found}'} is not {shown}; {cure}"


_ESCAPED = "[\udc80-\udcff]"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise DataUnusable(f"{path}: {error}") from error
