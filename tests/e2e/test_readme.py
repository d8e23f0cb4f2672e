"""What the README says works when pasted; what the demo shows is what its thread was written to show."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from steward import Steward, running

from service.demo import load_thread

ROOT = Path(__file__).parents[2]
README, HOW_TO = (ROOT / "README.md").read_text(), (ROOT / "docs" / "how-to.md").read_text()
CURLS = re.findall(r"```sh\n(curl .+?)\n```", README + HOW_TO, re.DOTALL)
PASTED = [each for each in CURLS if "LEASE" not in each]


@pytest.mark.parametrize("command", PASTED, ids=lambda command: re.findall(r"/v1/[\w/]+", command)[0])
def test_a_curl_line_of_the_readme_works_when_pasted(command: str, service: Steward, admin: str) -> None:
    answer = json.loads(_pasted(command, service, admin))
    assert "detail" not in answer, answer


def _pasted(command: str, service: Steward, key: str) -> str:
    return subprocess.run(
        ["bash", "-c", command.replace("http://127.0.0.1:8080", service.url)],
        env=service.environment | {"STEWARD_KEY": key},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_curl_that_the_first_start_prints_works_when_pasted(data_dir: Path) -> None:
    with running(data_dir) as steward:
        printed = steward.line(r"(curl -s .*)\\") + steward.line(r"( .*-d .*)")
        done = subprocess.run(["bash", "-c", printed], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["decision"] == "approve"


def test_the_readme_shows_the_answer_of_its_curl_line(service: Steward, admin: str) -> None:
    (shown,) = re.findall(r"```json\n(\{.*?\})\n```", README, re.DOTALL)
    (command,) = re.findall(r"```sh\n(curl .+?)\n```", README, re.DOTALL)
    answer = json.loads(_pasted(command, service, admin))
    assert json.loads(shown).items() <= answer.items()


def test_a_claimed_comment_is_decided_with_the_id_and_lease_of_the_claim(service: Steward, admin: str) -> None:
    claim, decide = (each for each in CURLS if "/v1/review/" in each)
    with service.client(admin) as client:
        client.post("/v1/comments", json={"text": "Only a fool would believe this government."}).raise_for_status()
    (item,) = json.loads(_pasted(claim, service, admin))["items"]
    decided = _pasted(decide.replace("ID", item["id"]).replace("LEASE", item["lease"]), service, admin)
    assert json.loads(decided)["status"] == "approved"


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
