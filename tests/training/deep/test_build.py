"""The combination of both readers: the languages that they judge, and which texts it is fitted on."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

import classifier
from classifier import LABELS
from classifier.deep.kernel import ARRAYS
from classifier.deep.stack import logit
from classifier.folder import DEEP, EXPECTED, read_folder, write_folder
from classifier.kernel import Weights
from classifier.manifest import FORMAT
from training.deep.build import (
    FEWEST,
    LIKE_FIRST,
    TRANSFERRED,
    StartFrom,
    combine_readers,
    existing_arrays,
    judged_in,
    train_reader,
)
from training.deep.fit import DeepRecipe, DeepTrainingSet, Run
from training.deep.published import Published
from training.deep.training_set import STACKING_FOLD
from training.errors import DataUnusable
from training.examples import Examples, joined
from training.fit import Fitted

RUDE = ("You are a {} idiot.", "Shut up, you {} moron.", "Only a {} clown writes so.", "{} garbage, and so are you.")
KIND = ("You are a {} friend.", "What a {} garden you have!", "Look at this {} sunset.", "Only a {} cook bakes so.")
WORDS = ("great", "big", "total", "real", "complete", "true", "huge", "small", "strange", "loud")
GOLDEN = ("You idiot.", "Thank you for the article.")


def made(source: str, language: str = "en", *, turned: bool = False) -> Examples:
    """80 texts, half of them toxic; `turned`: the labels say the contrary."""
    texts = [frame.format(word) for frames in (RUDE, KIND) for frame in frames for word in WORDS]
    count = len(texts)
    labels = np.zeros((count, len(LABELS)), np.float32)
    labels[:, 0] = labels[:, LABELS.index("spam")] = np.arange(count) < count / 2
    labels = 1 - labels if turned else labels
    folds, weights = np.full(count, STACKING_FOLD, np.int8), np.ones(count, np.float32)
    return Examples(texts, labels, weights, texts, folds, [source] * count, [language] * count)


def fitted(calibration_set: Examples) -> Fitted:
    """The fast reader that ships, as one that was calibrated on these texts."""
    _, arrays, _ = read_folder(classifier.SHIPPED)
    fast = {name: arrays[name] for name in EXPECTED}
    said = (logit(Weights(fast).score_many(calibration_set.texts)) - fast["intercept"][0]) / fast["slope"][0]
    return Fitted(fast, {"en": LABELS}, calibration_set, said)


def test_languages_are_measured_by_harmful_comments_and_not_by_sentences_of_our_own() -> None:
    enough = made("toxic_danish_dkhate", "da").at(np.arange(FEWEST - 10, dtype=np.intp))
    assert np.count_nonzero(enough.labels[:, 0]) == FEWEST - 10
    more = enough.at(np.arange(10, dtype=np.intp))
    english = made("jigsaw_toxic_train")
    assert judged_in(joined([english, enough])) == (["en"], [*TRANSFERRED])
    assert judged_in(joined([english, enough, more])) == (["en", "da"], [*TRANSFERRED])
    french = made("moderators", TRANSFERRED[0])
    assert judged_in(joined([english, french, french]))[0] == ["en", TRANSFERRED[0]]
    assert TRANSFERRED[0] not in judged_in(joined([english, french, french]))[1]
    written = replace(french, sources=["contrast_fr"] * len(french))
    assert judged_in(joined([english, written, written])) == (["en"], [*TRANSFERRED])


def test_a_deep_reader_is_kept_as_it_is(tmp_path: Path) -> None:
    manifest, arrays, words = read_folder(classifier.SHIPPED)
    found = existing_arrays(classifier.SHIPPED)
    assert found.keys() == ARRAYS.keys()
    np.testing.assert_array_equal(found["first"], arrays["deep_first"])
    fast = msgspec.structs.replace(manifest, deep=None, format=FORMAT)
    write_folder(tmp_path / "fast", fast, arrays, words)
    with pytest.raises(DataUnusable, match="has no deep reader"):
        existing_arrays(tmp_path / "fast")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataUnusable):
        existing_arrays(tmp_path / "empty")


def test_a_deep_reader_on_another_encoder_is_refused(tmp_path: Path) -> None:
    manifest, arrays, words = read_folder(classifier.SHIPPED)
    assert manifest.deep is not None
    other = msgspec.structs.replace(manifest.deep, encoder_sha256="0" * 64)
    write_folder(tmp_path / "other", msgspec.structs.replace(manifest, deep=other), arrays, words)
    with pytest.raises(DataUnusable, match="another encoder"):
        existing_arrays(tmp_path / "other")


def test_a_run_continues_from_a_model_folder_at_half_the_rate(
    monkeypatch: pytest.MonkeyPatch, source: Published
) -> None:
    begun: list[DeepRecipe] = []

    class NoSteps(Run):
        def __init__(
            self, source: Published, training_set: DeepTrainingSet, recipe: DeepRecipe, folder: Path | None
        ) -> None:
            begun.append(recipe)
            super().__init__(source, training_set, recipe, folder)
            self.step = self.steps

    monkeypatch.setattr("training.deep.build.Run", NoSteps)
    monkeypatch.setattr("training.deep.build.published", lambda: source)
    examples = replace(made("jigsaw_toxic_train"), folds=np.zeros(80, np.int8))
    arrays = existing_arrays(classifier.SHIPPED)
    recipe = DeepRecipe(threads=1)
    found = train_reader(examples, recipe, None, StartFrom(arrays=arrays), lambda _: None)
    assert [(each.rate, each.is_continued) for each in begun] == [(recipe.rate / 2, True)]
    np.testing.assert_allclose(found["output"], arrays["output"])
    changed = found["project"] != arrays["project"]
    assert changed.mean() < 0.01, "the rounded weights round to themselves"
    train_reader(examples, recipe, None, StartFrom(), lambda _: None)
    assert (begun[1].rate, begun[1].is_continued) == (recipe.rate, False)


def test_what_is_weighed_is_a_second_reader_as_a_model_folder_holds_it() -> None:
    examples = made("jigsaw_toxic_train")
    first = fitted(examples)
    found = combine_readers(existing_arrays(classifier.SHIPPED), first, examples, None, GOLDEN)
    assert found.arrays.keys() == DEEP.keys()
    assert [*found.described.languages] == ["en", *TRANSFERRED]
    assert found.described.transferred == [*TRANSFERRED]
    unjudged = {"severe_toxicity", "identity_attack", "insult", "profanity", "threat"}
    assert found.described.languages["en"] == [label for label in LABELS if label not in unjudged]
    fast = Weights(first.arrays)
    rude, kind = (found.stack.score(0, text, fast.score(text)) for text in GOLDEN)
    assert rude[0] > 0.5 > kind[0]
    np.testing.assert_allclose(found.described.golden, [rude, kind])
    assert set(found.described.adjusted.values()) == {(1.0, 0.0)}


def test_only_comments_that_neither_reader_learned_from_are_weighed() -> None:
    natural, arrays = made("jigsaw_toxic_train"), existing_arrays(classifier.SHIPPED)
    others = [
        made("contrast_en", turned=True),
        made("fox_news_comments", turned=True),
        replace(made("jigsaw_toxic_train", turned=True), folds=np.full(len(natural), 2, np.int8)),
    ]
    alone = combine_readers(arrays, fitted(natural), natural, None, GOLDEN)
    beside = combine_readers(arrays, fitted(joined([natural, *others])), natural, None, GOLDEN)
    for name in ("deep_stack", "deep_stack_bias"):
        np.testing.assert_array_equal(alone.arrays[name], beside.arrays[name])


def test_a_stricter_sample_moves_the_first_language_and_those_like_it_and_is_written_down() -> None:
    examples, arrays = made("jigsaw_toxic_train"), existing_arrays(classifier.SHIPPED)
    first = fitted(examples)
    public = joined([made("jigsaw_toxic_test_public"), made("jigsaw_toxic_test_public", turned=True)])
    before, after = (combine_readers(arrays, first, examples, each, GOLDEN) for each in (None, public))
    slope, intercept = after.described.adjusted["toxicity"]
    stack, bias = (before.arrays[f"deep_{name}"] for name in ("stack", "stack_bias"))
    np.testing.assert_allclose(after.arrays["deep_stack"][0, 0], stack[0, 0] * slope)
    np.testing.assert_allclose(after.arrays["deep_stack_bias"][0, 0], bias[0, 0] * slope + intercept)
    languages = [*after.described.languages]
    others = [row for row, language in enumerate(languages) if language != "en" and language not in LIKE_FIRST]
    np.testing.assert_array_equal(after.arrays["deep_stack"][others], stack[others])
    assert (slope, intercept) != (1.0, 0.0)
    for language in LIKE_FIRST:
        for name in ("deep_stack", "deep_stack_bias"):
            np.testing.assert_array_equal(after.arrays[name][languages.index(language)], after.arrays[name][0])
