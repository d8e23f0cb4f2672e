"""The label archive: each label is stored once, whatever is killed and however often it is pulled."""

import math
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import LABELS
from training import archive
from training.archive import LabelLine
from training.errors import DataUnusable
from training.examples import fold_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def label(number: int, decision: str = "approve", **more: object) -> LabelLine:
    whole: dict[str, object] = {
        "cursor": f"{number}-0",
        "id": f"c-{number}",
        "revision": 1,
        "text": f"comment {number}",
        "decision": decision,
        "at": NOON + timedelta(seconds=number),
    }
    return LabelLine(**(whole | more))  # type: ignore[arg-type]


def taught(folder: Path, *labels: LabelLine) -> dict[str, float]:
    """What the archive says of a single comment, without what it does not say."""
    archive.append(folder, labels, "1-0")
    (row,) = archive.read(folder).labels
    return {name: float(value) for name, value in zip(LABELS, row, strict=True) if not math.isnan(value)}


def test_without_a_decision_only_what_was_said_is_taught_and_a_share_stays_one(tmp_path: Path) -> None:
    said = {"toxicity": 0.7, "insult": True, "threat": False}
    assert taught(tmp_path, label(1, "", labels=said)) == {
        "toxicity": pytest.approx(0.7),
        "insult": 1.0,
        "threat": 0.0,
    }


@pytest.mark.parametrize("value", [False, True])
def test_a_label_without_a_decision_teaches_nothing_about_other_attributes(tmp_path: Path, value: bool) -> None:
    assert taught(tmp_path, label(1, "", labels={"spam": value})) == {"spam": float(value)}
    assert taught(tmp_path / "insult", label(1, "", labels={"insult": value})) == {"insult": float(value)}


def test_a_few_who_say_yes_make_no_rejection_toxic_by_themselves(tmp_path: Path) -> None:
    said = taught(tmp_path, label(1, "reject", reason="spam", labels={"insult": 0.25}))
    assert said == {"insult": 0.25, "spam": 1.0}


def test_more_who_say_yes_than_no_do(tmp_path: Path) -> None:
    assert taught(tmp_path, label(1, "reject", labels={"insult": 0.5})) == {"insult": 0.5, "toxicity": 1.0}


def test_what_was_appended_is_read(tmp_path: Path) -> None:
    archive.append(tmp_path, [label(1), label(2, weight=3.0)], "2-0")
    archive.append(tmp_path, [label(3)], "3-0")
    found = archive.read(tmp_path)
    assert found.texts == ["comment 1", "comment 2", "comment 3"]
    assert found.groups == ["c-1", "c-2", "c-3"]
    assert found.weights.tolist() == [1, 3, 1]
    assert found.folds.tolist() == [fold_of(f"c-{number}") for number in (1, 2, 3)]
    assert set(found.sources) == {archive.SOURCE}


def test_nothing_of_a_label_is_lost(tmp_path: Path) -> None:
    whole = label(
        1,
        "reject",
        labels={"insult": True, "threat": 0.25},
        reason="personal_attack",
        source="human",
        actor="mod-1",
        text="\0\u202e🖕",
        language="fi",
        inclusion=0.02,
        community="Coral:https://example.org",
        learning_inclusion=0.125,
    )
    path = archive.append(tmp_path, [whole], "1-0")
    (row,) = pyarrow.parquet.read_table(path).to_pylist()
    assert msgspec.convert(row | {"labels": msgspec.json.decode(row["labels"])}, LabelLine) == whole


def test_a_pull_goes_on_behind_the_newest_part(tmp_path: Path) -> None:
    assert archive.next_cursor(tmp_path / "not there") is None
    assert archive.next_cursor(tmp_path) is None
    archive.append(tmp_path, [label(1)], "7-1")
    archive.append(tmp_path, [label(2)], "9-0")
    assert archive.next_cursor(tmp_path) == "9-0"


