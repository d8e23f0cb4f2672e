"""Evaluation figures, for invented data sets with known answers."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

import classifier
from training import evaluation
from training.errors import DataUnusable
from training.evaluation import DataSetFigures

DATA = Path(__file__).parents[3] / "shared" / "data"
# Named, so that our own sentences, which stand beside every folder's data sets, are not judged each time.
BOTH = (evaluation.PUBLIC_TEST, "spam_sms")
HEADER = "id,toxic,severe_toxic,obscene,threat,insult,identity_hate"
RUDE = (
    "You are a complete idiot and everybody knows it",
    "Shut up, you stupid moron",
    "What an idiotic liar you are",
    "You disgusting piece of garbage, get lost",
    "Only a moron like you could write such crap",
    "You are dumb as a brick, you fool",
)
KIND = (
    "Thank you for this thoughtful article",
    "The ferry leaves at nine from the old harbour",
    "I added two sources to the section on climate",
    "Could you say where this figure comes from?",
    "The minister answered the question in parliament",
    "We walked along the river until it rained",
    "Please have a look at the second paragraph",
)


@pytest.fixture(scope="module")
def model() -> classifier.Model:
    return classifier.load(classifier.SHIPPED)


def write_public_test(folder: Path, rows: list[tuple[str, str, str]]) -> None:
    """As Kaggle publishes it: texts and labels apart. `rows`: id, text and the six labels."""
    (folder / "test.csv").write_text("\n".join(["id,comment_text", *(f'{id_},"{text}"' for id_, text, _ in rows), ""]))
    (folder / "test_labels.csv").write_text("\n".join([HEADER, *(f"{id_},{said}" for id_, _, said in rows), ""]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A public test of 13 comments, and a spam set of which only a part is held out."""
    rude = [(f"r{n}", text, "1,0,0,0,1,0") for n, text in enumerate(RUDE)]
    kind = [(f"k{n}", text, "0,0,0,0,0,0") for n, text in enumerate(KIND)]
    write_public_test(tmp_path, [*rude, *kind])
    spam = [f"spam\tWIN a free prize now, text WIN to 8{n:04}" for n in range(150)]
    ham = [f"ham\tSee you at {n} past nine then" for n in range(150)]
    (tmp_path / "SMSSpamCollection").write_text("\n".join(spam + ham) + "\n")
    return tmp_path


def in_bytes(found: list[DataSetFigures]) -> bytes:
    return msgspec.json.encode(found)


def test_figures_are_of_what_no_training_run_sees(model: classifier.Model, folder: Path) -> None:
    public, sms, *_ = evaluation.evaluate(model, folder, BOTH)
    assert (public.data_set, public.part) == ("jigsaw_toxic_test_public", "public test")
    assert (public.attributes["toxicity"].texts, public.attributes["toxicity"].positive) == (13, 6)
    assert sms.data_set == "spam_sms"
    assert 15 < sms.attributes["spam"].texts < 50  # about a tenth of three hundred


def test_a_good_model_gets_good_figures(model: classifier.Model, folder: Path) -> None:
    public, *_ = evaluation.evaluate(model, folder, BOTH)
    figures = public.attributes["toxicity"]
    assert figures.auc.value == 1.0
    assert figures.average_precision.value == 1.0
    assert figures.brier < 0.15
    assert sum(row.weight for row in figures.reliability) == 13


def test_an_attribute_without_enough_of_both_answers_has_no_figures(model: classifier.Model, folder: Path) -> None:
    public, sms, *_ = evaluation.evaluate(model, folder, BOTH)
    assert set(public.attributes) == {"toxicity", "insult"}
    assert set(sms.attributes) == {"spam"}
    assert public.mean_auc_six is None


def test_there_is_no_mean_where_no_text_of_all_six_has_one_of_them(model: classifier.Model, tmp_path: Path) -> None:
    rude = [(f"r{n}", text, "1,1,1,0,1,1") for n, text in enumerate(RUDE)]
    kind = [(f"k{n}", text, "0,0,0,0,0,0") for n, text in enumerate(KIND)]
    threats = [(f"t{n}", f"I will hurt you {n}", "-1,-1,-1,1,-1,-1") for n in range(6)]
    write_public_test(tmp_path, [*rude, *kind, *threats])
    public, *_ = evaluation.evaluate(model, tmp_path, BOTH[:1])
    assert set(public.attributes) == set(evaluation.SIX)
    assert public.mean_auc_six is None


def test_the_mean_is_of_all_six_attributes_of_jigsaw(model: classifier.Model, tmp_path: Path) -> None:
    rude = [(f"r{n}", text, "1,1,1,1,1,1") for n, text in enumerate(RUDE)]
    kind = [(f"k{n}", text, "0,0,0,0,0,0") for n, text in enumerate(KIND)]
    write_public_test(tmp_path, [*rude, *kind])
    public, *_ = evaluation.evaluate(model, tmp_path, BOTH[:1])
    assert set(public.attributes) == set(evaluation.SIX)
    mean = public.mean_auc_six
    assert mean is not None
    assert mean.value == pytest.approx(np.mean([each.auc.value for each in public.attributes.values()]), abs=1e-4)
    assert mean.low <= mean.value <= mean.high <= 1


