"""Character F1 as SemEval-2021 task 5 counts it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

import classifier
from training.span_figures import f1, marked_by, span_figures


@pytest.mark.parametrize(
    ("found", "marked", "said"),
    [([], [], 1.0), ([1], [], 0.0), ([], [1], 0.0), ([1, 2], [2, 3], 0.5), ([1, 2, 3], [1, 2, 3], 1.0)],
)
def test_f1_of_a_post(found: list[int], marked: list[int], said: float) -> None:
    assert f1(found, marked) == said


def test_what_moves_toxicity_is_marked_and_the_rest_is_not() -> None:
    model = classifier.load(classifier.SHIPPED)
    text = "Thank you for the weather report, you idiot."
    marked = marked_by(model, text)
    assert set(range(text.index("idiot"), text.index("idiot") + 5)) <= marked
    assert not marked & set(range(text.index("weather"), text.index("report")))
    assert marked_by(model, "") == set()


def test_only_test_posts_count(tmp_path: Path) -> None:
    model = classifier.load(classifier.SHIPPED)
    assert span_figures(model, tmp_path, 0) is None
    posts = ["you idiot", "the weather", "never read"]
    table = pa.table(
        {"text": posts, "spans": [str(list(range(4, 9))), "[]", "[0]"], "split": ["test", "test", "train"]}
    )
    pa.parquet.write_table(table, tmp_path / "semeval2021_toxic_spans.parquet")
    found = span_figures(model, tmp_path, 0)
    assert found is not None
    assert found.texts == 2
    assert found.f1.value == 1.0
