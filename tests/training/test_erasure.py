"""What was erased at the service leaves the archive, and nothing is trained on it meanwhile."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet
import pytest
from click.testing import CliRunner

from classifier.manifest import LabelsRead
from training import archive, erasure
from training.archive import LabelLine
from training.commands.labels import labels as labels_command
from training.errors import DataUnusable

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def label(number: int, comment: str, **more: object) -> LabelLine:
    whole: dict[str, object] = {
        "cursor": f"{number}-0",
        "id": comment,
        "revision": 1,
        "text": f"secret words of {comment}, number {number}",
        "decision": "reject",
        "at": NOON + timedelta(days=number),
        "language": "en",
    }
    return LabelLine(**(whole | more))  # type: ignore[arg-type]


def erased(number: int, comment: str) -> LabelLine:
    return label(number, comment, revision=0, text="", decision="", source="erased", retracts="*", weight=0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two parts; in the second, c-1 is erased, and then its id comes back with another text."""
    archive.append(tmp_path, [label(1, "c-1"), label(2, "c-2"), label(3, "c-1", revision=2)], "3-0")
    archive.append(tmp_path, [label(4, "c-3"), erased(5, "c-1"), label(6, "c-1", text="a new text")], "6-0")
    return tmp_path


def texts(folder: Path) -> list[str]:
    return [line.text for part in archive.parts(folder) for line in archive.lines_of(part)]


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_training_refuses_an_archive_that_holds_erased_texts(folder: Path) -> None:
    with pytest.raises(DataUnusable, match=r"2 texts in it were erased; 'steward labels pull' removes them"):
        archive.read(folder)
    assert erasure.open_erasures(folder) == 2
    erasure.apply(folder)
    assert erasure.open_erasures(folder) == 0
    assert archive.read(folder).texts == [
        "secret words of c-2, number 2",
        "secret words of c-3, number 4",
        "a new text",
    ]


def test_the_texts_of_all_revisions_leave_the_files_and_later_ones_stay(folder: Path) -> None:
    before = archive.next_cursor(folder), archive.next_number(folder)
    (receipt,) = erasure.apply(folder)
    assert texts(folder) == ["secret words of c-2, number 2", "secret words of c-3, number 4", "", "a new text"]
    assert (archive.next_cursor(folder), archive.next_number(folder)) == before, "the next pull goes on as before"
    assert (receipt.labels, receipt.parts, receipt.erased_at) == (2, [0], NOON + timedelta(days=5))
    assert receipt.comment_sha256 == hashlib.sha256(b"c-1").hexdigest()
    assert erasure.receipts(folder) == [receipt]
    for part in archive.parts(folder):
        assert all("of c-1" not in text for text in pyarrow.parquet.read_table(part)["text"].to_pylist())
    assert not list(folder.glob(".*parquet*")), "no copy is left"


def test_it_is_safe_to_repeat(folder: Path) -> None:
    assert len(erasure.apply(folder)) == 1
    content = everything(folder)
    assert erasure.apply(folder) == []
    assert everything(folder) == content


def test_an_erasure_of_what_the_archive_never_held_has_a_receipt_too(tmp_path: Path) -> None:
    archive.append(tmp_path, [erased(1, "c-9")], "1-0")
    (receipt,) = erasure.apply(tmp_path)
    assert (receipt.labels, receipt.parts) == (0, [])
    assert erasure.apply(tmp_path) == []


