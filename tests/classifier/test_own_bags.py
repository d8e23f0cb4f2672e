"""A model in which a language has a bag of n-grams of its own, as in format 5."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

import classifier
from classifier import ModelRefused
from classifier.fast import OWN, own_bags, own_name, without_empty_columns
from classifier.folder import read_folder, write_folder
from classifier.kernel import BAG, LABELS, UNCALIBRATED, Weights
from classifier.manifest import NEWEST_FORMAT, format_of
from classifier.normalize import read
from tests.classifier.conftest import Arrays

TEXTS = [
    "Du bist ein wunderbarer Mensch.",
    "",
    "Sch\u00f6ne Gr\u00fc\u00dfe \U0001f600",
    "\u200bM\u00fcll, Du M\u00fcll!",
]


@pytest.fixture
def own(arrays: Arrays) -> Arrays:
    random = np.random.default_rng(5)
    made = {
        "rows": random.integers(0, 256, (1 << 10, 8)).astype(np.uint8),
        "steps": np.full(LABELS, 0.01),
        "bias": random.normal(size=LABELS),
        "share": np.array([0.5, 1, 1, 0, 1, 2, 1]),
    }
    return arrays | {own_name("de", name): array for name, array in made.items()}


@pytest.fixture
def bilingual(folder: Path, own: Arrays) -> Path:
    """The model judges English and German, which has a bag of its own."""
    manifest, _, words = read_folder(folder)
    labels = list(manifest.labels)
    described = msgspec.structs.replace(
        manifest, version="de", format=NEWEST_FORMAT, languages={"en": labels, "de": labels}, own=["de"]
    )
    rows = {name: np.vstack([own[name], own[name] / 2]) for name in ("slope", "intercept")}
    write_folder(folder.with_name("de"), described, own | rows, words)
    return folder.with_name("de")


def logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(probabilities / (1 - probabilities))


def expected(own: Arrays, texts: list[str]) -> NDArray[np.float64]:
    """By the definition: the shares of the model's uncalibrated logits, and all of the bag's."""
    readings = [read(text) for text in texts]
    bag = Weights({name: own[own_name("de", name)] for name in BAG})
    model = Weights(own).score_readings(readings, UNCALIBRATED)
    return logits(model) * own[own_name("de", "share")] + logits(bag.score_readings(readings))


def test_the_bag_of_the_language_is_added_to_the_model(bilingual: Path, own: Arrays) -> None:
    model = classifier.load(bilingual)
    found = model.score_many(TEXTS, "de")
    np.testing.assert_allclose(logits(found), expected(own, TEXTS), atol=1e-6)
    np.testing.assert_allclose([model.score(text, "de") for text in TEXTS], found, atol=1e-12)


def test_other_languages_do_not_hear_of_it(bilingual: Path, folder: Path) -> None:
    model, before = classifier.load(bilingual), classifier.load(folder)
    assert model.score_many(TEXTS).tolist() == before.score_many(TEXTS).tolist()
    assert [model.spans(text) for text in TEXTS] == [before.spans(text) for text in TEXTS]


def test_both_readers_are_combined_with_the_bag_and_the_fast_one_has_it_alone(own: Arrays, tmp_path: Path) -> None:
    manifest, shipped, words = read_folder(classifier.SHIPPED)
    arrays = {**shipped, **{own_name("de", name): own[own_name("de", name)] for name in OWN}}
    languages = sorted({*manifest.own, "de"})
    described = msgspec.structs.replace(manifest, format=format_of(manifest.deep, languages), own=languages)
    write_folder(tmp_path / "both", described, arrays, words)
    model, fast = classifier.load(tmp_path / "both"), 1 / (1 + np.exp(-expected(arrays, TEXTS)))
    np.testing.assert_allclose(model.score_many(TEXTS, "de"), model.score_with(fast, TEXTS, "de"), atol=1e-6)
    alone = model.without_deep_reader().score_many(TEXTS, "de")
    columns = [manifest.labels.index(label) for label in manifest.judged["de"]]
    np.testing.assert_allclose(alone, fast[:, columns], atol=1e-6)
    assert alone.tolist() == classifier.load(tmp_path / "both", both=False).score_many(TEXTS, "de").tolist()


def test_a_word_is_shown_for_what_both_say(bilingual: Path, own: Arrays) -> None:
    """Each word's weight is the sum of its share in both, so it changes by what the bag says of it."""
    text = "eins zwei drei vier"
    weights = Weights({name: own[own_name("de", name)] for name in BAG}).contributions(read(text))
    model = Weights(own).contributions(read(text), UNCALIBRATED) * own[own_name("de", "share")]
    found = classifier.load(bilingual).spans(text, 1_000, "de")
    assert found
    for span in found:
        label = classifier.LABELS.index(span.label)
        assert span.weight == pytest.approx((weights + model)[span.start : span.end, label].sum())


