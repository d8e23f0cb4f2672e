"""Emoji that stand for a word in an attack on somebody, and for things, animals and feelings otherwise.

"You 🐷" calls somebody a pig, "feeding the 🐷" does not; "I will 🔪 you" is a threat, "my new 🔪" is not. So an emoji
is read as a word only if the words next to it aim it at somebody. The plain reading covers its other meanings.
"""

import re
import sys

import numpy as np

from classifier.normalize import code_points, read

# Always an attack.
ALWAYS = {"fuck you": "\U0001f595"}
_NAMES = {
    "shit": "\U0001f4a9",
    "pig": "\U0001f416\U0001f437\U0001f43d",
    "monkey": "\U0001f412\U0001f435",
    "gorilla": "\U0001f98d",
    "rat": "\U0001f400",
    "snake": "\U0001f40d",
    "cockroach": "\U0001fab3",
    "dog": "\U0001f415",
    "bitch": "\U0001f429",
    "ape": "\U0001f9a7",
    "clown": "\U0001f921",
    "trash": "\U0001f5d1\U0001f6ae",
    "vomit": "\U0001f92e\U0001f922",
}
_ACTS = {"kill": "\U0001f52b\U0001f52a\U0001f5e1", "bomb": "\U0001f4a3"}
_ENDS = {"die": "\u26b0\U0001faa6"}

# The kinds of words next to an emoji. A name follows a person, with only naming words in between; an act follows an
# intention and precedes a person. The lists are long, so they are easier to read as text.
_KINDS_OF_WORDS = """
somebody: you u ya you're youre ur he she they he's she's they're theyre hes shes him them those these
naming: are r is be a an the all such just like nothing but only both absolute total complete utter fucking fuckin damn
naming: little big fat dirty stupid dumb ugly old filthy disgusting pathetic lying piece of bunch real fucked
naming: make makes me
will: to will gonna gotta wanna should must i'll ill i'd we'll they'll let's lets can could would and
someone: her yourself urself all every everyone
go: go should must will please just and gonna can
"""


def _words(kind: str) -> frozenset[str]:
    lines = [line.partition(": ") for line in _KINDS_OF_WORDS.strip().splitlines()]
    return frozenset(word for name, _, words in lines if name == kind for word in words.split())


_SOMEBODY, _NAMING, _WILL, _GO = _words("somebody"), _words("naming"), _words("will"), _words("go")
_SELF = frozenset({"yourself", "urself"})
_SOMEONE = _SOMEBODY | _words("someone")
_AROUND = ".,;:!?\"'()[]*_~-\u2013\u2014\u2026\u201c\u201d\u2018\u2019"

# The context of an emoji in characters and in words, and the most emoji runs of one text that are examined.
_NEAR, _WORDS_NEAR = 64, 6
_MOST_PLACES = 100

_KINDS = {each: kind for kind in (_NAMES, _ACTS, _ENDS) for emoji in kind.values() for each in emoji}
_RUN = re.compile(f"[{''.join(_KINDS)}][{''.join(_KINDS)}\ufe0e\ufe0f\u200d]*+")

# Emoji that stand for a word are replaced by private-use code points, which have no meaning in a comment. If a text
# contains such code points, they are replaced by U+FFFD first.
_FIRST_MEANT = 0x10FF00
_MEANT = {each: chr(_FIRST_MEANT + at) for at, each in enumerate(_KINDS)}
_SENT = re.compile(f"[{''.join(_MEANT.values())}]")
_NOTHING = "\ufffd"
# The words of these code points, and of the emoji that are always an attack.
EMOJI_WORDS = {
    _MEANT[each]: word for kind in (_NAMES, _ACTS, _ENDS) for word, emoji in kind.items() for each in emoji
} | {each: word for word, emoji in ALWAYS.items() for each in emoji}


# What each code point is, which is quicker to look up in a table than to search for.
_IS_EMOJI, _IS_MEANT = 1, 2
_LOOKED_FOR = np.zeros(sys.maxunicode + 1, np.uint8)
_LOOKED_FOR[[ord(each) for each in _KINDS]] = _IS_EMOJI
_LOOKED_FOR[[ord(each) for each in _MEANT.values()]] = _IS_MEANT


def mark_aimed_emoji(text: str) -> str:
    """The text with each emoji that is aimed at somebody replaced by a key of EMOJI_WORDS, at the same length."""
    found = np.bitwise_or.reduce(_LOOKED_FOR[code_points(text)])
    if found & _IS_MEANT:
        text = _SENT.sub(_NOTHING, text)
    return _marked(text) if found & _IS_EMOJI else text


def _marked(text: str) -> str:
    pieces: list[str] = []
    done = 0
    for at, run in enumerate(_RUN.finditer(text)):
        if at == _MOST_PLACES:
            break
        start, end = run.span()
        if _is_aimed(_KINDS[run[0][0]], text[max(0, start - _NEAR) : start], text[end : end + _NEAR]):
            pieces += [text[done:start], "".join([_MEANT.get(each, each) for each in run[0]])]
            done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _is_aimed(kind: dict[str, str], before: str, behind: str) -> bool:
    last = [each.strip(_AROUND) for each in read(before).replace("\u2019", "'").split()[-_WORDS_NEAR:]]
    if kind is _NAMES:
        while last and last[-1] in _NAMING:
            last.pop()
        return bool(last) and (last[-1] in _SOMEBODY)
    if kind is _ENDS:
        return bool(last) and last[-1] in _GO and (last[-1] == "go" or not _SOMEBODY.isdisjoint(last))
    words = read(behind).replace("\u2019", "'").split(maxsplit=1)
    if not words or (someone := words[0].strip(_AROUND)) not in _SOMEONE:
        return False
    if last:
        return last[-1] in _WILL
    # "🔪 you" and "🔪 yourself" are complete; "🔪 you gave me" is about a thing.
    return someone in _SELF or len(words) == 1 or words[0][-1] in _AROUND
