"""How `make capacity` reckons from what it measured, and writes its table."""

import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parent / "bench"


@pytest.fixture
def capacity(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    import bench_capacity  # noqa: PLC0415 - a script of a folder that is on no path

    return bench_capacity


@pytest.mark.parametrize(
    ("per_second", "processes", "shards"), [(1, 1, 1), (100, 1, 1), (500, 1, 1), (501, 2, 1), (10_000, 20, 5)]
)
def test_nothing_is_more_than_half_busy(capacity: Any, per_second: int, processes: int, shards: int) -> None:
    found = capacity.need(per_second, capacity.Cost(service_us=1000, redis_us=250))
    assert (found.processes, found.shards) == (processes, shards)
    assert found.service_percent / found.processes <= 50
    assert found.redis_percent / found.shards <= 50


def test_the_table_goes_between_its_marks_and_the_rest_stays(capacity: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- capacity: begin -->\nold\n<!-- capacity: end -->\nafter\n")
    rows = list(capacity.rows("both", capacity.Cost(1000, 250)))
    capacity.write(page, rows)
    capacity.write(page, rows)
    text = page.read_text()
    assert text.startswith("before\n<!--")
    assert text.endswith("-->\nafter\n")
    assert "old" not in text
    assert text.count("| both | 10,000 | 1,000 | 250 | 1,000.0 | 20 | 250.0 | 5 |") == 1


def test_a_page_without_a_place_is_refused(capacity: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here\n")
    with pytest.raises(ValueError, match="no place"):
        capacity.write(page, [])
    assert page.read_text() == "nothing here\n"
