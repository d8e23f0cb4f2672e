"""The data sets by name, each with its loader."""

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
    """Raises DataUnusable if the folder has neither our copy nor the publisher's own file."""
    if name not in DATA_SETS:
        raise DataUnusable(f"unknown data set '{name}'; known are {', '.join(DATA_SETS)}")
    return DATA_SETS[name].load(folder)


def available(folder: Path, names: Iterable[str] = DEFAULT) -> list[str]:
    """The data sets in the folder, plus our generated sentences; empty if there would only be generated sentences."""
    found = [name for name in names if DATA_SETS[name].is_in(folder)]
    return found if any(not is_written(name) for name in found) else []


def is_written(name: str) -> bool:
    """Whether the data set is generated from sentences written for training, not from real comments."""
    return name in DATA_SETS and DATA_SETS[name].written is not None
