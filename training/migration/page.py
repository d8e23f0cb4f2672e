"""A self-contained HTML page on how Perspective's scores and ours agree; it loads nothing and runs no script."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from training import charts
from training.migration.agreement import ScoreAgreement
from training.migration.run import MappedAttribute, Migration
from training.templates import environment

# The thresholds at which the shares are computed.
_GRID = np.linspace(0, 0.99, 100)


@dataclass(frozen=True, slots=True)
class Section:
    found: ScoreAgreement
    drawn: Sequence[tuple[str, str, Markup]]


def render(migration: Migration) -> str:
    """The page; the same migration gives the same bytes."""
    sections = [Section(each.agreement, list(_charts(each))) for each in migration.compared]
    return environment().get_template("migration.html").render(migration=migration, sections=sections)


def _charts(each: MappedAttribute) -> Iterator[tuple[str, str, Markup]]:
    name, pair, matches = each.agreement.attribute, each.pair, each.agreement.matches
    marks = [(match.theirs, match.ours.value) for match in matches if match.ours is not None]
    cells = charts.cells(pair.theirs.tolist(), pair.ours.tolist())
    yield _chart(
        f"{name}: text by text",
        "the size of a dot is the number of texts; dashed: your threshold and ours",
        charts.scatter(f"{name}, Perspective's score against ours", cells, marks),
    )
    lines = [("theirs", _shares(pair.theirs)), ("ours", _shares(pair.ours)), ("mapped", _shares(each.answered))]
    yield _chart(
        f"{name}: share flagged by threshold",
        "Perspective orange, ours blue, ours under the map dotted",
        charts.shares(f"{name}, share of texts above each threshold", dict(lines)),
    )


def _shares(scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[tuple[float, float]]:
    ordered = np.sort(scores)
    above = len(ordered) - np.searchsorted(ordered, _GRID, side="right")
    return [(float(at), float(count) / len(ordered)) for at, count in zip(_GRID, above, strict=True)]


def _chart(title: str, note: str, svg: str) -> tuple[str, str, Markup]:
    return title, note, Markup(svg)  # noqa: S704 - charts.py escapes what it writes
