"""HTML in comments: what is seen of it, and how long that takes."""

import pytest
from growth import assert_linear
from hypothesis import given
from hypothesis import strategies as st

from service.compat.akismet.markup import seen


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("plain", "plain"),
        ("i <3 you, a<b and c>d", "i <3 you, a<b and c>d"),
        ("st<b></b>up<i class='x'></i>id", "stupid"),
        ("stu<!---->pid", "stupid"),
        ("<!-- you idiot -->", " you idiot "),
        ("<p>one</p><p>two</p>", "\none\n\ntwo\n"),
        ("one<br />two<BR>three", "one\ntwo\nthree"),
        ('<a href="http://x.example/?a=1&amp;b=2" rel="nofollow ugc">here</a>', " http://x.example/?a=1&b=2 here"),
        ("<img src=http://x.example/ alt='you idiot'/>", " http://x.example/ you idiot "),
        ("<A HREF='http://x.example'>y</A >", " http://x.example y"),
        ("<b onclick='you idiot'>x</b>", " you idiot x"),
        ("<you idiot>", "<you idiot>"),
        ("<b you idiot>x", "<b you idiot>x"),
        ("<bold>x</bold>", "<bold>x</bold>"),
        ("&lt;b&gt; &#8217; &#x41; &eacute;", "<b> \u2019 A \u00e9"),
        ("&#0; &#xD800; &#99999999; &nosuch; &", "\ufffd \ufffd \ufffd &nosuch; &"),
        ("&#0000000102;uck &#x000000066;ool &#105diot", "fuck fool idiot"),
        ("&#" + "0" * 5_000 + "105;diot &#" + "1" * 5_000 + ";", "idiot \ufffd"),
        ("<script>alert(1)</script>", "\nalert(1)\n"),
    ],
)
def test_what_a_reader_sees_is_kept(text: str, read: str) -> None:
    assert seen(text) == read


@given(st.text(st.sampled_from("<>/ab ='\"&#;!-x0\n")))
def test_any_markup_is_read_and_letters_are_never_made_up(text: str) -> None:
    assert len(seen(text)) <= 3 * len(text) + 1


HOSTILE = ["<", "<a ", "<!--", "</", "<a b='", "<a x=y ", '<a x="y" ', "<a  ", "<a x=", "<a href=", "&#", "&a", "&#9"]
HOSTILE += ["0"]  # the digits of one long number


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_is_linear_in_the_text(piece: str) -> None:
    assert_linear(seen, lambda times: "&#" + piece * times, 16_000)
