"""Readers' texts as markup: escaped, with what moved the score marked, and nothing in them that hides or misleads."""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote

from markupsafe import Markup, escape

from service.console.protection import PREFIX
from service.domain import Span

# Enough of a link to know it by; what is cut off at its end belongs to the sentence.
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"'`\u2066-\u2069\u202a-\u202e]{2,2000}", re.IGNORECASE)
_BEHIND = ".,;:!?)]}\u00bb\u201d\u2019\u2026"
# Long names of characters that turn the direction of what follows, or join what looks apart.
_SHORT = {
    "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200e": "LRM", "\u200f": "RLM", "\u061c": "ALM", "\u00ad": "SHY",
    "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO",
    "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\u2060": "WJ", "\ufeff": "BOM",
}  # fmt: skip
_JOINER = "\u200d"  # belongs between two emoji, and is seen there
_SELECTORS = range(0xFE00, 0xFE10)
# More marks on one letter than any language writes cover the lines around it.
MOST_MARKS = 4
_INVISIBLE = {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"}
# Letters that show nothing although Unicode calls them letters.
_BLANK = {"\u115f", "\u1160", "\u17b4", "\u17b5", "\u3164", "\uffa0", "\u2800"}


class Piece(NamedTuple):
    start: int
    end: int
    span: Span | None


def marked(text: str, spans: Sequence[Span] = ()) -> Markup:
    """The text with its spans marked; offsets are code points of the text as it was sent."""
    parts = []
    at = 0
    for start, end in _links(text):
        parts += [_run(text, at, start, spans), _link(text, start, end, spans)]
        at = end
    parts.append(_run(text, at, len(text), spans))
    return Markup().join(parts)


def plain(text: str, most: int = 280) -> Markup:
    """A line of it, for lists: nothing marked, no links."""
    line = " ".join(text.split())
    cut = line if len(line) <= most else line[: most - 1].rstrip() + "…"
    return Markup().join(_characters(cut))


def is_ours_to_open(url: str) -> bool:
    """Whether the page before a link may lead to it: a page of the web, and nothing that runs here."""
    return re.fullmatch(r"https?://[^\s\x00-\x20\x7f]{1,2000}", url, re.IGNORECASE) is not None


def _links(text: str) -> Iterator[tuple[int, int]]:
    for found in _LINK.finditer(text):
        yield found.start(), found.start() + len(found[0].rstrip(_BEHIND))


def _link(text: str, start: int, end: int, spans: Sequence[Span]) -> Markup:
    said = text[start:end]
    url = said if said.lower().startswith("http") else f"http://{said}"
    to = f"{PREFIX}/leave?to={quote(url, safe='')}"
    return Markup('<a class="out" href="{}" rel="noopener noreferrer nofollow" target="_blank">{}</a>').format(
        to, _run(text, start, end, spans)
    )


def _run(text: str, start: int, end: int, spans: Sequence[Span]) -> Markup:
    parts = []
    heaviest = max((span.weight for span in spans), default=0.0)
    for piece in _pieces(start, end, spans):
        inner = Markup().join(_characters(text[piece.start : piece.end]))
        parts.append(inner if piece.span is None else _mark(inner, piece.span, heaviest))
    return Markup().join(parts)


def _mark(inner: Markup, piece: Span, heaviest: float) -> Markup:
    """What weighs less than a third of the heaviest part is marked faintly."""
    weight = "faint" if piece.weight < heaviest / 3 else "strong"
    return Markup('<mark class="{}" title="{}">{}</mark>').format(weight, piece.attribute.replace("_", " "), inner)


def _pieces(start: int, end: int, spans: Sequence[Span]) -> list[Piece]:
    """Cut where a span begins or ends; where several lie over each other the one that weighs most counts."""
    inside = [span for span in spans if span.start < end and span.end > start and span.start < span.end]
    cuts = sorted({start, end, *(min(end, max(start, at)) for span in inside for at in (span.start, span.end))})
    found: list[Piece] = []
    for first, last in itertools.pairwise(cuts):
        over = [span for span in inside if span.start <= first and last <= span.end]
        heaviest = max(over, key=lambda span: span.weight, default=None)
        if found and found[-1].span is heaviest:
            first = found.pop().start  # noqa: PLW2901 - one piece with the one before
        found.append(Piece(first, last, heaviest))
    return found


def _characters(text: str) -> Iterator[Markup]:
    """Runs of what can be seen, and a sign for each character that cannot, or that would move the others."""
    at = marks = 0
    for place, character in enumerate(text):
        if character < "\x7f" and (character >= " " or character in "\n\t"):
            marks = 0
            continue
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if not _is_odd(text, place) and marks <= MOST_MARKS:
            continue
        yield escape(text[at:place])
        if marks <= MOST_MARKS:
            yield _sign(character)
        at = place + 1
    yield escape(text[at:])


def _is_odd(text: str, place: int) -> bool:
    character = text[place]
    if character == _JOINER:
        return not (0 < place < len(text) - 1 and _is_picture(text[place + 1]))
    if ord(character) in _SELECTORS:
        return place == 0 or unicodedata.category(text[place - 1])[0] not in "SPN"
    return unicodedata.category(character) in _INVISIBLE or character in _BLANK


def _is_picture(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sk")


def _sign(character: str) -> Markup:
    name = unicodedata.name(character, "")
    code = f"U+{ord(character):04X}"
    return Markup('<span class="odd" title="{}">{}</span>').format(
        f"{code} {name}".strip(), _SHORT.get(character, code)
    )
