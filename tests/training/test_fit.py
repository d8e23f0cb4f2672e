"""A model learns from its training rows, and only from those."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from rich.console import Console
from scipy import sparse
from sklearn.linear_model import LogisticRegression

import classifier
from classifier.kernel import Weights
from classifier.manifest import LabelsRead
from training import archive, contrast, evaluation, metrics
from training.archive import LabelLine
from training.calibration import adjustment, split
from training.commands.train import train
from training.datasets import load
from training.errors import DataUnusable
from training.examples import Examples, fold_of, is_first_half, joined
from training.fit import ELSEWHERE, OTHER_LANGUAGES, OTHER_SITES, Fitted, Recipe, adjusted, fit, groups, never_yes
from training.regression import MaskedLogistic
from training.report import report
from training.run import TrainingOptions, gather, run

QUICK = Recipe(bits=14, vector_bits=12, most_iterations=40, epochs=3)
NASTY, NICE = ("idiot", "moron", "scum", "filth"), ("garden", "minister", "weather", "article")


def examples(words: tuple[str, ...], answer: float, n: int, source: str = "jigsaw_toxic_train") -> Examples:
    random = np.random.default_rng(len(words[0]) + n)
    texts = [f"{i} the {' '.join(random.choice(words, 3))} of {random.integers(50)}" for i in range(n)]
    return Examples(
        texts,
        np.full((n, 7), answer, np.float32),
        np.ones(n, np.float32),
        texts,
        np.array([fold_of(text) for text in texts], np.int8),
        [source] * n,
    )


@pytest.fixture(scope="module")
def plain() -> Examples:
    return joined([examples(NASTY, 1.0, 400), examples(NICE, 0.0, 1200)])


@pytest.fixture(scope="module")
def fitted(plain: Examples) -> Fitted:
    return fit(plain, QUICK)


def scores(fitted: Fitted, *texts: str) -> np.ndarray:
    return Weights(fitted.arrays).score_many(texts)


def test_what_was_taught_is_known_and_calibrated(plain: Examples, fitted: Fitted) -> None:
    held_out = plain.held_out()
    found = Weights(fitted.arrays).score_many(held_out.texts)
    assert ((found > 0.5) == (held_out.labels > 0.5)).mean() > 0.98
    table = metrics.reliability(found[:, 0], held_out.labels[:, 0], 15, held_out.weights)
    assert metrics.calibration_error(table) < 0.05


def test_held_out_texts_change_nothing(plain: Examples, fitted: Fitted) -> None:
    labels = plain.labels.copy()
    labels[plain.folds == 1] = 1 - labels[plain.folds == 1]
    other = fit(replace(plain, labels=labels), QUICK)
    for name, array in fitted.arrays.items():
        np.testing.assert_array_equal(array, other.arrays[name], name)


def test_the_same_run_makes_the_same_model(plain: Examples, fitted: Fitted) -> None:
    other = fit(plain, replace(QUICK, jobs=2))
    np.testing.assert_allclose(scores(fitted, *plain.texts[:50]), scores(other, *plain.texts[:50]), atol=0.02)
    for name, array in fit(plain, QUICK).arrays.items():
        np.testing.assert_array_equal(fitted.arrays[name], array, name)


@pytest.mark.parametrize(
    ("answer", "said"), [(np.nan, "threat: no text is labeled for it;"), (1.0, "threat: every labeled text has it;")]
)
def test_an_attribute_of_which_nothing_can_be_learnt_is_named(plain: Examples, answer: float, said: str) -> None:
    labels = plain.labels.copy()
    labels[:, 5] = answer
    with pytest.raises(DataUnusable, match=said):
        fit(replace(plain, labels=labels), QUICK)


def test_an_attribute_that_no_text_has_is_never_found(plain: Examples) -> None:
    labels = plain.labels.copy()
    labels[:, 5] = 0
    taught = replace(plain, labels=labels)
    assert never_yes(taught) == ["threat"]
    found = scores(fit(taught, QUICK), "the idiot moron scum", "the garden of the minister")
    assert (found[:, 5] < 0.01).all()
    assert found[0, 0] > 0.5 > found[1, 0]


def test_kaggles_train_csv_alone_makes_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no spam: that is said, and no score is made up for it."""
    monkeypatch.setattr("training.run.Recipe", lambda **options: replace(QUICK, **options))
    told = [(text, answer) for words, answer in ((NASTY, 1.0), (NICE, 0.0)) for text in examples(words, 0, 40).texts]
    sentences = tuple(
        contrast.Row(text, {"toxicity": taught}, "en", "told", f"told/{n}", is_test=True, groups=())
        for n, (text, taught) in enumerate(told)
    )
    monkeypatch.setattr(contrast, "rows", lambda _language: sentences)
    rude, kind = examples(NASTY, 1.0, 300), examples(NICE, 0.0, 600)
    rows = [
        f"{n:016x},{text},{said}"
        for n, (text, said) in enumerate(
            [(text, "1,1,1,1,1,1") for text in rude.texts] + [(text, "0,0,0,0,0,0") for text in kind.texts]
        )
    ]
    header = "id,comment_text,toxic,severe_toxic,obscene,threat,insult,identity_hate"
    (tmp_path / "train.csv").write_text("\n".join([header, *rows, ""]))
    printed = io.StringIO()
    names = ("jigsaw_toxic_train",)  # without our own sentences, to be quick
    asked: list[str] = []
    at = datetime.now(UTC)
    said = LabelLine(cursor="1-0", id="c-1", revision=1, text="Xyloquartz gardens", decision="approve", at=at)
    archive.append(tmp_path / "labels", [said], "1-0")
    options = TrainingOptions(
        tmp_path, names, out=tmp_path / "model", data_dir=tmp_path, readers="fast", labels=tmp_path / "labels"
    )
    out = run(options, Console(file=printed, width=200), asked.extend)
    seen = classifier.read_manifest(out).labels_read
    assert seen == [LabelsRead(archive.identity(tmp_path / "labels"), 1, 0)]
    assert not any(b"yloquartz" in path.read_bytes() for path in out.iterdir()), "a rare word is in no file of a model"
    shipped = classifier.SHIPPED.name
    first, *others = classifier.read_manifest(classifier.SHIPPED).judged_by_both
    assert first == "en"
    assert {"de", "da", "fr"} <= set(others), "those of the deep reader, too"
    lost = [
        f"it does not judge these languages, which {shipped} judges: {', '.join(others)}",
        f"it does not judge these attributes, which {shipped} judges: spam (en)",
    ]
    assert asked == lost, "asked before the work"
    assert all(f"Warning: {each}" in printed.getvalue() for each in lost), "and told after it"
    assert "texts that readers had erased may still be in the labels" in printed.getvalue(), "never pulled"
    assert "spam: no text has this label, so the model will not judge it" in printed.getvalue()
    model = classifier.load(out)
    assert model.labels == tuple(name for name in classifier.LABELS if name != "spam")
    toxicity = model.score_many(["an idiot and scum", "the garden of a minister"])[:, 0]
    assert toxicity[0] > 0.5 > toxicity[1]
    (tmp_path / "SMSSpamCollection").write_text("".join(f"spam\tWIN {n}\nham\tSee you {n}\n" for n in range(150)))
    assert {each.data_set for each in evaluation.evaluate(model, tmp_path)} == {"jigsaw_toxic_train", "contrast_en"}


