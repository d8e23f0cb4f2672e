"""HTML character references, also with very many digits."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

import classifier
from classifier.entities import unescaped

LONG = 5_000


@pytest.fixture(scope="module")
def shipped() -> classifier.Model:
    return classifier.load(classifier.SHIPPED)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("&amp;&lt", "&<"),
        ("&#65;&#x41;", "AA"),
        ("&#1114109;", "\U0010fffd"),
        ("&#1114112;", "\ufffd"),
        ("&#" + "1" * LONG + ";", "\ufffd"),
        ("&#" + "1" * LONG + "b", "\ufffdb"),
        ("&#" + "0" * LONG + "65;", "A"),
        ("&#" + "0" * LONG, "\ufffd"),
        ("&#x" + "1" * LONG + ";", "\ufffd"),
        ("&#x" + "0" * LONG + "41;", "A"),
    ],
)
def test_a_reference_of_any_length_is_read(text: str, read: str) -> None:
    assert unescaped(text) == read


@given(st.text("&#x;0123456789aZ \n", max_size=60))
def test_what_python_can_read_is_read_the_same(text: str) -> None:
    assert unescaped(text) == html.unescape(text)


@pytest.mark.parametrize("digits", ["1", "0", "x1"])
def test_both_readers_score_a_reference_with_thousands_of_digits(shipped: classifier.Model, digits: str) -> None:
    text = f"You are an &#{digits * LONG}; idiot"
    scores = shipped.score(text)
    assert all(0 <= score <= 1 for score in scores)
    assert shipped.score_many([text]).tolist() == [pytest.approx(scores)]
