"""Diluted comments are added to the training set, without leaking held-out texts."""

import numpy as np
import pytest

from classifier import LABELS
from training.dilution import FEWEST, LEAST, LONGEST, MOST, SHARE, WEIGHT, diluted
from training.examples import Examples, column

FOLDS = (0, 3)
TEXTS = 7_200


@pytest.fixture(scope="module")
def examples() -> Examples:
    """Each word says in which fold and of which source it stands, and whether it is harmful."""
    texts, labels, folds, sources = [], [], [], []
    for n in range(TEXTS):
        fold, source, kind = n % 3 + (n % 3 == 2), f"source{n // 3 % 2}", ("bad", "good", "good", "fair")[n // 6 % 4]
        text = f"{kind}{n} of{fold}{source} and{fold}{source} more{fold}{source}"
        texts.append(text if n else text + " long" * LONGEST)
        labels.append({"bad": 1.0, "good": 0.0, "fair": 0.3}[kind])
        folds.append(fold)
        sources.append(source)
    toxicity = np.full((TEXTS, len(LABELS)), np.nan, np.float32)
    toxicity[:, column("toxicity")] = labels
    toxicity[:, column("spam")] = 1
    return Examples(texts, toxicity, np.full(TEXTS, 0.7, np.float32), texts, np.array(folds, np.int8), sources)


def test_a_share_of_the_harmful_comes_once_more_and_as_many_harmless_ones(examples: Examples) -> None:
    found = diluted(examples, ["source0"], FOLDS, seed=1)
    assert found.texts[: len(examples)] == examples.texts
    more = found.at(np.arange(len(examples), len(found)))
    is_chosen = (
        (examples.labels[:, 0] == 1) & (np.array(examples.sources) == "source0") & np.isin(examples.folds, FOLDS)
    )
    harmful = [examples.texts[at] for at in np.flatnonzero(is_chosen) if len(examples.texts[at]) <= LONGEST]
    again = [group for group, label in zip(more.groups, more.labels[:, 0], strict=True) if label]
    assert len(set(again)) == len(again) == pytest.approx(len(harmful) * SHARE, abs=len(FOLDS))
    assert set(again) <= set(harmful)
    assert len(more) == 2 * len(again)
    assert set(more.labels[:, 0].tolist()) == {0, 1}
    assert set(more.weights.tolist()) == {np.float32(0.7 * WEIGHT)}


def test_what_surrounds_it_is_harmless_and_of_the_same_source_and_fold(examples: Examples) -> None:
    found = diluted(examples, ["source0", "source1"], FOLDS, seed=1)
    places = set()
    for at in range(len(examples), len(found)):
        text, own = found.texts[at], found.groups[at]
        assert own in text, "whole, and as it was"
        before, _, behind = text.partition(own)
        places.add((bool(before), bool(behind)))
        around = (before + behind).split()
        assert all(word.startswith("good") or word.endswith(f"{found.folds[at]}{found.sources[at]}") for word in around)
        assert len(text) <= MOST + LONGEST + 2
    assert places == {(True, False), (False, True), (True, True)}
    lengths = np.array([len(text) for text in found.texts[len(examples) :]])
    assert lengths.min() >= LEAST
    assert lengths.max() > MOST - LEAST


def test_where_there_is_little_nothing_is_made_up(examples: Examples) -> None:
    is_harmless = examples.labels[:, 0] == 0
    few = np.concatenate([np.flatnonzero(~is_harmless)[: FEWEST - 1], np.flatnonzero(is_harmless)])
    assert diluted(examples.at(few), ["source0", "source1"], FOLDS, seed=1).texts == examples.at(few).texts
    assert diluted(examples, ["elsewhere"], FOLDS, seed=1).texts == examples.texts


def test_the_same_seed_gives_the_same_texts(examples: Examples) -> None:
    one, same, other = (diluted(examples, ["source0"], FOLDS, seed).texts for seed in (1, 1, 2))
    assert one == same != other