def test_the_same_page_twice_is_each_label_once(tmp_path: Path) -> None:
    for _ in range(2):
        archive.append(tmp_path, [label(1), label(2)], "2-0")
    assert len(archive.read(tmp_path)) == 2


def test_the_newest_decision_on_a_revision_counts(tmp_path: Path) -> None:
    assert taught(tmp_path, label(1, "approve"), label(1, "reject", cursor="2-0")) == {"toxicity": 1.0}


def test_every_revision_of_a_comment_is_a_text_of_its_own(tmp_path: Path) -> None:
    archive.append(tmp_path, [label(1), label(1, "reject", revision=2, text="edited")], "2-0")
    assert archive.read(tmp_path).texts == ["comment 1", "edited"]


def test_a_part_that_was_not_renamed_is_not_there(tmp_path: Path) -> None:
    """What a pull leaves behind that was killed while it wrote: before the rename, only its temporary file."""
    first = archive.append(tmp_path, [label(1)], "1-0")
    for content in (first.read_bytes(), first.read_bytes()[:100], b""):
        (tmp_path / ".labels-00000001.parquet.4711").write_bytes(content)
        assert archive.next_cursor(tmp_path) == "1-0"
        assert archive.read(tmp_path).texts == ["comment 1"]
    archive.append(tmp_path, [label(2)], "2-0")
    assert archive.read(tmp_path).texts == ["comment 1", "comment 2"]


def test_a_part_never_replaces_another(tmp_path: Path) -> None:
    first, *_ = (archive.append(tmp_path, [label(number)], f"{number}-0") for number in range(3))
    first.unlink()
    archive.append(tmp_path, [label(3)], "3-0")
    assert archive.read(tmp_path).texts == ["comment 1", "comment 2", "comment 3"]
    assert archive.next_cursor(tmp_path) == "3-0"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels").write_text("a file")
    with pytest.raises(DataUnusable, match=str(tmp_path / "labels")):
        archive.append(tmp_path / "labels", [label(1)], "1-0")


def test_approve_says_no_to_every_attribute(tmp_path: Path) -> None:
    assert taught(tmp_path, label(1)) == dict.fromkeys(LABELS, 0.0)


def test_approve_with_labels_says_what_they_say(tmp_path: Path) -> None:
    assert taught(tmp_path, label(1, labels={"profanity": True})) == dict.fromkeys(LABELS, 0.0) | {"profanity": 1.0}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {"toxicity": 1}),
        ({"reason": "personal_attack"}, {"toxicity": 1}),
        ({"reason": "spam"}, {"spam": 1}),
        ({"labels": {"spam": True}}, {"spam": 1}),
        ({"labels": {"insult": True, "threat": False}}, {"insult": 1, "threat": 0, "toxicity": 1}),
        ({"labels": {"insult": True, "toxicity": False}}, {"insult": 1, "toxicity": 0}),
        ({"labels": {"threat": False}}, {"threat": 0, "toxicity": 1}),
        ({"labels": {"threat": False}, "reason": "spam"}, {"threat": 0, "spam": 1}),
        ({"labels": {"off_topic": True}}, {}),
    ],
)
def test_reject_says_what_its_labels_say_or_its_reason(
    tmp_path: Path, more: dict[str, object], expected: dict[str, float]
) -> None:
    assert taught(tmp_path, label(1, "reject", **more)) == expected


def test_an_empty_archive_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="no labels; 'steward labels pull' writes them"):
        archive.read(tmp_path)


def test_a_foreign_file_is_refused_by_name(tmp_path: Path) -> None:
    foreign = tmp_path / "labels-00000000.parquet"
    pyarrow.parquet.write_table(pa.table({"text": ["hello"]}), foreign)
    for refused in (archive.read, archive.next_cursor):
        with pytest.raises(DataUnusable, match=f"{foreign}: not written by"):
            refused(tmp_path)
    odd = foreign.rename(tmp_path / "labels-mine.parquet")
    with pytest.raises(DataUnusable, match=f"{odd}: not written by"):
        archive.append(tmp_path, [label(1)], "1-0")


