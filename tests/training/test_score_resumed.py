"""`steward score` goes on where it was interrupted, and only with what it would find again."""

import csv
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import classifier
from training import bulk
from training.bulk import on_cores, score_file
from training.commands.score import score
from training.errors import DataUnusable
from training.parts import folder_of

CHUNK, CHUNKS = 50, 8
TEXTS = [
    f"Comment {number} says {'thank you' if number % 3 else 'you are an idiot'}" for number in range(CHUNK * CHUNKS)
]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.scored_files.CHUNK", CHUNK)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were scored."""
    found, judge = list[str](), bulk.judge

    def noting(model: classifier.Model, texts: list[str], tags: Any) -> Any:
        found.extend(texts)
        return judge(model, texts, tags)

    monkeypatch.setattr(bulk, "judge", noting)
    return found


def write(path: Path, texts: list[str]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["text"], *([text] for text in texts)])
    return path


def scored(
    model: classifier.Model, source: Path, advance: Callable[[int], None] = lambda _: None
) -> tuple[str, list[str]]:
    """The output, and what was told."""
    target, told = source.with_name("out.csv"), list[str]()
    score_file(model, source, target, "text", judging=on_cores(model, 1), advance=advance, tell=told.append)
    return target.read_text(), told


def interrupted(model: classifier.Model, source: Path, after: int) -> int:
    """Interrupts after this many chunks; how many parts it left."""
    done = list[int]()

    def interrupt(rows: int) -> None:
        done.append(rows)
        if len(done) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scored(model, source, interrupt)
    assert not source.with_name("out.csv").exists()
    return len(list(folder_of(source.with_name("out.csv")).iterdir()))


@pytest.fixture
def whole(shipped: classifier.Model, tmp_path: Path) -> str:
    (tmp_path / "whole").mkdir()
    return scored(shipped, write(tmp_path / "whole" / "in.csv", TEXTS))[0]


def test_an_interrupted_file_goes_on_and_comes_out_the_same(
    shipped: classifier.Model, tmp_path: Path, whole: str, judged: list[str]
) -> None:
    source = write(tmp_path / "in.csv", TEXTS)
    assert interrupted(shipped, source, 3) == 3
    judged.clear()
    found, told = scored(shipped, source)
    assert found == whole
    assert judged == TEXTS[3 * CHUNK :]
    assert told == [f"went on after {3 * CHUNK} rows that an interrupted run had scored"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv", "whole"]


SMALL = f"from training import scored_files; scored_files.CHUNK = {CHUNK}\n"
# However late it is killed, it has not come to its end.
HANGS = """
import itertools, threading
from training import bulk
judge, calls = bulk.judge, itertools.count()
def hang_at_the_third(*given):
    if next(calls) == 2:
        threading.Event().wait()
    return judge(*given)
bulk.judge = hang_at_the_third
"""
MAIN = "from service.cli import main; main()"


def test_a_run_that_was_killed_goes_on(tmp_path: Path) -> None:
    source, target = write(tmp_path / "in.csv", TEXTS * 4), tmp_path / "out.csv"
    asked = ["score", str(source), str(target), "--jobs", "1"]
    hangs = [sys.executable, "-c", SMALL + HANGS + MAIN, *asked]
    command = [sys.executable, "-c", SMALL + MAIN, *asked]
    with subprocess.Popen(hangs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not list(folder_of(target).glob("*.npz")):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    assert not target.exists()
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "rows that an interrupted run had scored" in result.stderr
    assert f"{4 * len(TEXTS):,} rows in {target}" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_a_damaged_part_is_scored_again(
    shipped: classifier.Model, tmp_path: Path, whole: str, judged: list[str]
) -> None:
    source = write(tmp_path / "in.csv", TEXTS)
    interrupted(shipped, source, 3)
    for path in folder_of(tmp_path / "out.csv").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    judged.clear()
    assert scored(shipped, source) == (whole, [])
    assert judged == TEXTS


def test_rows_that_changed_meanwhile_are_scored_anew(
    shipped: classifier.Model, tmp_path: Path, judged: list[str]
) -> None:
    interrupted(shipped, write(tmp_path / "in.csv", TEXTS), 3)
    changed = [*TEXTS[: 2 * CHUNK], "You are a liar", *TEXTS[2 * CHUNK + 1 :]]
    judged.clear()
    found, _ = scored(shipped, write(tmp_path / "in.csv", changed))
    assert judged == changed[2 * CHUNK :]
    assert "You are a liar" in found


def test_what_another_model_has_scored_is_not_used(
    shipped: classifier.Model, tmp_path: Path, whole: str, judged: list[str]
) -> None:
    source = write(tmp_path / "in.csv", TEXTS)
    interrupted(shipped.without_deep_reader(), source, 3)
    judged.clear()
    assert scored(shipped, source) == (whole, [])
    assert judged == TEXTS


def test_what_other_libraries_have_scored_is_not_used(
    shipped: classifier.Model, tmp_path: Path, whole: str, judged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "in.csv", TEXTS)
    with monkeypatch.context() as before:
        before.setattr("training.parts.installed", lambda: {"pycld2": "0"})
        interrupted(shipped, source, 3)
    judged.clear()
    assert scored(shipped, source) == (whole, [])
    assert judged == TEXTS


def test_an_output_that_cannot_be_written_is_named(shipped: classifier.Model, tmp_path: Path) -> None:
    source, target = write(tmp_path / "in.csv", TEXTS[:1]), tmp_path / "missing" / "out.csv"
    with pytest.raises(DataUnusable, match=f"^{re.escape(str(target))} cannot be written: .*No such file"):
        score_file(shipped, source, target, "text", judging=on_cores(shipped, 1), advance=lambda _: None)


def test_what_is_kept_holds_no_text(shipped: classifier.Model, tmp_path: Path) -> None:
    interrupted(shipped, write(tmp_path / "in.csv", TEXTS), 3)
    kept = b"".join(path.read_bytes() for path in folder_of(tmp_path / "out.csv").iterdir())
    assert b"says" not in kept
    assert "says".encode("utf-32-le") not in kept


def test_a_bad_row_keeps_what_was_scored_before_it(tmp_path: Path, judged: list[str]) -> None:
    source = tmp_path / "in.ndjson"
    source.write_text("".join(f'{{"text": "{text}"}}\n' for text in TEXTS[: 4 * CHUNK]) + "broken\n")
    result = CliRunner().invoke(score, [str(source), str(tmp_path / "out.ndjson"), "--jobs", "1"])
    assert result.exit_code == 1
    assert f"in.ndjson: line {4 * CHUNK + 1}: not JSON" in result.stderr
    assert "what is scored is kept, and the same command goes on from there" in result.stderr
    source.write_text("".join(f'{{"text": "{text}"}}\n' for text in TEXTS))
    judged.clear()
    result = CliRunner().invoke(score, [str(source), str(tmp_path / "out.ndjson"), "--jobs", "1"])
    assert result.exit_code == 0, result.output
    assert "went on after" in result.stderr
    assert TEXTS[0] not in judged
