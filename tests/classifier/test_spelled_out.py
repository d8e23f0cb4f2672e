"""Letters apart that spell harmless words are joined, and scored as these words; nothing hides in them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import classifier
from classifier.folder import read_folder
from classifier.model import AS_WRITTEN
from classifier.spelled_out import SpelledOut
from classifier.unmask import Unmasker

WORDS = read_folder(classifier.SHIPPED)[2]
joined = SpelledOut(WORDS).joined
unmask = Unmasker(WORDS)


@pytest.fixture(scope="module")
def model() -> classifier.Model:
    return classifier.load(Path(classifier.SHIPPED))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("T H A N K Y O U", "thank you"),
        ("W E L C O M E  B A C K everyone", "welcome  back everyone"),
        ("t.h.a.n.k.s for the tip", "thanks for the tip"),
        ("B-E-A-U-T-I-F-U-L!!!", "beautiful!!!"),
        ("w-e-l-l d-o-n-e", "well done"),
        ("H E L L O, and good night", "hello, and good night"),
        ("i saw a g o o d movie", "i saw a good movie"),
    ],
)
def test_harmless_words_are_joined(text: str, meant: str) -> None:
    found = unmask(text)
    assert found is not None
    assert found.is_plainer
    assert found.reading == meant
    assert len(found.origins) == len(meant)
    assert found.origins == sorted(found.origins)


@pytest.mark.parametrize(
    "text",
    [
        # A part that is no word, a harmful word inside or across, and a reading that is unlikely.
        "t h a n k s x q z",
        "t h a n k s f u 1 c k",
        "t h a n k s and q",
        "t.h.a.n.kyou",
        "t h e r a p i s t",
        "t h i s h i t s",
        "ass h o l e",
        "p u t a m a d r e",
        "p e n d e j o",
        "a i a i a i",
        "x y",
        "",
    ],
)
def test_what_may_be_more_than_harmless_words_is_not_joined(text: str) -> None:
    assert joined(text) is None
    found = unmask(text)
    assert found is None or not found.is_plainer


def test_harmless_words_get_the_scores_that_they_get_in_one_piece(model: classifier.Model) -> None:
    apart, plainly = "t h a n k   y o u   s o   m u c h", "thank   you   so   much"
    at = [at for at, label in enumerate(model.labels) if label not in AS_WRITTEN]
    scores = model.score(apart)
    assert [scores[each] for each in at] == [model.score(plainly)[each] for each in at]
    assert model.score_many([apart]).tolist() == [list(scores)]


@pytest.mark.parametrize(
    "text",
    [
        "k i l l y o u r s e l f",
        "t h a n k s you are scum",
        "i w i l l f i n d y o u a n d h u r t y o u",
        "e v e r y i m m i g r a n t m u s t l e a v e",
        "h.a.n.g them all",
        "t h a n k s you stupid idiot",
    ],
)
def test_abuse_keeps_the_higher_score(model: classifier.Model, text: str) -> None:
    as_sent = classifier.load(Path(classifier.SHIPPED))
    as_sent._unmask = None  # noqa: SLF001 - no seam shows what the text as sent gets
    assert all(found >= sent for found, sent in zip(model.score(text), as_sent.score(text), strict=True))


def test_spans_show_the_letters_as_sent(model: classifier.Model) -> None:
    text = "t h a n k s"
    assert all(0 <= each.start < each.end <= len(text) for each in model.spans(text))


PLAIN = st.sampled_from([word for word in WORDS.plain[:2_000] if word.isalpha()])
HARMFUL = st.sampled_from([word for word in WORDS.harmful[:400] if word.isalpha() and len(word) > len("ab")])


@settings(max_examples=300, deadline=None)
@given(words=st.lists(PLAIN, min_size=1, max_size=6), harmful=HARMFUL, at=st.integers(0, 6))
def test_no_letters_of_a_harmful_word_are_taken_for_harmless_ones(words: list[str], harmful: str, at: int) -> None:
    words.insert(at, harmful)
    found = joined(" ".join(" ".join(word) for word in words))
    assert found is None or found[0] in WORDS.plain, "one known word, like assess"
