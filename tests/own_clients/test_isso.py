"""Isso itself (PyPI) with integrations/isso/steward_isso.py, against the running service."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from ports import free_port
from steward import Steward as Service

CIVIL = "Thank you for this article; I learned a lot about how substations are repaired."
FINNISH = "Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä."
INSULT = "You stupid fucking idiot, shut up, you worthless piece of shit."
ROOT = Path(__file__).parents[2]
PYTHON, HOOK = ROOT / ".clients" / "isso" / "bin" / "python", ROOT / "integrations" / "isso" / "steward_isso.py"
SETTINGS = """
[general]
dbpath = {folder}/comments.db
host = http://localhost
[moderation]
enabled = true
[guard]
enabled = false
[server]
listen = http://127.0.0.1:{port}
"""


def until(found: Callable[[], Any]) -> Any:
    """What is found within a minute."""
    end = time.monotonic() + 60
    while not (value := found()):
        assert time.monotonic() < end, "not within a minute"
        time.sleep(0.1)
    return value


class Isso:
    def __init__(self, folder: Path, service: Service, key: str, secret: str) -> None:
        assert PYTHON.exists(), f"{PYTHON} is missing: run 'make test', which installs Isso"
        port = free_port()
        self.url, self.log = f"http://127.0.0.1:{port}", folder / "log"
        (folder / "isso.cfg").write_text(SETTINGS.format(folder=folder, port=port))
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "clients" / "python" / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ISSO_SETTINGS": str(folder / "isso.cfg"),
            "STEWARD_URL": service.url,
            "STEWARD_KEY": key,
            "STEWARD_WEBHOOK_SECRET": secret,
            "STEWARD_CALLBACK_URL": f"{self.url}/hooks/steward",
        }

    def run(self) -> "subprocess.Popen[bytes]":
        with self.log.open("wb") as log:
            process = subprocess.Popen([PYTHON, HOOK, "run"], env=self.environment, stdout=log, stderr=log)
        until(lambda: process.poll() is not None or self.answers())
        assert process.poll() is None, self.log.read_text()
        return process

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/info", timeout=60).is_success
        except httpx.TransportError:
            return False

    def retry(self, **variables: str) -> str:
        command = [str(PYTHON), str(HOOK), "retry"]
        return subprocess.run(
            command, env=self.environment | variables, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    def post(self, text: str, **fields: str) -> httpx.Response:
        new = {"text": text, "title": "A post", **fields}
        return httpx.post(f"{self.url}/new", params={"uri": "/post"}, json=new, timeout=60)

    def shown(self) -> list[str]:
        answer = httpx.get(self.url, params={"uri": "/post", "plain": "1"}, timeout=60)
        return [each["text"] for each in answer.json()["replies"]] if answer.is_success else []


@pytest.fixture(scope="module")
def isso(service: Service, key: str, chief: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Isso]:
    with service.client(chief) as client:
        secret = client.post("/v1/webhooks:rotate").raise_for_status().json()["secret"]
    found = Isso(tmp_path_factory.mktemp("isso"), service, key, secret)
    process = found.run()
    yield found
    process.terminate()
    process.wait(60)


def test_a_kind_comment_is_published_and_an_insult_held(isso: Isso) -> None:
    assert isso.post(CIVIL, author="Ann").status_code == 201
    assert isso.post(INSULT, author="Bob").status_code == 202
    assert isso.shown() == [CIVIL]


def test_a_published_comment_that_becomes_an_insult_is_held(isso: Isso) -> None:
    text = "A civil comment, thank you for this article."
    posted = isso.post(text)
    number = posted.json()["id"]
    assert text in isso.shown()
    cookies = {str(number): posted.cookies[str(number)]}
    httpx.put(f"{isso.url}/id/{number}", json={"text": INSULT}, cookies=cookies, timeout=60).raise_for_status()
    assert not {text, INSULT} & set(isso.shown())


def recorded(service: Service, key: str, posted: httpx.Response) -> Any:
    """Where Steward stands with what Isso answered."""
    found = posted.json()
    with service.client(key) as client:
        name = f"isso-{found['id']}-{int(found['created'] * 1000)}"
        return client.get(f"/v1/comments/{name}").raise_for_status().json()


def test_a_decision_in_our_console_reaches_isso(isso: Isso, service: Service, key: str) -> None:
    posted = isso.post(FINNISH)
    assert posted.status_code == 202
    found = recorded(service, key, posted)
    with service.client(service.key("daily", "editor", "review", "admin")) as client:
        told = {"decision": "approve", "version": found["version"]}
        client.post(f"/v1/review/{found['id']}/decision", json=told).raise_for_status()
    assert until(lambda: FINNISH in isso.shown())


def test_a_moderator_of_isso_teaches(isso: Isso, service: Service, chief: str) -> None:
    text = f"{INSULT} A third time."
    number = isso.post(text).json()["id"]
    (way,) = re.findall(rf"Activate comment: \S*(/id/{number}/activate/\S+)", isso.log.read_text())
    httpx.post(isso.url + way, timeout=60).raise_for_status()
    assert text in isso.shown()
    with service.client(chief) as client:
        labels = client.get("/v1/labels").raise_for_status().text.splitlines()
    assert [True for each in labels if text in each and '"approve"' in each]


def test_a_deleted_comment_is_erased(isso: Isso, service: Service, key: str) -> None:
    text = "A comment that its author takes back, thank you for this article."
    posted = isso.post(text)
    number = posted.json()["id"]
    assert recorded(service, key, posted)["scores"]
    cookies = {str(number): posted.cookies[str(number)]}
    httpx.delete(f"{isso.url}/id/{number}", cookies=cookies, timeout=60).raise_for_status()
    assert recorded(service, key, posted).get("scores") is None


def test_a_forged_webhook_changes_nothing(isso: Isso) -> None:
    assert httpx.post(f"{isso.url}/hooks/steward", json={"type": "decision.created"}, timeout=60).status_code == 401


def test_what_came_while_the_service_was_away_is_published_later(service: Service, key: str, tmp_path: Path) -> None:
    other = Isso(tmp_path, service, key, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    away = other.environment | {"STEWARD_URL": "http://127.0.0.1:9"}
    here, other.environment = other.environment, away
    process = other.run()
    try:
        assert other.post(CIVIL).status_code == 202
        assert other.shown() == []
        other.environment = here
        assert other.retry() == "1 published\n"
        assert other.shown() == [CIVIL]
    finally:
        process.terminate()
        process.wait(60)
