"""Words that stand in nearly every sentence, which explain no score and are not highlighted."""

import re
from functools import cache
from importlib.resources import files

_WORDS = re.compile(r"[^\W\d_]+")


@cache
def _small() -> frozenset[str]:
    """Articles, pronouns, prepositions, conjunctions and auxiliary verbs of several languages."""
    return frozenset(files("service.console").joinpath("small_words.txt").read_text("utf-8").split())


def is_small(text: str) -> bool:
    """Whether the text consists of such words alone. A text without letters, such as an emoji, does not."""
    words = _WORDS.findall(text.casefold())
    return bool(words) and all(word in _small() for word in words)