def test_the_deep_reader_alone_is_trained_beside_the_fast_one_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contrast, "rows", lambda _language: ())
    rude, kind = examples(NASTY, 1.0, 60), examples(NICE, 0.0, 60)
    rows = [f"{n:016x},{text},1,1,1,1,1,1" for n, text in enumerate(rude.texts)]
    rows += [f"{n:016x},{text},0,0,0,0,0,0" for n, text in enumerate(kind.texts, len(rows))]
    header = "id,comment_text,toxic,severe_toxic,obscene,threat,insult,identity_hate"
    (tmp_path / "train.csv").write_text("\n".join([header, *rows, ""]))
    printed, asked = io.StringIO(), list[str]()
    options = TrainingOptions(
        tmp_path,
        ("jigsaw_toxic_train",),
        out=tmp_path / "model",
        data_dir=tmp_path,
        readers="deep",
        epochs=0.01,
        begin_from=classifier.SHIPPED,
    )
    out = run(options, Console(file=printed, width=200), asked.extend)
    assert not asked, "the model judges what the one in use judges"
    assert "step 1 of 1" in printed.getvalue()
    before, after = classifier.read_manifest(classifier.SHIPPED), classifier.read_manifest(out)
    changed = {name for name, file in after.files.items() if file != before.files[name]}
    assert {"deep_first.npy", "deep_output.npy"} <= changed
    assert all(name.startswith("deep_") for name in changed), "the fast reader stays"
    assert after.version == "model"
    assert after.data == {"jigsaw_toxic_train": len(load("jigsaw_toxic_train", tmp_path).training())}
    assert after.judged_by_both == before.judged_by_both
    toxicity = classifier.load(out).score_many(["You are an idiot and a liar.", "What a lovely garden."])[:, 0]
    assert toxicity[0] > 0.5 > toxicity[1]


