"""Scores, spans, and the range of accepted texts."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from growth import assert_linear
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import classifier
from classifier.folder import write_folder
from classifier.kernel import Weights
from classifier.manifest import FORMAT, Golden, Manifest
from classifier.normalize import read

Arrays = dict[str, NDArray[Any]]

HOSTILE = ["", " ", "\0", "\ud800\udfff", "\U0010ffff", "a" * 20_480, "e" + "\u0301" * 20_000, "\u202e\u200b" * 9_000]
SPANS = {"suppress_health_check": [HealthCheck.function_scoped_fixture], "deadline": None}


@pytest.mark.parametrize("text", HOSTILE)
def test_every_str_gets_probabilities(model: classifier.Model, text: str) -> None:
    scores = model.score(text)
    assert len(scores) == len(model.labels) == 7
    assert all(0 <= score <= 1 for score in scores)
    assert model.score_many([text]).tolist() == [list(scores)]


def test_a_batch_says_what_single_texts_say(model: classifier.Model) -> None:
    texts = [*HOSTILE, "One comment.", "Another, with an emoji \U0001f600."]
    assert model.score_many(texts).tolist() == [list(model.score(text)) for text in texts]
    assert model.score_many([]).shape == (0, 7)


def test_threads_do_not_disturb_each_other(model: classifier.Model) -> None:
    texts = [f"comment {i} " * (i % 200) for i in range(2_000)]
    alone = [model.score(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(model.score, texts)) == alone


@pytest.mark.parametrize("unit", ["a", "ab", "e\u0301", "\ufdfa", "a\u200b", "!", "\U0001f600"])
def test_time_is_linear_in_the_length(model: classifier.Model, unit: str) -> None:
    assert_linear(model.score, lambda length: unit * length, 40_000)


def test_what_has_no_ink_changes_nothing(model: classifier.Model) -> None:
    plain = model.score("you idiot")
    for disguised in (
        "you id\u200biot",
        "YOU \uff49\uff44\uff49\uff4f\uff54",
        "you \U0001d422dio\u0301t",
        "you idi\u00adot",
    ):
        assert model.score(disguised) == pytest.approx(plain, abs=1e-12)


def test_a_greater_logit_never_gets_a_smaller_probability(arrays: Arrays) -> None:
    biases = np.linspace(-8, 8, 200)
    scores = [Weights(arrays | {"bias": np.full(7, bias)}).score("some text") for bias in biases]
    assert all(
        lower < higher for one, next_one in pairwise(scores) for lower, higher in zip(one, next_one, strict=True)
    )


@settings(max_examples=200, **SPANS)
@given(text=st.text(st.characters(exclude_categories=()), max_size=60))
def test_spans_lie_within_the_text_as_sent(model: classifier.Model, text: str) -> None:
    for span in model.spans(text, limit=1_000):
        assert 0 <= span.start < span.end <= len(text)
        assert span.label in model.labels
        assert span.weight > 0


@pytest.mark.parametrize(
    "before", ["", "\U0001f600 ", "\u05e9\u05dc\u05d5\u05dd ", "\u200b\u200b", "e\u0301e\u0301 ", "\ufb01\ufdfa "]
)
def test_spans_name_the_word_as_sent(arrays: Arrays, before: str) -> None:
    model = _model_where_everything_counts(arrays)
    text = f"{before}idiot \u202edone"
    words = {text[span.start : span.end].strip("\u200b\u202e") for span in model.spans(text, limit=1_000)}
    assert {"idiot", "done"} <= words


@pytest.mark.parametrize(
    "text", ["well, looooook at that: looooook \U0001f600 again", "a", "!!!! what?! ok", "\u200bidiot"]
)
def test_shares_of_the_code_points_add_up_to_the_logit(arrays: Arrays, text: str) -> None:
    """Together with the biases; without those of the network its units are on or off as the words alone say."""
    biases = {name: np.zeros_like(arrays[name]) for name in ("filter_bias", "hidden_bias")}
    hidden = arrays["hidden"].copy()
    hidden[-2:] = 0  # the numbers of tokens are no word's doing
    given = arrays | biases | {"hidden": hidden}
    weights, (slope, intercept) = Weights(given), (given["slope"][0], given["intercept"][0])
    scores = np.array(weights.score(text))
    found = weights.contributions(read(text)).sum(axis=0) + slope * given["bias"] + intercept
    np.testing.assert_allclose(found, np.log(scores / (1 - scores)), atol=1e-5)


def test_a_words_share_is_what_the_logit_follows(arrays: Arrays) -> None:
    """Where all units stay as they are, a share is the slope of the logit in the word's own vector."""
    text, eps = "one two three four five six seven", 1e-3
    only = arrays | {"rows": np.zeros_like(arrays["rows"])}
    shares = Weights(only).contributions(text)
    grown = only | {"vector_steps": only["vector_steps"] * np.float32(1 + eps)}
    logits = [np.log(p / (1 - p)) for p in (np.array(Weights(each).score(text)) for each in (only, grown))]
    np.testing.assert_allclose((logits[1] - logits[0]) / eps, shares.sum(axis=0), rtol=0.05, atol=0.02)


