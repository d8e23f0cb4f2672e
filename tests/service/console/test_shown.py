"""Readers' texts on a page: inert, honest about what cannot be seen, and marked exactly where the score came from."""

import html
import re

import pytest
from growth import assert_linear
from hypothesis import given
from hypothesis import strategies as st

from service.console.shown import is_ours_to_open, marked, plain
from service.values.domain import Reason, Span

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "<a href='javascript:alert(1)'>x</a>",
    "{{7*7}} ${7*7} <%= 7*7 %>",
    "</textarea></title></style><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!--<img src=--><img src=x onerror=alert(1)//>",
    'http://x.example/"onmouseover="alert(1)',
    "http://x.example/<script>alert(1)</script>",
    "https://x.example/'><script>alert(1)</script>",
    'www.x.example/"><script>',
    "\x00<script>\x00alert(1)</script>",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
]
TAGS = re.compile(r"</?([a-zA-Z][^\s>]*)")


def seen(markup: str) -> str:
    """What stands on the page, without signs for what cannot be seen."""
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r'<span class="odd"[^>]*>[^<]*</span>', "", markup)))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_text(text: str) -> None:
    for markup in (str(marked(text, (Span(0, len(text), "insult", 1.0),))), str(plain(text))):
        assert set(TAGS.findall(markup)) <= {"a", "mark", "span"}
        assert not re.search(r"<[^>]*\son\w+=", markup)
        assert all(link.startswith("/console/leave?to=http") for link in re.findall(r'href="([^"]*)"', markup))


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70), st.floats(0, 1)), max_size=5))
def test_whatever_the_text_and_the_spans_nothing_of_it_becomes_markup_or_is_lost(
    text: str, places: list[tuple[int, int, float]]
) -> None:
    spans = [Span(start, end, "insult", weight) for start, end, weight in places]
    markup = str(marked(text, spans))
    assert set(TAGS.findall(markup)) <= {"a", "mark", "span"}
    visible = "".join(each for each in text if each.isprintable() and each.isascii())
    assert [each for each in seen(markup) if each.isascii() and each.isprintable()] == list(visible)


def test_exactly_the_span_is_marked_by_code_points() -> None:
    text = "👍🏽 you fool & coward"
    start = text.index("fool")
    markup = marked(text, (Span(start, start + 4, "insult", 0.4),))
    assert str(markup) == '👍🏽 you <mark class="strong" title="insult">fool</mark> &amp; coward'


def test_of_spans_over_each_other_the_heavier_one_is_named() -> None:
    markup = str(marked("abcdef", (Span(0, 4, "insult", 0.1), Span(2, 6, "threat", 0.9))))
    assert markup == ('<mark class="faint" title="insult">ab</mark><mark class="strong" title="threat">cdef</mark>')


def test_what_a_rule_found_is_as_strong_as_the_heaviest_span_and_the_rule_is_named() -> None:
    found = Reason("rule", rule="house_words", spans=((2, 6),))
    markup = str(marked("abcdefgh", (Span(0, 4, "insult", 0.1), Span(4, 8, "threat", 0.9)), [found]))
    assert markup == (
        '<mark class="faint" title="insult">ab</mark><mark class="strong" title="house_words">cdef</mark>'
        '<mark class="strong" title="threat">gh</mark>'
    )


def test_spans_beyond_the_text_do_no_harm() -> None:
    assert (
        str(marked("ab", (Span(1, 99, "spam", 1.0), Span(5, 3, "spam", 1.0))))
        == 'a<mark class="strong" title="spam">b</mark>'
    )


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a\u202egpj.exe", "RLO"),
        ("\u2066x\u2069", "LRI"),
        ("pass\u200bword", "ZWSP"),
        ("a\u200db", "U+200D"),
        ("x\x00y", "U+0000"),
        ("x\x1by", "U+001B"),
        ("\ufeffx", "BOM"),
        ("a\ue000", "U+E000"),
        ("\u3164", "U+3164"),
        ("a\ufe0f", "U+FE0F"),
        ("tag\U000e0041", "U+E0041"),
        ("f\u200cool", "ZWNJ"),
        ("\u0434\u200c\u0443\u0440\u0430\u043a", "ZWNJ"),
        ("a\u200d\U0001f468", "U+200D"),
        ("\u0646\u0645\u06cc\u200c\u200c\u062e", "ZWNJ"),
        ("\u0646\u0645\u06cc\u200c you", "ZWNJ"),
        ("\u0646\u0645\u06cc\u200c\u202e\u062e", "ZWNJ"),
        ("\u200c", "ZWNJ"),
        ("\u200dfool", "U+200D"),
        ("\U0001f3f4\U000e0067\U000e0062", "U+E0067"),
        ("\U0001f3f4" + "".join(chr(0xE0000 + ord(each)) for each in "killyourself") + "\U000e007f", "U+E006B"),
        ("\U0001f600\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "U+E0067"),
    ],
)
def test_what_cannot_be_seen_is_shown_by_name(text: str, sign: str) -> None:
    for markup in (str(marked(text)), str(plain(text))):
        assert re.search(rf'<span class="odd" title="U\+[0-9A-F]+[^"]*">{re.escape(sign)}</span>', markup), markup
        assert not set("\u202e\u2066\u2069\u200b\x00\x1b\ufeff") & set(markup)


