"""Renders readers' texts as HTML: escaped, with spans highlighted and invisible or misleading characters shown."""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote

from markupsafe import Markup, escape

from service.console.protection import PREFIX
from service.console.small_words import is_small
from service.values.domain import Reason, Span

# The part of a link to show, without trailing punctuation, which belongs to the sentence.
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"'`\u2066-\u2069\u202a-\u202e]{2,2000}", re.IGNORECASE)
_BEHIND = ".,;:!?)]}\u00bb\u201d\u2019\u2026"
# Descriptions of characters that change the text direction or join what looks separate.
_SHORT = {
    "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200e": "LRM", "\u200f": "RLM", "\u061c": "ALM", "\u00ad": "SHY",
    "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO",
    "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\u2060": "WJ", "\ufeff": "BOM",
}  # fmt: skip
_JOINER, _NON_JOINER = "\u200d", "\u200c"
_SELECTORS = range(0xFE00, 0xFE10)
# Scripts in which a joiner changes the shape of a word (Unicode 16, chapters 9 and 12 to 14), by the first word of
# their character names.
_JOINING_SCRIPTS = {
    "ARABIC", "SYRIAC", "MANDAIC", "NKO", "MONGOLIAN", "PHAGS-PA", "MANICHAEAN", "ADLAM", "SOGDIAN",
    "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA",
    "KHMER", "MYANMAR", "TIBETAN", "BALINESE", "JAVANESE", "SUNDANESE", "CHAKMA", "GRANTHA", "NEWA", "TIRHUTA",
}  # fmt: skip
_VIRAMA = 9  # combining class of viramas
# Flags of regions: a black flag, the region's code in invisible tag characters, and a cancel tag (UTS 51).
_TAGS = range(0xE0000, 0xE0080)
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{2}[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,3}\U000e007f")
_LONGEST_FLAG = 7
# No language uses more combining marks on a letter; more of them would cover adjacent lines.
MOST_MARKS = 4
_INVISIBLE = {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"}
# Letters in Unicode that are invisible.
_BLANK = {"\u115f", "\u1160", "\u17b4", "\u17b5", "\u3164", "\uffa0", "\u2800"}


# Of the heaviest span: what moved the score less than this explains nothing.
FAINTEST = 0.08


class Mark(NamedTuple):
    start: int
    end: int
    title: str
    weight: float


class Piece(NamedTuple):
    start: int
    end: int
    mark: Mark | None


def marked(text: str, spans: Sequence[Span] = (), rules: Iterable[Reason] = ()) -> Markup:
    """The text with its spans highlighted, and with what the rules of these reasons found.

    Offsets are code points of the original text. What a rule found is as strong as the heaviest span.
    """
    heaviest = max((span.weight for span in spans), default=1.0)
    spans = [span for span in spans if span.weight >= FAINTEST * heaviest and not is_small(text[span.start : span.end])]
    marks = [Mark(start, end, reason.rule or "", heaviest) for reason in rules for start, end in reason.spans]
    marks += [Mark(span.start, span.end, span.attribute.replace("_", " "), span.weight) for span in spans]
    parts = []
    at = 0
    for start, end in _links(text):
        parts += [_run(text, at, start, marks), _link(text, start, end, marks)]
        at = end
    parts.append(_run(text, at, len(text), marks))
    return Markup().join(parts)


def plain(text: str, most: int = 280) -> Markup:
    """One line for lists, without highlighting and links."""
    line = " ".join(text.split())
    if len(line) <= most:
        return Markup().join(_characters(line, 0, len(line)))
    end = len(line[: most - 1].rstrip())
    return Markup().join(_characters(line, 0, end)) + "…"


def is_ours_to_open(url: str) -> bool:
    """Whether the warning page may link to this URL: http or https only."""
    return re.fullmatch(r"https?://[^\s\x00-\x20\x7f]{1,2000}", url, re.IGNORECASE) is not None


def _links(text: str) -> Iterator[tuple[int, int]]:
    for found in _LINK.finditer(text):
        yield found.start(), found.start() + len(found[0].rstrip(_BEHIND))


def _link(text: str, start: int, end: int, marks: Sequence[Mark]) -> Markup:
    said = text[start:end]
    url = said if said.lower().startswith("http") else f"http://{said}"
    to = f"{PREFIX}/leave?to={quote(url, safe='')}"
    return Markup('<a class="out" href="{}" rel="noopener noreferrer nofollow" target="_blank">{}</a>').format(
        to, _run(text, start, end, marks)
    )


def _run(text: str, start: int, end: int, marks: Sequence[Mark]) -> Markup:
    parts = []
    heaviest = max((mark.weight for mark in marks), default=0.0)
    for piece in _pieces(start, end, marks):
        inner = Markup().join(_characters(text, piece.start, piece.end))
        parts.append(inner if piece.mark is None else _mark(inner, piece.mark, heaviest))
    return Markup().join(parts)


def _mark(inner: Markup, mark: Mark, heaviest: float) -> Markup:
    """Marks with less than a third of the highest weight are highlighted faintly."""
    weight = "faint" if mark.weight < heaviest / 3 else "strong"
    return Markup('<mark class="{}" title="{}">{}</mark>').format(weight, mark.title, inner)


def _pieces(start: int, end: int, marks: Sequence[Mark]) -> list[Piece]:
    """Split at the boundaries of marks. Where marks overlap, the highest weight counts, and of equal ones the first."""
    inside = [mark for mark in marks if mark.start < end and mark.end > start and mark.start < mark.end]
    cuts = sorted({start, end, *(min(end, max(start, at)) for mark in inside for at in (mark.start, mark.end))})
    found: list[Piece] = []
    for first, last in itertools.pairwise(cuts):
        over = [mark for mark in inside if mark.start <= first and last <= mark.end]
        heaviest = max(over, key=lambda mark: mark.weight, default=None)
        if found and found[-1].mark is heaviest:
            first = found.pop().start  # noqa: PLW2901 - one piece with the one before
        found.append(Piece(first, last, heaviest))
    return found


def _characters(text: str, start: int, end: int) -> Iterator[Markup]:
    """Visible runs, with a sign for each character that is invisible or affects the direction of others.

    A character is judged by its neighbors in the whole text, also at the boundary of a highlighted part.
    """
    at = start
    marks = 0
    for place in range(start, end):
        character = text[place]
        if character < "\x7f" and (character >= " " or character in "\n\t"):
            marks = 0
            continue
        if unicodedata.category(character) in ("Mn", "Me"):
            marks += 1
        elif character not in (_JOINER, _NON_JOINER):
            marks = 0
        if not _is_odd(text, place) and marks <= MOST_MARKS:
            continue
        yield escape(text[at:place])
        if marks <= MOST_MARKS:
            yield _sign(character)
        at = place + 1
    yield escape(text[at:end])


def _is_odd(text: str, place: int) -> bool:
    character = text[place]
    if character in (_JOINER, _NON_JOINER):
        return not _joins(character, text[place - 1 : place], text[place + 1 : place + 2])
    if ord(character) in _TAGS:
        return not _is_in_flag(text, place)
    if ord(character) in _SELECTORS:
        return place == 0 or unicodedata.category(text[place - 1])[0] not in "SPN"
    return unicodedata.category(character) in _INVISIBLE or character in _BLANK


def _joins(joiner: str, before: str, after: str) -> bool:
    """Whether a joiner is legitimate between its neighbors (empty at the ends of a text): inside a word of a script in
    which it changes a letter's shape, or between two emoji.
    """
    if joiner == _JOINER and before and after and _is_picture(after):
        return _is_picture(before) or ord(before) in _SELECTORS or ord(before) in _TAGS
    is_word = _is_of_word(before), _is_of_word(after)
    if not ((is_word[0] and _needs_joiners(before)) or (is_word[1] and _needs_joiners(after))):
        return False
    if _is_invisible(before) or _is_invisible(after):
        return False
    # At the end of a word a non-joiner has no visible effect, except after a virama.
    return all(is_word) or joiner == _JOINER or unicodedata.combining(before) == _VIRAMA


def _is_of_word(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "LMN"


def _needs_joiners(character: str) -> bool:
    return unicodedata.name(character, "").partition(" ")[0] in _JOINING_SCRIPTS


def _is_invisible(character: str) -> bool:
    return bool(character) and character not in "\n\t" and unicodedata.category(character) in _INVISIBLE


def _is_in_flag(text: str, place: int) -> bool:
    begins = text.rfind("\U0001f3f4", max(0, place - _LONGEST_FLAG), place)
    found = _FLAG.match(text, begins) if begins >= 0 else None
    return found is not None and place < found.end()


def _is_picture(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sk") or character == "\u2194"


def _sign(character: str) -> Markup:
    name = unicodedata.name(character, "")
    code = f"U+{ord(character):04X}"
    return Markup('<span class="odd" title="{}">{}</span>').format(
        f"{code} {name}".strip(), _SHORT.get(character, code)
    )
