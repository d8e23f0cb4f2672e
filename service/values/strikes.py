"""The status that authors get by what people decided: strikes for rejected comments, trust for approved ones."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

from service.values.rules import DAY_S, AuthorStatus, Code

MAX_STEPS = 10
EXPIRE_DAYS = 30
Weight = Annotated[int, Meta(ge=0, le=10)]
Steps = tuple[str, ...]


class StrikeStep(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The status that an author gets from so many strikes on; without `days` until somebody changes it."""

    strikes: Annotated[int, Meta(ge=1, le=100, description="Sum of the weights of the strikes that count.")]
    status: Literal["premoderated", "muted", "banned"]
    days: Annotated[int, Meta(ge=1, le=365, description="How long. Required for `muted`.")] | None = None

    def until(self, now: datetime) -> datetime | None:
        return None if self.days is None else now + timedelta(days=self.days)


class Strikes(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A comment that a person rejects is a strike against its author."""

    at: Annotated[
        tuple[StrikeStep, ...], Meta(min_length=1, max_length=MAX_STEPS, description="The fewest strikes first.")
    ]
    weights: Annotated[
        dict[Code, Weight],
        Meta(max_length=64, description="By reason of the rejection; of others 1. 0: no strike."),
    ] = {}
    expire_days: Annotated[int, Meta(ge=1, le=365, description="How long a strike counts.")] = EXPIRE_DAYS

    def weight(self, reason: str) -> int:
        return self.weights.get(reason, 1)


class Trust(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Authors without a strike become trusted when a person approves a comment and enough are approved."""

    approvals: Annotated[int, Meta(ge=1, le=10_000, description="Comments that stand approved, by whomever.")]
    days: Annotated[int, Meta(ge=0, le=365, description="Days since the first comment, at least.")] = 0

    @property
    def since_ms(self) -> int:
        return self.days * DAY_S * 1000


_SEVERITY = {AuthorStatus.PREMODERATED: 1, AuthorStatus.MUTED: 2, AuthorStatus.BANNED: 3}


def strike_faults(strikes: Strikes) -> Iterator[tuple[Steps, str]]:
    """What has the right type but is impossible: the path in `Strikes`, and why."""
    before: StrikeStep | None = None
    for number, step in enumerate(strikes.at):
        at = ("at", str(number))
        if step.status == "muted" and step.days is None:
            yield (*at, "days"), "required for muted"
        if before is not None and step.strikes <= before.strikes:
            yield (*at, "strikes"), "must be more than in the step before"
        if before is not None and _severity(step) < _severity(before):
            yield (*at, "status"), "must not be milder than in the step before"
        before = step


def _severity(step: StrikeStep) -> int:
    return _SEVERITY[AuthorStatus(step.status)]
