"""The short form of tests/faults/webhooks.py, which `make faults` runs with 100,000 events."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "faults" / "webhooks.py"


@pytest.mark.timeout(900)
def test_every_event_reaches_an_unreliable_receiver_in_order() -> None:
    options = ["--events=3000", "--gone=3", "--gone-after=1", "--kills=2", "--slow-s=0.05", "--most-s=700"]
    ended = subprocess.run(
        [sys.executable, str(PROGRAM), *options], capture_output=True, text=True, check=False, timeout=800
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "600 of 600" in ended.stdout
