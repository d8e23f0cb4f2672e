"""The data sets by name, each with its small loader."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from training.datasets.contrast import CONTRAST
from training.datasets.dataset import DataSet
from training.datasets.hate import HATE
from training.datasets.implicit import IMPLICIT
from training.datasets.jigsaw import JIGSAW
from training.datasets.more_languages import MORE_LANGUAGES
from training.datasets.news import NEWS
from training.datasets.other_languages import OTHER_LANGUAGES
from training.datasets.spam import SPAM
from training.errors import DataUnusable
from training.examples import Examples

DATA_SETS: Mapping[str, DataSet] = {
    each.name: each for each in (*JIGSAW, *NEWS, *HATE, *IMPLICIT, *SPAM, *OTHER_LANGUAGES, *MORE_LANGUAGES, *CONTRAST)
}

# What the shipped model learns from.
DEFAULT = tuple(name for name, each in DATA_SETS.items() if each.weight > 0)


def load(name: str, folder: Path) -> Examples:
    """Raises DataUnusable when the folder has neither our copy nor the publisher's own file."""
    if name not in DATA_SETS:
        raise DataUnusable(f"no data set '{name}'; there are {', '.join(DATA_SETS)}")
    return DATA_SETS[name].load(folder)


def available(folder: Path, names: Iterable[str] = DEFAULT) -> list[str]:
    """Those of the data sets that the folder holds, and beside them our own sentences; never those alone."""
    found = [name for name in names if DATA_SETS[name].is_in(folder)]
    return found if any(not is_written(name) for name in found) else []


def is_written(name: str) -> bool:
    """Whether its texts are nobody's comments, but written for training."""
    return name in DATA_SETS and DATA_SETS[name].written is not None
