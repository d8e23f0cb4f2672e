"""When a webhook is tried again."""

import pytest

from service.settings import Settings
from service.webhooks.schedule import DEFAULT, Schedule

HOUR = 3600


def test_the_schedule_of_the_specification() -> None:
    schedule = Schedule.parse(DEFAULT)
    assert Settings().webhook_schedule == DEFAULT
    middle = [schedule.delay_s(attempts, 0.5) for attempts in range(11)]
    assert middle[:4] == [0, 5, 300, 1800]
    assert middle[4:10] == [2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
    assert middle[10] is None, "ten attempts, then it is a dead letter"
    assert sum(each for each in middle if each is not None) / HOUR == pytest.approx(75.6, abs=0.05)


def test_a_receiver_that_is_down_for_three_days_hears_of_everything() -> None:
    schedule = Schedule.parse(DEFAULT)
    shortest = sum(schedule.delay_s(attempts, 0.0) or 0 for attempts in range(10))
    assert shortest > 60 * HOUR
    clock, attempts, down_until = 0.0, 0, 72 * HOUR
    while (delay_s := schedule.delay_s(attempts, 0.5)) is not None:
        clock, attempts = clock + delay_s, attempts + 1
        if clock >= down_until:
            break
    assert attempts == 10
    assert clock >= down_until


def test_every_delay_is_spread_by_a_fifth() -> None:
    schedule = Schedule.parse("0,100")
    assert schedule.delay_s(1, 0.0) == pytest.approx(80)
    assert schedule.delay_s(1, 1.0) == pytest.approx(120)
    assert schedule.delay_s(0, 1.0) == 0


@pytest.mark.parametrize("text", ["", "soon", "1,,2", "-1", "nan", "inf", "1e9"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - float() says it in its own words
        Schedule.parse(text)
