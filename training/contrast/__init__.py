"""Sentences written for training: harmful ones and their harmless twins, by function of language.

Public data rarely has the harmless twin of a harmful sentence. People wrote frames ("{groups} do not belong here."),
and this package fills them; docs/contrast-sentences.md says how to write more. **The frames hold insults and threats.**
"""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from training.contrast.expansion import Row, expand
from training.contrast.frames import read_frames

# Another seed makes other sentences; figures of different seeds do not compare.
SEED = 0
FRAMES = files("training.contrast") / "frames"


def languages(folder: Traversable = FRAMES) -> tuple[str, ...]:
    """Those that frames are written in."""
    return tuple(sorted(each.name for each in folder.iterdir() if each.is_dir()))


@cache
def rows(language: str, seed: int = SEED) -> tuple[Row, ...]:
    """All sentences of a language; the same seed gives the same ones, in the same order."""
    return tuple(expand(read_frames(FRAMES / language, language), seed))


__all__ = ["FRAMES", "SEED", "Row", "languages", "rows"]
