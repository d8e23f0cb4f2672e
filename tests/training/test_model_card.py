"""The model card, of made-up figures and the manifest of the model that ships."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import classifier
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
    for language, labels in MANIFEST.judged.items():
        assert f"| {language} | {', '.join(labels)} |" in text
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


def test_a_model_of_one_language_says_nothing_of_others(figures: dict[str, Any]) -> None:
    english = msgspec.structs.replace(MANIFEST, languages={}, unjudged=["spam"])
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
