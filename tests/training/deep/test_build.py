"""The combination of both readers: the languages that they judge, and which texts it is fitted on."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

import classifier
from classifier import LABELS
from classifier.deep.encoder import SHIPPED, load_encoder
from classifier.deep.kernel import ARRAYS
from classifier.deep.reader import DeepReader, count_networks, prefix
from classifier.deep.stack import logit
from classifier.folder import EXPECTED, read_folder, write_folder
from classifier.folder import arrays_of as arrays_of_folder
from classifier.kernel import Weights
from classifier.manifest import FORMAT
from training.deep.build import (
    FEWEST,
    LIKE_FIRST,
    SHARES,
    TRANSFERRED,
    Arrays,
    StartFrom,
    combine_readers,
    existing_arrays,
    judged_in,
    train_reader,
)
from training.deep.fit import DeepRecipe, DeepTrainingSet, Run
from training.deep.frozen import published_network
from training.deep.integers import arrays_of, reach
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
    networks = count_networks(found)
    assert found.keys() == {prefix(at) + name for at in range(networks) for name in ARRAYS}
    assert manifest.deep is not None
    assert networks == manifest.deep.networks
    np.testing.assert_array_equal(found["first"], arrays["deep_first"])
    fast = msgspec.structs.replace(manifest, deep=None, own=[], format=FORMAT)
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


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch, source: Published) -> list[DeepRecipe]:
    """The runs of first networks, which end before their first step."""
    found: list[DeepRecipe] = []

    class NoSteps(Run):
        def __init__(
            self, source: Published, training_set: DeepTrainingSet, recipe: DeepRecipe, file: Path | None
        ) -> None:
            found.append(recipe)
            super().__init__(source, training_set, recipe, file)
            self.step = self.steps

    monkeypatch.setattr("training.deep.build.Run", NoSteps)
    monkeypatch.setattr("training.deep.build.published", lambda: source)
    return found


def to_learn() -> Examples:
    return replace(made("jigsaw_toxic_train"), folds=np.zeros(80, np.int8))


def network(arrays: Arrays, number: int) -> Arrays:
    return {name: arrays[prefix(number) + name] for name in ARRAYS}


def test_a_run_continues_from_a_model_folder_at_half_the_rate(begun: list[DeepRecipe]) -> None:
    arrays, recipe = existing_arrays(classifier.SHIPPED), DeepRecipe(threads=1)
    found = train_reader(to_learn(), recipe, None, StartFrom(arrays=arrays), lambda _: None)
    assert found.keys() == arrays.keys(), "as many networks as before"
    assert [(each.rate, each.is_continued) for each in begun] == [(recipe.rate / 2, True)]
    np.testing.assert_allclose(found["output"], arrays["output"], rtol=1e-5)
    changed = found["project"] != arrays["project"]
    assert changed.mean() < 0.01, "the rounded weights round to themselves"


def test_a_new_reader_has_a_network_whose_encoder_stays_as_published(
    begun: list[DeepRecipe], tmp_path: Path, source: Published
) -> None:
    recipe = DeepRecipe(threads=1, epochs=5)
    found = train_reader(to_learn(), recipe, tmp_path, StartFrom(), lambda _: None)
    assert [(each.rate, each.is_continued) for each in begun] == [(recipe.rate, False)]
    assert count_networks(found) == len(SHARES) == 2
    frozen = published_network(source)
    weights = {name: tensor.numpy() for name, tensor in frozen.state_dict().items()}
    published = arrays_of(weights, reach(frozen, [np.arange(5, dtype=np.int32)]))
    second = network(found, 1)
    for name in ("project", "said", "d0", "last_gain"):
        np.testing.assert_array_equal(second[name], published[name])
    assert second["output"].any()
    assert not second["hidden_mean"].any(), "it judges by its sentence alone"
    assert [file.name for file in tmp_path.iterdir()] == ["deep.pt"], "its embeddings are large"


@pytest.mark.usefixtures("begun")
def test_the_second_network_of_a_reader_goes_on_where_it_stood() -> None:
    """With one step at a low rate it says nearly what it said."""
    first = train_reader(to_learn(), DeepRecipe(threads=1, epochs=300), None, StartFrom(), lambda _: None)
    again = train_reader(to_learn(), DeepRecipe(threads=1, epochs=0.1), None, StartFrom(arrays=first), lambda _: None)
    encoder = load_encoder(SHIPPED / "use-multilingual-3")
    before, after = (
        DeepReader.of(encoder, network(each, 1)).read_many(to_learn().texts)[:, 0] for each in (first, again)
    )
    assert np.ptp(before) > 1
    np.testing.assert_allclose(after, before, atol=np.ptp(before) / 10)


@pytest.mark.usefixtures("begun")
def test_each_network_counts_for_its_share() -> None:
    arrays = train_reader(to_learn(), DeepRecipe(threads=1, epochs=5), None, StartFrom(), lambda _: None)
    begin = StartFrom(arrays=arrays)
    for number, share in enumerate(SHARES):
        np.testing.assert_allclose(
            begin.network(number)["output"] * share, network(arrays, number)["output"], rtol=1e-5
        )


@pytest.mark.usefixtures("begun")
def test_a_checkpoint_is_continued_as_one_network(tmp_path: Path) -> None:
    train_reader(to_learn(), DeepRecipe(threads=1), tmp_path, StartFrom(), lambda _: None)
    file = tmp_path / "deep.pt"
    found = train_reader(to_learn(), DeepRecipe(threads=1), None, StartFrom(checkpoint=file), lambda _: None)
    assert count_networks(found) == 1


def test_what_is_weighed_is_a_second_reader_as_a_model_folder_holds_it() -> None:
    examples = made("jigsaw_toxic_train")
    first = fitted(examples)
    found = combine_readers(existing_arrays(classifier.SHIPPED), first, examples, None, GOLDEN)
    of_folder = arrays_of_folder(msgspec.structs.replace(classifier.read_manifest(classifier.SHIPPED), own=[]))
    assert found.arrays.keys() == of_folder.keys() - EXPECTED.keys()
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
