"""A checkpoint is only reused by a run with the same data and recipe."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from classifier import LABELS
from training import checkpoint
from training.errors import DataUnusable
from training.examples import CALIBRATION_FOLDS, Examples
from training.fit import Fitted, Recipe

RECIPE = Recipe()


def examples() -> Examples:
    texts = ["You are a fool.", "What a garden!", "Look at this.", "Shut up, moron."]
    labels = np.full((len(texts), len(LABELS)), np.nan, np.float32)
    labels[:, 0] = [1, 0, 0, 1]
    folds = np.array([0, *CALIBRATION_FOLDS, 3], np.int8)
    return Examples(texts, labels, np.ones(len(texts), np.float32), texts, folds, ["own"] * len(texts))


def fitted() -> Fitted:
    calibration_set = examples().where(np.array([False, True, True, False]))
    arrays = {"bias": np.arange(7.0), "rows": np.arange(12, dtype=np.uint8).reshape(3, 4)}
    return Fitted(arrays, {"en": LABELS, "de": ("toxicity", "insult")}, calibration_set, np.arange(14.0).reshape(2, 7))


def kept(folder: Path) -> Path:
    checkpoint.save(folder, examples(), RECIPE, fitted())
    return folder / checkpoint.NAME


def test_what_was_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    kept(tmp_path / "training")
    found = checkpoint.read(tmp_path / "training", examples(), RECIPE)
    assert found is not None
    assert found.arrays.keys() == {"bias", "rows"}
    for name, array in fitted().arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype
    assert found.languages == fitted().languages
    assert found.calibration_set.texts == ["What a garden!", "Look at this."]
    np.testing.assert_array_equal(found.logits, fitted().logits)


def test_nothing_is_kept_before_the_first_run(tmp_path: Path) -> None:
    assert checkpoint.read(tmp_path, examples(), RECIPE) is None


CHANGES: dict[str, Callable[[Examples], Examples]] = {
    "texts": lambda it: replace(it, texts=["You are no fool.", *it.texts[1:]]),
    "labels": lambda it: replace(it, labels=1 - it.labels),
    "weights": lambda it: it.weighted(2),
    "groups": lambda it: replace(it, groups=["one", "one", *it.groups[2:]]),
    "folds": lambda it: replace(it, folds=it.folds[::-1]),
    "sources": lambda it: replace(it, sources=["moderators", *it.sources[1:]]),
    "languages": lambda it: replace(it, languages=["de", *it.languages[1:]]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_run_with_other_examples_begins_anew(tmp_path: Path, name: str) -> None:
    kept(tmp_path)
    assert checkpoint.read(tmp_path, CHANGES[name](examples()), RECIPE) is None


def test_a_run_with_another_recipe_begins_anew(tmp_path: Path) -> None:
    kept(tmp_path)
    assert checkpoint.read(tmp_path, examples(), replace(RECIPE, epochs=RECIPE.epochs + 1)) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"no archive",
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw.replace(b"toxicity", b"toxicit!"),
        lambda raw: raw.replace(b"said.npy", b"sick.npy"),
    ],
    ids=["empty", "other", "cut", "changed", "without a part"],
)
def test_a_damaged_file_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    file = kept(tmp_path)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DataUnusable, match=r"fast\.npz is damaged; remove it to start over"):
        checkpoint.read(tmp_path, examples(), RECIPE)
