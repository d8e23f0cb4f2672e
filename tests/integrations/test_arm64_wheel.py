"""The wheel for arm64, run by an emulator on whatever machine this is: a comment, a decision, and the same scores."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import steward
from steward import Steward

# What `make arm64` sets up. An emulated process takes tens of times as long.
FOLDER = Path(os.environ.get("STEWARD_ARM64", ""))
PYTHON = FOLDER / "bin" / "python"
PATIENCE_S = 600
DOUBTFUL = "Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä."
TEXTS = ["You stupid fucking idiot.", "Thank you for this article.", "Du bist ein Idiot, halt den Mund.", "ты дурак"]
SCORES = """
import json, platform, sys
import classifier
model = classifier.load(classifier.SHIPPED)
found = [[float(each) for each in model.assess(text).scores] for text in json.loads(sys.argv[1])]
print(json.dumps({"machine": platform.machine(), "from": classifier.__file__, "scores": found}))
"""

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="NO ARM64 WAS TESTED: run 'make arm64'")


def scores(python: str | Path, **environment: str) -> Any:
    command = [python, "-c", SCORES, json.dumps(TEXTS)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S, cwd=FOLDER
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_scores_are_those_of_this_machine() -> None:
    there = scores(PYTHON)
    here = scores(sys.executable, PYTHONPATH=str(Path(__file__).parents[2]))
    assert (there["machine"], there["from"].startswith(str(FOLDER))) == ("aarch64", True)
    assert not here["from"].startswith(str(FOLDER))
    for one, other in zip(here["scores"], there["scores"], strict=True):
        assert one == pytest.approx(other, abs=1e-6)


@pytest.fixture
def emulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steward]:
    monkeypatch.setattr(steward, "READY_S", PATIENCE_S)
    service = Steward(tmp_path / "data")
    service.environment |= {"PATH": str(FOLDER / "bin"), "STEWARD_STORE_TIMEOUT_S": "30"}
    for name in ("CC", "PYTHONPATH"):
        service.environment.pop(name, None)
    service.command_line = [str(PYTHON), "-m", "service"]
    service.directory = tmp_path
    service.start()
    yield service
    service.process.terminate()
    assert service.process.wait(PATIENCE_S) == 0


def test_the_wheel_serves_a_comment_and_a_decision(emulated: Steward) -> None:
    headers = {"Authorization": f"Bearer {emulated.first_key()}"}
    with httpx.Client(base_url=emulated.url, headers=headers, timeout=PATIENCE_S) as client:

        def posted(path: str, body: Any) -> Any:
            return client.post(path, json=body).raise_for_status().json()

        assert posted("/v1/comments", {"id": "c-1", "text": DOUBTFUL})["status"] == "pending"
        (item,) = posted("/v1/review/claim", {"count": 1})["items"]
        decided = posted("/v1/review/c-1/decision", {"decision": "approve", "lease": item["lease"]})
        assert decided["status"] == "approved"
