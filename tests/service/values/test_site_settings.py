"""The map from our score to the one answered."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from service.values.site_settings import Perspective, Protocols, faults, mapped

LABELS = ("toxicity", "profanity")
probabilities = st.floats(0, 1)


def rising(pairs: list[tuple[float, float]]) -> list[tuple[float, float]]:
    xs, ys = sorted({x for x, _ in pairs}), sorted(y for _, y in pairs)
    return list(zip(xs, ys, strict=False))


maps = st.lists(st.tuples(probabilities, probabilities), min_size=1, max_size=6).map(rising)


@given(maps, probabilities, probabilities)
def test_a_map_that_is_accepted_never_turns_an_order_round(
    pairs: list[tuple[float, float]], one: float, other: float
) -> None:
    assert not list(faults(Protocols(Perspective(score_maps={"TOXICITY": pairs})), LABELS))
    low, high = sorted((one, other))
    assert 0 <= mapped(low, pairs) <= mapped(high, pairs) + 1e-9 <= 1 + 2e-9


@given(maps)
@example([(5e-324, 0.5)])
def test_a_map_goes_through_its_points(pairs: list[tuple[float, float]]) -> None:
    for x, y in pairs:
        assert abs(mapped(x, pairs) - y) < 1e-9


def test_lines_are_straight_from_nothing_to_certainty() -> None:
    found = [round(mapped(score, [(0.5, 0.8)]), 9) for score in (0, 0.25, 0.5, 0.75, 1)]
    assert found == [0, 0.4, 0.8, 0.9, 1]
    assert [mapped(score, [(0.0, 0.3), (1.0, 0.4)]) for score in (0, 0.5, 1)] == [0.3, 0.35, 0.4]


@given(st.lists(st.tuples(probabilities, probabilities), min_size=2, max_size=5))
def test_a_map_that_falls_is_refused(pairs: list[tuple[float, float]]) -> None:
    rises = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(pairs))
    assert bool(list(faults(Protocols(Perspective(score_maps={"OBSCENE": pairs})), LABELS))) is not rises
