"""A Coral whose toxicity phase is a running service.

The address is pasted as the custom endpoint; what moderators decide comes back as feedback.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from coral import Coral, Toxicity
from steward import Steward

CIVIL = "Thank you for this article; I learned a lot about how substations are repaired."
ATTACK = "You stupid fucking idiot, shut up, you worthless piece of shit."
GERMAN = "Halt die Fresse, du dummes Arschloch, du bist der letzte Dreck und sonst gar nichts."
# Patient: what is tested here is what is said, on a machine that others use, too.
PATIENT_MS = 10_000


@pytest.fixture(scope="module")
def coral() -> Iterator[Coral]:
    coral = Coral(locale="pl")  # which Coral knows no language of Perspective's for, and so says English
    yield coral
    coral.http.close()


@pytest.fixture(scope="module")
def chief(service: Steward) -> str:
    return service.key("talk-toxic", "chief", "admin")


@pytest.fixture(scope="module")
def toxicity(service: Steward) -> Toxicity:
    key = service.key("talk-toxic", "coral", "score", "comments")
    return Toxicity(f"{service.url}/v1alpha1", key, timeout_ms=PATIENT_MS)


def test_the_usual_waiting_time_is_that_of_coral(toxicity: Toxicity) -> None:
    assert Toxicity(toxicity.endpoint, toxicity.key).timeout_ms == 800


@pytest.mark.parametrize("path", ["/v1alpha1", "/v1alpha1/", "/prefix/v1alpha1", "/prefix/v1alpha1/"])
def test_the_address_works_however_it_is_pasted(service: Steward, coral: Coral, toxicity: Toxicity, path: str) -> None:
    pasted = Toxicity(f"{service.url}{path}", toxicity.key, timeout_ms=PATIENT_MS)
    assert coral.toxic(pasted, ATTACK) is True
    assert coral.toxic(pasted, CIVIL) is False


@pytest.mark.parametrize("model", ["TOXICITY", "SEVERE_TOXICITY", "INSULT", "PROFANITY", "OBSCENE", "LIKELY_TO_REJECT"])
def test_each_model_that_is_served_may_be_chosen(coral: Coral, toxicity: Toxicity, model: str) -> None:
    chosen = Toxicity(toxicity.endpoint, toxicity.key, model=model, timeout_ms=PATIENT_MS)
    low, high = (coral.score(chosen, text) for text in (CIVIL, ATTACK))
    assert low is not None
    assert high is not None
    assert 0 <= low < high <= 1


def test_a_wrong_key_or_a_model_that_is_not_served_lets_the_comment_pass_unchecked(
    coral: Coral, toxicity: Toxicity
) -> None:
    assert coral.toxic(Toxicity(toxicity.endpoint, "wrong", timeout_ms=PATIENT_MS), ATTACK) is None
    invented = Toxicity(toxicity.endpoint, toxicity.key, model="JOY", timeout_ms=PATIENT_MS)
    assert coral.toxic(invented, ATTACK) is None


def test_a_comment_that_coral_says_is_english_is_judged_in_its_own_language(
    service: Steward, coral: Coral, toxicity: Toxicity, chief: str
) -> None:
    with service.client(chief) as client:
        policy = client.get("/v1/policies/default").json()
        body = {"thresholds": policy["thresholds"], "protocols": {"perspective": {"trust_languages": False}}}
        assert client.put("/v1/policies/default", json=body).status_code == 200
    german = coral.score(toxicity, GERMAN)
    assert german is not None
    assert german > 0.3


def labels(service: Steward, key: str) -> list[Any]:
    with service.client(key) as client:
        return [json.loads(line) for line in client.get("/v1/labels", params={"limit": 5000}).text.splitlines()]


def test_each_decision_of_corals_moderators_becomes_a_label_and_the_newest_stands(
    service: Steward, coral: Coral, toxicity: Toxicity, chief: str
) -> None:
    assert coral.moderated(toxicity, "c-1", "What a troll.", "REJECTED", parent="c-0")
    assert coral.moderated(toxicity, "c-2", "What a thoughtful reply.", "APPROVED")
    assert not coral.moderated(toxicity, "c-3", "Nobody decided this.", "SYSTEM_WITHHELD")
    found = {label["text"]: label for label in labels(service, chief)}
    assert found["What a troll."]["labels"] == {"toxicity": True}
    assert found["What a thoughtful reply."]["labels"] == {"toxicity": False}
    assert coral.moderated(toxicity, "c-1", "What a troll.", "APPROVED"), "the moderator changed their mind"
    newest = [label for label in labels(service, chief) if label["text"] == "What a troll."][-1]
    assert newest["labels"] == {"toxicity": False}


def test_feedback_with_a_context_that_is_broken_is_taken_all_the_same(
    service: Steward, coral: Coral, toxicity: Toxicity, chief: str
) -> None:
    body = {
        "comment": {"text": "Context is broken here."},
        "context": {"entries": [{"text": '{"url": "https://'}]},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}},
        "languages": ["en"],
        "communityId": "Coral:https://talk.news.example",
        "clientToken": "comment:c-9",
    }
    reply = coral.http.post(
        f"{toxicity.endpoint}/comments:suggestscore", params={"key": toxicity.key}, json=body, timeout=30
    )
    assert reply.is_success, reply.text
    assert "Context is broken here." in {label["text"] for label in labels(service, chief)}


def test_feedback_that_is_switched_off_is_not_sent(coral: Coral, toxicity: Toxicity) -> None:
    silent = Toxicity(toxicity.endpoint, toxicity.key, send_feedback=False)
    assert not coral.moderated(silent, "c-1", "x", "REJECTED")
