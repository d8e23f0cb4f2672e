"""A small model with random weights: sound in every respect but that it knows nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import classifier
from classifier.folder import write_folder
from classifier.kernel import Weights
from classifier.manifest import FORMAT, Golden, Manifest

BITS = 12
GOLDEN = ("You are a wonderful person.", "", "\uff29\uff24\uff29\uff2f\uff34 \U0001f595 \u200b")

Arrays = dict[str, NDArray[Any]]


@pytest.fixture(scope="session")
def arrays() -> Arrays:
    random = np.random.default_rng(2026)
    rows = random.normal(size=(1 << BITS, 8))
    rows[:, 0] = 1 + np.abs(rows[:, 0])
    return {
        "rows": rows.astype(np.float16),
        "bias": random.normal(size=7),
        "slope": 0.5 + random.random(7),
        "intercept": random.normal(size=7),
    }


@pytest.fixture
def folder(tmp_path: Path, arrays: Arrays) -> Path:
    """A whole model folder, a fresh one for each test to spoil."""
    weights = Weights(arrays["rows"], arrays["bias"], arrays["slope"], arrays["intercept"])
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