def test_a_damaged_part_is_refused_by_name(tmp_path: Path) -> None:
    path = archive.append(tmp_path, [label(1)], "1-0")
    path.write_bytes(path.read_bytes()[:-20])
    for refused in (archive.read, archive.next_cursor):
        with pytest.raises(DataUnusable, match=str(path)):
            refused(tmp_path)


def test_only_what_the_model_is_to_read_teaches_it(tmp_path: Path) -> None:
    spoken = enumerate(("en", "fi", "de", None))
    archive.append(tmp_path, [label(number, language=language) for number, language in spoken], "4-0")
    assert archive.read(tmp_path).texts == ["comment 0", "comment 3"]
    read = archive.read(tmp_path, ("en", "de"))
    assert read.texts == ["comment 0", "comment 2", "comment 3"]
    assert read.languages == ["en", "de", "en"], "each calibrates its own language"
    archive.append(tmp_path, [label(4, text="Kiitos tästä artikkelista, se oli hyvin mielenkiintoinen.")], "5-0")
    assert archive.read(tmp_path).texts == ["comment 0", "comment 3"], "imported without a language"


@pytest.mark.parametrize(
    "first", ["language", "inclusion", "community", "learning_inclusion"], ids=lambda name: f"without {name}"
)
def test_labels_that_were_pulled_by_an_older_version_are_read(tmp_path: Path, first: str) -> None:
    path = archive.append(tmp_path, [label(1)], "1-0")
    table = pyarrow.parquet.read_table(path)
    names = table.schema.names
    pyarrow.parquet.write_table(table.drop_columns(names[names.index(first) :]), path)
    archive.append(tmp_path, [label(2, language="en")], "2-0")
    assert archive.read(tmp_path).texts == ["comment 1", "comment 2"]
    archive.append(tmp_path, [retraction(1)], "3-0")
    assert archive.read(tmp_path).texts == ["comment 2"]
    assert archive.next_cursor(tmp_path) == "3-0"


def retraction(number: int, retracts: str | None = None) -> LabelLine:
    """As GET /v1/labels gives it: of the label of that number, unless its cursor is told."""
    return label(number, "", text="", weight=0, cursor=f"{number}-9", retracts=retracts or f"{number}-0")


def test_a_label_that_was_taken_back_teaches_nothing(tmp_path: Path) -> None:
    archive.append(tmp_path, [label(1), label(2)], "2-0")
    archive.append(tmp_path, [retraction(1)], "3-0")
    assert archive.read(tmp_path).texts == ["comment 2"]


def test_a_retraction_is_kept_like_any_label(tmp_path: Path) -> None:
    path = archive.append(tmp_path, [retraction(1)], "3-0")
    (row,) = pyarrow.parquet.read_table(path).to_pylist()
    assert (row["id"], row["retracts"], row["decision"]) == ("c-1", "1-0", "")


def test_the_newest_label_that_was_not_taken_back_counts(tmp_path: Path) -> None:
    first, second, third = (
        label(1, decision, cursor=f"{n}-0") for n, decision in enumerate(("reject", "approve", "reject"), 1)
    )
    archive.append(tmp_path, [first, second, retraction(1, "2-0")], "4-0")
    assert archive.read(tmp_path).labels[0, LABELS.index("toxicity")] == 1
    archive.append(tmp_path, [third, retraction(1, "1-0")], "5-0")
    assert archive.read(tmp_path).labels[0, LABELS.index("toxicity")] == 1
    archive.append(tmp_path, [retraction(1, "3-0")], "6-0")
    assert len(archive.read(tmp_path)) == 0


def test_the_retraction_of_a_label_that_nobody_pulled_is_harmless(tmp_path: Path) -> None:
    archive.append(tmp_path, [retraction(1), label(1, cursor="5-0"), label(2)], "5-0")
    assert archive.read(tmp_path).texts == ["comment 1", "comment 2"]


