"""How much people agree beyond chance: Cohen's kappa (Educational and Psychological Measurement 20, 1960)."""

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

BOOTSTRAPS = 2_000


class Agreement(Struct, frozen=True):
    """How much two people agree. `kappa`: beyond chance; 1: always, 0: as often as by chance."""

    pairs: int
    observed: float
    kappa: float | None
    low: float | None = None
    high: float | None = None


def cohens_kappa(table: Sequence[Sequence[int]], seed: int = 0) -> Agreement | None:
    """`table[i][j]`: number of pairs in which the first said i and the second j. The interval is a bootstrap."""
    counts = np.asarray(table, dtype=np.float64)
    pairs = int(counts.sum())
    if not pairs:
        return None
    observed, kappa = _kappas(counts[None])
    if not math.isfinite(kappa[0]):
        return Agreement(pairs, float(observed[0]), None)
    again = np.random.default_rng(seed).multinomial(pairs, counts.ravel() / pairs, BOOTSTRAPS)
    _, drawn = _kappas(again.reshape(-1, *counts.shape).astype(np.float64))
    low, high = np.quantile(drawn[np.isfinite(drawn)], (0.025, 0.975))
    return Agreement(pairs, float(observed[0]), float(kappa[0]), float(low), float(high))


def _kappas(tables: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pairs = tables.sum(axis=(1, 2))
    observed = np.trace(tables, axis1=1, axis2=2) / pairs
    by_chance = (tables.sum(axis=2) * tables.sum(axis=1)).sum(axis=1) / pairs**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return observed, (observed - by_chance) / (1 - by_chance)