@pytest.mark.parametrize("step", ["the plan", "one part", "the receipts"])
def test_a_run_that_was_killed_is_finished_by_the_next(
    folder: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.append(folder, [label(7, "c-2"), erased(8, "c-3"), erased(8, "c-2")], "8-0")

    class Killed(Exception):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if step == "the plan":
            patch.setattr(erasure, "_finish", lambda f: killed() if (f / ".erasing.json").exists() else None)
        elif step == "one part":
            done = []
            rewrite = erasure._rewritten  # noqa: SLF001 - killed between two parts
            patch.setattr(erasure, "_rewritten", lambda *each: killed() if done else done.append(rewrite(*each)))
        else:
            patch.setattr(Path, "unlink", killed)
        with pytest.raises(Killed):
            erasure.apply(folder)
    erasure.apply(folder)
    assert texts(folder) == ["", "a new text", "", ""]
    assert sorted((each.cursor, each.labels) for each in erasure.receipts(folder)) == [
        ("5-0", 2),
        ("8-0", 1),
        ("8-0", 2),
    ]
    assert erasure.apply(folder) == []


def test_an_erasure_pulled_after_a_crash_has_its_labels_in_its_receipt(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = LabelsRead(archive.identity(folder), 1, 0)
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "_rewritten", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erasure.apply(folder)
    archive.append(folder, [erased(9, "c-2")], "9-0")
    erasure.apply(folder)
    assert [(each.cursor, each.labels, each.parts) for each in erasure.receipts(folder)] == [
        ("5-0", 2, [0]),
        ("9-0", 1, [0]),
    ]
    assert erasure.seen(folder, [early]) == 2
    assert texts(folder) == ["secret words of c-3, number 4", "", "a new text", ""]


def test_a_part_that_a_killed_pull_left_goes_and_one_that_is_being_written_stays(folder: Path) -> None:
    (part, *_) = archive.parts(folder)
    left, writing = (part.with_name(f".{part.name}.{name}") for name in ("left", "writing"))
    for path in (left, writing):
        path.write_bytes(part.read_bytes())
    hours_ago = (datetime.now(UTC) - timedelta(hours=2)).timestamp()
    os.utime(left, (hours_ago, hours_ago))
    erasure.apply(folder)
    assert (left.exists(), writing.exists()) == (False, True)


def test_two_processes_do_not_rewrite_an_archive_at_once(folder: Path) -> None:
    with erasure.locked(folder), pytest.raises(DataUnusable, match="one at a time"):
        erasure.apply(folder)


def test_it_is_known_which_models_saw_a_text_that_was_erased_later(folder: Path) -> None:
    early = LabelsRead(archive.identity(folder), 1, 0)  # when there was one part
    other = LabelsRead("another archive", 9, 0)
    assert erasure.seen(folder, [early]) == 0, "nothing was removed yet"
    erasure.apply(folder)
    late = erasure.labels_read(folder)
    assert late == LabelsRead(archive.identity(folder), 2, 1)
    assert [erasure.seen(folder, [each]) for each in (early, late, other)] == [1, 0, 0]
    archive.append(folder, [erased(9, "c-3"), erased(10, "c-2")], "10-0")
    erasure.apply(folder)
    assert erasure.seen(folder, [early]) == 2, "c-1 and c-2; c-3 came after"
    assert erasure.seen(folder, [late]) == 2, "c-3 and c-2"
    assert erasure.seen(folder, [early, late]) == 3, "a model that took a reader from an earlier one"


def test_models_that_read_a_label_that_was_pruned_before_its_comment_was_erased_are_counted(folder: Path) -> None:
    erasure.apply(folder)
    before = erasure.labels_read(folder)
    assert erasure.prune(folder, NOON + timedelta(days=4)) == 1, "the label of c-2"
    after = erasure.labels_read(folder)
    archive.append(folder, [label(7, "c-8"), erased(8, "c-2")], "8-0")
    (receipt,) = erasure.apply(folder)
    assert receipt.labels == 0, "its label was gone"
    assert [erasure.seen(folder, [each]) for each in (before, after)] == [1, 0]
    old = LabelsRead(before.archive, before.next_part, before.erasures)
    assert erasure.seen(folder, [old]) == 1, "a model of an earlier release"
    noted = (folder / "pruned.jsonl").read_text()
    assert hashlib.sha256(b"c-2").hexdigest() in noted
    assert "secret" not in noted
    assert "c-2" not in noted


def test_a_model_that_read_labels_after_a_prune_was_killed_is_counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erasure.apply(folder)
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "_rewritten", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            erasure.prune(folder, NOON + timedelta(days=4))
    between = erasure.labels_read(folder)
    erasure.prune(folder, NOON + timedelta(days=4))
    archive.append(folder, [erased(8, "c-2")], "8-0")
    erasure.apply(folder)
    assert erasure.seen(folder, [between]) == 1


def test_old_labels_leave_the_archive_and_the_rest_stays(folder: Path) -> None:
    erasure.apply(folder)
    assert erasure.prune(folder, NOON + timedelta(days=4)) == 1
    assert texts(folder) == ["secret words of c-3, number 4", "", "a new text"]
    assert erasure.prune(folder, NOON + timedelta(days=4)) == 0
    assert archive.next_cursor(folder) == "6-0"
    archive.append(folder, [label(7, "c-7", at=datetime.now(UTC) - timedelta(days=800))], "7-0")
    done = CliRunner().invoke(labels_command, ["prune", "--to", str(folder), "--keep-days", "730"])
    assert done.exit_code == 0, done.output
    assert "1 labels older than 730 days removed" in done.output


def test_it_is_known_how_long_ago_the_service_was_asked(folder: Path) -> None:
    assert erasure.pull_age(folder) is None
    erasure.note_pull(folder)
    age = erasure.pull_age(folder)
    assert age is not None
    assert timedelta(minutes=-1) < age < timedelta(minutes=1)
    week = (datetime.now(UTC) - timedelta(days=7)).timestamp()
    os.utime(folder / ".pulled", (week, week))
    found = erasure.pull_age(folder)
    assert found is not None
    assert found > erasure.MOST_PULL_AGE
