"""Until when a status is given: the checks that authors, articles and sections share."""

from datetime import UTC, datetime

from service.values.errors import BadRequest, Fault

_NO_LATER_THAN = datetime(9000, 1, 1, tzinfo=UTC)


def check_until(status: str, until: datetime | None, now: datetime, *, required_for: str, refused_for: str) -> None:
    """Raises BadRequest naming `/until`. The statuses: one that must end by itself, and one that cannot."""
    if status == required_for and until is None:
        problem = f"required for {status}"
    elif status == refused_for and until is not None:
        problem = f"must not be set for {status}"
    elif until is not None and until <= now:
        problem = "must be in the future"
    elif until is not None and until > _NO_LATER_THAN:
        problem = f"must be before the year {_NO_LATER_THAN.year}"
    else:
        return
    raise BadRequest(f"/until: {problem}", [Fault("/until", problem)])
