"""A small valid model with random weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import classifier
from classifier.folder import write_folder
from classifier.kernel import ARRAYS, Weights
from classifier.manifest import FORMAT, Golden, Manifest

BITS = 12
GOLDEN = ("You are a wonderful person.", "", "\uff29\uff24\uff29\uff2f\uff34 \U0001f595 \u200b")

Arrays = dict[str, NDArray[Any]]
LIMITS = {"|u1": (0, 256), "|i1": (-127, 128)}
SPREAD = {"filters": 0.2, "hidden": 0.1, "output": 0.05}


@pytest.fixture(scope="session")
def arrays() -> Arrays:
    """About as large as what is learnt: logits of a few units, of which the bag and the network give half each."""
    random = np.random.default_rng(2026)
    sizes: dict[int | str | None, int] = {None: 1 << BITS, "languages": 1}
    made: Arrays = {}
    for name, (dtype, shape) in ARRAYS.items():
        size = [sizes.get(each, each) for each in shape]
        if dtype in ("|u1", "|i1"):
            made[name] = random.integers(*LIMITS[dtype], size).astype(dtype)
        else:
            made[name] = (random.normal(size=size) * SPREAD.get(name, 1.0)).astype(dtype)
    # No feature is unknown, and no calibration turns the order round.
    made["rows"][:, 0] = random.integers(60, 256, 1 << BITS)
    made["steps"], made["vector_steps"] = np.full(7, 0.02), np.full(32, 0.01, np.float32)
    made["slope"] = 0.5 + np.abs(made["slope"])
    return made


@pytest.fixture
def folder(tmp_path: Path, arrays: Arrays) -> Path:
    """A whole model folder, a fresh one for each test to spoil."""
    weights = Weights(arrays)
    manifest = Manifest(
        format=FORMAT,
        version="test-1",
        created_at="2026-01-01T00:00:00Z",
        labels=list(classifier.LABELS),
        files={},
        golden=[Golden(text, list(weights.score(text))) for text in GOLDEN],
    )
    path = tmp_path / "models" / "test-1"
    write_folder(path, manifest, arrays)
    return path


@pytest.fixture
def model(folder: Path) -> classifier.Model:
    return classifier.load(folder)
