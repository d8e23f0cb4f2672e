"""Hate speech from forums, Twitter, Reddit and Gab, and adversarial texts."""

from pathlib import Path

import numpy as np

from training.datasets import published
from training.datasets.dataset import DataSet, Rows, cells, chosen, numbers
from training.tables import Table

# The classes of Davidson's tweets; 1 is "offensive".
HATE_SPEECH, NEITHER = 0, 2


def _davidson(table: Table, path: Path) -> Rows:
    kind = numbers(table, "class", path)
    # "Offensive" is mostly African-American English that attacks nobody, so it counts as unknown.
    value = np.select([kind == HATE_SPEECH, kind == NEITHER], [1.0, 0.0], np.nan)
    return Rows(cells(table, "tweet", path), {"identity_attack": value, "toxicity": value})


def _edos(table: Table, path: Path) -> Rows:
    is_sexist = np.array(cells(table, "label_sexist", path)) == "sexist"
    is_threat = np.array([text.startswith("1.") for text in cells(table, "label_category", path)])
    return Rows(
        cells(table, "text", path),
        {
            # A text that is not sexist need not be harmless: these come from Gab, where other groups are attacked.
            "identity_attack": np.where(is_sexist, 0.9, 0.1),
            "toxicity": np.where(is_sexist, 0.9, np.nan),
            "threat": np.where(is_threat, 0.7, np.where(is_sexist, np.nan, 0.0)),
        },
        is_test=np.array(cells(table, "split", path)) == "test",
    )


def _hatemoji(table: Table, path: Path) -> Rows:
    hate = numbers(table, "label_gold", path)
    split = np.array(cells(table, "split", path))
    return Rows(cells(table, "text", path), {"identity_attack": hate, "toxicity": hate}, None, split == "test")


def _stormfront(table: Table, path: Path) -> Rows:
    label = cells(table, "label", path)
    return Rows(
        cells(table, "text", path),
        {"identity_attack": chosen(label, {"hate": 1.0, "noHate": 0.05}), "toxicity": chosen(label, {"hate": 1.0})},
        is_test=np.array(cells(table, "sampled_split", path)) == "sampled_test",
    )


def _mlma(table: Table, path: Path) -> Rows:
    feelings = [set(text.split("_")) for text in cells(table, "sentiment", path)]
    hateful = np.array([float("hateful" in f) if f & {"hateful", "normal"} else np.nan for f in feelings])
    toxic = np.array([0.0 if f == {"normal"} else 0.8 for f in feelings])
    return Rows(cells(table, "tweet", path), {"identity_attack": hateful, "toxicity": toxic})


HATE = (
    DataSet(
        name="davidson_tweets",
        loader=_davidson,
        published=("labeled_data.csv",),
        weight=0.2,
        teaches="identity_attack and toxicity from hate (1) and neither (0); 'offensive' says nothing",
    ),
    DataSet(
        name="edos_sexism",
        loader=_edos,
        published=("edos_labelled_aggregated.csv",),
        weight=0.3,
        teaches="identity_attack 0.9 against 0.1; toxicity and threat only where sexist",
    ),
    DataSet(
        name="hatemoji_build",
        loader=_hatemoji,
        published=("HatemojiBuild/*.csv",),
        weight=0.4,
        teaches="identity_attack and toxicity, also by emoji; its other half is harmless and looks alike",
    ),
    DataSet(
        name="stormfront_sentences",
        loader=_stormfront,
        published=("annotations_metadata.csv",),
        read=published.stormfront,
        weight=0.4,
        teaches="identity_attack 1 against 0.05; toxicity only where hateful",
    ),
    DataSet(
        name="english_mlma",
        loader=_mlma,
        published=("en_dataset.csv",),
        weight=0.0,
        teaches="nothing by default: its labels are too noisy",
    ),
)
