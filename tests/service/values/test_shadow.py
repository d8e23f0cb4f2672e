"""Figures of a model in shadow, and what a gate asks of them."""

from datetime import date

import pytest

from service.values.domain import Action
from service.values.gate import Gate, shadow_check
from service.values.shadow import Pair, PairCount, figures

APPROVE, REVIEW, REJECT = Action.APPROVE, Action.REVIEW, Action.REJECT
MONDAY, TUESDAY, THURSDAY = date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 3)


def test_days_add_up_by_what_each_model_would_have_done() -> None:
    same, missed = Pair("m-1", APPROVE, APPROVE), Pair("m-1", REJECT, APPROVE)
    found = figures({THURSDAY: {missed: 1}, MONDAY: {same: 5, missed: 2}, TUESDAY: {same: 2}})
    assert (found.days, found.first_day, found.last_day) == (3, MONDAY, THURSDAY)
    assert (found.comments, found.differing, found.differing_share) == (10, 3, 0.3)
    assert found.pairs == [PairCount("m-1", APPROVE, APPROVE, 7), PairCount("m-1", REJECT, APPROVE, 3)]


def test_what_was_in_use_before_is_told_apart() -> None:
    counts = {Pair("m-1", REVIEW, REJECT): 1, Pair("m-2", REVIEW, REJECT): 2}
    assert [(each.champion, each.comments) for each in figures({MONDAY: counts}).pairs] == [("m-1", 1), ("m-2", 2)]


def test_without_a_comment_no_share_is_claimed() -> None:
    found = figures({})
    assert (found.days, found.first_day, found.last_day, found.differing_share) == (0, None, None, None)


@pytest.mark.parametrize(("needed", "passed"), [(1, True), (2, True), (3, False)])
def test_a_gate_counts_the_days_on_which_something_was_compared(needed: int, passed: bool) -> None:
    found = figures({MONDAY: {Pair("m-1", APPROVE, REJECT): 1}, THURSDAY: {Pair("m-1", APPROVE, APPROVE): 3}})
    check = shadow_check(Gate(shadow_days=needed), found)
    assert (check.name, check.passed) == ("shadow", passed)
    assert check.detail == f"2 days in shadow, {needed} needed; 4 comments, 25.0% decided differently"
    assert (check.figures["days"], check.figures["needed"], check.figures["differing"]) == (2, needed, 1)
