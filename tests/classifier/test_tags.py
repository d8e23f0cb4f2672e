"""HTML tags hide no abuse: a text is also read as a browser shows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import classifier
from classifier.tags import without_tags


@pytest.fixture(scope="module")
def shipped() -> classifier.Model:
    return classifier.load(classifier.SHIPPED)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("st<b></b>upid", "stupid"),
        ("kill <i>yourself</i>", "kill yourself"),
        ("mor<wbr>on", "moron"),
        ("mor<WBR />on", "moron"),
        ("mor<!-- x -->on", "moron"),
        ("<p>kill<br/>yourself</p>", "\nkill\nyourself\n"),
        ('you <span class="x" title="a/b">fool</span>', "you fool"),
        ("<a href='https://a.example/'>fool", "fool"),
    ],
)
def test_a_text_is_read_as_a_browser_shows_it(text: str, shown: str) -> None:
    found = without_tags(text)
    assert found is not None
    assert found.text == shown
    assert [text[at] for at in found.sent()] == [letter if letter != "\n" else "<" for letter in shown]


@pytest.mark.parametrize(
    "text",
    ["", "you fool", "you <idiot>", "1 < 2 > 1", "a<b", "<b", "<>", "i <3 you", "<!-- you fool", "<bold>", "x<i+1>y"],
)
def test_what_is_no_tag_is_text(text: str) -> None:
    assert without_tags(text) is None


@given(st.lists(st.sampled_from(["<", ">", "/", "b", "br", "a ", "!--", "--", "x", "\n", "'", "="]), max_size=30))
def test_each_character_that_is_left_is_one_of_the_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    if found := without_tags(text):
        shown, sent = found.text, found.sent()
        assert len(shown) == len(sent)
        assert sent == sorted(sent)
        assert all(
            text[at] == letter or (text[at], letter) == ("<", "\n") for letter, at in zip(shown, sent, strict=True)
        )


@pytest.mark.parametrize(
    ("sent", "plain"),
    [
        ("kill <b>yourself</b>", "kill yourself"),
        ("you <i>mor</i>on", "you moron"),
        ("you wh<!-- -->ore", "you whore"),
        ("<p>you f<i>uc</i>king <b>1d10t</b></p>", "you fucking idiot"),
        ("<span>#you</span><b>are</b>an<i>idiot</i>", "you are an idiot"),
    ],
)
def test_tags_lower_no_score(shipped: classifier.Model, sent: str, plain: str) -> None:
    insult, threat = (shipped.labels.index(label) for label in ("insult", "threat"))
    as_sent, as_shown = shipped.score(sent), shipped.score(plain)
    assert max(as_shown[insult], as_shown[threat]) > 0.5
    for at in (insult, threat):
        assert as_sent[at] >= as_shown[at] - 0.05
    assert shipped.score_many([sent]).tolist() == [pytest.approx(as_sent)]


@pytest.mark.parametrize(
    "text",
    [
        "<p>Thank you, <i>that</i> was a good read.</p>",
        "The <a href='https://a.example/'>budget of the town</a> says otherwise.",
    ],
)
def test_harmless_comments_with_tags_stay_harmless(shipped: classifier.Model, text: str) -> None:
    limits = [shipped.manifest.thresholds[label]["review_at"] for label in shipped.labels]
    assert all(score < limit for score, limit in zip(shipped.score(text), limits, strict=True))


def test_a_span_covers_the_word_with_its_tags(shipped: classifier.Model) -> None:
    text = "You are an <b>id</b>iot."
    spans = [text[span.start : span.end] for span in shipped.spans(text) if span.label == "insult"]
    assert any(span.startswith("id") and span.rstrip(".").endswith("iot") for span in spans)
