"""A short run of `make faults`, and that its comparison would find what it looks for."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import ledger as books
import run as faults
from ledger import Ledger, Said, Told


@pytest.mark.timeout(900)
def test_nothing_acknowledged_is_lost_or_doubled_while_processes_are_killed() -> None:
    command = [sys.executable, str(Path(__file__).parent / "run.py"), "--seconds", "14", "--kills", "6"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=800)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "seconds", "kills"),
    [
        ("", 75, 24),
        ("--seconds 14 --kills 6", 14, 6),
        ("--minutes 30", 1_800, 180),
        ("--minutes 0.5 --kills 3", 30, 3),
    ],
)
def test_the_load_lasts_as_long_as_asked_for(arguments: str, seconds: float, kills: int) -> None:
    found = faults.given(arguments.split())
    assert (found.seconds, found.kills) == (seconds, kills)


def test_seconds_and_minutes_are_not_given_together() -> None:
    with pytest.raises(SystemExit):
        faults.given(["--seconds", "14", "--minutes", "30"])


def entry(action: str, version: int, **more: str) -> dict[str, Any]:
    return {"action": action, "comment": "c", "version": str(version), "actor": "ann", **more}


ANN = Said("c", 2, "ann", "reject")
DECIDED = entry("decided", 2, decision="reject")


def test_a_decision_that_the_trail_does_not_know_is_lost() -> None:
    told = Ledger(decided=[ANN])
    assert books.lost_decisions(told, [DECIDED]) == []
    assert books.lost_decisions(told, []) == [ANN]
    assert books.lost_decisions(told, [DECIDED | {"decision": "approve"}]) == [ANN]
    assert books.lost_decisions(told, [DECIDED | {"actor": "bob"}]) == [ANN]
    undone = Said("c", 3, "ann", "undo")
    assert books.lost_decisions(Ledger(undone=[undone]), [DECIDED]) == [undone]
    assert books.lost_decisions(Ledger(undone=[undone]), [entry("undone", 3)]) == []


def test_a_second_decision_is_double_unless_the_first_was_taken_back() -> None:
    again = entry("decided", 4, decision="approve")
    assert books.double_decisions(Ledger(), [DECIDED, again]) == ["c"]
    assert books.double_decisions(Ledger(), [DECIDED, entry("undone", 3), again]) == []
    two = Ledger(decided=[ANN, Said("c", 2, "bob", "approve")])
    assert books.double_decisions(two, [DECIDED]) == ["c"]


def test_notifications_are_missed_unwanted_or_late() -> None:
    one, two = Told("c", 1, "comment.queued"), Told("c", 2, "decision.created")
    assert books.missing_notifications([one, two], [two]) == {one}
    assert books.unwanted_notifications([one], [one, two]) == {two}
    assert books.reordered_notifications([one, one, two, two]) == []
    assert books.reordered_notifications([two, one]) == [one]
    assert books.reordered_notifications([one, two, one]) == [one]


def test_a_decision_must_be_in_the_feed_unless_it_was_taken_back_or_only_passed_on() -> None:
    told = Ledger(decided=[ANN])
    assert books.unannounced_decisions(told, [], [DECIDED]) == [ANN]
    assert books.unannounced_decisions(told, [Told("c", 2, "decision.created")], [DECIDED]) == []
    assert books.unannounced_decisions(told, [], [DECIDED, entry("undone", 3)]) == []
    assert books.unannounced_decisions(Ledger(decided=[ANN._replace(verdict="escalate")]), [], []) == []
