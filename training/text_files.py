"""Text files that other software wrote: their encoding, their delimiter, and how to treat malformed rows."""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from training.errors import DataUnusable

# Bytes that tell the encoding, or that a file is no text.
_HEAD = 4096
# Bytes of two characters.
_TWO_OF_UTF_16, _TWO_OF_UTF_32 = 4, 8
# The third byte of a character of UTF-32: Unicode has no characters in the planes 4 to 13.
_PLANES = frozenset((0, 1, 2, 3, 14, 15, 16))
# What separates cells and lines. With its bytes in the wrong order it is a character that texts hardly contain.
_SEPARATORS = b"\t\n\r,;"
# Byte order marks: the encoding that obeys the mark, and the encoding that the mark says.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
# How files that are no text begin, and what to do with them.
_NO_TEXT = (
    (b"\x1f\x8b", "it is compressed with gzip; decompress it first"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with Zstandard; decompress it first"),
    (tuple(b"BZh%d1AY&SY" % level for level in range(1, 10)), "it is compressed with bzip2; decompress it first"),
    (b"\xfd7zXZ\x00", "it is compressed with xz; decompress it first"),
    (b"PK\x03\x04", "it is a ZIP archive or a spreadsheet; extract it, or save the sheet as CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "it is a spreadsheet of Excel; save the sheet as CSV in UTF-8"),
    (b"PAR1\x15", "it is a Parquet file; its name must end in .parquet"),
    (b"ARROW1\x00\x00", "it is an Arrow (Feather) file; write it as Parquet"),
)
# How Excel names the delimiter.
_SEP = re.compile(r'^"?sep=([^"\r\n])"?(?:\r\n?|\n)', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_LINE_ENDS = ("\r\n", "\n", "\r")
_DELIMITERS = (",", ";", "\t", "|")
# Stands for bytes that are not in the encoding; decoded texts contain no lone surrogate.
_SIGN = "\udc80"


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
    """The encoding in `options`, else by the byte order mark, else by zero bytes, else UTF-8, as Python calls it.

    Raises DataUnusable.
    """
    head = _head(path)
    for beginning, cure in _NO_TEXT:
        if head.startswith(beginning):
            raise DataUnusable(f"{path}: {cure}")
    said = None if options.encoding is None else codecs.lookup(options.encoding).name
    for mark, encoding, exact in _MARKS:
        if head.startswith(mark):
            if said is None or exact.startswith(said.removesuffix("-sig")):
                return encoding
            raise DataUnusable(f"{path}: it begins with the byte order mark of {exact.upper()}; leave out --encoding")
    if said is None:
        return _unmarked(head) or "utf-8"
    if said in ("utf-16", "utf-32"):  # Python requires a mark if the name does not say the order of the bytes
        found = _unmarked(head) or ""
        return found if found.startswith(said) else f"{said}-le"
    return said


def _unmarked(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark; None for other encodings."""
    if any(head[:4]) and len(head) >= _TWO_OF_UTF_32:
        if not any(head[3::4]) and set(head[2::4]) <= _PLANES:
            return "utf-32-le"
        if not any(head[::4]) and set(head[1::4]) <= _PLANES:
            return "utf-32-be"
    even, odd = any(head[:_TWO_OF_UTF_16:2]), any(head[1:_TWO_OF_UTF_16:2])
    if even != odd and len(head) >= _TWO_OF_UTF_16:  # most headers begin with ASCII
        return "utf-16-le" if even else "utf-16-be"
    return None if _may_be_utf_8(head) else _utf_16_by_separators(head)


def _may_be_utf_8(head: bytes) -> bool:
    """A header in UTF-16 has a zero byte in its line end, at the latest. In UTF-8, at most texts have zero bytes."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    header, _, rest = head.partition(b"\n")
    return 0 not in header and not rest.startswith(b"\0")


def _utf_16_by_separators(head: bytes) -> str | None:
    """Zero bytes alone do not tell the order of the bytes: U+3000 and U+4E00 (one) are frequent, too."""
    pairs = list(zip(head[::2], head[1::2], strict=False))
    little = sum(high == 0 and low in _SEPARATORS for low, high in pairs)
    big = sum(high == 0 and low in _SEPARATORS for high, low in pairs)
    if little == big:
        return None
    return "utf-16-le" if little > big else "utf-16-be"


def layout_of(path: Path, usual: str, options: FileOptions) -> Layout:
    """The layout of a file of rows. `usual`: the delimiter that its suffix implies. Raises DataUnusable."""
    encoding = encoding_of(path, options)
    lines = lines_of(path, encoding)
    first = next(lines, "")
    sep = _SEP.match(first)
    rest = lines if sep else chain([first], lines)
    header = next((line for line in rest if line.strip("\r\n")), "")
    line_end = next((each for each in _LINE_ENDS if header.endswith(each)), "\n")
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
    codecs.register_error("sign", _signed)  # Python's own handlers leave what a text may contain, too
    try:
        with path.open(encoding=encoding, errors="sign", newline="") as file:
            found = next((number for number, line in enumerate(file, 1) if _SIGN in line), None)
    except (OSError, UnicodeError) as error:
        return f"it cannot be read as {shown}: {error}"
    return f"{'it' if found is None else f'line {found}'} is not {shown}; {_cure(encoding)}"


def _signed(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _SIGN, error.end


def _cure(encoding: str) -> str:
    if encoding in ("utf-8", "utf-8-sig"):
        return "if the file has another encoding, name it: --encoding cp1252 for most Windows programs"
    if encoding in ("utf-16", "utf-32"):  # by a mark, so it is certain
        return "the file may be damaged or cut off"
    if encoding.startswith(("utf-16", "utf-32")):
        return "the file may be damaged or cut off, or has another encoding; name that with --encoding"
    return "name another encoding with --encoding"


def check_output(path: Path, *others: Path) -> None:
    """Raises DataUnusable if `path` is another of the run's files."""
    for other in others:
        if path.exists() and other.exists() and path.samefile(other):
            raise DataUnusable(f"{path} would be overwritten: give the output another name")


def _head(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # it is read more than once
        raise DataUnusable(f"{path} is no file; save what it holds to one first")
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise DataUnusable(f"{path}: {error}") from error