def test_moderators_outvote_a_few_old_labels(plain: Examples) -> None:
    kind = ("zorp", "blarg", "glimf", "twerb")
    before = joined([plain, examples((*kind, *NICE), 0.0, 60)])
    decided = examples(kind, 1.0, 200, "moderators").weighted(5)
    held_out = examples(kind, 1.0, 90)
    longer = replace(QUICK, epochs=6)
    found = scores(fit(before, longer), *held_out.texts)
    after = fit(joined([before, decided]), longer)
    taught = scores(after, *held_out.texts)
    assert (found[:, 0] > 0.5).mean() < 0.1
    assert (taught[:, 0] > 0.5).mean() > 0.95
    harmless = scores(after, *examples(NICE, 0.0, 90).texts)
    assert (harmless[:, 0] > 0.5).mean() < 0.05


def test_a_foreign_data_set_does_not_bring_its_base_rate() -> None:
    """Twenty thousand "yes" of another collector say nothing about how often a comment is toxic here."""
    assert groups(["b", "jigsaw_toxic_train", "a", "moderators", "b"]).tolist() == [2, 0, 1, 0, 2]
    table = sparse.csr_matrix(np.ones((200, 1), np.float32))
    labels = np.array([0.0] * 90 + [1.0] * 10 + [1.0] * 95 + [0.0] * 5, np.float32)[:, None]
    of = np.array([0] * 100 + [1] * 100)
    ones = np.ones(200, np.float32)
    apart = MaskedLogistic(C=100, most_iterations=300).fit(table, labels, ones, of)
    mixed = MaskedLogistic(C=100, most_iterations=300).fit(table, labels, ones)
    shares = [1 / (1 + np.exp(-model.decision_function(table)[0, 0])) for model in (apart, mixed)]
    assert shares == pytest.approx([0.1, 0.525], abs=0.02)


def test_harmless_chats_have_the_base_rate_of_the_spam_that_they_are_to_be_told_from() -> None:
    """With one of their own it would say all of them, and nothing were learned of their words."""
    found = groups(["ham_irc_ubuntu", "spam_webform_adamspd", "spam_telegram_tgspam", "spam_sms"])
    assert found[0] == found[1] > 0
    assert found[2] not in {found[0], 0}
    assert found[3] == 0


def test_the_regression_is_scikit_learns() -> None:
    random = np.random.default_rng(1)
    table = sparse.random(300, 40, 0.2, "csr", np.float32, random)
    labels = (np.asarray(table.sum(axis=1)) + random.normal(size=(300, 2)) > 4).astype(np.float32)
    weights = random.uniform(0.5, 2, 300).astype(np.float32)
    ours = MaskedLogistic(C=2, most_iterations=500).fit(table, labels, weights).decision_function(table)
    for index in range(2):
        theirs = LogisticRegression(C=2, max_iter=500, tol=1e-8).fit(table, labels[:, index], sample_weight=weights)
        np.testing.assert_allclose(ours[:, index], theirs.decision_function(table), atol=0.02)


