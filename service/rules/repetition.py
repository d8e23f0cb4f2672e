"""Fingerprints of a text, by which Redis counts how often the same text, a similar one, or the same link came.

Texts are normalized first: case, accents and disguises go, digits become one class, a link becomes its domain. Two
texts are near if one of their fingerprints is equal, and Redis needs one exact look-up for each
(classifier/fingerprints.py).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from classifier import fingerprints as prints
from classifier.homoglyphs import fold_homoglyphs
from service.rules.links import LinkKind, TextLink, find_links, registered_domain, target_of
from service.rules.readings import SPACELESS, is_spaceless

# With fewer letters texts are equal by chance.
SHORT_LETTERS = 12
WORDS_OF_SHINGLE, CHARACTERS_OF_SHINGLE = 2, 5
MOST_LINKS = 10
_NUMBER = re.compile(r"[0-9]+")
_NO_WORD, _WORD = re.compile(r"[\W_]+"), re.compile(r"[^\W_]+")


class Fingerprints(NamedTuple):
    """`exact`: of the whole text. `near`: see above; empty for a short text. `links`: of the targets of its links.

    `is_short`: the text has fewer than SHORT_LETTERS letters, so `exact` says little.
    """

    exact: str
    near: tuple[str, ...]
    links: tuple[str, ...]
    is_short: bool


def fingerprints(text: str, *, with_near: bool = True) -> Fingerprints:
    """Accepts any str. Equal in each process and release that normalizes alike. `with_near`: takes most of the time."""
    return fingerprints_with(text, find_links(text), with_near=with_near)


def fingerprints_with(text: str, links: tuple[TextLink, ...], *, with_near: bool = True) -> Fingerprints:
    """For a text whose links are known."""
    shown = _shown(text, [registered_domain(each.host) for each in links], links) if links else text
    found = _prints(shown, with_near=with_near and not links)
    is_short = found.letters < SHORT_LETTERS
    near = found.near
    if is_short:
        near = ()
    elif with_near and links:  # an attacker changes the address from copy to copy
        near = _prints(_shown(text, [""] * len(links), links), with_near=True).near
    exact = found.exact if found.letters else _hash(" ".join(text.split()))
    return Fingerprints(exact, near, _of_targets(links) if links else (), is_short)


def _of_targets(links: Sequence[TextLink]) -> tuple[str, ...]:
    targets = dict.fromkeys(target_of(each) for each in links[:MOST_LINKS] if each.kind is not LinkKind.EMAIL)
    return tuple(map(_hash, filter(None, targets)))


def _shown(text: str, shown_as: Sequence[str], links: Sequence[TextLink]) -> str:
    """The text with each link as it is shown."""
    pieces, done = [], 0
    for link, shown in zip(links, shown_as, strict=True):
        pieces += [text[done : link.start], " ", _NO_WORD.sub("", shown), " "]
        done = link.end
    return "".join([*pieces, text[done:]])


def _prints(shown: str, *, with_near: bool) -> prints.Prints:
    shown = shown[: prints.MOST_CHARACTERS]
    if shown.isascii():
        return prints.of_ascii(shown, WORDS_OF_SHINGLE if with_near else 0)
    words = _normalized(shown)
    joined = " ".join(words)
    if with_near and _is_spaceless(words, joined):
        return prints.of_words(joined, CHARACTERS_OF_SHINGLE, only_telling=False)
    return prints.of_words(joined, WORDS_OF_SHINGLE if with_near else 0, only_telling=True)


def _normalized(shown: str) -> list[str]:
    """The words; of scripts that write no spaces between words the letters."""
    folded = _NUMBER.sub("0", fold_homoglyphs(shown))
    words = _WORD.findall(folded)
    if not SPACELESS.search(folded):
        return words
    return [part for word in words for part in (word if any(map(is_spaceless, word)) else (word,))]


def _is_spaceless(words: list[str], joined: str) -> bool:
    """Whether most of them are letters of a script without spaces."""
    if not SPACELESS.search(joined):
        return False
    return 2 * sum(len(word) == 1 and is_spaceless(word) for word in words if not word.isascii()) > len(words)


def _hash(value: str) -> str:
    return prints.hashed(value.encode("utf-8", "replace"))
