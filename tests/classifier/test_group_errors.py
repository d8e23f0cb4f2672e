"""The errors by identity group that a manifest has, whoever wrote it."""

from typing import Any

import pytest

from classifier import group_errors


def noted(**counts: Any) -> dict[str, Any]:
    return {"groups": {"data_set": "d", "attribute": "toxicity", "threshold": 0.3, "harmless": counts}}


def test_the_worst_group_is_held_against_the_mean_of_all() -> None:
    found = group_errors(noted(one={"texts": 100, "flagged": 2}, two={"texts": 50, "flagged": 5}))
    assert found is not None
    assert (found.groups, found.worst, found.worst_share) == (2, "two", 0.1)
    assert found.mean_share == pytest.approx(0.06)
    assert found.ratio == pytest.approx(0.1 / 0.06)


def test_no_group_is_worse_where_nothing_is_flagged() -> None:
    found = group_errors(noted(one={"texts": 100, "flagged": 0}, two={"texts": 50, "flagged": 0}))
    assert found is not None
    assert found.ratio == 1.0


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"groups": None},
        {"groups": {"harmless": [1]}},
        noted(),
        noted(one={"texts": 100, "flagged": 2}),
        noted(one={"texts": 100, "flagged": 2}, two={"texts": 0, "flagged": 0}),
        noted(one={"texts": 100, "flagged": 2}, two={"texts": 5, "flagged": 6}),
        noted(one={"texts": 100, "flagged": 2}, two={"texts": "many", "flagged": 1}),
        noted(one={"texts": 100, "flagged": 2}, two=[100, 2]),
    ],
)
def test_a_manifest_without_two_usable_groups_has_no_such_figure(metrics: dict[str, Any]) -> None:
    assert group_errors(metrics) is None
