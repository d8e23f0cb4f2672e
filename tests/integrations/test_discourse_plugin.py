"""Our plugin for Discourse (integrations/discourse): its specs, and its own code against the running service.

Discourse itself cannot be had here: stand-ins for the classes that the plugin calls are in the plugin's spec/fakes.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from own_plugin import CIVIL, FINNISH, INSULT, labels
from ports import free_port
from steward import Steward

ROOT = Path(__file__).parents[2]
DISCOURSE_PLUGIN = ROOT / "integrations" / "discourse" / "discourse-steward"
SITE = Path(__file__).parent / "discourse_site.rb"
RUBY = shutil.which("ruby")

pytestmark = pytest.mark.skipif(RUBY is None, reason="there is no Ruby here: run 'make integrations'")


def ran(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_ruby_reads_each_file_without_a_warning() -> None:
    files = sorted(DISCOURSE_PLUGIN.rglob("*.rb"))
    assert len(files) > 20
    for file in files:
        assert ran("ruby", "-wc", file) == "Syntax OK\n"


def test_the_specs_of_the_plugin_hold() -> None:
    said = ran("rspec", "--default-path", DISCOURSE_PLUGIN / "spec", DISCOURSE_PLUGIN / "spec")
    (examples,) = re.findall(r"(\d+) examples, 0 failures$", said.strip())
    assert int(examples) > 40


def test_rubocop_finds_nothing() -> None:
    said = ran("rubocop", "--config", DISCOURSE_PLUGIN / ".rubocop.yml", "--format", "simple", DISCOURSE_PLUGIN, SITE)
    assert "no offenses detected" in said


def test_the_plugin_for_discourse_has_its_own_license_and_names_it() -> None:
    license_text = (DISCOURSE_PLUGIN / "LICENSE").read_text()
    assert "Version 2, June 1991" in license_text
    assert "# license: GPL-2.0-or-later" in (DISCOURSE_PLUGIN / "plugin.rb").read_text()


class DiscourseSite:
    """The stand-ins with the plugin, as a site."""

    def __init__(self, service: Steward, secret: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = {
            "steward_enabled": True,
            "steward_url": service.url,
            "steward_key": service.key("daily", "discourse", "score", "comments"),
            "steward_webhook_secret": secret,
            "steward_timeout_s": 20,
        }
        environment = {**os.environ, "FORUM_SETTINGS": json.dumps(settings)}
        self.process = subprocess.Popen(["ruby", SITE, str(port)], env=environment)
        until(self.answers)

    def answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return httpx.post(f"{self.url}/state", timeout=20).is_success
        except httpx.TransportError:
            return False

    def call(self, what: str, **given: Any) -> Any:
        return httpx.post(f"{self.url}/{what}", json=given, timeout=60).raise_for_status().json()

    def write(self, text: str) -> Any:
        return self.call("write", raw=text)

    def shown(self) -> list[str]:
        return [post["raw"] for post in self.call("state")["posts"] if not post["hidden"]]

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def until(found: Callable[[], Any]) -> Any:
    """What is found within two minutes."""
    end = time.monotonic() + 120
    while not (value := found()):
        assert time.monotonic() < end, "not within two minutes"
        time.sleep(0.1)
    return value


@pytest.fixture(scope="module")
def forum(service: Steward, secret: str) -> Iterator[DiscourseSite]:
    found = DiscourseSite(service, secret)
    yield found
    found.end()


def decide(service: Steward, chief: str, name: str, decision: str) -> None:
    """In Steward's console."""
    with service.client(chief) as client:
        found = client.get(f"/v1/comments/{name}").raise_for_status().json()
        told = {
            "decision": decision,
            "version": found["version"],
            "reason": "off_topic" if decision == "reject" else None,
        }
        done = client.post(f"/v1/review/{name}/decision", json={k: v for k, v in told.items() if v is not None})
        assert done.status_code == 200, done.text


