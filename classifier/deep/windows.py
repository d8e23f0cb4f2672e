"""Splits a text into parts that the deep reader judges separately, so that a long text hides no harmful sentence.

A part is one or more whole sentences. A sentence ends with punctuation before whitespace, with a line, or with Chinese
or Japanese punctuation. Everything is linear in the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from classifier.deep.tokenizer import Tokenizer

# The characters of a part: a shorter sentence is joined with the next one, a longer one is split between two chunks.
FEWEST, MOST = 20, 300
# A long text has longer parts, so that there are never many more than this.
MOST_PARTS = 64
# The number of pieces that any text may have; beyond it, one for each three bytes (tokenizer.py has the same limit for
# a chunk). So symbols, single letters and emoji names cost little more than their length, also if the text is read a
# second time unmasked. Words after them still have as many pieces as they need.
_FREE = 512

_CHUNK = re.compile(r"\S+")
_WIDE_END = re.compile(r"[^\u3002\uff01\uff1f]*[\u3002\uff01\uff1f]*")
_ENDS = tuple(".!?\u2026\u3002\uff01\uff1f\u061f\u06d4\u0964")
_CLOSING = "\"')]}\u00bb\u201d\u2019\u300d\u300f"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The pieces of a text. `parts`: [start, end) of each part in `pieces`, without gaps. `words`: [start, end) of each
    chunk in the text and in `pieces`.
    """

    pieces: list[int]
    parts: list[tuple[int, int]]
    words: list[tuple[int, int, int, int]]

    @property
    def windows(self) -> list[tuple[int, int]]:
        """The whole text, followed by its parts if there are several."""
        whole = (0, len(self.pieces))
        return [whole, *self.parts] if len(self.parts) > 1 else [whole]


def tokens_of(text: str, tokenizer: Tokenizer) -> Tokens:
    """Accepts any str, also lone surrogates; a text without visible characters is one piece, the begin marker."""
    pieces: list[int] = []
    words: list[tuple[int, int, int, int]] = []
    cuts: set[int] = set()  # where a sentence ends, in the pieces
    last = size = 0
    for start, end in _chunks(text):
        if "\n" in text[last:start]:
            cuts.add(len(pieces))
        size += end - last if text.isascii() else len(text[last:end].encode("utf-8", "surrogatepass"))
        found = tokenizer.of_chunk(text[start:end])[: max(0, _FREE + size // 3 - len(pieces))]
        words.append((start, end, len(pieces), len(pieces) + len(found)))
        pieces += found
        last = end
        if text[start:end].rstrip(_CLOSING).endswith(_ENDS):
            cuts.add(len(pieces))
    if not pieces:
        return Tokens([tokenizer.begin], [(0, 1)], [])
    return Tokens(pieces, _parts(words, cuts, len(pieces)), words)


def _chunks(text: str) -> Iterator[tuple[int, int]]:
    """Whitespace-separated chunks, also split after Chinese and Japanese sentence ends."""
    for match in _CHUNK.finditer(text):
        if text.isascii():
            yield match.span()
            continue
        for inner in _WIDE_END.finditer(text, *match.span()):
            if inner.end() > inner.start():
                yield inner.span()


def _parts(words: list[tuple[int, int, int, int]], cuts: set[int], count: int) -> list[tuple[int, int]]:
    fewest = max(FEWEST, (words[-1][1] - words[0][0]) // MOST_PARTS + 1)
    size = max(MOST, 2 * fewest)
    found: list[tuple[int, int]] = []
    start, start_text = 0, words[0][0]
    for at, (_, end, _, piece) in enumerate(words):
        following = words[at + 1][1] if at + 1 < len(words) else end
        is_end = (piece in cuts and end - start_text >= fewest) or following - start_text > size
        if is_end and piece > start:
            found.append((start, piece))
            start, start_text = piece, words[at + 1][0] if at + 1 < len(words) else end
    if start < count:
        if found and count - start and words[-1][1] - start_text < fewest:
            found[-1] = (found[-1][0], count)
        else:
            found.append((start, count))
    return found
