"""A language gets a bag of n-grams of its own where its comments show that it helps."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier import LABELS
from classifier.deep.stack import logit
from classifier.fast import own_bags as bags_of
from classifier.fast import own_name
from classifier.kernel import UNCALIBRATED, Weights
from training.direction import direction
from training.examples import CALIBRATION_FOLDS, Examples, fold_of, joined
from training.fit import Recipe, fit
from training.machines import Machines, ThisMachine
from training.metrics import roc_auc
from training.own_bags import LEARN_FROM, OwnBags, calibrated, judged_among, own_bags

SOURCE = "german_gahd"
HARMFUL, HARMLESS = ("trottel", "abschaum", "gesindel"), ("garten", "minister", "wetter")


def comments(count: int, language: str = "de", source: str = SOURCE, seed: int = 0) -> Examples:
    """Only toxicity is known; each comment has a word that tells it."""
    random = np.random.default_rng(seed)
    answers = random.permutation(np.arange(count) % 2)
    texts = [f"{i} der {random.choice(HARMFUL if answer else HARMLESS)} der stadt" for i, answer in enumerate(answers)]
    labels = np.full((count, len(LABELS)), np.nan, np.float32)
    labels[:, 0] = answers
    folds = np.array([fold_of(text) for text in texts], np.int8)
    made = Examples(texts, labels, np.ones(count, np.float32), texts, folds, [source] * count, [language] * count)
    return made.training()


def guessed(known: Examples, skill: float, seed: int = 1) -> NDArray[np.float64]:
    """A model's logits of the comments in the calibration folds, which know `skill` of the answer."""
    judged = known.where(np.isin(known.folds, CALIBRATION_FOLDS))
    noise = np.random.default_rng(seed).normal(size=(len(judged), len(LABELS)))
    noise[:, 0] += skill * (2 * judged.labels[:, 0] - 1)
    return noise


def auc(logits: NDArray[np.float64], judged: Examples) -> float:
    found = roc_auc(logits[:, 0], judged.labels[:, 0].astype(np.int8))
    assert found is not None
    return found


def test_a_language_that_the_model_judges_badly_gets_a_bag() -> None:
    known = comments(800)
    judged, model = known.where(np.isin(known.folds, CALIBRATION_FOLDS)), guessed(known, 0.5)
    found = own_bags(known, model, ThisMachine(), 1)
    assert found.languages == ["de"]
    assert auc(found.logits, judged) > 0.95 > auc(model, judged)
    assert found.logits[:, 1:].tolist() == model[:, 1:].tolist(), "labels that no comment teaches stay"
    own = bags_of(found.arrays)["de"]
    scores = own.bag.score_many([f"der {word} der stadt" for word in (*HARMFUL, *HARMLESS)])[:, 0]
    assert scores[:3].min() > scores[3:].max()
    assert own.share[1:].tolist() == [1.0] * (len(LABELS) - 1)
    assert found.arrays[own_name("de", "rows")].shape[1] == 2, (
        "idf and toxicity: what the bag says nothing of takes no room"
    )


@pytest.mark.parametrize(("most", "bits"), [(12, 12), (16, 13)])
def test_a_table_has_as_many_rows_as_there_are_n_grams_or_the_most(
    monkeypatch: pytest.MonkeyPatch, most: int, bits: int
) -> None:
    """Here some 14,000, of which each occurs in two texts; rounded up, they would leave many rows empty."""
    monkeypatch.setattr("training.own_bags.MOST_BITS", most)
    random, known = np.random.default_rng(0), comments(800)
    words = ["".join(random.choice(list("abcdefghijklmnopqrstuvwxyz"), 6)) for _ in range(len(known) + 1)]
    texts = [f"{text} {words[at // 2 * 2]} {words[at // 2 * 2 + 1]}" for at, text in enumerate(known.texts)]
    rows = own_bags(replace(known, texts=texts), guessed(known, 0.5), ThisMachine(), 1).arrays[own_name("de", "rows")]
    assert len(rows) == 1 << bits
    assert np.count_nonzero(rows[:, 0]) < 1 << bits


@pytest.mark.parametrize(
    ("known", "skill"),
    [
        (comments(800), 20.0),
        (comments(2 * LEARN_FROM - 2), 0.5),
        (comments(800, language="en"), 0.5),
        (comments(800, source="contrast_de"), 0.5),
    ],
    ids=["the model knows all", "too few comments", "the first language", "our own sentences"],
)
def test_a_language_without_need_or_comments_gets_none(known: Examples, skill: float) -> None:
    model = guessed(known, skill)
    found = own_bags(known, model, ThisMachine(), 1)
    assert (found.languages, found.arrays) == ([], {})
    assert found.logits.tolist() == model.tolist()