def test_the_shares_of_the_code_points_add_up_to_the_logit_of_a_bag(own: Arrays) -> None:
    arrays = {name: own[own_name("de", name)] for name in BAG}
    bag = Weights(arrays)
    for text in filter(None, TEXTS):
        found = bag.contributions(read(text)).sum(axis=0) + arrays["bias"]
        np.testing.assert_allclose(found, logits(np.array(bag.score(text))), atol=1e-9)


def test_the_calibration_is_that_of_the_bag(bilingual: Path, own: Arrays) -> None:
    slope, intercept = classifier.load(bilingual).calibration("de")
    assert (slope.tolist(), intercept.tolist()) == (own[own_name("de", "share")].tolist(), [0.0] * LABELS)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"format": NEWEST_FORMAT - 1}, "has format 4; what it describes has format 5"),
        ({"own": ["../de"]}, "is not a manifest"),
        ({"own": ["fr"]}, "must list"),
        ({"own": []}, "has format 5; what it describes has format 2"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(bilingual: Path, changed: dict[str, object], reason: str) -> None:
    path = bilingual / "manifest.json"
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(path.read_bytes()) | changed))
    with pytest.raises(ModelRefused, match=reason):
        classifier.load(bilingual)


def test_a_bag_of_the_first_language_or_of_one_that_is_not_judged_is_refused(folder: Path, own: Arrays) -> None:
    manifest, arrays, words = read_folder(folder)
    for language in ("en", "fr"):
        described = msgspec.structs.replace(manifest, version=language, format=NEWEST_FORMAT, own=[language])
        bag = {own_name(language, name): own[own_name("de", name)] for name in OWN}
        write_folder(folder.with_name(language), described, arrays | bag, words)
        with pytest.raises(ModelRefused, match=f"has a bag of .'{language}'"):
            classifier.load(folder.with_name(language))


@pytest.mark.parametrize("name", [*OWN])
def test_arrays_that_do_not_fit_are_refused(own: Arrays, name: str) -> None:
    key = own_name("de", name)
    with pytest.raises(ValueError, match="must be"):
        own_bags(own | {key: own[key][:-1]})


@pytest.fixture
def sparse(own: Arrays) -> Arrays:
    """The bag says nothing of labels 1, 2 and 5, but its rows still have columns for them."""
    rows, steps = own[own_name("de", "rows")].copy(), own[own_name("de", "steps")].copy()
    rows[:, [2, 3, 6]] = steps[[1, 2, 5]] = 0
    return own | {own_name("de", "rows"): rows, own_name("de", "steps"): steps}


def test_a_bag_may_leave_out_the_columns_of_labels_that_it_says_nothing_of(sparse: Arrays) -> None:
    key = own_name("de", "rows")
    stored = without_empty_columns(sparse[key], sparse[own_name("de", "steps")])
    assert stored.shape == (1 << 10, 5)
    short, full = (own_bags(arrays)["de"].bag for arrays in (sparse | {key: stored}, sparse))
    assert short.score_many(TEXTS).tolist() == full.score_many(TEXTS).tolist()
    assert short.contributions(TEXTS[0]).tolist() == full.contributions(TEXTS[0]).tolist()


@pytest.mark.parametrize("columns", [0, 1, 4, 6, 7, 9])
def test_a_bag_with_columns_that_its_steps_do_not_name_is_refused(sparse: Arrays, columns: int) -> None:
    key = own_name("de", "rows")
    with pytest.raises(ValueError, match="it must have 8 columns, or 5 as its steps say"):
        own_bags(sparse | {key: np.zeros((1 << 10, columns), np.uint8)})


def test_only_a_model_with_such_a_bag_has_the_newest_format() -> None:
    assert (format_of(None), format_of(None, ["de"])) == (2, NEWEST_FORMAT)
