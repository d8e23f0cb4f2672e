"""The text between the tags of HTML, for sites that send it; where each of its characters stood."""

import html
import re
from collections.abc import Iterator, Sequence

# Linear in the text, whatever it is: neither part can begin within another.
_MARK = re.compile(r"<[!?/]?[A-Za-z!?-][^<>]*>|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Tags within a line; any other parts words.
_INLINE = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|u|wbr)"
    r"(?![A-Za-z0-9-])|<!",
    re.IGNORECASE,
)


def between_tags(text: str) -> tuple[str, Sequence[tuple[int, int]]]:
    """The text that a reader would see, and of each of its code points the part of `text` that it is from.

    What a browser hides (a style sheet, say) is kept: it is better to judge too much than to be shown a way to hide.
    """
    pieces, origins, at = list[str](), list[tuple[int, int]](), 0
    for mark in _MARK.finditer(text):
        shown = _shown(mark[0])
        pieces += text[at : mark.start()], shown
        origins += [*_each(at, mark.start()), *[mark.span()] * len(shown)]
        at = mark.end()
    return "".join([*pieces, text[at:]]), [*origins, *_each(at, len(text))]


def _each(start: int, end: int) -> Iterator[tuple[int, int]]:
    return ((place, place + 1) for place in range(start, end))


def _shown(mark: str) -> str:
    if mark.startswith("&"):
        return html.unescape(mark)
    return "" if _INLINE.match(mark) else "\n"
