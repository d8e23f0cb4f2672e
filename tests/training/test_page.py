"""The HTML report on a model. All figures are made up."""

import copy
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from training import bias, charts, evaluation, sentences
from training.assessment import EvaluationReport
from training.cross_validation import CrossValidated
from training.evaluation import JIGSAW, AttributeFigures, DataSetFigures
from training.metrics import Bin, Estimate
from training.page import headline, render, verdict
from training.published_tests import PublishedTestFigures
from training.robustness import DisguiseFigures, Robustness
from training.skip_curve import SkipCurve, SkipPoint
from training.spam_tests import SpamFigures, SpamLeftOutFigures, SpamPlaceFigures, SpamSourceFigures
from training.span_figures import SpanFigures
from training.summary import SummaryRow

MADE_UP = json.loads((Path(__file__).parent / "made_up_figures.json").read_text())
SECTIONS = {
    "summary": "summary",
    "groups": "groups",
    "disguise": "disguise",
    "spans": "spans",
    "cross_validation": "cross",
    "tests": "tests",
    "spam": "spam",
    "spam_left_out": "spam-left-out",
    "cases": "cases",
    "written": "written",
    "diluted": "diluted",
    "skipped": "skipped",
}
HOSTILE = "<script>alert('x')</script>\"&$\\frac{"


class Page(HTMLParser):
    """What of a page matters here: its tags with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":  # the one void element that the page has
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, attribute: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(attribute)) is not None]

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def html() -> str:
    return render(MADE_UP, {"one_comment_us": 23.456})


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return {}


@pytest.fixture
def drawn_once(drawn: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that differ elsewhere have the same charts, and it takes long to draw them."""

    def once(name: str, draw: Callable[..., str]) -> Callable[..., str]:
        def drawn_before(*figures: Any) -> str:
            key = repr((name, figures))
            if key not in drawn:
                drawn[key] = draw(*figures)
            return drawn[key]

        return drawn_before

    for name in ("dots", "pairs", "reliability", "trade", "rise"):
        monkeypatch.setattr(charts, name, once(name, getattr(charts, name)))


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def estimates(value: Any) -> list[float]:
    """The value and bounds of every figure with an interval, wherever it stands."""
    if isinstance(value, list):
        return [found for each in value for found in estimates(each)]
    if not isinstance(value, dict):
        return []
    own = [value[key] for key in ("value", "low", "high") if key in value] if "value" in value else []
    return own + [found for each in value.values() for found in estimates(each)]


def test_nothing_is_asked_for_from_elsewhere(page: Page, html: str) -> None:
    assert not {"script", "link", "img", "iframe", "object", "embed", "image", "base"} & {tag for tag, _ in page.tags}
    assert not page.all("src")
    links = page.all("href") + page.all("xlink:href")
    assert links
    assert all(link.startswith("#") for link in links)
    assert "@import" not in html
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", html))


def test_every_link_leads_to_something_and_no_name_is_given_twice(page: Page, html: str) -> None:
    names = page.all("id")
    assert len(names) == len(set(names))
    targets = {link[1:] for link in page.all("href") + page.all("xlink:href")} | set(re.findall(r"url\(#(.*?)\)", html))
    assert targets <= set(names)


def test_every_element_is_closed(page: Page) -> None:
    assert page.open == []


def test_every_estimate_appears(page: Page) -> None:
    found = estimates(MADE_UP)
    assert len(found) > 150
    missing = [value for value in found if f"{value:.3f}" not in page.text and f"{value:.4f}" not in page.text]
    assert missing == []


def test_plain_figures_appear(page: Page) -> None:
    for shown in (
        "1,234",
        "71.5 %",
        "-0.2 %",
        "60.2 %",
        "1,999",
        "1,528",
        "5 folds",
        "0.751 (0.723 to 0.776)",
        "0.912",
        "0.979",
        "0.713",
        "41.7 %",
        "13,651",
        "threat_plain",
        "82.5 %",
        "0.947 (0.936 to 0.959)",
        "64.5 %",
    ):
        assert shown in page.text
    for data_set in MADE_UP["data_sets"]:
        assert data_set["data_set"] in page.text
        for figures in data_set["attributes"].values():
            assert f"{figures['brier']:.4f}" in page.text
            assert f"{figures['ece_equal_mass']:.4f}" in page.text
    for row in MADE_UP["summary"]:
        assert row["what"] in page.text
    assert MADE_UP["model"]["digest"] in page.text
    assert "one comment us" in page.text
    assert "23.5" in page.text


