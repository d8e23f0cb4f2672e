"""Which texts that people typed hold the id or a name of an author who is erased."""

import unicodedata
from collections.abc import Iterable, Sequence

from service.values.lists import key_of


def words_of(name: str) -> Sequence[str]:
    """A name for `holds_any`. Of many texts and names, each name is read once."""
    return key_of(name).split()


def holds_any(text: str, names: Iterable[Sequence[str]]) -> bool:
    """Whether all words of one of the names are among those of the text, in any order and in any case.

    `names`: of each what `words_of` returns. A part of a longer word does not count: "Ann" is not in "planned".
    """
    found = key_of(text)
    # Most names are not there, which one look tells.
    near = [words for words in names if words and words[0] in found]
    return any(all(_has_word(found, word) for word in words) for words in near)


def _has_word(text: str, word: str) -> bool:
    start = text.find(word)
    while start >= 0:
        before, after = text[start - 1 : start] if start else "", text[start + len(word) : start + len(word) + 1]
        if not (_goes_on(before) or _goes_on(after)):
            return True
        start = text.find(word, start + 1)
    return False


def _goes_on(neighbor: str) -> bool:
    """Whether a word goes on there. Scripts without capital letters, as Chinese and Thai, often have no blanks."""
    return neighbor.isalnum() and unicodedata.category(neighbor) != "Lo"