def test_a_small_data_set_is_learned_as_soon_as_a_large_one() -> None:
    """A language with few texts that count less, and words that no other text has."""
    random = np.random.default_rng(3)
    large = sparse.random(6_000, 400, 0.1, "csr", np.float32, random)
    small = sparse.random(60, 30, 0.2, "csr", np.float32, random)
    table = sparse.block_diag([large, small], format="csr", dtype=np.float32)
    labels = (table @ random.normal(size=(430, 1)) + random.normal(size=(6_060, 1)) > 0).astype(np.float32)
    weights = np.repeat(np.array([1.0, 0.2], np.float32), [6_000, 60])
    soon, late = (MaskedLogistic(20, most).fit(table, labels, weights).coef_[400:] for most in (15, 3_000))
    assert np.abs(soon - late).mean() < 0.3 * np.abs(late).mean()


def test_an_unknown_label_teaches_nothing() -> None:
    random = np.random.default_rng(2)
    table = sparse.random(200, 20, 0.3, "csr", np.float32, random)
    labels = (random.random((200, 2)) > 0.5).astype(np.float32)
    labels[100:, 1] = np.nan
    weights = np.ones(200, np.float32)
    some = MaskedLogistic(most_iterations=300).fit(table, labels, weights)
    alone = MaskedLogistic(most_iterations=300).fit(table[:100], labels[:100], weights[:100])
    np.testing.assert_allclose(some.coef_[:, 1], alone.coef_[:, 1], atol=0.01)


def test_another_language_has_its_own_calibration_and_only_what_it_can_carry(plain: Examples) -> None:
    """German insults are taught rarely and told apart; threats in it are named at random."""
    random = np.random.default_rng(5)
    # A fifth of them are calibrated on: more than enough of each kind to be judged.
    rude, kind = (examples(words, 0.0, 800, "german_germeval2018") for words in (("trottel",), ("garten",)))
    german = joined([rude, kind])
    labels = np.full((1600, 7), np.nan, np.float32)
    labels[:, 3] = np.repeat([1.0, 0.0], 800)
    labels[:, 5] = random.random(1600) > 0.5
    german = replace(german, labels=labels, languages=["de"] * len(german))
    fitted = fit(joined([plain, german]), QUICK)
    assert dict(fitted.languages) == {"en": classifier.LABELS, "de": ("insult",)}
    assert fitted.arrays["slope"].shape == fitted.arrays["intercept"].shape == (2, 7)
    found = Weights(fitted.arrays).score_many(["der trottel der stadt", "der garten der stadt"], 1)[:, 3]
    assert found[0] > 0.5
    assert found[1] < 0.2