def test_a_civil_post_is_published_and_an_insult_waits_for_a_moderator(forum: DiscourseSite, service: Steward) -> None:
    forum.write(CIVIL)
    found = forum.write(INSULT)
    assert CIVIL in forum.shown()
    assert INSULT not in forum.shown()
    queued = found["queued"][-1]
    assert queued["status"] == "pending"
    assert re.fullmatch(r"Steward .+ \(\w+ \d+%, \w+ \d+%, \w+ \d+%\)", queued["reasons"][0])
    with service.client(service.key("daily", "reader", "comments")) as client:
        kept = client.get(f"/v1/comments/{queued['steward']['id']}").raise_for_status().json()
    assert kept["status"] == queued["steward"]["status"]
    assert kept["version"] == queued["steward"]["version"]


def test_a_decision_in_our_console_publishes_a_post_that_waits_in_discourse(
    forum: DiscourseSite, service: Steward, chief: str
) -> None:
    queued = forum.write(FINNISH)["queued"][-1]
    assert queued["steward"]["status"] == "pending"
    decide(service, chief, queued["steward"]["id"], "approve")
    until(lambda: FINNISH in [post["raw"] for post in forum.call("jobs")["posts"]])


def test_a_decision_in_our_console_rejects_a_post_that_waits_in_discourse(
    forum: DiscourseSite, service: Steward, chief: str
) -> None:
    text = f"{FINNISH} Toinen."
    queued = forum.write(text)["queued"][-1]
    decide(service, chief, queued["steward"]["id"], "reject")
    until(lambda: forum.call("jobs")["queued"][-1]["status"] == "rejected")
    assert text not in forum.shown()


def test_an_edit_into_an_insult_comes_to_the_moderators(forum: DiscourseSite) -> None:
    text = f"{CIVIL} I shall read it again."
    post = next(each for each in forum.write(text)["posts"] if each["raw"] == text)
    flagged = len(forum.call("state")["flagged"])
    forum.call("edit", id=post["id"], raw=INSULT)
    found = forum.call("jobs")
    assert len(found["flagged"]) == flagged + 1
    changed = next(each for each in found["posts"] if each["id"] == post["id"])
    assert changed["steward"]["id"] == post["steward"]["id"]
    assert changed["steward"]["version"] > post["steward"]["version"]


def test_what_a_moderator_of_discourse_decides_becomes_a_label(
    forum: DiscourseSite, service: Steward, chief: str
) -> None:
    text = f"{INSULT} And again."
    queued = forum.write(text)["queued"][-1]
    forum.call("review", id=queued["id"], action="reject_post")
    forum.call("jobs")
    assert labels(service, chief)[text]["decision"] == "reject"


def test_a_webhook_with_a_wrong_signature_changes_nothing(forum: DiscourseSite) -> None:
    queued = forum.write(f"{FINNISH} Kolmas.")["queued"][-1]
    event = {
        "type": "decision.created",
        "data": {"comment_id": queued["steward"]["id"], "status": "approved", "version": 99},
    }
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}
    assert httpx.post(f"{forum.url}/steward/webhook", json=event, headers=headers, timeout=60).status_code == 401
    assert forum.call("jobs")["queued"][-1]["status"] == "pending"


def test_while_the_service_is_away_posts_wait_and_are_published_when_it_is_back(
    forum: DiscourseSite, service: Steward
) -> None:
    text = f"{CIVIL} Written while nobody answered."
    service.stop()
    try:
        queued = forum.write(text)["queued"][-1]
        assert queued["reasons"] == ["Steward did not answer yet"]
        forum.call("jobs")
        assert text not in forum.shown()
    finally:
        service.start()
    until(lambda: text in [post["raw"] for post in forum.call("jobs")["posts"]])
    forum.call("later")


def test_without_webhooks_the_forum_asks(forum: DiscourseSite, service: Steward, chief: str) -> None:
    text = f"{FINNISH} Neljäs."
    forum.call("set", steward_webhook_secret="")
    queued = forum.write(text)["queued"][-1]
    decide(service, chief, queued["steward"]["id"], "approve")
    forum.call("sweep")
    assert text in forum.shown()


def test_a_wrong_key_leaves_posts_in_the_queue(forum: DiscourseSite) -> None:
    text = f"{CIVIL} With a wrong key."
    forum.call("set", steward_key="cmk_live_wrong")
    forum.write(text)
    found = forum.call("jobs")
    assert found["queued"][-1]["status"] == "pending"
    assert text not in forum.shown()
