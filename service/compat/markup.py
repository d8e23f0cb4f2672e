"""The visible text of comments that are sent as HTML.

A platform may send the same field as HTML or as plain text without saying which. So only the tags that comment editors
produce count as markup. Anything else between angle brackets is text: `<idiot>` is an insult, and an HTML parser would
drop it. One pattern without backtracking takes linear time; Python's own parser takes most of a minute for 64 KiB of
`<a `.
"""

import re
from typing import NamedTuple

import classifier

# A character reference as browsers read it: a number of any length needs no semicolon, a name does where text goes on.
REFERENCE = r"&(?:#[0-9]++;?|#[xX][0-9A-Fa-f]++;?|[A-Za-z][A-Za-z0-9]{1,31};)"
_BLOCKS = (
    *("address", "article", "blockquote", "dd", "div", "dl", "dt", "figcaption", "figure", "h1", "h2", "h3", "h4"),
    *("h5", "h6", "hr", "li", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul", "br"),
)
_INLINE = (
    *("a", "abbr", "b", "cite", "code", "del", "em", "i", "img", "ins", "kbd", "mark", "q", "s", "small", "span"),
    *("strike", "strong", "sub", "sup", "tbody", "thead", "tt", "u"),
)
# Attributes that readers do not see, with their values. The address of a link is judged with the text.
_QUIET = (
    r"""(?:href|src)=(?:"[^"<>]*+"|'[^'<>]*+')""",
    r"""target=["']_[a-z]{1,10}["']""",
    r"""rel=["'](?:noopener|noreferrer|nofollow|ugc|\s)*+["']""",
    r"""class=["'](?:coral-[\w-]{1,40}+|\s)*+["']""",
)
_NAMES = "|".join(sorted((*_BLOCKS, *_INLINE), key=len, reverse=True))
_TAG = re.compile(rf"</?(?P<name>{_NAMES})(?:\s++(?:{'|'.join(_QUIET)}))*+\s*+/?>", re.IGNORECASE)
_ADDRESS = re.compile(r"""(?:href|src)=(?:"([^"<>]*)"|'([^'<>]*)')""", re.IGNORECASE)
_IS_BLOCK = frozenset(_BLOCKS)


class VisibleText(NamedTuple):
    """`visible`: the text that readers see. `links`: addresses that the text does not show."""

    visible: str
    links: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Everything to judge: the text and the addresses."""
        return "\n".join((self.visible, *self.links)).strip()


def read(body: str) -> VisibleText:
    """`body` is HTML or plain text."""
    if "<" not in body and "&" not in body:
        return VisibleText(body.strip())
    pieces: list[str] = []
    links: list[str] = []
    at = 0
    for tag in _TAG.finditer(body):
        pieces.append(classifier.unescaped(body[at : tag.start()]))
        at = tag.end()
        if tag["name"].lower() in _IS_BLOCK:
            pieces.append("\n")
        links += [classifier.unescaped(double or single) for double, single in _ADDRESS.findall(tag[0])]
    pieces.append(classifier.unescaped(body[at:]))
    visible = re.sub(r"\n\s*\n\s*", "\n\n", "".join(pieces)).strip()
    hidden = dict.fromkeys(link for link in links if link and link not in visible)
    return VisibleText(visible, tuple(hidden))