def test_a_label_of_another_comment_with_the_same_cursor_is_not_taken_back(tmp_path: Path) -> None:
    """Two shards of a site count their labels for themselves; to us a cursor is any text."""
    cursor = "2:1763950000000-0"
    archive.append(tmp_path, [label(1, cursor=cursor), label(2, cursor=cursor), retraction(2, cursor)], "x~y")
    assert archive.read(tmp_path).texts == ["comment 1"]
    assert archive.next_cursor(tmp_path) == "x~y"


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), min_size=1), st.integers(1, 5))
def test_what_was_taken_back_makes_no_difference_to_what_stands(said: list[tuple[int, bool, bool]], page: int) -> None:
    """Each line: of which comment, whether a rejection, whether it was taken back."""
    lines, standing = list[LabelLine](), dict[str, float]()
    for number, (comment, rejects, is_taken_back) in enumerate(said):
        lines.append(label(comment, "reject" if rejects else "approve", cursor=f"{number}-0"))
        if is_taken_back:
            lines.append(retraction(comment, f"{number}-0"))
        else:
            standing[f"c-{comment}"] = float(rejects)
    with tempfile.TemporaryDirectory() as folder:
        for at in range(0, len(lines), page):
            archive.append(Path(folder), lines[at : at + page], f"{at}")
        found = archive.read(Path(folder))
    assert dict(zip(found.groups, found.labels[:, LABELS.index("toxicity")], strict=True)) == standing


def test_decisions_of_the_last_hours_wait_and_so_does_what_they_replace(tmp_path: Path) -> None:
    labels = [
        label(1, at=NOON),
        label(2, at=NOON + timedelta(hours=30)),
        label(3, at=NOON),
        label(13, "reject", id="c-3", at=NOON + timedelta(hours=30)),
        label(4, revision=0, at=NOON + timedelta(hours=30), source="import"),
    ]
    archive.append(tmp_path, labels, "4-0")
    before = NOON + timedelta(hours=30)
    assert archive.read(tmp_path, before=before).groups == ["c-1", "c-4"]
    assert archive.count_young(tmp_path, before) == 2
    later = before + timedelta(seconds=1)
    assert archive.read(tmp_path, before=later).groups == ["c-1", "c-2", "c-3", "c-4"]
    assert archive.count_young(tmp_path, later) == 0


def test_a_decision_that_was_taken_back_while_it_waited_leaves_the_one_before(tmp_path: Path) -> None:
    late = NOON + timedelta(hours=30)
    undone = label(3, id="c-1", decision="", text="", at=late, retracts="2-0")
    archive.append(tmp_path, [label(1), label(2, "reject", id="c-1", at=late), undone], "3-0")
    assert archive.read(tmp_path, before=late).groups == ["c-1"]


def test_what_was_drawn_to_learn_from_teaches_like_any_label_and_counts_by_its_probability(tmp_path: Path) -> None:
    drawn = [label(number, learning_inclusion=0.05 * number, source="learning") for number in (1, 2, 3)]
    archive.append(tmp_path, [*drawn, label(4, inclusion=0.01, source="audit"), label(5, source="moderator")], "5-0")
    found = archive.read(tmp_path)
    assert found.weights.tolist() == [1.0] * 5
    # Three of the four comments that were drawn by chance, and one of them.
    expected = [0.75 / 0.05, 0.75 / 0.1, 0.75 / 0.15, 0.25 / 0.01, 1.0]
    assert found.stands_for.tolist() == pytest.approx(expected)


def test_without_draws_to_learn_from_each_label_stands_for_itself(tmp_path: Path) -> None:
    archive.append(tmp_path, [label(1, inclusion=0.01, source="audit"), label(2)], "2-0")
    assert archive.read(tmp_path).stands_for.tolist() == [1.0, 1.0]
