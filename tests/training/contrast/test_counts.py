"""A command writes the counts into docs/data-sets.md."""

from pathlib import Path

import pytest

from training.contrast.counts import with_counts

DOCS = Path(__file__).parents[3] / "docs" / "data-sets.md"


def test_only_the_numbers_of_the_languages_change() -> None:
    before = DOCS.read_text()
    found = with_counts(before, {"en": 1234567, "zh": 1})
    changed = [
        (old, new)
        for old, new in zip(before.split("\n"), found.split("\n"), strict=True)
        if old.split("|") != new.split("|")
    ]
    assert [new.split("|")[1].strip() for _, new in changed] == ["`contrast_en`", "`contrast_zh`"]
    for (old, new), count in zip(changed, ("1,234,567", "1"), strict=True):
        cells, expected = new.split("|"), old.split("|")
        expected[5] = f" {count} "
        assert cells == expected


def test_a_language_that_is_not_in_the_table_is_named() -> None:
    with pytest.raises(ValueError, match="contrast_xx has 0 rows"):
        with_counts(DOCS.read_text(), {"xx": 1})
