"""A checkpoint is only reused by a run with the same data and recipe."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from classifier import LABELS
from training import archive, checkpoint
from training.archive import LabelLine
from training.errors import DataUnusable
from training.examples import CALIBRATION_FOLDS, Examples
from training.fit import Fitted, Recipe
from training.run import TrainingOptions, run

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


def test_a_run_with_another_release_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path)
    monkeypatch.setattr(checkpoint, "installed", lambda: {"numpy": "0"})
    assert checkpoint.read(tmp_path, examples(), RECIPE) is None


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_resumed_run_reads_the_decisions_that_the_interrupted_one_read(tmp_path: Path) -> None:
    later = NOON + timedelta(hours=2)
    assert checkpoint.settled(tmp_path / "new", 24, NOON, resume=False) == NOON
    assert checkpoint.settled(tmp_path / "new", 24, later, resume=True) == NOON
    assert checkpoint.settled(tmp_path / "new", 0, later, resume=True) == later, "the user asks for others"
    assert checkpoint.settled(tmp_path / "new", 24, later, resume=False) == later, "a run of its own"
    assert checkpoint.settled(tmp_path / "other", 24, later, resume=True) == later
    (tmp_path / "new" / checkpoint.RUN).write_text("{")
    assert checkpoint.settled(tmp_path / "new", 24, later, resume=True) == later


def test_decisions_that_settled_meanwhile_are_left_to_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = list[datetime | None]()

    def stop(options: TrainingOptions) -> Examples:
        read.append(options.before)
        raise DataUnusable("enough")

    monkeypatch.setattr("training.run.gather", stop)
    line = LabelLine(cursor="1-0", id="c-1", revision=1, text="a", decision="approve", at=NOON)
    archive.append(tmp_path / "labels", [line], "1-0")
    options = TrainingOptions(tmp_path, labels=tmp_path / "labels", data_dir=tmp_path)
    for each in (options, replace(options, resume=True), options):
        with pytest.raises(DataUnusable, match="enough"):
            run(each, Console(quiet=True))
    assert read[0] == read[1] != read[2]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "training").write_text("")
    with pytest.raises(DataUnusable, match="training"):
        checkpoint.settled(tmp_path / "training", 24, NOON, resume=False)


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
