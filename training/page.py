"""A self-contained HTML report on a model: it loads nothing from elsewhere, runs no script, and fits a phone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

import classifier
from training import charts
from training.templates import environment, number

Plain = Mapping[str, Any]

# The data sets whose curves are shown: one has natural base rates, the other is large.
NATURAL, LARGE = "jigsaw_toxic_test_public", "jigsaw_toxic_train"
FIRST = classifier.LABELS[0]
WITHOUT_CURVES = "spam"  # talk pages have no spam
# A curve's thresholds are quantiles of the scores; those nearest to these are labeled.
MARKED = {"above": (0.25, 0.5, 0.9), "below": (0.01, 0.1, 0.5)}
LOWEST_REJECTING = 0.05  # nobody rejects below this, and showing it would compress the rest
GROUP_AUCS = {
    "subgroup_auc": ("Within the group", "harmful texts that name the group against harmless ones that name it"),
    "bpsn_auc": ("Harmless with the group's name", "low: its mere name raises the score (BPSN)"),
    "bnsp_auc": ("Harmful with the group's name", "low: its name lowers the score of what harms (BNSP)"),
}


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """`words` say it; `tone` only colors them. `is_met` is None if nothing is required or measured."""

    words: str
    tone: str
    is_met: bool | None
    is_aim: bool = False


@dataclass(frozen=True, slots=True)
class ChartPanel:
    title: str
    note: str
    svg: Markup


def render(figures: Plain, speed: Mapping[str, float] | None = None) -> str:
    """The page. `figures` as `steward evaluate` writes them to JSON; parts that are absent or null are left out.

    `speed`: measurements by name, with the unit in the name. The same arguments give the same bytes.
    """
    data_sets = figures["data_sets"]
    rows = [(row, verdict(row)) for row in figures.get("summary") or ()]
    reference = _auc_of_all(figures.get("groups"), data_sets)
    shown = [each for name in (NATURAL, LARGE) for each in data_sets if each["data_set"] == name]
    return (
        environment()
        .get_template("page.html")
        .render(
            figures=figures,
            summary=rows,
            headline=headline([each for _, each in rows]),
            auc=list(_auc_charts(data_sets)),
            reliability=[(each, list(_reliability_charts(each))) for each in shown],
            trade=[(each, list(_trade_charts(each, FIRST)), list(_other_trades(each))) for each in shown],
            groups=list(_group_charts(figures.get("groups"), reference)),
            has_reference=reference is not None,
            disguise=_disguise_chart(figures.get("disguise")),
            cross=_cross_chart(figures.get("cross_validation")),
            tests=_test_chart(figures.get("tests")),
            skipped=list(_skip_charts(figures.get("skipped") or ())),
            first=FIRST,
            speed=speed,
        )
    )


def verdict(row: Plain) -> RowVerdict:
    """Whether one line of the summary meets its requirement, and whether its whole interval does."""
    ours, must, aim = row.get("ours") or {}, row.get("must"), row.get("aim")
    sign = 1 if row["higher_is_better"] else -1
    value, worst = ours.get("value"), ours.get("low" if sign > 0 else "high")
    if value is None or (must is None and aim is None):
        return RowVerdict("not measured" if value is None else "no requirement", "", None)
    if aim is not None and sign * value >= sign * aim:
        return RowVerdict("\u2713 reaches the aim", "good", is_met=True, is_aim=True)
    if must is None:
        return RowVerdict("\u2717 short of the aim", "fair", None)
    if sign * value < sign * must:
        return RowVerdict("\u2717 misses the must", "bad", is_met=False)
    if worst is not None and sign * worst < sign * must:
        return RowVerdict("\u2713 meets the must, not beyond doubt", "fair", is_met=True)
    return RowVerdict("\u2713 meets the must", "good", is_met=True)


def headline(verdicts: Sequence[RowVerdict]) -> str:
    """Empty if nothing is required."""
    judged = [each for each in verdicts if each.is_met is not None]
    if not judged:
        return ""
    met, aims = sum(bool(each.is_met) for each in judged), sum(each.is_aim for each in judged)
    return f"{met} of {len(judged)} requirements are met, {aims} of them up to the aim."


def _auc_charts(data_sets: Sequence[Plain]) -> Iterator[ChartPanel]:
    """One for each attribute, with a row for each data set that labels it."""
    for attribute in classifier.LABELS:
        rows = [
            _dot(_named(each, data_sets), each["attributes"][attribute]["auc"])
            for each in data_sets
            if _known((each["attributes"].get(attribute) or {}).get("auc"))
        ]
        if rows:
            yield _chart(attribute, "", charts.dots(f"ROC AUC of {attribute}", rows))


def _reliability_charts(data_set: Plain) -> Iterator[ChartPanel]:
    for attribute, found in data_set["attributes"].items():
        bars = [
            charts.ReliabilityBar(b["mean_score"], b["share_yes"], b["weight"]) for b in found.get("reliability") or ()
        ]
        if attribute != WITHOUT_CURVES and bars:
            note = f"expected calibration error {number(found.get('ece_equal_width'))}"
            yield _chart(attribute, note, charts.reliability(f"Reliability of {attribute}", bars))


def _trade_charts(data_set: Plain, attribute: str) -> Iterator[ChartPanel]:
    curve = (data_set["attributes"].get(attribute) or {}).get("curve") or ()
    for side, action in (("above", "reject"), ("below", "approve")):
        points = [
            charts.TradePoint(at["threshold"], at[f"share_{side}"], at[f"wrong_{side}"])
            for at in curve
            if at[f"wrong_{side}"] is not None and (side == "below" or at["threshold"] >= LOWEST_REJECTING)
        ]
        if points:
            note = f"from {side} the threshold; some thresholds stand beside the curve"
            title = f"{attribute}: {action} without a person"
            yield _chart(title, note, charts.trade(title, points, MARKED[side]))


def _other_trades(data_set: Plain) -> Iterator[ChartPanel]:
    for attribute in data_set["attributes"]:
        if attribute not in {FIRST, WITHOUT_CURVES}:
            yield from _trade_charts(data_set, attribute)


def _auc_of_all(groups: Plain | None, data_sets: Sequence[Plain]) -> float | None:
    """The AUC of all texts of the groups' data set, as the reference line."""
    for each in data_sets:
        if groups and each["data_set"] == groups["data_set"]:
            auc = (each["attributes"].get(groups["attribute"]) or {}).get("auc") or {}
            return auc.get("value")
    return None


