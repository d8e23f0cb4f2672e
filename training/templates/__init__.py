"""What a person reads of a model: the page and the card, and how figures are written in them."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, Undefined, select_autoescape

NONE = "\u2013"
_FINE = 10  # below: a share, a ROC AUC; from there on: times, microseconds, megabytes
_COARSE = 1000


def number(value: float | Undefined | None, digits: int = 3) -> str:
    """A dash where there is none; whole numbers without a point, large ones without digits after it."""
    if value is None or isinstance(value, Undefined):
        return NONE
    if isinstance(value, int) or abs(value) >= _COARSE:
        return f"{value:,.0f}"
    return f"{value:.{digits if abs(value) < _FINE else 1}f}"


def estimate(found: Mapping[str, Any] | Undefined | None, digits: int = 3) -> str:
    """A figure with its interval, where it has one: one without width says nothing."""
    if not found or found.get("value") is None:
        return NONE
    low, high = found.get("low"), found.get("high")
    has_width = low is not None and high is not None and low < high
    return number(found["value"], digits) + (f" ({number(low, digits)} to {number(high, digits)})" if has_width else "")


def figure(found: Any) -> str:  # noqa: ANN401 - whatever has a value and an interval
    """The same of an object."""
    return NONE if not found else estimate({name: getattr(found, name) for name in ("value", "low", "high")})


def percent(share: float | Undefined | None) -> str:
    return NONE if share is None or isinstance(share, Undefined) else f"{share * 100:.1f} %"


def points(share: float) -> str:
    """Of a hundred: for differences of shares."""
    return f"{share * 100:.1f}"


def cell(text: object) -> str:
    """Text that stays in its cell of a Markdown table and is no markup."""
    flat = " ".join(str(text).split())
    for mark in "\\`*[]<>|":
        flat = flat.replace(mark, "\\" + mark)
    return flat


def environment() -> Environment:
    """HTML escapes whatever it is given; Markdown leaves that to `cell`."""
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
