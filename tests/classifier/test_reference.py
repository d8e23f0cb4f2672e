"""The kernel and the scikit-learn reference give the same probabilities."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import classifier
from classifier import reference
from classifier.folder import read_folder
from classifier.kernel import Weights
from classifier.reference import Reference

Arrays = dict[str, NDArray[Any]]

TOLERANCE = 1e-6
DATA = Path(__file__).parents[3] / "shared" / "data"

# Any code point, lone surrogates too, and short alphabets that make repeats, blanks and disguises likely.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80) | st.text(
    "ab '1\u00e9\u0301\u200b\U0001f600 \n", max_size=80
)


@pytest.fixture(scope="module", autouse=True)
def words_once() -> Iterator[None]:
    """Words come again and again, and the reference hashes each of them anew: here it does so once."""
    features, once = reference.character_features, lru_cache(1 << 16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "character_features", once(lambda run: tuple(features(run))))
        patch.setattr(reference, "mixed", once(reference.mixed))
        patch.setattr(Reference, "_vector", once(Reference._vector))  # noqa: SLF001 - no seam shows it from outside
        yield


@pytest.fixture(scope="session")
def both(arrays: Arrays) -> tuple[Weights, Reference]:
    return Weights(arrays), Reference(arrays)


# 10,000 texts in all.
@settings(max_examples=1_250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(texts=st.lists(ANY_TEXT, min_size=8, max_size=8))
def test_any_unicode_gets_the_same_probabilities(both: tuple[Weights, Reference], texts: list[str]) -> None:
    weights, reference = both
    np.testing.assert_allclose(weights.score_many(texts), reference.predict_proba(texts), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(
    "text", ["", "\0", "\ud800", "\u3164", "a" * 20_480, "e\u0301" * 9_000, "\ufdfa" * 900, "ab " * 6_000]
)
def test_hostile_texts_get_the_same_probabilities(both: tuple[Weights, Reference], text: str) -> None:
    weights, reference = both
    np.testing.assert_allclose([weights.score(text)], reference.predict_proba([text]), rtol=0, atol=TOLERANCE)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "column"), [("civil_comments_toxic_spans", "text"), ("jigsaw_toxic_train", "comment_text")]
)
def test_real_comments_get_the_same_probabilities_from_the_shipped_model(name: str, column: str) -> None:
    path = DATA / f"{name}.parquet"
    if not path.exists():
        pytest.skip("../shared/data is not there")
    from pyarrow import parquet  # noqa: PLC0415 - only where there are data

    texts = parquet.read_table(path, columns=[column])[column].to_pylist()[:1_000]
    _, arrays, _ = read_folder(classifier.SHIPPED)
    found, expected = Weights(arrays).score_many(texts), Reference(arrays).predict_proba(texts)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
