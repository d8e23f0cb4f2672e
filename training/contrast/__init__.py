"""Sentences generated for training: harmful ones and their harmless counterparts, by function.

Public data rarely has a harmless counterpart for a harmful sentence. People wrote frames ("{groups} do not belong
here."), and this package fills them; docs/contrast-sentences.md says how to write more.
**The frames contain insults and threats.**
"""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from training.contrast.expansion import Row, expand
from training.contrast.frames import read_frames

# Another seed gives other sentences, so figures of different seeds are not comparable.
SEED = 0
FRAMES = files("training.contrast") / "frames"


def languages(folder: Traversable = FRAMES) -> tuple[str, ...]:
    """The languages that have frames."""
    return tuple(sorted(each.name for each in folder.iterdir() if each.is_dir()))


@cache
def rows(language: str, seed: int = SEED) -> tuple[Row, ...]:
    """All sentences of a language; the same seed gives the same ones, in the same order."""
    return tuple(expand(read_frames(FRAMES / language, language), seed))


__all__ = ["FRAMES", "SEED", "Row", "languages", "rows"]
