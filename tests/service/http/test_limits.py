"""The rate of a key: a burst of one second, and how much of it is left."""

from datetime import UTC, datetime
from typing import Any

import pytest

from service.http.limits import Buckets, RateLimits, RateStatus
from service.values.access import ApiKey, mint
from service.values.errors import RateLimited


def key(**more: Any) -> ApiKey:
    return mint("daily", frozenset(), None, datetime.now(UTC), **more)[1]


def test_a_key_without_a_limit_has_no_standing() -> None:
    limits = RateLimits(0)
    limits.take(key())
    assert limits.standing(key()) is None


def test_what_is_left_comes_back_with_time() -> None:
    now = [100.0]
    limits, held = RateLimits(0, lambda: now[0]), key(rate_per_s=4)
    assert limits.standing(held) == RateStatus(4, 4, 0.0)
    for left in (3, 2, 1, 0):
        limits.take(held)
        assert limits.standing(held) == RateStatus(4, left, (4 - left) / 4)
    with pytest.raises(RateLimited):
        limits.take(held)
    now[0] += 0.5
    assert limits.standing(held) == RateStatus(4, 2, 0.5)
    now[0] += 60
    assert limits.standing(held) == RateStatus(4, 4, 0.0)


def test_the_services_own_rate_counts_for_a_key_without_one() -> None:
    limits, held = RateLimits(0.5, lambda: 100.0), key()
    limits.take(held)
    assert limits.standing(held) == RateStatus(1, 0, 2.0)
    with pytest.raises(RateLimited) as refused:
        limits.take(held)
    assert refused.value.retry_after_s == 2


def test_what_is_given_back_to_somebody_without_a_key_may_be_taken_again_and_no_more() -> None:
    buckets = Buckets(1, 2, clock=lambda: 100.0, said="too many of them")
    buckets.give_back("ann")
    for _ in range(5):
        buckets.take("ann")
        buckets.give_back("ann")
    buckets.take("ann")
    buckets.take("ann")
    with pytest.raises(RateLimited, match="too many of them"):
        buckets.take("ann")
    buckets.take("bob")


def test_without_a_rate_nobody_is_refused() -> None:
    buckets = Buckets(0, 1)
    for _ in range(100):
        buckets.take("ann")
