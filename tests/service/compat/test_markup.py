"""HTML of comments becomes the text that readers see, and nothing that somebody wrote gets lost on the way."""

import re

import pytest
from growth import assert_linear
from hypothesis import example, given
from hypothesis import strategies as st

from service.compat.markup import read


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("plain\ntext", "plain\ntext"),
        ("<div>Hello <b>you</b></div>", "Hello you"),
        ("one<br>two<br/>three<BR />", "one\ntwo\nthree"),
        ("<p>a</p>\n\n<p>b</p>", "a\n\nb"),
        ("<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
        ("fish &amp; chips &lt;b&gt; &#39;x&#39;&nbsp;", "fish & chips <b> 'x'"),
        ('<span class="coral-rte-spoiler">the butler</span>', "the butler"),
        (
            '<a href="https://x.example/" target="_blank" rel="noopener noreferrer">https://x.example/</a>',
            "https://x.example/",
        ),
        (
            'see <a href="https://x.example/?a=1&amp;b=2" rel="nofollow">this</a>',
            "see this\nhttps://x.example/?a=1&b=2",
        ),
        ("<img src='https://x.example/a.png'>", "https://x.example/a.png"),
        ("", ""),
        ("<div><br></div>", ""),
        (" &nbsp; ", ""),
        ("&#" + "1" * 5_000 + ";", "\ufffd"),
    ],
)
def test_what_an_editor_makes_is_read_as_its_readers_see_it(body: str, text: str) -> None:
    assert read(body).text == text


@pytest.mark.parametrize(
    "body",
    [
        "I <3 this",
        "a < b > c",
        "you <idiot>",
        "<b you idiot>x",
        '<b class="you idiot">x',
        '<div style="color: red">x',
        "<a title='you idiot'>x",
        "<!-- idiot -->",
        "<![CDATA[idiot]]>",
        "<?idiot?>",
        "<script>idiot</script>",
        "<b",
        "</>",
    ],
)
def test_what_no_editor_makes_is_text_that_somebody_wrote(body: str) -> None:
    assert read(body).text == body


words = st.text("abcdefghij <>/&;\"'=!-\n\t#", max_size=60)


@given(words)
@example("&deg")
def test_no_word_gets_lost_but_names_of_tags(body: str) -> None:
    kept = read(body).text
    unnamed = re.sub(r"&\w+", " ", body)  # "&deg" is a degree sign to a browser
    for word in re.findall(r"[c-h]{3,}", unnamed):  # no name of what is taken away has these letters alone
        assert word in kept


@given(st.text(st.characters(exclude_characters="<&"), max_size=60))
def test_plain_text_stays_as_it_is(body: str) -> None:
    assert read(body).text == body.strip()


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_may_come(body: str) -> None:
    assert isinstance(read(body).text, str)


@pytest.mark.parametrize("unit", ["<a ", "<a/", "<b =", "</", "<a href='", '<a class="coral-x ', "&#", "<p>", "\n "])
def test_hostile_markup_is_read_in_linear_time(unit: str) -> None:
    assert_linear(read, lambda length: (unit * length)[:length], 65_536)