def _group_charts(groups: Plain | None, reference: float | None) -> Iterator[ChartPanel]:
    if not groups:
        return
    for figure, (title, note) in GROUP_AUCS.items():
        rows = [
            _dot(f"{row['group']} ({row['texts']} texts)", row[figure])
            for row in groups["rows"]
            if _known(row.get(figure))
        ]
        if rows:
            yield _chart(title, note, charts.dots(f"{title}, ROC AUC by identity group", rows, reference))


def _disguise_chart(disguise: Plain | None) -> ChartPanel | None:
    if not disguise or not disguise["kinds"]:
        return None
    rows = [charts.BarPair(kind["kind"], kind["lost"], kind.get("textbook_lost")) for kind in disguise["kinds"]]
    return _chart("Recall lost, in points of a hundred", "shorter is better", charts.pairs("Recall lost", rows))


def _cross_chart(cross: Plain | None) -> ChartPanel | None:
    if not cross:
        return None
    rows = [_dot(f"ours: {name}", found) for name, found in cross["ours"].items() if _known(found)]
    if _known(cross.get("textbook")):
        rows.append(_dot("textbook", cross["textbook"], of_textbook=True))
    title = f"ROC AUC on {cross['data_set']}"
    return _chart(title, f"{cross['folds']} folds", charts.dots(title, rows)) if rows else None


def _test_chart(tests: Sequence[Plain] | None) -> ChartPanel | None:
    if not tests:
        return None
    rows = [_dot(f"{each['data_set']}, {each['language']}", each["auc"]) for each in tests if _known(each["auc"])]
    return _chart("ROC AUC on tests", "", charts.dots("ROC AUC on tests", rows)) if rows else None


def _skip_charts(curves: Sequence[Plain]) -> Iterator[ChartPanel]:
    for curve in curves:
        title = f"ROC AUC of {FIRST} on {curve['data_set']}"
        points = [(each["read"], each["auc"]) for each in curve["points"]]
        yield _chart(title, f"{curve['texts']:,} texts", charts.rise(title, points, "% of comments read by both"))


def _chart(title: str, note: str, svg: str) -> ChartPanel:
    return ChartPanel(title, note, Markup(svg))  # noqa: S704 - charts.py escapes what it writes


def _dot(name: str, found: Plain, *, of_textbook: bool = False) -> charts.Dot:
    return charts.Dot(name, found["value"], found.get("low"), found.get("high"), of_textbook)


def _known(found: Plain | None) -> bool:
    return bool(found) and found is not None and found.get("value") is not None


def _named(data_set: Plain, all_of_them: Sequence[Plain]) -> str:
    """The data set's name, with its part if the name alone is ambiguous."""
    name = str(data_set["data_set"])
    is_twice = sum(each["data_set"] == name for each in all_of_them) > 1
    return f"{name}, {data_set['part']}" if is_twice else name