def test_rows_of_other_sites_and_languages_weigh_more_in_the_bag(
    plain: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights: dict[int, set[float]] = {}
    learn = MaskedLogistic.fit

    def spied(bag: MaskedLogistic, table: Any, labels: Any, sample_weight: Any, groups: Any) -> MaskedLogistic:
        for group in np.unique(groups).tolist():
            weights.setdefault(group, set()).update(np.unique(sample_weight[groups == group]).tolist())
        return learn(bag, table, labels, sample_weight, groups)

    monkeypatch.setattr(MaskedLogistic, "fit", spied)
    of = {name: examples(NICE, 0.0, 100, name) for name in ("implicit_hate", "german_gahd", "contrast_en")}
    german = replace(of["german_gahd"], languages=["de"] * 100)
    known = joined([plain, of["implicit_hate"], german, of["contrast_en"]])
    fit(known, QUICK)
    group_of = dict(zip(known.sources, groups(known.sources).tolist(), strict=True))
    assert weights[group_of["implicit_hate"]] == {ELSEWHERE * OTHER_SITES}
    assert weights[group_of["german_gahd"]] == {ELSEWHERE * OTHER_LANGUAGES}
    assert weights[group_of["contrast_en"]] == weights[group_of[plain.sources[0]]] == {1}


def test_a_sample_that_readers_judged_more_strictly_lowers_scores_and_changes_no_ranking(plain: Examples) -> None:
    fitted = fit(plain, replace(QUICK, epochs=6))
    sample = joined([examples(NASTY, 1.0, 60), examples(NASTY, 0.0, 90), examples(NICE, 0.0, 400)])
    after = adjusted(fitted, sample)
    before, now = (Weights(each.arrays).score_many(sample.texts)[:, 0] for each in (fitted, after))
    assert before[:150].mean() > 0.9, "taught that all of these are"
    assert now.mean() == pytest.approx(60 / 550, abs=0.04), "told that two of five are"
    np.testing.assert_array_equal(np.argsort(now), np.argsort(before))
    assert fitted.arrays["slope"][0, 0] == 1, "the one before is left as it was"


def test_a_few_answers_move_a_calibration_little() -> None:
    logits, labels = np.full((4, 1), 0.2), np.zeros((4, 1), np.float32)
    slope, intercept = adjustment(logits, labels)
    assert 0.8 < slope[0] < 1
    assert -0.6 < intercept[0] < -0.1
    assert adjustment(logits, np.full((4, 1), np.nan, np.float32))[0] == pytest.approx(1)


def test_a_sample_that_contradicts_the_scores_does_not_turn_them_round() -> None:
    logits = np.repeat([[-3.0], [3.0]], 500, axis=0)
    slope, intercept = adjustment(logits, (logits < 0).astype(np.float32))
    assert (slope[0], intercept[0]) == (1, 0)


def test_half_of_the_texts_is_about_half_whatever_their_order(plain: Examples) -> None:
    first = is_first_half(plain)
    assert 0.4 < first.mean() < 0.6
    turned = is_first_half(plain.where(np.ones(len(plain), bool)))
    np.testing.assert_array_equal(first, turned)


def test_a_share_of_readers_is_a_yes_and_a_no() -> None:
    at, answers, shares = split(np.array([1, 0, np.nan, 0.25], np.float32), np.array([2, 1, 1, 4], np.float32))
    assert list(zip(at.tolist(), answers.tolist(), shares.tolist(), strict=True)) == [
        (0, 1, 2.0),
        (3, 1, 1.0),
        (1, 0, 1.0),
        (3, 0, 3.0),
    ]


def test_a_model_is_never_written_over_another(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="already exists"):
        run(TrainingOptions(tmp_path, out=tmp_path))


def test_a_folder_without_data_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="none of the data sets"):
        run(TrainingOptions(tmp_path, out=tmp_path / "new"))


@pytest.mark.data
def test_a_quick_run_makes_a_model_that_loads(tmp_path: Path) -> None:
    kept = Path(__file__).parents[3] / "shared" / "data"
    if not kept.exists():
        pytest.skip("../shared/data is not there")
    folder, out = tmp_path / "data", tmp_path / "models" / "quick"
    folder.mkdir()
    names = ("jigsaw_toxic_train", "spam_sms")
    for name in names:  # the first rows: to read all of them takes longer than to learn
        few = next(pq.ParquetFile(kept / f"{name}.parquet").iter_batches(3_000))
        pq.write_table(pa.Table.from_batches([few]), folder / f"{name}.parquet")
    options = TrainingOptions(folder, names, rows=2_000, out=out, data_dir=tmp_path, readers="keep")
    run(options, Console(quiet=True))
    model = classifier.load(out)
    assert model.version == "quick"
    assert model.labels == classifier.LABELS
    said = json.loads((out / "manifest.json").read_text())
    figures = said["metrics"]["held_out"]
    assert figures["jigsaw_toxic_train"]["toxicity"]["roc_auc"] > 0.85
    assert model.has_deep_reader
    examples = gather(options)
    found = report(model, folder, examples)
    assert figures == found.figures
    assert said["metrics"].get("groups") == found.groups
    assert figures != report(classifier.load(out, both=False), folder, examples).figures, "they are of both readers"
    assert said["data"].keys() == set(names)
    assert sum(said["data"].values()) <= 2_000
    rude, kind = model.score_many(["You are a fucking idiot", "I agree with the author of this article."])[:, 0]
    assert rude > 0.5 > kind


def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(train, ["--data", str(tmp_path), "--out", str(tmp_path / "new")])
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {tmp_path} holds none of the data sets")
    assert not (tmp_path / "new").exists()
