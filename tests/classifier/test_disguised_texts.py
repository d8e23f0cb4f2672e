"""A model with a vocabulary scores disguised words; the vocabulary is verified like other files."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

import classifier
from classifier.folder import write_folder
from classifier.words import MOST_BYTES, Words

WORDS = Words(("idiot", "fuck", "shit"), ("you", "are", "an", "really"))
TEXTS = ["you are an 1d10t", "f**k, really", "you i d i o t \U0001f595", "you are an idiot", "really"]


@pytest.fixture
def knowing(folder: Path, arrays: dict[str, NDArray[Any]]) -> Path:
    """The folder of the model of `folder`, and words."""
    path = folder.with_name("knowing")
    write_folder(path, classifier.read_manifest(folder), arrays, WORDS)
    return path


def put_words(folder: Path, raw: bytes) -> None:
    """Other words, and a manifest that lists them."""
    (folder / "words.txt").write_bytes(raw)
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    manifest["files"]["words.txt"] = {"size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def test_each_label_but_spam_gets_the_higher_score_of_the_text_and_of_what_it_hides(
    knowing: Path, model: classifier.Model
) -> None:
    found = classifier.load(knowing)
    plain, hidden = model.score("you are an 1d10t"), model.score("you are an idiot")
    expected = [max(*pair) for pair in zip(plain, hidden, strict=True)]
    expected[found.labels.index("spam")] = plain[found.labels.index("spam")]
    assert list(found.score("you are an 1d10t")) == expected
    assert expected not in (list(plain), list(hidden)), "each reading wins somewhere, or this shows nothing"


def test_a_batch_with_disguises_says_what_single_texts_say(knowing: Path) -> None:
    found = classifier.load(knowing)
    assert found.score_many(TEXTS).tolist() == [list(found.score(text)) for text in TEXTS]
    assert all(type(each) is float for each in found.score(TEXTS[0]))
    assert found.score_many([]).shape == (0, 7)


def test_what_is_not_disguised_gets_the_scores_that_it_got_without_words(
    knowing: Path, model: classifier.Model
) -> None:
    found = classifier.load(knowing)
    for text in ("you are an idiot", "really, $100 for v1.0?", ""):
        assert found.score(text) == model.score(text)
        assert found.spans(text) == model.spans(text)


def test_spans_show_the_disguise_as_sent_for_the_labels_that_it_raised(knowing: Path, model: classifier.Model) -> None:
    found, text = classifier.load(knowing), "you i.d.i.o.t"
    plain, seen = model.score(text), found.score(text)
    raised = {label for label, a, b in zip(found.labels, plain, seen, strict=True) if b > a}
    hidden = {(span.label, span.weight) for span in model.spans("you idiot", 1000)}
    spans = found.spans(text, 1000)
    assert raised
    assert {text[span.start : span.end] for span in spans} <= {"you", "i.d.i.o.t"}
    assert {span for span in hidden if span[0] in raised} <= {(span.label, span.weight) for span in spans}
    assert len(found.spans(text, 1)) == 1


def test_a_folder_without_words_unmasks_nothing(model: classifier.Model) -> None:
    assert model.score("you 1d10t") != model.score("you idiot")


def test_words_that_were_swapped_are_refused(knowing: Path) -> None:
    (knowing / "words.txt").write_bytes(b"shit\nidiot\n" + (knowing / "words.txt").read_bytes()[11:])
    with pytest.raises(classifier.ModelRefused, match=r"words.txt is not the file"):
        classifier.load(knowing)
    (knowing / "words.txt").unlink()
    with pytest.raises(classifier.ModelRefused, match="must hold"):
        classifier.load(knowing)


def test_words_that_nothing_lists_are_refused(folder: Path) -> None:
    (folder / "words.txt").write_bytes(b"idiot\n\nyou\n")
    with pytest.raises(classifier.ModelRefused, match="must hold"):
        classifier.load(folder)


@pytest.mark.parametrize("raw", [b"", b"idiot\n", b"IDIOT\n\n", b"\xff\n\n", b"\n" + b"ab\n" * (MOST_BYTES // 3)])
def test_words_that_are_none_are_refused(knowing: Path, raw: bytes) -> None:
    put_words(knowing, raw)
    with pytest.raises(classifier.ModelRefused, match=r"words\.txt"):
        classifier.load(knowing)


def test_unmasking_never_lowers_a_score(knowing: Path, model: classifier.Model) -> None:
    found = classifier.load(knowing)
    assert np.all(found.score_many(TEXTS) >= model.score_many(TEXTS))
