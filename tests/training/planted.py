"""Label archives of real comments in which some labels are wrong on purpose."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from training import archive
from training.archive import LabelLine
from training.datasets import load
from training.examples import column
from training.fit import Recipe
from training.suspects import Suspect, SuspectOptions, suspects

NAME = "jigsaw_toxic_train"
AT = datetime(2026, 11, 1, tzinfo=UTC)
# Of the labels; the others are rejected. Moderators see more harmful comments than there are on a site.
HARMLESS = 2 / 3
# Models that are made in seconds.
SMALL = Recipe(bits=14, vector_bits=12, most_iterations=40, epochs=3)


def plant(folder: Path, data: Path, labels: int, wrong: int, seed: int = 0) -> set[str]:
    """Writes an archive of so many labels, of which `wrong` ones are turned around. Returns the ids of these.

    What the data set says counts as right, although some of it is wrong as well.
    """
    random = np.random.default_rng(seed)
    known = load(NAME, data).training()
    harmful = known.labels[:, column("toxicity")] >= 0.5
    harmless = round(labels * HARMLESS)
    chosen = [
        random.choice(np.flatnonzero(harmful == answer), count, replace=False)
        for answer, count in ((False, harmless), (True, labels - harmless))
    ]
    places = random.permutation(np.concatenate(chosen))
    turned = set(random.choice(labels, wrong, replace=False).tolist())
    lines = [
        LabelLine(
            cursor=f"{number}-0",
            id=f"c-{number}",
            revision=1,
            text=known.texts[place],
            decision="reject" if harmful[place] != (number in turned) else "approve",
            at=AT,
            actor="ann",
            language="en",
        )
        for number, place in enumerate(places)
    ]
    archive.append(folder, lines, f"{labels}-0")
    return {f"c-{number}" for number in turned}


def precision(found: Sequence[Suspect], wrong: Collection[str], most: int) -> float:
    """The share of wrong labels among the first `most` suspects."""
    return sum(each.id in wrong for each in found[:most]) / min(most, len(found))


def find(folder: Path, data: Path, rows: int, recipe: Recipe) -> list[Suspect]:
    """`folder`: of the archive. `rows`: of the data set, which the models learn beside the labels."""
    options = SuspectOptions(labels=folder, folder=data, rows=rows, names=(NAME,), recipe=recipe)
    return suspects(options, datetime.now(UTC))
