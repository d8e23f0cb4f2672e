"""Quantizes weights to bytes, so that a model has an eighth of the size and needs fewer cache lines."""

import numpy as np
from numpy.typing import NDArray

MOST = 127
# Larger values are clipped: a few outliers would make the step of all others coarse.
SHARE_KEPT = 0.9999


def quantized_columns(table: NDArray[np.floating], seed: int = 0) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """(rows, columns) as integers, and the step size of each column.

    Stochastic rounding keeps the sum of many small weights right on average; rounding all of them to zero would lose
    accuracy.
    """
    size = np.abs(table).astype(np.float64)
    largest = np.array([np.quantile(each[each > 0], SHARE_KEPT) if each.any() else 1.0 for each in size.T])
    steps = np.maximum(largest, 1e-12) / MOST
    random = np.random.default_rng(seed)
    found = np.empty(table.shape, np.int8)
    for column in range(table.shape[1]):
        scaled = np.clip(table[:, column] / steps[column], -MOST, MOST)
        found[:, column] = np.floor(scaled + np.where(scaled == 0, 0.5, random.random(len(scaled)))).clip(-MOST, MOST)
    return found, steps


def table_rows(idf: NDArray[np.uint8], weights: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """`rows` and `steps` of a bag of n-grams (classifier/_kernel.c). `weights`: (len(idf), LABELS)."""
    rounded, steps = quantized_columns(np.where(idf[:, None] > 0, weights, 0))
    return np.column_stack([idf, rounded.view(np.uint8)]), steps
