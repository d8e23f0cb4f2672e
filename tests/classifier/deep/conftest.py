"""The shipped encoder, and a deep reader on it with random weights."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.deep.encoder import SHIPPED, Encoder, load_encoder
from classifier.deep.kernel import ARRAYS

Arrays = dict[str, NDArray[Any]]


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return load_encoder(SHIPPED / "use-multilingual-3")


@pytest.fixture(scope="session")
def arrays() -> Arrays:
    """Every layer passes on numbers of about the size that it gets."""
    random = np.random.default_rng(2026)
    made: Arrays = {}
    for name, (dtype, shape) in ARRAYS.items():
        if dtype == "|i1":
            made[name] = random.integers(-63, 64, shape).astype(dtype)
        elif not name.endswith("_zero"):
            made[name] = (random.normal(size=shape) * 0.1).astype(dtype)
    for name in [name for name, (dtype, _) in ARRAYS.items() if dtype == "|i1"]:
        inputs = made[name].shape[0] * 4 / (3 if name in ("first", "second") else 1)
        scale = 1 / (36 * np.sqrt(inputs))
        zero = 15 if name == "project" else 128
        if name in ("first", "second"):
            ends = np.array([0, 128, 320, 640])
            parts = [made[name][ends[at] : ends[at + 1]] for at in range(3)]
            made[f"{name}_zero"] = np.stack([zero * _sums(part) for part in parts]).astype(np.int32)
            made[f"{name}_scale"] = np.full((3, 256), scale / 20, np.float32)
        else:
            made[f"{name}_zero"] = (zero * _sums(made[name])).astype(np.int32)
            made[f"{name}_scale"] = np.full(ARRAYS[f"{name}_scale"][1], scale, np.float32)
    made["per_step"] = np.full((2, 768), 3, np.float32)
    made["gain"], made["last_gain"] = np.ones(768, np.float32), np.ones(1280, np.float32)
    return made


def _sums(packed: NDArray[np.int8]) -> NDArray[np.int64]:
    """Of each column of weights that are packed."""
    return packed.astype(np.int64).sum(axis=(0, 3)).ravel()
