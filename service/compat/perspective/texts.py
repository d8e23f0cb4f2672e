"""The text of a comment: checks it, splits it into sentences, and converts offsets to those of clients.

Perspective counts UTF-16 code units, as JavaScript does: an emoji is two.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from service.compat.perspective.errors import CommentEmpty, CommentTooLong, InvalidRequest
from service.compat.perspective.markup import between_tags
from service.compat.perspective.messages import Context, TextEntry
from service.values.domain import MAX_TEXT_BYTES

# Limits the size of the answer for a text of full stops. The rest of the text becomes one last span.
MOST_SENTENCES = 500

_PLAIN = frozenset({None, "PLAIN_TEXT", "TEXT_TYPE_UNSPECIFIED", 0, 1})
_HTML = frozenset({"HTML", 2})

# A sentence ends at a line feed; after end marks of scripts that do not use blanks; and after other end marks, with
# closing quotes, if white space follows. Takes linear time: a run of marks is matched only from its first one.
_WIDE, _NARROW = "\u3002\uff01\uff1f\uff61", ".!?\u2026\u061f\u0964\u06d4"
_CLOSING = "\"')\\]\u201d\u2019\u00bb\u300d\u300f\uff09"
_END = re.compile(rf"[\r\n\u2028\u2029]+|[{_WIDE}]+[{_CLOSING}]*|(?<![{_NARROW}])[{_NARROW}]++[{_CLOSING}]*+(?=\s|$)")
# A full stop that ends no sentence: after a single letter (an initial or abbreviation), or before a lower-case letter.
_INITIAL = re.compile(r"(?:^|[\s.(])[^\W\d_]\.$")
_LONGEST_INITIAL = 3


class JudgedText(NamedTuple):
    """`text`: the text to judge. `sent`: the original. `origins`: for each code point of `text`, its part of `sent`."""

    text: str
    sent: str
    origins: Sequence[tuple[int, int]] | None = None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Convert a span of `text` to code points of `sent`."""
        if self.origins is None:
            return start, end
        return self.origins[start][0], self.origins[end - 1][1]


def judged(comment: TextEntry | None, *, accept_html: bool) -> JudgedText:
    """The text of a comment to judge. Raises PerspectiveError, checking in Perspective's order."""
    text = comment.text if comment else None
    if comment is None or not text or text.isspace():
        raise CommentEmpty
    if len(text) * 4 > MAX_TEXT_BYTES and (len(text) > MAX_TEXT_BYTES or len(text.encode()) > MAX_TEXT_BYTES):
        raise CommentTooLong
    if comment.type in _PLAIN:
        return JudgedText(text, text)
    if comment.type not in _HTML:
        raise InvalidRequest("Unknown text type")
    if not accept_html:
        raise InvalidRequest("Currently, only 'PLAIN_TEXT' comments are supported")
    found, origins = between_tags(text)
    if not found or found.isspace():
        raise CommentEmpty
    return JudgedText(found, text, origins)


def check_context(context: Context | None) -> None:
    if context and context.entries and context.article_and_parent_comment:
        raise InvalidRequest(
            "Context can have either entries or article_and_parent_comment, but both fields were populated."
        )


def sentences(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence without surrounding blanks; at most MOST_SENTENCES."""
    found: list[tuple[int, int]] = []
    for start, end in _parts(text):
        inner = text[start:end]
        left = len(inner) - len(inner.lstrip())
        right = len(inner.rstrip())
        if right > left:
            found.append((start + left, start + right))
        if len(found) == MOST_SENTENCES - 1:
            rest = text[end:]
            if rest.strip():
                found.append((end + len(rest) - len(rest.lstrip()), end + len(rest.rstrip())))
            return found
    return found


def _parts(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for end in _END.finditer(text):
        if not _goes_on(text, start, end):
            yield start, end.end()
            start = end.end()
    yield start, len(text)


def _goes_on(text: str, start: int, end: re.Match[str]) -> bool:
    if end[0] != ".":
        return False
    if _INITIAL.search(text[max(start, end.end() - _LONGEST_INITIAL) : end.end()]):
        return True
    following = text[end.end() : end.end() + 2].strip()
    return following[:1].islower()


def utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def in_utf16(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Convert ascending spans from code points to UTF-16 code units."""
    if text.isascii():
        return list(spans)
    found, at, units = [], 0, 0
    for span in spans:
        edges = []
        for place in span:
            units += utf16_length(text[at:place])
            at = place
            edges.append(units)
        found.append((edges[0], edges[1]))
    return found
