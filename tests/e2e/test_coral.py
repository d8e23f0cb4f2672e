"""A Coral whose external moderation phase is a running service.

What Coral sends, and how it takes an answer, is checked first, against a server that says what it is told to.
"""

import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from coral import Coral, Outcome, Phase, printed, signature
from steward import Steward, posted

SECRET, OTHER = "empsec_9f86d081884c7d65", "empsec_2c26b46b68ffc68f"
CIVIL = "<div>Thank you for this article; I learned a lot about how substations are repaired.</div>"
ATTACK = "<div>You stupid <b>fucking idiot</b>, shut up, you worthless piece of shit.</div>"
# Patient: what is tested here is what is said, on a machine that others use, too.
PATIENT_MS = 10_000


# -- the Coral itself


class Said(http.server.BaseHTTPRequestHandler):
    """Answers what the test put into `reply`, and keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    reply: tuple[int, bytes] = (204, b"")
    asked: tuple[dict[str, str], bytes] = ({}, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).asked = dict(self.headers), body
        status, said = self.reply
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        if status != 204:
            self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def said() -> Iterator[tuple[type[Said], str]]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Said)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Said, f"http://127.0.0.1:{server.server_port}/phase"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def coral() -> Iterator[Coral]:
    coral = Coral()
    yield coral
    coral.http.close()


def test_a_question_is_printed_and_signed_as_coral_does(said: Any, coral: Coral) -> None:
    server, url = said
    coral.external(Phase(url, [SECRET, OTHER], PATIENT_MS), coral.question("<p>Grüße</p>", parent="c-1"))
    headers, body = server.asked
    assert body.startswith(b'{\n  "action": "NEW",\n  "comment": {\n    "body": "<p>Gr\xc3\xbc\xc3\x9fe</p>",\n')
    assert json.loads(body).keys() == {"action", "comment", "author", "story", "site", "tenantID", "tenantDomain"}
    assert headers["X-Coral-Signature"] == f"{signature(body, [SECRET])},{signature(body, [OTHER])}"
    assert headers["User-Agent"] == "Coral Moderation/9.11.8"
    assert headers["Content-Type"] == "application/json"


def test_a_signature_is_that_of_the_published_vectors() -> None:
    assert printed({"action": "NEW"}) == b'{\n  "action": "NEW"\n}'
    assert signature(b'{\n  "action": "NEW"\n}', ["empsec_test"]) == (
        "sha256=cdd5ebb15881eef9e35eb8de9583c7194874b333b3d36bcbdd42ab8c7160b512"
    )


FLAG = {"actionType": "FLAG", "reason": "COMMENT_DETECTED_SPAM"}


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ((204, b""), Outcome()),
        ((200, b""), Outcome()),
        ((200, b"{}"), Outcome()),
        ((302, b""), Outcome(warning="status 302")),
        ((401, b""), Outcome(warning="status 401")),
        ((503, b"{}"), Outcome(warning="status 503")),
        ((200, b'{"status": "APPROVED", "more": 1}'), Outcome("APPROVED")),
        ((200, printed({"actions": [FLAG | {"score": 0.9}], "tags": []})), Outcome(flags=("COMMENT_DETECTED_SPAM",))),
        ((200, b'{"status": "approved"}'), Outcome(warning="dropped: status")),
        ((200, b'{"status": null}'), Outcome(warning="dropped: status")),
        ((200, b'{"actions": null}'), Outcome(warning="dropped: actions")),
        ((200, printed({"actions": [{"actionType": "FLAG"}]})), Outcome(warning="dropped: reason")),
        ((200, b'{"tags": ["OTHER"]}'), Outcome(warning="dropped: tags")),
        (
            (200, b'{"status": "REJECTED", "moderationAction": {"status": "REJECTED", "rejectionReason": null}}'),
            Outcome(warning="dropped: rejectionReason"),
        ),
        (
            (200, printed({"moderationAction": {"status": "REJECTED", "rejectionReason": {"code": "RUDE"}}})),
            Outcome(warning="dropped: code"),
        ),
        ((200, b" " * (2 * 1024 * 1024) + b"{}"), Outcome(warning="too large")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_is_taken_as_coral_does(said: Any, coral: Coral, reply: tuple[int, bytes], outcome: Outcome) -> None:
    server, url = said
    server.reply = reply
    assert coral.external(Phase(url, [SECRET], PATIENT_MS), coral.question("x")) == outcome


# -- and the service


@pytest.fixture(scope="module")
def moderator(service: Steward) -> str:
    return service.key("talk", "olena", "review", "admin", "comments")


def added(service: Steward, secret: str) -> str:
    """Add a secret as docs/coral.md says; its id."""
    done = subprocess.run(
        [sys.executable, "-m", "service", "coral", "add", "--site", "talk", "--name", "newsroom"],
        env=service.environment,
        input=f"{secret}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert secret not in done.stdout + done.stderr
    return done.stdout.split()[1].rstrip(";")


def until_known(service: Steward, coral: Coral, *secrets: str, known: bool = True) -> None:
    """A change is seen within seconds."""
    phase = Phase(f"{service.url}/coral/talk", list(secrets), PATIENT_MS)
    rating = coral.question("")
    ends_at = time.monotonic() + 120
    while (coral.external(phase, rating).warning == "") is not known:
        assert time.monotonic() < ends_at, "a change of the secrets is not seen"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def phase(service: Steward, moderator: str, coral: Coral) -> Phase:  # noqa: ARG001 - there must be a key for the site
    added(service, SECRET)
    until_known(service, coral, SECRET)
    return Phase(f"{service.url}/coral/talk", [SECRET], PATIENT_MS)


@pytest.fixture
def policy(service: Steward, moderator: str) -> Any:
    """Sets the site's wishes of Coral, and puts them back after the test."""
    with service.client(moderator) as client:
        before = client.get("/v1/policies/default").json()

        def wish(thresholds: Any = None, **wishes: Any) -> None:
            body = {"thresholds": thresholds or before["thresholds"]}
            body["protocols"] = {"coral": {"budget_ms": PATIENT_MS, **wishes}}
            assert client.put("/v1/policies/default", json=body).status_code == 200

        wish()
        yield wish
        wish()


