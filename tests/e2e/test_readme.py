"""What the README says works when pasted; what the demo shows is what its thread was written to show."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from steward import Steward, running

from service.demo import load_thread

README = (Path(__file__).parents[2] / "README.md").read_text()
CURLS = re.findall(r"```sh\n(curl .+?)\n```", README, re.DOTALL)


@pytest.mark.parametrize("command", CURLS, ids=lambda command: re.findall(r"/v1/[\w/]+", command)[0])
def test_a_curl_line_of_the_readme_works_when_pasted(command: str, service: Steward, admin: str) -> None:
    done = subprocess.run(
        ["bash", "-c", command.replace("http://127.0.0.1:8080", service.url)],
        env=service.environment | {"STEWARD_KEY": admin},
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert "detail" not in answer, answer


def test_the_curl_that_the_first_start_prints_works_when_pasted(data_dir: Path) -> None:
    with running(data_dir) as steward:
        printed = steward.line(r"(curl -s .*)\\") + steward.line(r"( .*-d .*)")
        done = subprocess.run(["bash", "-c", printed], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["decision"] == "approve"


def test_the_readme_has_curl_lines_at_all() -> None:
    assert len(CURLS) >= 3


def test_the_demo_approves_the_heated_rejects_the_attacks_and_queues_the_doubtful(service: Steward, admin: str) -> None:
    said = service.command("demo", key=admin)
    with service.client(admin) as client:
        got = {c["id"]: client.get(f"/v1/comments/{c['id']}").json()["decision"] for c in load_thread().comments}
    wrong = {c["id"]: (c["expected"], got[c["id"]]) for c in load_thread().comments if c["expected"] != got[c["id"]]}
    # Never the opposite of what a person would do; in between, a model may hold a few that a person would not.
    assert not [pair for pair in wrong.values() if "review" not in pair], wrong
    assert len(wrong) <= len(load_thread().comments) // 5, wrong
    assert f"{len(got)} comments" in said
    assert "v1/review/claim" in said
