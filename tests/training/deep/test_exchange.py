"""A new deep reader in place of a model's, which keeps its fast one."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

import classifier
from classifier import LABELS
from classifier.folder import arrays_of, write_folder
from training.calibration import NATURAL
from training.deep.exchange import KeptModel, exchanged, kept_model, rescaled
from training.deep.stack import OF_WHOLE
from training.deep.training_set import STACKING_FOLD
from training.errors import DataUnusable
from training.examples import Examples

RNG_SEED = 3
TEXTS = 400


@pytest.fixture(scope="module")
def kept() -> KeptModel:
    return kept_model(classifier.SHIPPED)


def said(count: int = TEXTS) -> tuple[Examples, np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """Texts of the fold that no deep reader learns from, and logits that say mostly what is right."""
    rng = np.random.default_rng(RNG_SEED)
    logits = rng.normal(size=(count, len(LABELS)), scale=2)
    labels = (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    texts = [f"text {at}" for at in range(count)]
    folds, weights = np.full(count, STACKING_FOLD, np.int8), np.ones(count, np.float32)
    return Examples(texts, labels, weights, texts, folds, [NATURAL] * count), logits


def test_a_reader_that_says_the_same_louder_changes_no_score(kept: KeptModel) -> None:
    unseen, before = said()
    after = before * 2.5 + 0.7
    weights, bias = rescaled(kept, unseen, before, after)
    of_old = kept.stack[0, :, 1:].sum(axis=1) * before + kept.bias[0]
    of_new = weights[0, :, 1:].sum(axis=1) * after + bias[0]
    np.testing.assert_allclose(of_new, of_old, atol=0.05)
    np.testing.assert_array_equal(weights[..., 0], kept.stack[..., 0])


def test_a_reader_that_knows_less_counts_for_less(kept: KeptModel) -> None:
    unseen, before = said()
    worse = before + np.random.default_rng(RNG_SEED + 1).normal(size=before.shape, scale=4)
    weights, _ = rescaled(kept, unseen, before, worse)
    assert (weights[0, :, 1:].sum(axis=1) < kept.stack[0, :, 1:].sum(axis=1) * 0.7).all()


def test_a_language_with_too_few_answers_takes_the_scale_of_all_texts(kept: KeptModel) -> None:
    unseen, before = said()
    assert kept.manifest.deep is not None
    weights, _ = rescaled(kept, unseen, before, before * 2)
    german = list(kept.manifest.deep.languages).index("de")
    in_english, in_german = (weights[row, 0, 1:].sum() / kept.stack[row, 0, 1:].sum() for row in (0, german))
    np.testing.assert_allclose(in_german, in_english)


def test_without_answers_the_weights_stay(kept: KeptModel) -> None:
    unseen, before = said()
    unknown = replace(unseen, labels=np.full_like(unseen.labels, np.nan))
    weights, bias = rescaled(kept, unknown, before, before * 2)
    np.testing.assert_allclose(weights[..., 1:].sum(axis=-1), kept.stack[..., 1:].sum(axis=-1))
    np.testing.assert_array_equal(bias, kept.bias)


def test_the_worst_part_counts_as_in_a_new_fit(kept: KeptModel) -> None:
    unseen, before = said()
    weights, _ = rescaled(kept, unseen, before, before)
    judged = weights[..., 1:].sum(axis=-1) > 0
    np.testing.assert_allclose((weights[..., 1] / weights[..., 1:].sum(axis=-1))[judged], OF_WHOLE)


def test_the_same_reader_in_its_own_place_makes_the_same_model(kept: KeptModel, tmp_path: Path) -> None:
    unseen, _ = said(60)
    found = exchanged(kept, kept.deep, unseen)
    assert kept.manifest.own, "the bags of languages are part of the fast reader"
    of_fast = arrays_of(msgspec.structs.replace(kept.manifest, deep=None)).keys()
    assert found.arrays.keys() == arrays_of(kept.manifest).keys() - of_fast
    assert kept.fast.keys() == of_fast
    assert found.described == msgspec.structs.replace(kept.manifest.deep, golden=found.described.golden)
    manifest = msgspec.structs.replace(kept.manifest, version="exchanged", deep=found.described)
    write_folder(tmp_path / "exchanged", manifest, kept.fast | dict(found.arrays), kept.words)
    before, after = classifier.load(classifier.SHIPPED), classifier.load(tmp_path / "exchanged")
    texts = ["You are an idiot.", "Thank you for the article.", "Ich finde den Artikel gut."]
    for language in ("en", "de"):
        np.testing.assert_allclose(after.score_many(texts, language), before.score_many(texts, language), atol=1e-6)


def test_a_model_without_a_deep_reader_cannot_exchange_it(kept: KeptModel, tmp_path: Path) -> None:
    plain = msgspec.structs.replace(kept.manifest, deep=None, own=[], format=2, version="plain")
    write_folder(tmp_path / "plain", plain, kept.fast, kept.words)
    with pytest.raises(DataUnusable, match="no deep reader"):
        kept_model(tmp_path / "plain")