def waiting(service: Steward, key: str) -> list[Any]:
    with service.client(key) as client:
        items: list[Any] = client.get("/v1/review/items", params={"state": "queued", "limit": 100}).json()["items"]
        return items


def test_what_is_civil_goes_on_and_what_attacks_is_withheld_and_queued(
    service: Steward, coral: Coral, phase: Phase, moderator: str, policy: Any
) -> None:
    policy({"toxicity": {"review_at": 0.5}})
    assert coral.external(phase, coral.question(CIVIL)) == Outcome()
    withheld = coral.external(phase, coral.question(ATTACK))
    assert (withheld.status, withheld.flags, withheld.tab) == (
        "SYSTEM_WITHHELD",
        ("COMMENT_DETECTED_TOXIC",),
        "Pending",
    )
    assert coral.external(phase, coral.question(ATTACK)) == withheld, "asked again it is the same comment"
    items = [item for item in waiting(service, moderator) if "worthless" in item["text"]]
    assert [item["text"] for item in items] == ["You stupid fucking idiot, shut up, you worthless piece of shit."]


def test_each_wish_of_the_site_reaches_coral(coral: Coral, phase: Phase, policy: Any) -> None:
    policy({"toxicity": {"review_at": 0.5}}, publish_first=True, may_approve=True)
    published = coral.external(phase, coral.question(ATTACK, author="u-2"))
    assert (published.status, published.tab) == (None, "Reported")
    assert coral.external(phase, coral.question(CIVIL, author="u-2")).status == "APPROVED"
    policy({"insult": {"reject_at": 0.5}}, may_reject=True)
    rejected = coral.external(phase, coral.question(ATTACK, author="u-3"))
    assert rejected.status == "REJECTED"
    assert rejected.moderation_action == {"status": "REJECTED", "rejectionReason": {"code": "HARASSMENT_BULLYING"}}
    policy({"insult": {"reject_at": 0.5}}, may_reject=True, shadow=True)
    assert coral.external(phase, coral.question(ATTACK, author="u-4")) == Outcome()


