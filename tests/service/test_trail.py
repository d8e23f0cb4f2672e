"""The exported audit trail: every change is found, and whatever was killed, nothing is there twice or missing."""

import csv
import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.trail import Check, Entry, Finding, Trail, as_csv, entries, locked
from service.trail.files import numbered
from service.values.errors import TrailUnusable

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
COUNT = 12
# So small that the entries fill several files.
MOST_BYTES = 700


def entry(number: int) -> Entry:
    details = {"action": "decided", "actor": "ann", "comment": f"c-{number}", "reason": 'quoted " and \u2028 🖕 \x00'}
    return Entry(NOON + timedelta(seconds=number), f"{1000 + number}-0", details, number, number % 2)


def written(folder: Path, *numbers: int, most_bytes: int = MOST_BYTES) -> Trail:
    """Go on with the trail in `folder`, as an export does that gets through."""
    trail = Trail(folder, "daily", most_bytes=most_bytes)
    for each in map(entry, numbers):
        trail.append(each.shard, each.cursor, each.at, each.details)
    trail.sync()
    trail.close()
    return trail


def found(folder: Path, **more: str) -> list[Finding]:
    return list(Check(folder, **more).findings())


def lines_of(folder: Path) -> list[tuple[Path, bytes]]:
    return [(path, raw) for path in numbered(folder).values() for raw in path.read_bytes().splitlines(keepends=True)]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in numbered(folder).values()}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A trail of a few files, and its head."""
    folder = tmp_path_factory.mktemp("trail") / "daily"
    trail = written(folder, *range(1, COUNT + 1))
    assert len(numbered(folder)) >= 3
    return folder, trail.head


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(shutil.copytree(folder, Path(place) / "daily"))


def rewritten(folder: Path, change: Callable[[list[tuple[Path, bytes]]], None]) -> None:
    lines = lines_of(folder)
    paths = {path for path, _ in lines}
    change(lines)
    for path in paths:
        path.write_bytes(b"".join(raw for at, raw in lines if at == path))


def test_what_was_written_is_whole_and_read_back(original: tuple[Path, str]) -> None:
    folder, head = original
    check = Check(folder, kept=head)
    assert list(check.findings()) == []
    assert (check.n, check.head, check.kept_at, check.files) == (COUNT, head, COUNT, len(numbered(folder)))
    assert list(entries(folder)) == [entry(number) for number in range(1, COUNT + 1)]


@given(st.data())
def test_every_changed_byte_is_found(original: tuple[Path, str], data: st.DataObject) -> None:
    folder, _ = original
    with copied(folder) as copy:
        path = data.draw(st.sampled_from(list(numbered(copy).values())))
        content = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[at]))
        path.write_bytes(content)
        assert [finding.path for finding in found(copy)][:1] == [path]


@given(st.data())
def test_every_removed_or_added_byte_is_found(original: tuple[Path, str], data: st.DataObject) -> None:
    folder, _ = original
    with copied(folder) as copy:
        path = data.draw(st.sampled_from(list(numbered(copy).values())))
        content = path.read_bytes()
        at = data.draw(st.integers(0, len(content) - 1))
        put_in = data.draw(st.binary(min_size=1, max_size=3))
        changed = data.draw(st.sampled_from([content[:at] + content[at + 1 :], content[:at] + put_in + content[at:]]))
        path.write_bytes(changed)
        assert found(copy) or changed == content


@given(st.data())
def test_every_removed_swapped_or_doubled_line_is_found(original: tuple[Path, str], data: st.DataObject) -> None:
    folder, head = original
    many = len(lines_of(folder))
    one, other = data.draw(st.lists(st.integers(0, many - 1), min_size=2, max_size=2, unique=True))

    def take_out(lines: list[tuple[Path, bytes]]) -> None:
        del lines[one]

    def swap(lines: list[tuple[Path, bytes]]) -> None:
        lines[one], lines[other] = (lines[one][0], lines[other][1]), (lines[other][0], lines[one][1])

    def put_in(lines: list[tuple[Path, bytes]]) -> None:
        lines.insert(other, (lines[other][0], lines[one][1]))

    with copied(folder) as copy:
        change = data.draw(st.sampled_from([take_out, swap, put_in]))
        rewritten(copy, change)
        check = Check(copy, kept=head)
        findings = list(check.findings())
        if change is take_out and one == many - 1:  # as if it had never been: only who kept the head can tell
            assert check.kept_at is None
        else:
            assert findings


@given(cut=st.data())
def test_an_export_killed_after_any_byte_goes_on_as_if_it_had_not_been(
    original: tuple[Path, str], cut: st.DataObject
) -> None:
    folder, head = original
    whole = contents(folder)
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "daily"
        copy.mkdir()
        kept = cut.draw(st.integers(0, sum(map(len, whole.values()))))
        for name, content in whole.items():
            (copy / name).write_bytes(content[:kept])
            kept -= len(content)
            if kept < 0:
                break
        trail = Trail(copy, "daily", most_bytes=MOST_BYTES)
        trail.close()
        assert trail.cursors == {n % 2: f"{1000 + n}-0" for n in range(max(1, trail.n - 1), trail.n + 1)}
        assert written(copy, *range(trail.n + 1, COUNT + 1)).head == head
        assert contents(copy) == whole


def alter(lines: list[tuple[Path, bytes]]) -> None:
    lines[2] = (lines[2][0], lines[2][1].replace(b'"ann"', b'"bob"'))


def remove(lines: list[tuple[Path, bytes]]) -> None:
    del lines[2]


def double(lines: list[tuple[Path, bytes]]) -> None:
    lines.insert(3, lines[2])


def cut_off(lines: list[tuple[Path, bytes]]) -> None:
    lines[-1] = (lines[-1][0], lines[-1][1][:-10])


@pytest.mark.parametrize(
    ("change", "line", "problem"),
    [
        (alter, 3, "changed, or put in, or the line before it was removed"),
        (remove, 3, "changed, or lines before it were removed: entry 3 where 2 was due"),
        (double, 4, "out of order, or put in: entry 2 where 3 was due"),
        (cut_off, 7, "unfinished: an export was killed here or is running (export again), or the end was cut off"),
    ],
)
def test_one_change_is_one_finding_that_names_the_place(
    tmp_path: Path, change: Callable[[list[tuple[Path, bytes]]], None], line: int, problem: str
) -> None:
    folder = tmp_path / "daily"
    written(folder, *range(1, 7), most_bytes=100_000)
    rewritten(folder, change)
    assert found(folder) == [Finding(folder / "audit-00000001.jsonl", line, problem)]


def test_a_missing_file_is_named(original: tuple[Path, str]) -> None:
    with copied(original[0]) as copy:
        numbered(copy)[2].unlink()
        first, *_ = found(copy)
        assert (first.path.name, first.line, first.problem) == (
            "audit-00000003.jsonl",
            0,
            "file 2 is missing before it",
        )


def test_files_that_changed_places_are_found(original: tuple[Path, str]) -> None:
    with copied(original[0]) as copy:
        one, two = numbered(copy)[1], numbered(copy)[2]
        first = one.read_bytes()
        one.write_bytes(two.read_bytes())
        two.write_bytes(first)
        assert {finding.path for finding in found(copy)} >= {one, two}


def test_a_trail_of_another_site_is_found_and_not_gone_on_with(original: tuple[Path, str]) -> None:
    with copied(original[0]) as copy:
        other = copy.rename(copy.parent / "weekly")
        assert "site daily" in found(other)[0].problem
        with pytest.raises(TrailUnusable, match="line 1: not as it was written"):
            Trail(other, "weekly")


def test_old_files_may_be_put_away_if_their_last_hash_is_kept(original: tuple[Path, str]) -> None:
    with copied(original[0]) as copy:
        put_away = numbered(copy)[1]
        last = json.loads(put_away.read_bytes().splitlines()[-1])["hash"]
        put_away.unlink()
        assert found(copy, after=last) == []
        assert found(copy) != []
        assert found(copy, after="1" * 64) != []


def test_an_older_head_is_found_where_it_was(tmp_path: Path) -> None:
    older = written(tmp_path / "daily", 1, 2, 3).head
    written(tmp_path / "daily", 4, 5)
    check = Check(tmp_path / "daily", kept=older)
    assert list(check.findings()) == []
    assert check.kept_at == 3


def test_nothing_is_added_behind_a_change(tmp_path: Path) -> None:
    folder = tmp_path / "daily"
    written(folder, 1, 2, 3, most_bytes=100_000)
    rewritten(folder, alter)
    with pytest.raises(TrailUnusable, match=r"audit-00000001.jsonl, line 3: .*steward audit verify"):
        written(folder, 4)


def test_of_two_exports_at_once_one_gives_up(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(TrailUnusable, match="another export writes here"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "daily").write_text("a file")
    with pytest.raises(TrailUnusable, match=str(tmp_path / "daily")):
        written(tmp_path / "daily", 1)


def test_an_entry_stands_in_its_line_as_canonical_json(original: tuple[Path, str]) -> None:
    for _, raw in lines_of(original[0]):
        line = json.loads(raw)
        canonical = json.dumps(line["entry"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert raw == b'{"entry":%b,"hash":"%b"}\n' % (canonical.encode(), line["hash"].encode())


def test_the_program_of_the_documentation_checks_the_chain(original: tuple[Path, str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "audit.md"
    program = page.read_text().partition("```python\n")[2].partition("```")[0]
    folder, head = original

    def run(*paths: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", program, *map(str, paths)], capture_output=True, text=True, check=False
        )

    assert run(*numbered(folder).values()).stdout.split() == [head]
    with copied(folder) as copy:
        rewritten(copy, remove)
        assert run(*numbered(copy).values()).returncode != 0


def test_a_cell_that_a_spreadsheet_would_run_is_quoted() -> None:
    evil = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx")
    rows = [Entry(NOON, "1-0", {"actor": cell, "reason": "a,b\nc"}, 1, 0) for cell in (*evil, "ann", "1=1")]
    read = list(csv.DictReader(io.StringIO("".join(as_csv(lambda: rows)), newline="")))
    assert [row["actor"] for row in read] == [*(f"'{cell}" for cell in evil), "ann", "1=1"]
    assert read[0]["reason"] == "a,b\nc"
    assert list(read[0])[:6] == ["n", "at", "shard", "cursor", "action", "actor"]
