"""A receiver that only fails is paused, then probed with one request."""

from service.webhooks.breaker import FORGET_AFTER_S, MAX_FAILURES, BreakerPauses, Breakers

SITE = ("daily", "https://site.example")


def breakers() -> Breakers:
    return Breakers(BreakerPauses(5, 300))


def trip(all_: Breakers, now: float) -> None:
    for _ in range(MAX_FAILURES):
        all_.enter(SITE, now)
        all_.failed(SITE, now)


def test_failures_between_successes_change_nothing() -> None:
    all_ = breakers()
    for _ in range(100):
        for _ in range(MAX_FAILURES - 1):
            assert all_.enter(SITE, 0) == 0
            assert not all_.failed(SITE, 0)
        all_.succeeded(SITE)


def test_so_many_failures_in_a_row_open_it_for_that_endpoint_alone() -> None:
    all_ = breakers()
    trip(all_, 100)
    assert all_.pause_s(SITE, 101) == 4
    assert all_.enter(("other", "https://site.example"), 101) == 0
    assert all_.pause_s(SITE, 105) == 0


def test_afterwards_one_asks_and_the_others_wait_for_its_answer() -> None:
    all_ = breakers()
    trip(all_, 100)
    assert [all_.enter(SITE, 105) for _ in range(3)] == [0, 1, 1]
    all_.succeeded(SITE)
    assert [all_.enter(SITE, 105) for _ in range(3)] == [0, 0, 0]


def test_who_asked_in_vain_doubles_the_pause_up_to_a_limit() -> None:
    all_, now, pauses = breakers(), 100.0, []
    trip(all_, now)
    for _ in range(9):
        pauses.append(all_.pause_s(SITE, now))
        now += pauses[-1]
        assert all_.enter(SITE, now) == 0
        assert all_.failed(SITE, now)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_what_was_sent_before_it_opened_does_not_double_the_pause() -> None:
    all_ = breakers()
    trip(all_, 100)
    for _ in range(16):
        assert not all_.failed(SITE, 101)
    assert all_.pause_s(SITE, 101) == 4


def test_who_entered_and_sent_nothing_lets_another_ask() -> None:
    all_ = breakers()
    trip(all_, 100)
    assert all_.enter(SITE, 105) == 0
    all_.left(SITE)
    assert all_.enter(SITE, 105) == 0


def test_a_receiver_that_asks_for_rest_gets_it() -> None:
    all_ = breakers()
    all_.failed(SITE, 100, rest_s=60)
    assert all_.pause_s(SITE, 110) == 50
    all_.failed(SITE, 110, rest_s=1)
    assert all_.pause_s(SITE, 110) == 50, "a shorter wish does not cut the longer one short"
    assert [all_.enter(SITE, 161) for _ in range(3)] == [0, 0, 0]


def test_endpoints_of_long_ago_are_forgotten() -> None:
    all_ = breakers()
    trip(all_, 100)
    all_.forget(100 + FORGET_AFTER_S)
    assert all_.pause_s(SITE, 101) > 0
    all_.forget(200 + FORGET_AFTER_S)
    assert all_.pause_s(SITE, 101) == 0
