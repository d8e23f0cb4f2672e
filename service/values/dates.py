"""Days as people write them."""

from datetime import date

from babel.dates import format_date


def long_day(day: date, language: str) -> str:
    """The day with the name of its month: "1 December 2026"."""
    return format_date(day, f"{day_number(day, language)} MMMM y" if _is_ordinal(day, language) else "long", language)


def day_number(day: date, language: str) -> str:
    """What a pattern of CLDR has for the number of the day; in French a plain number is wrong for the first."""
    return "d'er'" if _is_ordinal(day, language) else "d"


def _is_ordinal(day: date, language: str) -> bool:
    """French counts the first of a month ("1er décembre"), and no other day."""
    return language == "fr" and day.day == 1