def test_at_most_as_many_spans_as_asked_for(arrays: Arrays) -> None:
    model = _model_where_everything_counts(arrays)
    text = "one two three four"
    heaviest = max(model.spans(text, limit=100), key=lambda span: span.weight)
    assert [span.weight for span in model.spans(text, limit=1)] == [heaviest.weight]
    assert model.spans("") == ()


def test_serving_imports_no_trainer_library(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; import classifier\n"
        "model = classifier.load(Path(sys.argv[1])); model.score('a comment'); model.spans('a comment')\n"
        "found = {'sklearn', 'scipy', 'joblib', 'pyarrow'} & {name.split('.')[0] for name in sys.modules}\n"
        "print(*sorted(found))"
    )
    done = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def _model_where_everything_counts(arrays: Arrays) -> classifier.Model:
    """Every feature moves every label up, so every word is a span."""
    rows = arrays["rows"].copy()
    rows[:, 1:] = 100
    weights = Weights(arrays | {"rows": rows, "output": np.zeros((64, 7), np.float32)})
    manifest = Manifest(
        format=FORMAT, version="all", created_at="", labels=list(classifier.LABELS), files={}, golden=[Golden("", [])]
    )
    return classifier.Model(manifest, weights)


def test_what_the_data_could_not_teach_is_not_scored(folder: Path, arrays: dict[str, Any]) -> None:
    whole = classifier.load(folder)
    manifest = msgspec.structs.replace(whole.manifest, version="test-2", unjudged=["insult", "spam"])
    write_folder(folder.with_name("test-2"), manifest, arrays)
    part = classifier.load(folder.with_name("test-2"))
    assert part.labels == ("toxicity", "severe_toxicity", "identity_attack", "profanity", "threat")
    text = "You are a wonderful person, and so is she."
    scores = dict(zip(whole.labels, whole.score(text), strict=True))
    assert part.score(text) == tuple(scores[label] for label in part.labels)
    assert part.score_many([text, ""]).tolist() == [list(part.score(text)), list(part.score(""))]
    of_whole = [span for span in whole.spans(text, 1000) if span.label in part.labels]
    assert list(part.spans(text, 1000)) == of_whole


def test_a_model_that_judges_nothing_or_something_unheard_of_is_refused(folder: Path, arrays: dict[str, Any]) -> None:
    whole = classifier.load(folder)
    for number, unjudged in enumerate((list(whole.labels), ["irony"])):
        path = folder.with_name(f"refused-{number}")
        write_folder(path, msgspec.structs.replace(whole.manifest, unjudged=unjudged), arrays)
        with pytest.raises(classifier.ModelRefused):
            classifier.load(path)


def test_each_language_is_judged_on_its_own_labels(folder: Path, arrays: dict[str, Any]) -> None:
    whole = classifier.load(folder)
    languages = {"en": list(whole.labels), "de": ["insult", "toxicity"]}
    write_folder(
        folder.with_name("test-2"),
        msgspec.structs.replace(whole.manifest, version="test-2", languages=languages),
        arrays | {name: np.vstack([arrays[name], arrays[name] / 2]) for name in ("slope", "intercept")},
    )
    model = classifier.load(folder.with_name("test-2"))
    assert dict(model.languages) == {"en": whole.labels, "de": ("insult", "toxicity")}
    text = "Du bist ein wunderbarer Mensch."
    scores = model.score(text, language="de")
    assert len(scores) == 2
    assert model.score_many([text, ""], language="de").tolist() == [list(scores), list(model.score("", "de"))]
    assert {span.label for span in model.spans(text, 1000, language="de")} <= {"insult", "toxicity"}
    assert model.score(text) == whole.score(text), "English when nothing is said"
    insult = whole.score(text)[whole.labels.index("insult")]
    assert np.log(scores[0] / (1 - scores[0])) == pytest.approx(np.log(insult / (1 - insult)) / 2), (
        "its own calibration"
    )


def test_a_model_that_names_no_languages_judges_english(model: classifier.Model) -> None:
    assert dict(model.languages) == {"en": model.labels}


def test_a_language_that_is_not_judged_is_refused_by_name(model: classifier.Model) -> None:
    for ask in (model.score, model.spans):
        with pytest.raises(classifier.LanguageNotJudged, match=r"'fi'.*judges en"):
            ask("Sinä olet ihana.", language="fi")
    with pytest.raises(classifier.LanguageNotJudged):
        model.score_many(["Sinä olet ihana."], language="fi")


@pytest.mark.parametrize("labels", [[], ["irony"], ["insult", "insult"]])
def test_a_model_whose_languages_make_no_sense_is_refused(
    folder: Path, arrays: dict[str, Any], labels: list[str]
) -> None:
    manifest = msgspec.structs.replace(classifier.load(folder).manifest, version="test-2", languages={"en": labels})
    write_folder(folder.with_name("test-2"), manifest, arrays)
    with pytest.raises(classifier.ModelRefused):
        classifier.load(folder.with_name("test-2"))
