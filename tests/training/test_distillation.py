"""Distilled targets mix the known labels with the teachers' predictions."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from classifier.kernel import LABELS
from training.distillation import TEACHER_SHARE, TEACHER_WEIGHT, distilled
from training.network import TrainingTargets, WordOrder
from training.sequences import Sequences, sequences

BITS = 12
# The same words said by two groups; the second is labeled for the second attribute alone, and weighs more.
TEXTS = [f"word{n % 5} of text {n}" for n in range(80)]
IS_SECOND = np.arange(80) >= 40


def _targets() -> TrainingTargets:
    labels = np.full((80, LABELS), np.nan, np.float32)
    labels[~IS_SECOND, 0] = np.arange(40) % 5 == 0
    labels[IS_SECOND, 1] = 1
    labels[-1] = np.nan
    weights = np.where(IS_SECOND, 2, 1).astype(np.float32)
    weights[0] = 0
    return TrainingTargets.of(labels, weights, IS_SECOND.astype(np.intp))


def _distilled(read: Sequences, targets: TrainingTargets) -> tuple[TrainingTargets, NDArray[np.float64]]:
    """The targets distilled, and what its two teachers say on average, by group."""
    teachers = [WordOrder(epochs=4, seed=seed).fit(read, targets) for seed in (1, 2)]
    logits = np.mean([teacher.decision_function(read) for teacher in teachers], axis=0)
    own = np.mean([teacher.layers_["group_intercepts"][1] for teacher in teachers], axis=0)
    assert np.abs(own[1]) > 0.01
    return distilled(targets, teachers, read), expit(logits + np.where(IS_SECOND[:, None], own, 0))


def test_a_known_label_is_said_by_both_and_an_unknown_one_by_the_teachers() -> None:
    read, targets = sequences(TEXTS, BITS), _targets()
    found, said = _distilled(read, targets)
    np.testing.assert_allclose(found.labels[5, 0], (1 - TEACHER_SHARE) + TEACHER_SHARE * said[5, 0], atol=1e-6)
    np.testing.assert_allclose(found.labels[6, 0], TEACHER_SHARE * said[6, 0], atol=1e-6)
    np.testing.assert_allclose(found.labels[6, 1:], said[6, 1:], atol=1e-6)
    np.testing.assert_allclose(found.labels[60, 1], (1 - TEACHER_SHARE) + TEACHER_SHARE * said[60, 1], atol=1e-6)
    np.testing.assert_allclose(found.labels[60, 0], said[60, 0], atol=1e-6)


def test_a_guess_weighs_less_than_a_label_and_nothing_where_nothing_is_known() -> None:
    read, targets = sequences(TEXTS, BITS), _targets()
    found, _ = _distilled(read, targets)
    assert found.weights[6].tolist() == [1, *[np.float32(TEACHER_WEIGHT)] * (LABELS - 1)]
    assert found.weights[60, 1] == 2
    assert found.weights[60, 0] == np.float32(TEACHER_WEIGHT * 2)
    assert not found.weights[[0, -1]].any(), "a text without a weight, and one without a label"
    np.testing.assert_array_equal(found.groups, targets.groups)


def test_who_learns_it_judges_what_its_own_labels_never_said() -> None:
    read, targets = sequences(TEXTS, BITS), _targets()
    is_known = targets.weights[:, 0] > 0
    teacher = WordOrder(epochs=40).fit(read, targets)
    student = WordOrder(epochs=40, seed=3).fit(read, distilled(targets, [teacher], read), np.flatnonzero(~is_known))
    alone = WordOrder(epochs=40, seed=3).fit(read, targets, np.flatnonzero(~is_known))
    answers = np.array([n % 5 == 0 for n in range(40)])
    assert alone.layers_["output_bias"][0] == -3, "where it began"
    judged = student.decision_function(read, np.arange(40))[:, 0]
    assert judged[answers].min() > judged[~answers].max()
