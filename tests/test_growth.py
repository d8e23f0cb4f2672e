"""Costs are told apart by how they grow."""

import pytest
from growth import assert_at_most, assert_linear


def once(text: str) -> int:
    return sum(1 for _ in text)


def squared(text: str) -> int:
    return sum(1 for _ in text for _ in text)


def test_a_quadratic_call_is_caught() -> None:
    with pytest.raises(AssertionError, match=r"16 times the input takes .* at most 48 times is promised"):
        assert_linear(squared, "a".__mul__, 800)


def test_a_linear_call_passes() -> None:
    assert_linear(once, "a".__mul__, 80_000)


def test_what_takes_too_many_times_as_long_is_caught() -> None:
    with pytest.raises(AssertionError, match="reading it takes"):
        assert_at_most(4, lambda: once("a" * 80_000), lambda: once("a" * 8_000), "reading it")