def test_the_same_seed_makes_the_same_bytes(model: classifier.Model, folder: Path) -> None:
    assert in_bytes(evaluation.evaluate(model, folder, BOTH, seed=3)) == in_bytes(
        evaluation.evaluate(model, folder, BOTH, seed=3)
    )


def test_another_seed_moves_only_intervals(model: classifier.Model, tmp_path: Path) -> None:
    """Labels that have nothing to do with the texts, so that there is something to be unsure about."""
    texts = [f"{text}, {n}" for n in range(6) for text in (*RUDE, *KIND)]
    rows = [(f"m{n}", text, f"{n % 3 % 2},0,0,0,0,0") for n, text in enumerate(texts)]
    write_public_test(tmp_path, rows)
    one, other = (
        evaluation.evaluate(model, tmp_path, BOTH[:1], seed=seed)[0].attributes["toxicity"] for seed in (1, 2)
    )
    assert one.auc.value == other.auc.value
    assert one.auc != other.auc
    assert (one.brier, one.log_loss, one.reliability) == (other.brier, other.log_loss, other.reliability)
    assert one.auc.low < one.auc.value < one.auc.high


def test_calibration_on_the_public_sample_is_judged_by_the_other_half() -> None:
    """A score that is right on average, but for half of the sample: no half learns from itself."""
    random = np.random.default_rng(0)
    scores = random.uniform(0.05, 0.95, 4_000)
    answers = (random.random(4_000) < scores).astype(np.int8)
    first = np.arange(4_000) % 2 == 0
    answers[first] = 0
    found = evaluation.cross_fitted(scores, answers, first, (1.0, 0.0))
    assert found[first].mean() == pytest.approx(scores[first].mean(), abs=0.03), "as the honest half says"
    assert found[~first].mean() < 0.02, "as the half says in which nothing is toxic"
    np.testing.assert_array_equal(np.argsort(found[first]), np.argsort(scores[first]))


def test_what_the_sample_said_before_is_taken_off_first() -> None:
    """However a model was calibrated on the sample, its halves judge the same."""
    random = np.random.default_rng(1)
    logits = random.normal(size=400)
    answers = (random.random(400) < 0.2).astype(np.int8)
    first = np.arange(400) % 2 == 0
    plain, moved = (
        evaluation.cross_fitted(1 / (1 + np.exp(-(slope * logits + shift))), answers, first, (slope, shift))
        for slope, shift in ((1.0, 0.0), (0.6, -2.0))
    )
    np.testing.assert_allclose(plain, moved, atol=1e-6)


def test_a_curve_says_what_each_threshold_does(model: classifier.Model, folder: Path) -> None:
    public, *_ = evaluation.evaluate(model, folder, BOTH)
    curve = public.attributes["toxicity"].curve
    assert [point.threshold for point in curve] == sorted(point.threshold for point in curve)
    assert (curve[0].share_above, curve[0].share_below, curve[0].wrong_below) == (1, 0, None)
    assert curve[0].wrong_above == pytest.approx(7 / 13, abs=1e-4)
    assert min(point.wrong_above for point in curve if point.wrong_above is not None) == 0


def test_only_what_is_named_is_evaluated(model: classifier.Model, folder: Path) -> None:
    assert [each.data_set for each in evaluation.evaluate(model, folder, ["spam_sms"])] == ["spam_sms"]


def test_a_named_data_set_that_is_not_there_is_an_error(model: classifier.Model, folder: Path) -> None:
    with pytest.raises(DataUnusable, match=r"data set surge_toxicity: no surge_toxicity\.parquet"):
        evaluation.evaluate(model, folder, ["surge_toxicity"])


def test_an_empty_folder_has_no_results(model: classifier.Model, tmp_path: Path) -> None:
    assert evaluation.evaluate(model, tmp_path) == []


@pytest.mark.data
def test_jigsaws_held_out_fold_is_judged_at_its_natural_share_of_toxic_comments() -> None:
    """9.6 % of the original are toxic and 19 % of the copy, in which scores would look far too low."""
    if not DATA.exists():
        pytest.skip("../shared/data is not there")
    fast = classifier.load(classifier.SHIPPED, both=False)  # who judges does not matter, and these are many
    (found,) = evaluation.evaluate(fast, DATA, [evaluation.JIGSAW])
    figures = found.attributes["toxicity"]
    assert sum(row.weight for row in figures.reliability) == pytest.approx(figures.texts)
    share = sum(row.weight * row.share_yes for row in figures.reliability) / figures.texts
    assert share == pytest.approx(0.096, abs=0.003)
