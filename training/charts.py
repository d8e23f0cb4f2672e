"""SVG charts for embedding in an HTML page; the same figures give the same bytes.

Colors are CSS variables of the page (`var(--ours)`), so one chart works in light and dark mode. A chart is as wide as a
phone; wider screens place several side by side. Labels are above their row, so that long names do not narrow the plot.
"""

import hashlib
import html
import io
import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 3.6  # inches of 72 units: fits a phone of 360 pixels without scaling
ROW, TALL_ROW = 0.46, 0.55
# Placeholder colors that nothing else in a chart uses -> CSS variables of the page.
_VARIABLES = {
    "#010203": "ink",
    "#020304": "muted",
    "#030405": "line",
    "#040506": "ours",
    "#050607": "textbook",
    "#060708": "fill",
}
# Ids that matplotlib refers to (markers and clip paths). Nothing refers to any other id.
_SHARED_ID = r"[mp][0-9a-f]{10}"
INK, MUTED, LINE, OURS, TEXTBOOK, FILL = _VARIABLES
NORMAL_975 = 1.959964  # quantile of the normal distribution
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # keep text as text: for screen readers, search, and the page's font
    "svg.hashsalt": "steward",
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.size": 9,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True, slots=True)
class Dot:
    """A figure and its interval; `of_textbook` marks figures of the baseline pipeline."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    of_textbook: bool = False


@dataclass(frozen=True, slots=True)
class BarPair:
    """The same figure of our model and, if measured, of the textbook pipeline."""

    name: str
    ours: float
    textbook: float | None


@dataclass(frozen=True, slots=True)
class TradePoint:
    """At a threshold: the share of texts decided automatically, and the share of these that is wrong."""

    threshold: float
    share: float
    wrong: float


@dataclass(frozen=True, slots=True)
class ReliabilityBar:
    """One bin of a reliability table; `weight` is the weight of its texts."""

    mean_score: float
    share_yes: float
    weight: float


def dots(name: str, rows: Sequence[Dot], reference: float | None = None) -> str:
    """One row for each figure with its interval; `reference` is a dashed line. `name` is for screen readers."""
    described = "; ".join(f"{row.name} {row.value:.3f}{_between(row)}" for row in rows)
    with _chart(f"{name}: {described}", len(rows) * ROW + 0.5) as (axes, finished):
        if reference is not None:
            axes.axvline(reference, color=MUTED, linestyle=(0, (3, 3)), linewidth=1)
        for at, row in enumerate(rows):
            color, marker = (TEXTBOOK, "s") if row.of_textbook else (OURS, "o")
            if row.low is not None and row.high is not None:
                axes.plot([row.low, row.high], [at, at], color=color, linewidth=2.4, alpha=0.55)
            axes.plot([row.value], [at], marker=marker, markersize=6, color=color, linestyle="none")
            _label(axes, at, row.name, f"{row.value:.3f}")
        lowest = min(row.value if row.low is None else row.low for row in rows)
        axes.set_xlim(min(0.5, lowest) - 0.02, 1.015)
        _rows_only(axes, len(rows))
    return finished[0]


def pairs(name: str, rows: Sequence[BarPair]) -> str:
    """Horizontal bars in percentage points, ours above the textbook pipeline's. `name` is for screen readers."""
    described = "; ".join(f"{row.name} {_both(row)}" for row in rows)
    with _chart(f"{name}: {described}", len(rows) * TALL_ROW + 0.5) as (axes, finished):
        for at, row in enumerate(rows):
            axes.barh(at - 0.05, row.ours * 100, 0.2, color=OURS)
            if row.textbook is not None:
                axes.barh(at + 0.18, row.textbook * 100, 0.2, color=TEXTBOOK)
            _label(axes, at, row.name, _both(row))
        axes.axvline(0, color=MUTED, linewidth=1)
        values = [100 * value for row in rows for value in (row.ours, row.textbook) if value is not None]
        axes.set_xlim(min(0, *values) - 1, max(5, *values) * 1.03)
        _rows_only(axes, len(rows))
    return finished[0]


