"""How tests/bench/bench_cluster.py compares outputs, and where the benches of training put their tables."""

import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
HEADER = ["text", "language", "toxicity", "spam"]
ROWS = [HEADER, ["one", "en", "0.25", "0.5"], ["two", "fi", "", ""]]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(ROOT / "tests" / "bench"), *sys.path])
    import bench_cluster  # noqa: PLC0415 - a script of a folder that is on no path

    return bench_cluster


def changed(row: int, column: int, cell: str) -> list[list[str]]:
    found = [list(each) for each in ROWS]
    found[row][column] = cell
    return found


def test_the_largest_difference_of_a_score_is_found(bench: Any) -> None:
    assert bench.largest_difference(ROWS, ROWS) == 0
    assert bench.largest_difference(ROWS, changed(1, 3, "0.500002")) == pytest.approx(2e-6)


@pytest.mark.parametrize(("row", "column", "cell"), [(1, 0, "other"), (1, 1, "de"), (2, 2, "0.1"), (1, 2, "")])
def test_another_text_language_or_attribute_is_no_difference_of_scores(
    bench: Any, row: int, column: int, cell: str
) -> None:
    with pytest.raises(AssertionError, match="other"):
        bench.largest_difference(ROWS, changed(row, column, cell))
    with pytest.raises(AssertionError, match="other rows"):
        bench.largest_difference(ROWS, ROWS[:-1])


def test_scores_that_differ_too_much_make_no_table(bench: Any) -> None:
    first, other = bench.WAYS[0].name, bench.WAYS[1].name
    runs = [bench.Run(4.0, 3.0, ROWS), bench.Run(5.0, 3.0, ROWS)]
    near, far = (bench.Run(2.0, 0.5, changed(1, 3, cell)) for cell in ("0.5000005", "0.6"))
    assert bench.row(other, 100, {first: runs, other: [near, near]}) == (other, "50", "2.25", "5.00", "5e-07")
    with pytest.raises(AssertionError, match="a score differs"):
        bench.row(other, 100, {first: runs, other: [near, far]})


@pytest.mark.parametrize(("page", "mark"), [("deployment.md", "cluster"), ("retraining.md", "suspects")])
def test_the_pages_have_places_for_the_tables(tmp_path: Path, bench: Any, page: str, mark: str) -> None:
    copy = tmp_path / page
    copy.write_text((ROOT / "docs" / page).read_text())
    bench.tables.write(copy, mark, ("one", "two"), [("1", "2")])
    assert "| one | two |\n| ---: | ---: |\n| 1 | 2 |\n" in copy.read_text()
