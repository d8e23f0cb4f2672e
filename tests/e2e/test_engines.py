"""Comment engines and frameworks of others: their own check of comments, unmodified, against the running service."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from steward import Steward

KIND = "Thank you for this article, I learned a lot."
RUDE = "You stupid fucking idiot, shut up, you worthless piece of shit."
FINNISH = "Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä."
ROOT = Path(__file__).parents[2]
CLIENTS, SCRIPTS = ROOT / ".clients", ROOT / "tests" / "clients" / "node"
WAYS = ("--require", str(SCRIPTS / "rest-akismet-com.cjs"), "--require", str(SCRIPTS / "plain-tls.cjs"))


@pytest.fixture(scope="module")
def service() -> Iterator[Steward]:
    """As docs/akismet.md says for clients whose address is fixed: the names of Akismet's hosts lead here."""
    folder = Path(tempfile.mkdtemp(prefix="steward-"))
    steward = Steward(folder)
    steward.environment["STEWARD_AKISMET_DOMAIN"] = "rest.akismet.com"
    steward.start()
    yield steward
    assert steward.stop() == 0
    shutil.rmtree(folder, ignore_errors=True)


def said(service: Steward, engine: str, key: str, package: str) -> Any:
    found = CLIENTS / "node" / "node_modules" / package
    assert found.exists(), f"{found} is missing: run 'make test', which installs the engines"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "AKISMET_"))}
    environment |= {"CLIENTS": str(CLIENTS / "node"), "STEWARD_PORT_OF_PROXY": service.url.rpartition(":")[2]}
    environment |= {"OPENAI_BASE_URL": f"{service.url}/v1", "OPENAI_API_KEY": key}
    command = ["node", *WAYS, str(SCRIPTS / "engines.cjs"), engine, key]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("engine", "package", "stranger"),
    [
        ("waline", "@waline/vercel", "refused: Akismet API_KEY verify failed!"),
        ("twikoo", "twikoo-func", None),
    ],
)
def test_an_engine_publishes_what_is_kind_and_calls_the_rest_spam(
    service: Steward, engine: str, package: str, stranger: str | None
) -> None:
    """`stranger`: what it makes of a key that Steward does not know."""
    found = said(service, engine, service.key(engine, "blog", "akismet"), package)
    assert found == {"kind": False, "rude": True, "spam": True, "stranger": stranger}


def test_nodebb_refuses_what_is_rude_and_reports_flags(service: Steward) -> None:
    key, chief = service.key("nodebb", "forum", "akismet"), service.key("nodebb", "chief", "admin")
    found = said(service, "nodebb", key, "nodebb-plugin-spam-be-gone")
    refused = "refused: Post content was flagged as spam by Akismet.com"
    assert (found["kind"], found["rude"], found["spam"]) == ("posted", refused, refused)
    assert found["counts"] == {"checks": 3, "spam": 2}
    assert found["stranger"] == "posted", "with a wrong key the plugin checks nothing"
    with service.client(chief) as client:
        (label,) = client.get("/v1/labels").raise_for_status().text.splitlines()
    assert (json.loads(label)["decision"], json.loads(label)["source"]) == ("reject", "akismet")


def test_guardrails_stop_an_insult(service: Steward) -> None:
    found = said(service, "guardrails", service.key("guard", "llm", "score"), "@openai/guardrails")
    assert found["kind"] == {"tripwireTriggered": False, "flagged": []}
    assert found["rude"] == {"tripwireTriggered": True, "flagged": ["harassment"]}
    assert found["spam"]["tripwireTriggered"] is False, "OpenAI has no category for spam"
    assert found["own"] is True, "also with a client for the guardrails alone"
    assert found["one"] is False, "only the categories that are asked for count"
    assert found["stranger"] is True, "a refused key is a failure of the guardrail, no answer"


def asked(service: Steward, key: str, call: str, form: dict[str, str]) -> httpx.Response:
    """As programs ask that put the key in front of the host; what they send is recorded from their source code."""
    headers = {"Host": f"{key}.rest.akismet.com", "Content-Type": "application/x-www-form-urlencoded"}
    return httpx.post(f"{service.url}/1.1/{call}", headers=headers, data=form, timeout=60).raise_for_status()


def checked(service: Steward, key: str, form: dict[str, str], *texts: str) -> list[httpx.Response]:
    """`form`: what the engine sends with each of the texts, beside what all send of a visitor."""
    visitor = {"user_ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}
    return [asked(service, key, "comment-check", visitor | form | {"comment_content": text}) for text in texts]


def thanks(service: Steward, key: str, call: str, form: dict[str, str]) -> bool:
    thanked = asked(service, key, call, form | {"comment_content": RUDE})
    return thanked.text == "Thanks for making the web a better place."


def test_artalks_requests_are_answered_as_it_expects(service: Steward) -> None:
    key = service.key("artalk", "blog", "akismet")
    sent = {"blog": "https://blog.example", "comment_author": "Ann", "comment_author_email": "ann@example.com"}
    assert [each.text for each in checked(service, key, sent, KIND, RUDE)] == ["false", "true"]
    wrong = key[:-1] + ("1" if key.endswith("0") else "0")
    (refused,) = checked(service, wrong, sent, KIND)
    assert refused.text not in {"true", "false"}, "which Artalk takes for an error"


def test_discourses_requests_are_answered_as_it_expects(service: Steward) -> None:
    key, chief = service.key("discourse", "forum", "akismet"), service.key("discourse", "chief", "admin")
    sent = {
        "content_type": "forum-post",
        "referrer": "https://forum.example",
        "permalink": "https://forum.example/t/1/1",
        "comment_author": "ann",
        "blog": "https://forum.example",
    }
    with service.client(chief) as client:
        policy = client.get("/v1/policies/default").raise_for_status().json()
        held = {"akismet": {"doubtful": "pending", "unread": "pending"}}
        body = {"thresholds": policy["thresholds"], "protocols": held}
        client.put("/v1/policies/default", json=body).raise_for_status()
    kind, rude, unread = checked(service, key, sent, KIND, RUDE, FINNISH)
    assert (kind.text, rude.text, unread.text) == ("false", "true", "true")
    assert "X-akismet-error" in unread.headers, "which it takes for the review queue"
    assert all("X-akismet-error" not in each.headers for each in (kind, rude))
    assert thanks(service, key, "submit-spam", sent)


def test_flarums_requests_are_answered_as_it_expects(service: Steward) -> None:
    key = service.key("flarum", "forum", "akismet")
    sent = {
        "blog": "https://forum.example",
        "comment_author": "ann",
        "comment_author_email": "ann@example.com",
        "comment_type": "reply",
    }
    kind, rude, unread = checked(service, key, sent, KIND, RUDE, FINNISH)
    assert (kind.text, rude.text, unread.text) == ("false", "true", "true")
    assert all("X-akismet-pro-tip" not in each.headers for each in (rude, unread)), "which it takes for a deletion"
    assert all(thanks(service, key, call, sent) for call in ("submit-spam", "submit-ham"))
