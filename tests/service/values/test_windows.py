"""A long text in windows: all of it, in order, none too long."""

from hypothesis import given
from hypothesis import strategies as st

from service.values.domain import MAX_TEXT_BYTES
from service.values.windows import LOOK_BACK, OVERLAP, windows

MOST = 4 * (LOOK_BACK + OVERLAP) + 100
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(st.lists(words, min_size=1, max_size=30), st.integers(1, 60), st.sampled_from([" ", "", "\n", "\u2003"]))
def test_windows_cover_a_text_in_order_and_overlap(some: list[str], times: int, between: str) -> None:
    # Numbers of a fixed length tell where in the text a window lies.
    text = between.join(f"{place:06}{word}" for place, word in enumerate(some * times))
    end = 0
    for each in windows(text, MOST):
        assert len(each.encode()) <= MOST
        start = text.index(each, max(0, end - OVERLAP))
        assert start <= end, "nothing is left out"
        assert start + len(each) > end
        end = start + len(each)
    assert end == len(text)


def test_a_short_text_is_one_window() -> None:
    for text in ("", "a", "ü" * (MAX_TEXT_BYTES // 2), "a" * MAX_TEXT_BYTES):
        assert windows(text) == [text]


def test_windows_end_and_begin_between_words() -> None:
    text = " ".join(["classical"] * 10_000)
    found = windows(text)
    assert len(found) > 1
    assert {word for each in found for word in each.split()} == {"classical"}


def test_a_text_without_a_space_is_cut_all_the_same() -> None:
    found = windows("é" * 3 * MAX_TEXT_BYTES)
    assert {len(each.encode()) for each in found[:-1]} == {MAX_TEXT_BYTES}