def test_a_rating_without_words_and_another_language_get_no_opinion(
    service: Steward, coral: Coral, phase: Phase, moderator: str, policy: Any
) -> None:
    policy()
    assert coral.external(phase, coral.question("")) == Outcome()
    finnish = "<div>Kiitos tästä artikkelista, opin paljon siitä miten sähköasemia korjataan.</div>"
    assert coral.external(phase, coral.question(finnish)) == Outcome()
    assert [item for item in waiting(service, moderator) if "Kiitos" in item["text"]], "a person sees it here"


def test_an_edit_is_judged_anew(coral: Coral, phase: Phase, policy: Any) -> None:
    policy({"toxicity": {"review_at": 0.5}})
    assert coral.external(phase, coral.question("<div>All is well.</div>", author="u-5")) == Outcome()
    edited = coral.external(phase, coral.question(ATTACK, action="EDIT", author="u-5"))
    assert edited.status == "SYSTEM_WITHHELD"


def test_a_moderators_decision_here_is_what_coral_hears_when_it_asks_again(
    service: Steward, coral: Coral, phase: Phase, moderator: str, policy: Any
) -> None:
    policy({"toxicity": {"review_at": 0.5}}, may_approve=True)
    asked = coral.question(ATTACK.replace("idiot", "clown"), author="u-6")
    assert coral.external(phase, asked).status == "SYSTEM_WITHHELD"
    (item,) = [each for each in waiting(service, moderator) if "clown" in each["text"]]
    with service.client(moderator) as client:
        claimed = posted(client, "/v1/review/claim", {"count": 20})["items"]
        (lease,) = [each["lease"] for each in claimed if each["id"] == item["id"]]
        posted(client, f"/v1/review/{item['id']}/decision", {"decision": "approve", "lease": lease})
        for each in claimed:
            if each["id"] != item["id"]:
                client.post(f"/v1/review/{each['id']}/release", json={"lease": each["lease"]})
    assert coral.external(phase, asked).status == "APPROVED"


def test_secrets_are_rotated_without_a_gap(service: Steward, coral: Coral, phase: Phase) -> None:
    """Coral signs with the old and the new one until the old one expires; here both stay until one is removed."""
    stranger = Phase(phase.url, [OTHER], PATIENT_MS)
    assert coral.external(stranger, coral.question(CIVIL)) == Outcome(warning="status 401")
    both = Phase(phase.url, [OTHER, SECRET], PATIENT_MS)
    assert coral.external(both, coral.question(CIVIL)).warning == ""
    new = added(service, OTHER)
    until_known(service, coral, OTHER)
    assert coral.external(phase, coral.question(CIVIL)).warning == "", "the old one is still good"
    assert new in service.command("coral", "list")
    service.command("coral", "remove", new)
    until_known(service, coral, OTHER, known=False)
    assert coral.external(phase, coral.question(CIVIL)).warning == ""


def test_the_same_json_printed_otherwise_is_not_what_was_signed(coral: Coral, phase: Phase) -> None:
    asked = coral.question(CIVIL)
    headers = {
        "Content-Type": "application/json",
        "X-Coral-Signature": signature(printed(asked), phase.secrets),
    }
    reply = httpx.post(phase.url, content=json.dumps(asked), headers=headers, timeout=30)
    assert (reply.status_code, reply.content) == (401, b"")


def test_with_the_time_that_the_form_starts_at_every_comment_is_recorded(
    service: Steward, coral: Coral, phase: Phase, moderator: str, policy: Any
) -> None:
    """Coral may give up after 200 ms, and then publishes; here each comment waits for a person all the same."""
    policy({"toxicity": {"review_at": 0}}, budget_ms=150)
    quick = Phase(phase.url, phase.secrets)
    outcomes = [coral.external(quick, coral.question(f"<p>A quick one, number {n}.</p>")) for n in range(10)]
    assert {(each.status, each.warning) for each in outcomes} <= {
        ("SYSTEM_WITHHELD", ""),
        (None, ""),
        (None, "aborted"),
    }
    ends_at = time.monotonic() + 120
    while len([item for item in waiting(service, moderator) if "A quick one" in item["text"]]) < 10:
        assert time.monotonic() < ends_at, "a comment was not recorded"
        time.sleep(0.1)
