"""The generated sentences: invariants of every language."""

import re
from collections import Counter, defaultdict

import pytest

from classifier import LABELS
from training import contrast
from training.contrast.expansion import expand
from training.contrast.frames import HARMFUL_FROM, Frames, read_frames

LANGUAGES = contrast.languages()
SLOT_OF_GROUP = re.compile(r"\{(a_)?groups?\b")


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def rows(language: str) -> tuple[contrast.Row, ...]:
    return contrast.rows(language)


@pytest.fixture(scope="module")
def frames(language: str) -> Frames:
    return read_frames(contrast.FRAMES / language, language)


def letters(text: str) -> str:
    return "".join(each for each in text.casefold() if each.isalnum()) or text


def is_harmful(row: contrast.Row) -> bool:
    return max(row.labels["toxicity"], row.labels.get("spam", 0)) >= HARMFUL_FROM


def test_the_same_seed_gives_the_same_sentences(frames: Frames, rows: tuple[contrast.Row, ...]) -> None:
    assert tuple(expand(frames, contrast.SEED)) == rows
    others = expand(frames, contrast.SEED + 1)
    assert any(one != other for one, other in zip(rows, others, strict=False))


def test_no_sentence_comes_twice_and_none_is_in_both_parts(rows: tuple[contrast.Row, ...]) -> None:
    assert len({row.text for row in rows}) == len(rows)
    learned, tested = ({letters(row.text) for row in rows if row.is_test == part} for part in (False, True))
    assert not learned & tested


def test_a_frame_is_either_learnt_or_tested(rows: tuple[contrast.Row, ...]) -> None:
    parts = defaultdict(set)
    for row in rows:
        parts[row.frame].add(row.is_test)
    assert all(len(found) == 1 for found in parts.values())


def test_about_a_third_of_the_frames_is_for_tests_and_some_of_every_function(frames: Frames) -> None:
    tested = [frame.is_test for function in frames.functions.values() for frame in function.frames]
    assert 0.27 < sum(tested) / len(tested) < 0.4
    for function in frames.functions.values():
        assert {frame.is_test for frame in function.frames} == {True, False}, function.name


def test_every_frame_gives_sentences(frames: Frames, rows: tuple[contrast.Row, ...]) -> None:
    """One whose sentences are all there already is a frame that somebody wrote twice."""
    written = {f"{each.name}/{frame.digest[:12]}" for each in frames.functions.values() for frame in each.frames}
    assert {row.frame for row in rows} == written


def test_no_slot_is_left_open(rows: tuple[contrast.Row, ...]) -> None:
    assert not [row.frame for row in rows if set(row.text) & set("{}")]


def test_no_sentence_is_empty(rows: tuple[contrast.Row, ...]) -> None:
    assert all(row.text.strip() for row in rows)


def test_every_function_says_what_its_sentences_are(frames: Frames) -> None:
    for function in frames.functions.values():
        assert set(function.labels) <= set(LABELS), function.name
        assert "toxicity" in function.labels, function.name
        assert "spam" in function.labels, function.name
        if not function.is_harmful:
            harm = {label: share for label, share in function.labels.items() if label != "profanity"}
            assert max(harm.values()) < HARMFUL_FROM, function.name


def test_a_group_says_nothing_of_harm(rows: tuple[contrast.Row, ...]) -> None:
    """In each part every group stands equally often in harmful sentences, and in harmless ones."""
    for part in (False, True):
        for side in (False, True):
            counts = Counter(
                group for row in rows if row.is_test == part and is_harmful(row) == side for group in row.groups
            )
            if counts:
                mean = counts.total() / len(counts)
                assert max(counts.values()) - min(counts.values()) <= max(2, 0.1 * mean), (part, side, counts)


def test_that_a_group_is_named_says_little_of_harm(rows: tuple[contrast.Row, ...]) -> None:
    named = [is_harmful(row) for row in rows if row.groups]
    assert not named or 0.35 < sum(named) / len(named) < 0.65


def test_something_harmless_is_said_of_a_group_beside_emoji(frames: Frames) -> None:
    """A name and an emoji alone may be meant either way."""
    harmless = [each for each in frames.functions.values() if "emoji" in each.name and not each.is_harmful]
    named = [frame.text for function in harmless for frame in function.frames if SLOT_OF_GROUP.search(frame.text)]
    assert [text for text in named if not re.search(r"\w", re.sub(r"\{[^{}|]*\}", "", text))] == []


def test_emoji_at_the_end_say_nothing_of_harm(frames: Frames, rows: tuple[contrast.Row, ...]) -> None:
    table = frames.columns.get("surface_emoji")
    if table is None:
        pytest.skip("this language has none")
    ends = tuple(row["surface_emoji"] for row in table.rows)
    varied = {function.name for function in frames.functions.values() if function.surface == "varied"}
    shares = [
        sum(row.text.endswith(ends) for row in side) / len(side)
        for side in ([row for row in rows if is_harmful(row) == harm and row.function in varied] for harm in (0, 1))
    ]
    assert all(0.08 < share < 0.2 for share in shares)


def test_neither_length_nor_quotation_says_much_of_harm() -> None:
    """Of English, which has enough of each: what a model could learn instead of the sense."""
    found = contrast.rows("en")
    for name, those in {
        "quoted": [row for row in found if '"' in row.text],
        "one to four words": [row for row in found if len(row.text.split()) < 5],
        "more than forty words": [row for row in found if len(row.text.split()) > 40],
        "of several lines": [row for row in found if "\n" in row.text],
        "a question": [row for row in found if "?" in row.text],
        "all capitals": [row for row in found if row.text.isupper()],
    }.items():
        assert len(those) > 500, name
        assert 0.3 < sum(map(is_harmful, those)) / len(those) < 0.7, name