def test_comments_in_the_calibration_folds_are_not_learned_before_they_are_weighed() -> None:
    """Their words occur nowhere else, so a bag that has not learned from them gains nothing on them."""
    known = comments(800)
    others = dict(zip((*HARMFUL, *HARMLESS), ("qvaxi", "zumbo", "wrepf", "jolki", "kybda", "huxem"), strict=True))
    texts = [
        " ".join(others.get(word, word) for word in text.split()) if fold in CALIBRATION_FOLDS else text
        for text, fold in zip(known.texts, known.folds, strict=True)
    ]
    assert own_bags(replace(known, texts=texts), guessed(known, 0.5), ThisMachine(), 1).languages == []


def test_diluted_copies_are_no_comments_of_the_language() -> None:
    """A file of one's own may hold several languages, and its copies stand among texts of any of them."""
    german, english = comments(1_400, source="own"), comments(4_000, "en", "own", seed=3)
    known = joined([german, english])
    known.labels[:] = np.nan_to_num(known.labels)
    seen: list[Examples] = []

    def look(known: Examples, logits: NDArray[np.float64], machines: Machines, jobs: int) -> OwnBags:
        seen.append(known)
        return own_bags(known, logits, machines, jobs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.fit.own_bags", look)
        fit(known, Recipe(bits=10, vector_bits=10, most_iterations=2, epochs=1))
    assert len(seen[0]) == len(known), "no copy is among them"


def test_our_own_sentences_count_less_than_comments_however_many_there_are() -> None:
    sentences = comments(2_400, source="contrast_de", seed=4)
    sentences.labels[:, 0] = 1 - sentences.labels[:, 0]
    known = joined([comments(800), sentences])
    found = own_bags(known, guessed(known, 0.5), ThisMachine(), 1)
    own = bags_of(found.arrays)["de"]
    harmful, harmless = own.bag.score_many(["der trottel der stadt", "der garten der stadt"])[:, 0]
    assert harmful > harmless


def test_a_word_may_mean_something_else_in_another_language() -> None:
    """The model has one weight for it, the one that English taught."""
    english = comments(4_000, "en", "jigsaw_toxic_train", seed=3)
    english.labels[:, 0] = 1 - english.labels[:, 0]
    known = joined([english, comments(1_400)])
    known.labels[:] = np.nan_to_num(known.labels)
    fitted = fit(known, Recipe(bits=10, vector_bits=10, most_iterations=20, epochs=1))
    assert fitted.own == ["de"]
    judged = fitted.calibration_set
    here = np.array(judged.languages) == "de"
    assert auc(fitted.calibrated[here], judged.where(here)) > 0.95
    row, model = [*fitted.languages].index("de"), Weights(fitted.arrays)
    said = bags_of(fitted.arrays)["de"]
    texts = ["7 der trottel der stadt", "7 der garten der stadt"]
    harmful, harmless = said.combined(model.score_many(texts, UNCALIBRATED), said.bag.score_many(texts))[:, 0]
    assert harmful > 0.5 > harmless
    assert model.score_many(texts, row)[0, 0] < 0.5, "what the model says alone"


def test_a_language_that_the_fast_reader_does_not_judge_needs_no_bag_without_a_deep_one() -> None:
    assert judged_among(["da", "de"], {"en", "de"}) == ["de"]


def test_the_better_logit_counts_more_and_none_counts_against_itself() -> None:
    random = np.random.default_rng(0)
    answers = np.arange(2_000) % 2
    told = (2 * answers - 1)[:, None] * np.array([2.0, 0.0, -1.0])
    x = random.normal(size=(2_000, 3)) + told
    found = direction(x, answers.astype(np.float32), np.full(2_000, SOURCE))
    assert found.sum() == pytest.approx(1)
    assert found[0] > 0.9
    assert found[2] == 0
    few = direction(x[:30], answers[:30].astype(np.float32), np.full(30, SOURCE))
    assert few.tolist() == [1 / 3] * 3, "too few answers: all count the same"


def test_a_calibration_is_folded_into_both_parts() -> None:
    known = comments(800)
    bags = own_bags(known, guessed(known, 0.5), ThisMachine(), 1)
    slope, intercept = np.array([[1.0] * 7, [2.0] * 7]), np.array([[0.0] * 7, [-1.0] * 7])
    before, after = bags_of(bags.arrays)["de"], bags_of(calibrated(bags, ["en", "de"], slope, intercept))["de"]
    texts = ["der trottel der stadt", "der garten der stadt"]
    np.testing.assert_allclose(after.share, 2 * before.share)
    np.testing.assert_allclose(
        logit(after.bag.score_many(texts)), 2 * logit(before.bag.score_many(texts)) - 1, atol=1e-9
    )
    other = calibrated(bags, ["en", "pl"], slope, intercept)
    assert all(np.array_equal(other[name], array) for name, array in bags.arrays.items()), "it is another language's"