def reliability(name: str, bars: Sequence[ReliabilityBar]) -> str:
    """Mean score against the observed share of yes; the diagonal is perfect, and bars show the number of texts."""
    described = "; ".join(f"score {bar.mean_score:.2f}, observed {bar.share_yes:.2f}" for bar in bars)
    with _chart(f"{name}: {described}", 2.9) as (axes, finished):
        most = max((bar.weight for bar in bars), default=0) or 1
        axes.bar(
            [bar.mean_score for bar in bars], [0.16 * (bar.weight / most) ** 0.5 for bar in bars], 0.05, color=FILL
        )
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle=(0, (3, 3)), linewidth=1)
        for bar in bars:
            axes.plot([bar.mean_score] * 2, interval(bar), color=OURS, linewidth=1.6, alpha=0.45)
        across, up = [bar.mean_score for bar in bars], [bar.share_yes for bar in bars]
        axes.plot(across, up, color=OURS, marker="o", markersize=4, linewidth=0.8)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="score", ylabel="observed share of yes")
        axes.grid(visible=True, axis="both")
    return finished[0]


def interval(bar: ReliabilityBar) -> tuple[float, float]:
    """95 % Wilson interval (1927) of the share of yes, always within 0 to 1. Takes the weight as a count of texts."""
    if bar.weight <= 0:
        return 0.0, 1.0
    spread = NORMAL_975**2 / bar.weight
    middle = bar.share_yes + spread / 2
    half = (spread * (bar.share_yes * (1 - bar.share_yes) + spread / 4)) ** 0.5
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread)


def trade(name: str, points: Sequence[TradePoint], near: Sequence[float] = ()) -> str:
    """The share of texts decided against the share of these decided wrongly.

    The point nearest to each threshold in `near` gets a dot, a label with its own threshold, and a screen reader text.
    """
    points = sorted(points, key=lambda point: point.share)
    nearest = {min(points, key=lambda point: abs(point.threshold - each)) for each in near} if points else set()
    marked = sorted(nearest, key=lambda point: point.threshold)
    described = "; ".join(
        f"at {point.threshold:.2f}, {point.share:.1%} decided, {point.wrong:.1%} of these wrong" for point in marked
    )
    with _chart(f"{name}: {described}", 2.5) as (axes, finished):
        axes.plot(*zip(*((100 * point.share, 100 * point.wrong) for point in points), strict=True), color=OURS)
        for point in marked:
            at = 100 * point.share, 100 * point.wrong
            axes.plot(*at, marker="o", markersize=5, color=OURS)
            axes.annotate(
                f"{point.threshold:.2f}", at, (-4, 6), textcoords="offset points", horizontalalignment="right"
            )
        axes.set(xlabel="% of all texts decided", ylabel="% of these wrong")
        axes.set_ylim(0, max(1, *(100 * point.wrong for point in points)) * 1.15)
        axes.margins(x=0.12)
        axes.grid(visible=True, axis="both")
    return finished[0]


@dataclass(frozen=True, slots=True)
class Cell:
    """The number of texts with about these two scores."""

    across: float
    up: float
    texts: int


def cells(across: Sequence[float], up: Sequence[float], size: int = 40) -> list[Cell]:
    """The non-empty cells of a `size` by `size` grid on the unit square."""
    counted = Counter(
        (min(int(x * size), size - 1), min(int(y * size), size - 1)) for x, y in zip(across, up, strict=True)
    )
    return [Cell((x + 0.5) / size, (y + 0.5) / size, texts) for (x, y), texts in sorted(counted.items())]


def scatter(name: str, found: Sequence[Cell], marks: Sequence[tuple[float, float]] = ()) -> str:
    """Two scores of the same texts, theirs on x and ours on y; `marks` are pairs of equivalent thresholds."""
    described = "; ".join(f"{x:.2f} there is {y:.2f} here" for x, y in marks)
    most = max((cell.texts for cell in found), default=1)
    with _chart(f"{name}: {described}", 3.2) as (axes, finished):
        for x, y in marks:
            axes.axvline(x, color=TEXTBOOK, linestyle=(0, (3, 3)), linewidth=1)
            axes.axhline(y, color=OURS, linestyle=(0, (3, 3)), linewidth=1)
        sizes = [4 + 22 * math.log1p(cell.texts) / math.log1p(most) for cell in found]
        axes.scatter([c.across for c in found], [c.up for c in found], sizes, color=INK, alpha=0.45, linewidths=0)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="Perspective's score", ylabel="our score")
        axes.grid(visible=True, axis="both")
    return finished[0]


_LINES = {"theirs": (TEXTBOOK, "solid"), "ours": (OURS, "solid"), "mapped": (OURS, "dotted")}


