"""Days in words."""

from datetime import date

import pytest

from service.values.dates import long_day


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        ("en", "December 1, 2026", "December 2, 2026"),
        ("de", "1. Dezember 2026", "2. Dezember 2026"),
        ("es", "1 de diciembre de 2026", "2 de diciembre de 2026"),
        ("fr", "1er décembre 2026", "2 décembre 2026"),
        ("pl", "1 grudnia 2026", "2 grudnia 2026"),
        ("pt", "1 de dezembro de 2026", "2 de dezembro de 2026"),
        (
            "uk",
            "1 \u0433\u0440\u0443\u0434\u043d\u044f 2026\u202f\u0440.",
            "2 \u0433\u0440\u0443\u0434\u043d\u044f 2026\u202f\u0440.",
        ),
    ],
)
def test_only_french_counts_the_first_day(language: str, first: str, second: str) -> None:
    assert [long_day(date(2026, 12, day), language) for day in (1, 2)] == [first, second]
    assert "1er" not in long_day(date(2026, 12, 11), language)