def test_charts_are_read_aloud_and_tables_have_captions_and_heads(page: Page) -> None:
    drawn = page.named("svg")
    assert len(drawn) > 20
    assert all(each["role"] == "img" and each["aria-label"] for each in drawn)
    labels = " ".join(str(each["aria-label"]) for each in drawn)
    assert "jigsaw_toxic_test_public 0.979 (0.969 to 0.989)" in labels
    assert "leetspeak 2.1 against 31.2" in labels
    assert all(each.get("scope") in {"row", "col"} for each in page.named("th"))
    assert len(page.named("caption")) == len(page.named("table")) - 1, "all but the summary, which has its heading"
    assert page.named("html") == [{"lang": "en"}]


def test_charts_take_their_colours_from_the_page(html: str) -> None:
    drawn = " ".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    assert set(re.findall(r"(?:fill|stroke): ?([^;\"]+)", drawn)) <= {
        "none", *(f"var(--{name})" for name in ("ink", "muted", "line", "ours", "textbook", "fill")),
    }  # fmt: skip
    assert "prefers-color-scheme: dark" in html
    assert "DejaVu" not in html


@pytest.mark.parametrize("key", SECTIONS)
@pytest.mark.parametrize("absent", [True, False])
@pytest.mark.usefixtures("drawn_once")
def test_a_section_without_figures_is_left_out(key: str, absent: bool) -> None:
    figures = MADE_UP | {"data_sets": MADE_UP["data_sets"][-1:], key: None}
    if absent:
        del figures[key]
    names = Page(render(figures)).all("id")
    assert SECTIONS[key] not in names
    assert {*SECTIONS.values(), "tables"} - {SECTIONS[key]} <= set(names)


def test_a_page_needs_only_a_model_a_seed_and_data_sets() -> None:
    page = Page(render({"model": MADE_UP["model"], "seed": 0, "data_sets": []}))
    assert not page.named("svg")
    assert "Can model made-up-1 be trusted?" in page.text


@pytest.mark.usefixtures("drawn_once")
def test_a_hostile_name_stays_text() -> None:
    figures = copy.deepcopy(MADE_UP)
    figures["model"]["version"] = HOSTILE
    figures["summary"][0]["what"] = HOSTILE
    figures["data_sets"][0]["part"] = HOSTILE
    figures["data_sets"][2]["data_set"] = HOSTILE
    figures["groups"]["rows"][0]["group"] = HOSTILE
    figures["disguise"]["kinds"][0]["kind"] = HOSTILE
    figures["tests"][0]["data_set"] = HOSTILE
    figures["spam"]["places"][0]["part"] = HOSTILE
    figures["cross_validation"]["ours"] = {HOSTILE: {"value": 0.7}}
    page = Page(render(figures, {HOSTILE: 1.0}))
    assert not page.named("script")
    assert page.open == []
    assert page.text.count(HOSTILE) >= 12


def test_the_same_figures_give_the_same_bytes(html: str) -> None:
    assert render(copy.deepcopy(MADE_UP), {"one_comment_us": 23.456}) == html


def test_a_chart_is_the_same_whatever_was_drawn_before_or_is_set() -> None:
    import matplotlib as mpl  # noqa: PLC0415 - slow to import

    rows = [charts.Dot("a", 0.9, 0.8, 0.95)]
    before = charts.dots("x", rows)
    charts.reliability("y", [charts.ReliabilityBar(0.1, 0.2, 3)])
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "svg.hashsalt": "other"}):
        assert charts.dots("x", rows) == before


def test_the_interval_of_a_share_is_wilsons() -> None:
    assert charts.interval(charts.ReliabilityBar(0.5, 0.5, 10)) == pytest.approx((0.236593, 0.763407), abs=1e-5)
    assert charts.interval(charts.ReliabilityBar(0.5, 0, 20)) == pytest.approx((0, 0.161125), abs=1e-5)
    assert charts.interval(charts.ReliabilityBar(0.5, 1, 0)) == (0, 1)


def test_a_curve_names_the_thresholds_nearest_to_those_asked_for() -> None:
    points = [charts.TradePoint(0.11, 0.3, 0.2), charts.TradePoint(0.48, 0.2, 0.1), charts.TradePoint(0.97, 0.1, 0.05)]
    drawn = Page(charts.trade("x", points, near=(0.1, 0.5)))
    assert "0.11" in drawn.text
    assert "0.48" in drawn.text
    assert "0.97" not in drawn.text
    assert drawn.named("svg")[0]["aria-label"] == (
        "x: at 0.11, 30.0% decided, 20.0% of these wrong; at 0.48, 20.0% decided, 10.0% of these wrong"
    )


