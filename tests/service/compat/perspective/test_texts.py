"""Sentences, places in a text, HTML and masks, by themselves."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.compat.perspective import fields
from service.compat.perspective.errors import InvalidRequest
from service.compat.perspective.markup import between_tags
from service.compat.perspective.texts import MOST_SENTENCES, in_utf16, sentences, utf16_length

any_text = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" .!?\n😀。aB\"'"), max_size=60)


def parts(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("This is one sentence. Another.", ["This is one sentence.", "Another."]),
        ("One! Two? Three… Four", ["One!", "Two?", "Three…", "Four"]),
        ('He said "no." She left.', ['He said "no."', "She left."]),
        ("One line\nanother line", ["One line", "another line"]),
        (
            "Mr. J. Smith paid 3.50 at example.org today. Fine.",
            ["Mr.", "J. Smith paid 3.50 at example.org today.", "Fine."],
        ),
        ("It was, e.g. there, fine. Yes.", ["It was, e.g. there, fine.", "Yes."]),
        ("Wait... what? No", ["Wait...", "what?", "No"]),
        ("你好。你是谁\uff1f好", ["你好。", "你是谁\uff1f", "好"]),
        ("كيف حالك؟ جيد", ["كيف حالك؟", "جيد"]),
        ("  leading and trailing.  ", ["leading and trailing."]),
        ("none", ["none"]),
        ("", []),
        (" \n ", []),
        ("!!!", ["!!!"]),
    ],
)
def test_sentences_are_told(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


@given(any_text)
def test_sentences_hold_all_of_the_text_but_blanks_once_and_in_order(text: str) -> None:
    found = sentences(text)
    assert "".join(parts(text)).split() == "".join(parts(text)).split()
    assert "".join("".join(parts(text)).split()) == "".join(text.split())
    edges = [edge for span in found for edge in span]
    assert edges == sorted(edges)
    assert all(part == part.strip() != "" for part in parts(text))


def test_a_text_of_nothing_but_sentences_has_an_end() -> None:
    text = "Go on. " * 2900
    found = sentences(text)
    assert len(found) == MOST_SENTENCES
    assert found[-1][1] == len(text) - 1


@given(any_text)
def test_places_are_those_that_utf16_has(text: str) -> None:
    found = sentences(text)
    encoded = text.encode("utf-16-le")
    assert utf16_length(text) * 2 == len(encoded)
    for (start, end), (first, last) in zip(found, in_utf16(text, found), strict=True):
        assert encoded[first * 2 : last * 2].decode("utf-16-le") == text[start:end]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>You</p><p>fool</p>", "You fool"),
        ("You f<b>oo</b>l", "You fool"),
        ("You<!-- fool -->.", "You fool ."),
        ("You <idiot> <stupid-fool>", "You <idiot> <stupid-fool>"),
        ("1 < 2 & 3 > 2", "1 < 2 & 3 > 2"),
        ("I <3 you", "I <3 you"),
        ("a &amp; b &lt;i&gt; &#102;&#x6f;ol", "a & b <i> fool"),
        ("&#0000000102;uck &#x000000066;ool &#105diot", "fuck fool idiot"),
        ("&#" + "0" * 5_000 + "105;diot &#" + "1" * 5_000 + ";", "idiot \ufffd"),
        ("&nosuch; &", "&nosuch; &"),
        ('<a href="https://x.example">link</a><br>next', "link next"),
        ("<abbr>x</abbr><article>y", "x y"),
    ],
)
def test_the_text_between_tags_is_what_a_reader_sees(html: str, expected: str) -> None:
    assert " ".join(between_tags(html)[0].split()) == expected


@given(st.text(st.sampled_from("<>ab/!-&;#amp x01"), max_size=40))
def test_each_character_between_tags_knows_where_it_came_from(html: str) -> None:
    text, origins = between_tags(html)
    assert len(text) == len(origins)
    edges = [edge for origin in origins for edge in origin]
    assert all(0 <= start < end <= len(html) for start, end in origins)
    assert edges[::2] == sorted(edges[::2])
    for character, (start, end) in zip(text, origins, strict=True):
        assert html[start:end] == character or html[start] in "<&-"


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["attributeScores", "TOXICITY", "*", "/", "(", ")", ",", ".", "languages", "x"]), max_size=9
    ).map("".join)
)
def test_any_mask_is_read_or_refused(mask: str) -> None:
    answer: dict[str, Any] = {"attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}, "languages": ["en"]}
    try:
        found = fields.selected(answer, mask)
    except InvalidRequest:
        return
    assert found.keys() <= answer.keys()
