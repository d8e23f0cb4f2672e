"""Removes HTML from a text, and keeps the original position of each character."""

import re
from collections.abc import Iterator, Sequence

import classifier
from service.compat.markup import REFERENCE

# Inline elements; all others separate words.
_INLINE = """
a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd mark q s samp small span strike strong
sub sup time tt u var wbr
"""
_BLOCKS = """
address article aside blockquote body br caption center col colgroup dd details div dl dt figcaption figure footer
form h1 h2 h3 h4 h5 h6 head header hr html li main nav ol p pre script section style summary table tbody td tfoot
th thead title tr ul
"""
_PARTING = frozenset(_BLOCKS.split())
_NAMES = "|".join(sorted({*_INLINE.split(), *_PARTING}, key=len, reverse=True))
# Takes linear time for any text: no match can start inside another.
_MARK = re.compile(
    rf"<!--|-->|</?(?P<name>{_NAMES})(?![A-Za-z0-9-])[^<>]*>|{REFERENCE}",
    re.IGNORECASE,
)


def between_tags(text: str) -> tuple[str, Sequence[tuple[int, int]]]:
    """The visible text, and for each of its code points the part of `text` that it comes from.

    Anything that is not clearly a tag is text, such as `<idiot>`. Parts that a browser hides (style sheets, HTML
    comments) are kept: judging too much is better than offering a way to hide text.
    """
    pieces, origins, at = list[str](), list[tuple[int, int]](), 0
    for mark in _MARK.finditer(text):
        shown = _shown(mark)
        pieces += text[at : mark.start()], shown
        origins += [*_each(at, mark.start()), *[mark.span()] * len(shown)]
        at = mark.end()
    return "".join([*pieces, text[at:]]), [*origins, *_each(at, len(text))]


def _each(start: int, end: int) -> Iterator[tuple[int, int]]:
    return ((place, place + 1) for place in range(start, end))


def _shown(mark: re.Match[str]) -> str:
    if mark[0].startswith("&"):
        return classifier.unescaped(mark[0])
    return "\n" if (mark["name"] or "").lower() in _PARTING else ""
