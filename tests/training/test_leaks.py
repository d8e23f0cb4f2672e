"""Held-out texts never leak into training, not even through another data set."""

import unicodedata
from pathlib import Path

import msgspec
import numpy as np
import pytest

from training import sentences
from training.datasets import available, is_written, load
from training.examples import HELD_OUT_FOLD, TEST, Examples, joined
from training.leaks import SHINGLE, without_leaks
from training.run import TrainingOptions, gather

SENTENCE = "the minister opened a new bridge over the river on monday"


def example(text: str, source: str = "paradetox_en", fold: int = 3) -> Examples:
    labels, weights = np.zeros((1, 7), np.float32), np.ones(1, np.float32)
    return Examples([text], labels, weights, [text], np.array([fold], np.int8), [source])


HELD_OUT = joined([example(f"He wrote: {SENTENCE}!", "jigsaw_toxic_train", HELD_OUT_FOLD)])


def kept(*training: Examples, held_out: Examples = HELD_OUT) -> list[str]:
    return without_leaks(joined(training), held_out).texts


def test_a_quotation_is_dropped_however_it_is_written() -> None:
    shouted = SENTENCE.upper().replace(" ", " , ")
    assert kept(example(SENTENCE), example("something else entirely"), example(f"well {shouted} indeed")) == [
        "something else entirely"
    ]


@pytest.mark.parametrize(("words", "expected"), [(SHINGLE - 1, True), (SHINGLE, False)])
def test_eight_words_in_a_row_are_a_quotation_and_seven_are_not(words: int, expected: bool) -> None:
    text = " ".join(SENTENCE.split()[:words])
    assert (kept(example(text)) == [text]) is expected


def test_words_in_another_order_are_another_sentence() -> None:
    text = " ".join(reversed(SENTENCE.split()))
    assert kept(example(text)) == [text]


def test_words_of_two_neighbouring_texts_make_no_quotation() -> None:
    words = SENTENCE.split()
    halves = (" ".join(words[:5]), " ".join(words[5:]))
    assert kept(*map(example, halves)) == list(halves)


def test_one_word_over_and_over_is_no_quotation() -> None:
    text = "no " * 20
    assert kept(example(text), held_out=example(f"I say {text}", "jigsaw_toxic_train", HELD_OUT_FOLD)) == [text]


def test_a_data_sets_own_split_is_left_alone() -> None:
    own = example(SENTENCE, "jigsaw_toxic_train")
    assert kept(own) == [SENTENCE]
    quoted = example(f"As I said, {SENTENCE}.", "jigsaw_toxic_test_public", TEST)
    assert kept(own, held_out=quoted) == [SENTENCE]
    assert kept(own, held_out=example(SENTENCE, "spam_sms", HELD_OUT_FOLD)) == []


@pytest.mark.parametrize("text", ["So it is!", "\uff33\uff2f it is", "so it\n is...", "S.o. it is \u2014"])
def test_a_held_out_text_is_dropped_from_every_data_set_however_it_is_spaced_and_signed(text: str) -> None:
    for source in ("paradetox_en", "gab_hate_corpus"):
        assert kept(example(text), held_out=example("So it is", source, TEST)) == []


def test_a_text_of_the_same_data_set_that_no_run_sees_is_dropped_without_being_named() -> None:
    unseen = [example("So it is", "gab_hate_corpus", fold) for fold in (HELD_OUT_FOLD, TEST)]
    for each in unseen:
        assert kept(example("so it is.", "gab_hate_corpus"), each) == ["So it is"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I hate \U0001f431", "I hate \U0001f469"),
        ("\U0001f431", "\U0001f469"),
        ("!?", "??"),
        ("\u0915\u093f", "\u0915\u0940"),
    ],
)
def test_texts_that_differ_by_an_emoji_or_a_vowel_are_two(one: str, other: str) -> None:
    assert kept(example(one), held_out=example(other, "hatemoji_build", TEST)) == [one]
    assert kept(example(one), held_out=example(one, "hatemoji_build", TEST)) == []


def test_a_sentence_that_two_data_sets_hold_out_is_dropped_from_both() -> None:
    both = joined(
        [
            example(f"{said}: {SENTENCE}", source, TEST)
            for said, source in (("he", "edos_sexism"), ("she", "gab_hate_corpus"))
        ]
    )
    assert kept(example(SENTENCE, "edos_sexism"), held_out=both) == []
    assert kept(example(SENTENCE, "gab_hate_corpus"), held_out=both) == []


def test_what_no_training_run_sees_stays() -> None:
    unseen = [example(SENTENCE, "paradetox_en", fold) for fold in (HELD_OUT_FOLD, TEST)]
    assert kept(*unseen) == [SENTENCE, SENTENCE]


@pytest.mark.parametrize("text", ["", "\ud800", "\0" * 9, "a b c d e f g"])
def test_texts_without_eight_words_are_kept(text: str) -> None:
    assert kept(example(text)) == [text]
    assert kept(example(SENTENCE), held_out=example(text, "jigsaw_toxic_train", HELD_OUT_FOLD)) == [SENTENCE]


def beside_cases(folder: Path, *texts: str) -> Path:
    """A folder of data sets with cases beside it, and in it a file, for our own sentences never teach alone."""
    data = folder / "data"
    data.mkdir(parents=True)
    (data / "SMSSpamCollection").write_text("ham\tSee you at noon\nham\tsee you at ten...\nspam\tWIN a phone\n")
    lines = [msgspec.json.encode({"kind": "made up", "text": text, "want": "approve"}) for text in texts]
    (folder / sentences.CASES).parent.mkdir(exist_ok=True)
    (folder / sentences.CASES).write_bytes(b"\n".join(lines))
    return data


def test_a_case_by_which_models_are_judged_is_learnt_from_no_data_set(tmp_path: Path) -> None:
    for name, cases, left in (("none", (), True), ("one", ("See you, at ten!",), False)):
        found = gather(TrainingOptions(beside_cases(tmp_path / name, *cases), ("spam_sms",)))
        assert ("see you at ten..." in found.texts) is left
        assert "See you at noon" in found.texts


@pytest.mark.data
def test_no_sentence_of_our_own_that_is_learnt_says_the_same_as_a_case(tmp_path: Path) -> None:
    cases = Path(__file__).parents[3] / "shared" / sentences.CASES
    if not cases.exists():
        pytest.skip(f"../shared/{sentences.CASES} is not there")
    folder = beside_cases(tmp_path)
    (tmp_path / sentences.CASES).write_bytes(cases.read_bytes())
    learned = gather(TrainingOptions(folder, tuple(name for name in available(folder) if is_written(name)))).training()
    judged = {said(text) for text in sentences.as_examples(folder).texts}
    assert len(judged) > 500
    assert len(learned) > 10_000
    assert not judged & {said(text) for text in learned.texts}


def said(text: str) -> str:
    """Without punctuation, spaces and what cannot be seen."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in folded if unicodedata.category(each)[0] not in "PZC") or text


@pytest.mark.data
def test_paradetox_brings_sentences_of_held_out_jigsaw_comments() -> None:
    folder = Path(__file__).parents[3] / "shared" / "data"
    if not folder.exists():
        pytest.skip("../shared/data is not there")
    held_out = joined([load(name, folder).held_out() for name in ("jigsaw_toxic_train", "jigsaw_toxic_test_public")])
    training = load("paradetox_en", folder).training()
    left = without_leaks(training, held_out)
    assert len(training) - 100 < len(left) < len(training)
    assert len(without_leaks(left, held_out)) == len(left)
