"""Keys and policies for tests of the directory."""

from datetime import UTC, datetime

from service.values.access import ApiKey, Scope, mint
from service.values.policy import Policy, Thresholds

STRICT = Policy({"spam": Thresholds(0.1, 0.2)}, version=2)


def made(site: str = "daily") -> tuple[str, ApiKey]:
    """A key that may score, and its record."""
    return mint(site, frozenset({Scope.SCORE}), None, datetime.now(UTC))