@pytest.mark.parametrize("text", ["👨‍👩‍👧 family", "❤️ heart", "naïve café", "नमस्ते", "tab\tand\nline", "עברית", "Zoë"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert str(marked(text)) == text


WRITTEN_WITH_JOINERS = {
    "Persian": "احمق نمی\u200cخواهم، کار\u200cها و خانه\u200cام",  # noqa: RUF001 - the letters are the case
    "Persian with a foreign word and a number": "PDF\u200cها و ۲۰\u200cساله و 20\u200cساله",  # noqa: RUF001 - the letters are the case
    "Persian, a letter by itself": "۱۴۰۰ ه\u200d ق",  # noqa: RUF001 - the letters are the case
    "Urdu": "کی\u200cوجہ",  # noqa: RUF001 - the letters are the case
    "Marathi": "दऱ्या र्\u200dय क्\u200d",
    "Bengali": "র\u200d্যাব উৎ\u200d",
    "Malayalam": "അവന്\u200d അവള്\u200c",
    "Sinhala": "ශ්\u200dරී",
    "Kannada": "ರ\u200d್ಕ",
    "Tamil": "க்\u200cஷ",
    "Khmer": "ប៊\u200cី",
    "flags of regions": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f "
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
    "\U0001f3f4\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f",
    "emoji": "\U0001f3f3\ufe0f\u200d\U0001f308 "
    "\U0001f469\U0001f3fd\u200d\u2695\ufe0f \U0001f642\u200d\u2194\ufe0f \U0001f3f4\u200d\u2620\ufe0f",
}


@pytest.mark.parametrize("text", WRITTEN_WITH_JOINERS.values(), ids=WRITTEN_WITH_JOINERS)
def test_joiners_in_scripts_that_need_them_and_flags_made_of_tags_are_shown_as_written(text: str) -> None:
    assert str(marked(text)) == text
    assert str(plain(text)) == text
    assert str(plain(text + " x" * 200)).startswith(text)
    for at in range(len(text) + 1):  # also where a mark begins or ends beside the joiner
        assert 'class="odd"' not in marked(text, (Span(0, at, "insult", 1.0),))


def test_marks_cannot_pile_up_between_joiners() -> None:
    assert str(marked("\u0628" + "\u064e\u064e\u064e\u200c" * 50)).count("\u064e") <= 4


def test_marks_that_pile_up_are_cut_off() -> None:
    markup = str(marked("Z" + "\u0351" * 200 + "algo"))
    assert markup.count("\u0351") <= 4
    assert seen(markup).endswith("algo")


def test_links_are_text_that_leads_to_a_page_before_them() -> None:
    markup = str(marked("see https://example.org/a?b=c&d=1, or www.example.com."))
    assert re.findall(r'href="([^"]*)"', markup) == [
        "/console/leave?to=https%3A%2F%2Fexample.org%2Fa%3Fb%3Dc%26d%3D1",
        "/console/leave?to=http%3A%2F%2Fwww.example.com",
    ]
    assert markup.count('rel="noopener noreferrer nofollow"') == 2
    assert seen(markup) == "see https://example.org/a?b=c&d=1, or www.example.com."


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("https://example.org/x", True),
        ("HTTP://EXAMPLE.ORG", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.org", False),
        ("https://exa mple.org", False),
        ("https://example.org\njavascript:x", False),
        ("", False),
    ],
)
def test_only_pages_of_the_web_are_opened(url: str, is_ours: bool) -> None:
    assert is_ours_to_open(url) is is_ours


def test_a_line_is_one_line_and_short() -> None:
    assert str(plain("a\n\n b\tc")) == "a b c"
    assert len(str(plain("x" * 20_480))) <= 280


@pytest.mark.parametrize(
    "text",
    [
        "a" * 20_480,
        "\u202e" * 6_800,
        "http://" * 2_900,
        "Z\u0351" * 6_800,
        "www." * 5_000,
        "<" * 20_480,
        "🤬" * 5_000,
        "\u0628\u200c" * 5_000,
        "\U0001f3f4\U000e0067" * 2_500,
        ".," * 10_000,
    ],
)
def test_the_longest_texts_take_a_time_that_is_linear_in_them(text: str) -> None:
    def make(length: int) -> tuple[str, tuple[Span, ...]]:
        return text[:length], tuple(Span(at, at + 40, "insult", 0.1) for at in range(0, length // 2, 40))

    assert_linear(lambda made: marked(*made), make, len(text))


def test_words_of_every_sentence_and_faint_spans_are_not_highlighted() -> None:
    text = "And you are an idiot, like 🤡"
    spans = [Span(0, 3, "insult", 0.5), Span(4, 11, "insult", 0.9), Span(15, 20, "insult", 1.0)]
    spans += [Span(22, 26, "insult", 0.05), Span(27, 28, "insult", 0.6)]
    assert re.findall(r"<mark[^>]*>([^<]*)</mark>", str(marked(text, spans))) == ["idiot", "🤡"]
