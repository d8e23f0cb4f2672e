"""The templates of the report pages and the model card, and how figures are formatted in them."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, Undefined, select_autoescape

NONE = "\u2013"
_FINE = 10  # below: shares and ROC AUC; above: times and sizes
_COARSE = 1000


def number(value: float | Undefined | None, digits: int = 3) -> str:
    """A dash for a missing value; integers and large numbers without decimals."""
    if value is None or isinstance(value, Undefined):
        return NONE
    if isinstance(value, int) or abs(value) >= _COARSE:
        return f"{value:,.0f}"
    return f"{value:.{digits if abs(value) < _FINE else 1}f}"


def estimate(found: Mapping[str, Any] | Undefined | None, digits: int = 3) -> str:
    """A figure with its interval, if that has a width above 0."""
    if not found or found.get("value") is None:
        return NONE
    low, high = found.get("low"), found.get("high")
    has_width = low is not None and high is not None and low < high
    return number(found["value"], digits) + (f" ({number(low, digits)} to {number(high, digits)})" if has_width else "")


def figure(found: Any) -> str:  # noqa: ANN401 - anything with a value and an interval
    """The same for an object."""
    return NONE if not found else estimate({name: getattr(found, name) for name in ("value", "low", "high")})


def percent(share: float | Undefined | None) -> str:
    return NONE if share is None or isinstance(share, Undefined) else f"{share * 100:.1f} %"


def points(share: float) -> str:
    """Percentage points, for differences of shares."""
    return f"{share * 100:.1f}"


def cell(text: object) -> str:
    """Text escaped for a cell of a Markdown table."""
    flat = " ".join(str(text).split())
    for mark in "\\`*[]<>|":
        flat = flat.replace(mark, "\\" + mark)
    return flat


def environment() -> Environment:
    """HTML templates escape all values; Markdown templates use `cell`."""
    made = Environment(
        loader=PackageLoader("training"),
        autoescape=select_autoescape(["html"], default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "number": number,
        "estimate": estimate,
        "figure": figure,
        "percent": percent,
        "points": points,
        "cell": cell,
    }
    return made