def shares(name: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """The share of texts above each threshold, for each of the scores theirs, ours and mapped."""
    described = "; ".join(
        f"{line} at {at:.2f}: {share:.1%}" for line, points in lines.items() for at, share in points[50::30]
    )
    with _chart(f"{name}: {described}", 2.9) as (axes, finished):
        for line, points in lines.items():
            color, style = _LINES[line]
            seen = [(at, 100 * share) for at, share in points if share > 0]
            if seen:
                axes.plot(*zip(*seen, strict=True), color=color, linestyle=style, linewidth=1.4)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda percent, _: f"{percent:g}")
        axes.yaxis.minorticks_off()
        axes.set(xlim=(-0.02, 1.02), xlabel="threshold", ylabel="% of texts above it")
        axes.grid(visible=True, axis="both")
    return finished[0]


def rise(name: str, points: Sequence[tuple[float, float]], below: str) -> str:
    """A figure against a share, which is shown in percent; `below`: the name of the horizontal axis."""
    described = "; ".join(f"{share:.0%}: {value:.3f}" for share, value in points)
    with _chart(f"{name}: {described}", 2.6) as (axes, finished):
        axes.plot([100 * share for share, _ in points], [value for _, value in points], color=OURS, marker="o", ms=3)
        axes.set(xlim=(-2, 102), xlabel=below, ylabel="ROC AUC")
        axes.grid(visible=True, axis="both")
    return finished[0]


@contextmanager
def _chart(described: str, height: float) -> Iterator[tuple["Axes", list[str]]]:
    """Axes to draw on; on exit the list holds the SVG."""
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only a report draws
    from matplotlib.figure import Figure  # noqa: PLC0415 - matplotlib takes a second to import

    finished: list[str] = []
    with mpl.rc_context(), warnings.catch_warnings():
        # matplotlib guesses the widths of missing glyphs; the browser has its own fonts.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        mpl.rcdefaults()  # ignore the user's matplotlibrc
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        yield figure.add_subplot(), finished
        finished.append(_svg(figure, described))


def _svg(figure: "Figure", described: str) -> str:
    """The SVG for embedding: no preamble, no fixed size, unique ids, and the page's colors."""
    out = io.StringIO()
    no_metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(out, format="svg", transparent=True, metadata=no_metadata)
    drawn = out.getvalue()
    box = re.search(r'viewBox="[^"]*"', drawn)
    assert box, "matplotlib writes a view box"  # noqa: S101 - for the type checker
    inside = drawn[drawn.index(">", drawn.index("<svg")) + 1 :]
    # A style element would change the page's own rules; what matplotlib sets there is the browsers' default anyway.
    inside = re.sub(r"<style\b.*?</style>", "", inside, flags=re.DOTALL)
    prefix = f"c{hashlib.sha256(drawn.encode()).hexdigest()[:8]}"
    inside = re.sub(rf' id="(?!{_SHARED_ID}")[^"]*"', "", inside)
    inside = re.sub(rf'(id="|"#|url\(#)({_SHARED_ID})', rf"\g<1>{prefix}-\2", inside)
    inside = re.sub(r"font(-family)?: ([\d.]+px )?[^;\"]*DejaVu[^;\"]*", lambda found: _font(found[2]), inside)
    for stand_in, variable in _VARIABLES.items():
        inside = inside.replace(stand_in, f"var(--{variable})")
    inside = re.sub(r"\n\s*", " ", inside)
    return f'<svg role="img" aria-label="{html.escape(described)}" {box[0]}>{inside.strip()}'


def _font(size: str | None) -> str:
    return f"font-size: {size.strip()}" if size else "font-family: inherit"


def _label(axes: "Axes", at: float, left: str, right: str) -> None:
    for text, where, color in ((left, "left", INK), (right, "right", MUTED)):
        axes.text(
            0 if where == "left" else 1,
            at - 0.32,
            text,
            transform=axes.get_yaxis_transform(),
            horizontalalignment=where,
            verticalalignment="center",
            color=color,
        )


def _rows_only(axes: "Axes", count: int) -> None:
    axes.set_ylim(count - 0.6, -0.65)
    axes.set_yticks([])


def _between(row: Dot) -> str:
    return "" if row.low is None or row.high is None else f" ({row.low:.3f} to {row.high:.3f})"


def _both(row: BarPair) -> str:
    return f"{row.ours * 100:.1f}" + ("" if row.textbook is None else f" against {row.textbook * 100:.1f}")
