"""The model card, for made-up figures and the manifest of the shipped model."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import classifier
from classifier.deep.encoder import SHIPPED
from classifier.manifest import Deep
from training.model_card import card

ROOT = Path(__file__).parents[2]
MANIFEST = classifier.read_manifest(classifier.SHIPPED)
# Mitchell et al. 2019, figure 1.
SECTIONS = (
    "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data", "Quantitative analyses",
    "Ethical considerations", "Caveats and recommendations",
)  # fmt: skip


@pytest.fixture
def figures() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(__file__).parent / "made_up_figures.json").read_text())
    found["model"]["digest"] = MANIFEST.digest
    return found


def test_it_has_the_sections_of_the_paper_in_their_order(figures: dict[str, Any]) -> None:
    assert tuple(re.findall(r"^## (.*)$", card(figures, MANIFEST), re.MULTILINE)) == SECTIONS


def test_it_says_what_the_manifest_says(figures: dict[str, Any]) -> None:
    text = card(figures, MANIFEST)
    assert MANIFEST.version in text
    assert MANIFEST.digest in text
    assert f"{sum(file.size for file in MANIFEST.files.values()) / 1e6:.1f}" in text
    for name, count in MANIFEST.data.items():
        assert re.search(rf"^\| {name} \| .* \| {count:,} \|", text, re.MULTILINE)
    for language, labels in (MANIFEST.judged_by_both or MANIFEST.judged).items():
        tier = "transferred" if MANIFEST.deep and language in MANIFEST.deep.transferred else "measured"
        assert f"| {language} | {tier} | {', '.join(labels)} |" in text
    for attribute, limits in MANIFEST.thresholds.items():
        assert f"| {attribute} | {limits['review_at']:.2f} | {limits['reject_at']:.2f} |" in text


def test_it_shows_every_figure_by_data_set_group_and_disguise(figures: dict[str, Any]) -> None:
    text = card(figures, MANIFEST)
    for data_set in figures["data_sets"]:
        for attribute, found in data_set["attributes"].items():
            start = f"| {data_set['data_set']} | {attribute} | {found['texts']:,} | {found['positive']:,} |"
            assert f"{start} {found['auc']['value']:.3f} ({found['auc']['low']:.3f} to " in text
    for row in figures["groups"]["rows"]:
        assert re.search(rf"^\| {row['group']} \| .*{row['false_positive_rate']['value']:.3f} \(", text, re.MULTILINE)
    for kind in figures["disguise"]["kinds"]:
        assert f"| {kind['kind']} | {kind['recall'] * 100:.1f} % | {kind['lost'] * 100:.1f} % |" in text
    for row in figures["summary"]:
        assert f"| {row['what']} |" in text
    assert "| toxigen_annotated | published test split | en | toxicity | 902 | 351 | 0.813 (0.784 to 0.842) |" in text
    assert "| 0.608 (0.544 to 0.674) | 0.713 | no |" in text
    assert "| spam_webform_adamspd | published test split | 77 | 0.623 (0.506 to 0.731) | 35 | 0.029 (" in text
    for shown in (
        "1,999 texts of semeval2021",
        "0.614 (0.597 to 0.630)",
        "0.781 (0.755 to 0.807)",
        "| textbook | 0.751 (0.723 to 0.776) |",
    ):
        assert shown in text


def test_every_table_is_whole(figures: dict[str, Any]) -> None:
    figures["groups"]["rows"][0]["group"] = "a | b\n<b>"
    text = card(figures, MANIFEST)
    assert r"a \| b \<b\>" in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = table.strip().split("\n")
        assert set(re.sub(r"[|\s:-]", "", rows[1])) == set(), "the second row rules off the head"
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {rows[0].count("|")}
        assert len(rows) > 2


@pytest.mark.parametrize(
    ("key", "heading"),
    [
        ("summary", "Against what was asked of it"),
        ("groups", "By identity group"),
        ("disguise", "Disguised words"),
        ("spans", "Marked words"),
        ("tests", "Tests of others"),
        ("spam", "Spam found"),
        ("spam_left_out", "Spam of a source that taught nothing"),
        ("cases", "Sentences by kind"),
        ("written", "Our own sentences"),
        ("diluted", "Among harmless sentences"),
        ("skipped", "If comments skipped the deep reader"),
        ("cross_validation", "Another site"),
    ],
)
def test_what_was_not_measured_is_left_out(figures: dict[str, Any], key: str, heading: str) -> None:
    assert f"### {heading}\n" in card(figures, MANIFEST)
    for absent in ({**figures, key: None}, {name: value for name, value in figures.items() if name != key}):
        text = card(absent, MANIFEST)
        assert f"### {heading}\n" not in text
        assert "\n\n\n" not in text


def test_its_weak_side_is_said_with_figures(figures: dict[str, Any]) -> None:
    (said,) = re.findall(r"^- \*\*Abuse that is not rude.*$", card(figures, MANIFEST), re.MULTILINE)
    auc = {each["data_set"]: each["attributes"] for each in figures["data_sets"]}
    assert f"fox_news_comments {auc['fox_news_comments']['identity_attack']['auc']['value']:.3f} (" in said
    assert "talk" not in said
    assert "tweets" not in said


ENCODER = "use-multilingual-3"
WITH_BOTH = msgspec.structs.replace(
    MANIFEST,
    format=3,
    deep=Deep(
        encoder=ENCODER,
        encoder_sha256="0" * 64,
        languages={"en": ["toxicity", "spam"], "pl": ["toxicity"], "nl": ["toxicity"]},
        transferred=["nl"],
    ),
)
WITH_ONE = msgspec.structs.replace(MANIFEST, format=2, deep=None)


def test_each_language_has_its_tier_and_its_figures(figures: dict[str, Any]) -> None:
    text = card(figures, WITH_BOTH)
    tests, own = "toxigen_annotated, toxicity 0.813 (0.784 to 0.842)", "0.947 (0.936 to 0.959)"
    assert f"| en | measured | toxicity, spam | {tests} | {own} |" in text
    assert "| pl | measured | toxicity | toxic_polish_poleval2019, toxicity 0.608 (0.544 to 0.674) | \u2013 |" in text
    assert "| nl | transferred | toxicity | \u2013 | \u2013 |" in text
    assert "| de |" not in text.split("## Intended use")[0], "it is not judged by both"


def test_what_kind_of_model_it_is_and_how_large_is_true_with_one_reader_and_with_both(figures: dict[str, Any]) -> None:
    one, both = card(figures, WITH_ONE), card(figures, WITH_BOTH)
    assert "| Kind | A linear model" in one
    assert "encoder" not in one
    assert "Transferred" not in one
    assert "| Kind | Two readers." in both
    assert "| Format | 3: plain arrays and the vocabulary of the encoder" in both
    size = sum(file.stat().st_size for file in (SHIPPED / ENCODER).iterdir()) / 1e6
    assert f"and the encoder {ENCODER}, {size:.1f} MB, which models share |" in both


def test_the_kinds_of_sentences_are_shown_and_how_often_they_were_looked_at(figures: dict[str, Any]) -> None:
    text = card(figures, msgspec.structs.replace(MANIFEST, metrics={}))
    assert "| threat_plain | 40 | 82.5 % |  |  |" in text
    assert "| everyday | 25 |  | 96.0 % | 1 |" in text
    assert "was not recorded" in text
    looked = card(figures, msgspec.structs.replace(MANIFEST, metrics={"looks": {"sentences": 2, "fox": 1}}))
    assert "were looked at before the release, by test set: sentences: 2, fox: 1." in looked
    assert "was not recorded" not in looked


def test_a_model_of_one_language_says_nothing_of_others(figures: dict[str, Any]) -> None:
    english = msgspec.structs.replace(WITH_ONE, languages={}, unjudged=["spam"])
    text = card(figures, english)
    assert "Other languages are covered in part" not in text
    assert "could not teach it spam" in text


def test_its_links_lead_somewhere(figures: dict[str, Any]) -> None:
    links = re.findall(r"\]\(([^)]*)\)", card(figures, MANIFEST))
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_figures_of_another_model_are_refused(figures: dict[str, Any]) -> None:
    figures["model"]["digest"] = "0" * 64
    with pytest.raises(ValueError, match="made-up-1"):
        card(figures, MANIFEST)


def test_the_same_figures_give_the_same_bytes(figures: dict[str, Any]) -> None:
    assert card(copy.deepcopy(figures), MANIFEST) == card(figures, MANIFEST)


def test_the_card_in_the_docs_is_made_of_the_figures_in_the_docs() -> None:
    """`make evaluate` writes both; who changes one of them by hand, or the model without it, is told."""
    kept = json.loads((ROOT / "docs" / "figures" / "evaluation.json").read_text())
    assert (ROOT / "docs" / "model-card.md").read_text() == card(kept, MANIFEST)