def line(value: float | None, low: float | None = None, *, higher: bool = True) -> dict[str, Any]:
    must, aim = (0.8, 0.9) if higher else (0.2, 0.1)
    ours = {"value": value, "low": low, "high": low}
    return {"what": "", "textbook": None, "ours": ours, "must": must, "aim": aim, "higher_is_better": higher}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (line(0.9), "\u2713 reaches the aim"),
        (line(0.85, 0.81), "\u2713 meets the must"),
        (line(0.85, 0.79), "\u2713 meets the must, not beyond doubt"),
        (line(0.79), "\u2717 misses the must"),
        (line(0.1, higher=False), "\u2713 reaches the aim"),
        (line(0.2, 0.2, higher=False), "\u2713 meets the must"),
        (line(0.2, 0.21, higher=False), "\u2713 meets the must, not beyond doubt"),
        (line(0.21, higher=False), "\u2717 misses the must"),
        (line(None), "not measured"),
        (line(0.9) | {"must": None, "aim": None}, "no requirement"),
        (line(0.85) | {"must": None}, "\u2717 short of the aim"),
    ],
)
def test_a_verdict_is_said_in_words(row: dict[str, Any], words: str) -> None:
    assert verdict(row).words == words


def test_the_headline_counts_what_is_judged() -> None:
    verdicts = [verdict(row) for row in (line(0.9), line(0.85, 0.81), line(0.7), line(None))]
    assert headline(verdicts) == "2 of 3 requirements are met, 1 of them up to the aim."
    assert headline([verdict(line(None))]) == ""


def test_what_is_measured_can_be_shown() -> None:
    """The values that `steward evaluate` makes have the shape that the page reads."""
    near = Estimate(0.9, 0.8, 0.95)
    figures = AttributeFigures(
        texts=9, positive=4, auc=near, average_precision=near, brier=0.1, log_loss=0.2, ece_equal_width=0.011,
        ece_equal_mass=0.012, reliability=[Bin(0, 1, 9, 0.4, 0.5)],
        curve=[evaluation.CurvePoint(0.5, 0.1, None, 0.9, 0.02)],
    )  # fmt: skip
    group = bias.GroupFigures("women", 40, 4, near, None, near, 0.1, None, Estimate(0.123, 0.1, 0.2), None)
    assessed = EvaluationReport(
        {"version": "7", "digest": "0" * 64},
        0,
        [DataSetFigures(JIGSAW, "held-out", {"toxicity": figures}, near)],
        [SummaryRow("anything", None, near, 0.8, 0.85, higher_is_better=True)],
        bias.Bias(JIGSAW, "toxicity", 0.5, [group], {"subgroup_auc": 0.9}),
        Robustness(5, 0.7, [DisguiseFigures("leetspeak", 0.6, 0.1, None)], Estimate(0.1, 0.05, 0.15), None),
        SpanFigures("semeval2021_toxic_spans", 3, near),
        CrossValidated("fox_news_comments", 5, 9, 4, {"identity_attack": near}, near),
        [
            PublishedTestFigures(
                "gab_hate_corpus", "published test split", "en", "identity_attack", 9, 4, near, True, None
            )
        ],
        SpamFigures(0.01, 99, 0.8, 0.7, [SpamPlaceFigures("spam_sms", "held-out fold", 5, 0, near, None)]),
        SpamLeftOutFigures(
            0.01, 99, 9, False, 0.5, [SpamSourceFigures("text messages", "spam_sms", 0.8, 5, 0, near, None)]
        ),
        sentences.CaseFigures([sentences.CaseKindFigures("everyday", False, 8, 7, 1)], near, near, 1),
        sentences.FrameFigures({"en": near}, [sentences.FunctionFigures("friendly", "en", 0.0, 30, 0.1)]),
        [sentences.DilutionFigures(2, 20, 1)],
        [SkipCurve("contrast_en", 9, [SkipPoint(0.0, 0.7, 0.2, 0.1, 1.0), SkipPoint(1.0, 0.8, 0.1, 0.1, 0.0)])],
    )
    page = Page(render(json.loads(json.dumps(assessed.plain()))))
    assert set(SECTIONS.values()) <= set(page.all("id"))
    for shown in ("0.123 (0.100 to 0.200)", "costs 10.0 points", "0.0110", "reaches the aim", "90.0 %", "women"):
        assert shown in page.text
