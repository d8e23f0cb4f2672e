"""The second reading of a code point: the ASCII letter that it looks like, or the word that it stands for."""

import unicodedata

from classifier.confusables import LOOK_ALIKES
from classifier.normalise import MOST_REMEMBERED, read

# What masks a letter, and what is a mark though it looks like another.
_MASKS = "\u2733\u2734\u2736\u2660\u2663\u2665\u2666\u2764\u25a1\u25cb\u2b1b\u2b1c"
_MASKS += "\u2022\u25cf\u25a0\u25aa\u2588\u2591\u2592\u2593\u2217\u2731\u2732\u273b\u2605\u2606\u204e\u066d\u00b7\u30fb"
_MARKS = {"\u2757": "!", "\u2755": "!", "\u203c": "!", "\u00a1": "!", "\U0001f4b2": "$", "\U0001f4b0": "$"}
# Emoji that are used as words where somebody is attacked; what else they mean, the plain reading says.
_SPOKEN = {
    "fuck you": "\U0001f595",
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
    "kill": "\U0001f52b\U0001f52a\U0001f5e1",
    "bomb": "\U0001f4a3",
    "die": "\u26b0\U0001faa6",
    "vomit": "\U0001f92e\U0001f922",
}


class _Alike(dict[int, str]):
    """Code point -> what it looks like or stands for; else what classifier.normalise reads."""

    def __missing__(self, code_point: int) -> str:
        found = read(chr(code_point))
        if len(self) < MOST_REMEMBERED:
            self[code_point] = found
        return found


def _table() -> _Alike:
    found = {each: letter for letter, alike in LOOK_ALIKES.items() for each in alike}
    found |= dict.fromkeys(_MASKS, "*") | _MARKS
    found |= {each: f" {words} " for words, emoji in _SPOKEN.items() for each in emoji}
    return _Alike({ord(each): reading for each, reading in found.items()})


_ALIKE = _table()


def read_alike(text: str) -> str:
    """The text as it looks. Any str; the same as classifier.normalise.read where nothing looks like something else."""
    return text.translate(_ALIKE)


def alike_origins(text: str) -> list[int]:
    """For each code point of `read_alike(text)`: the index in `text` of the one that it came from."""
    return [index for index, character in enumerate(text) for _ in _ALIKE[ord(character)]]


def is_foreign(chunk: str) -> bool:
    """Whether all its letters are of one script that is not Latin, as in a word of another language."""
    scripts = {unicodedata.name(each, "").split(" ")[0] for each in chunk if each.isalpha()}
    return len(scripts) == 1 and "LATIN" not in scripts
