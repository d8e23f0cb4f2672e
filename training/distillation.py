"""Knowledge distillation: one network learns the mean of several (Hinton et al. 2015, arXiv 1503.02531).

Networks with different initializations make different errors, and their mean is better than each. A student that learns
the mean costs nothing more at scoring time. The teachers also supply labels that a data set lacks.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import expit

from training.network import TrainingTargets, WordOrder
from training.sequences import Sequences

# The teachers' share in a known label, and the weight of a label that only they supply, relative to a known one.
TEACHER_SHARE, TEACHER_WEIGHT = 0.3, 0.3


def distilled(targets: TrainingTargets, teachers: Sequence[WordOrder], texts: Sequences) -> TrainingTargets:
    """The targets mixed with the teachers' mean probabilities, each teacher with the intercepts of the text's group."""
    logits = [teacher.decision_function(texts) + teacher.group_intercepts(targets.groups) for teacher in teachers]
    predicted = expit(np.mean(logits, axis=0)).astype(np.float32)
    known = targets.weights > 0
    mixed = (1 - TEACHER_SHARE) * targets.labels + TEACHER_SHARE * predicted
    labels = np.where(known, mixed, predicted).astype(np.float32)
    reduced = TEACHER_WEIGHT * targets.weights.max(axis=1, keepdims=True)
    return replace(targets, labels=labels, weights=np.where(known, targets.weights, reduced).astype(np.float32))
