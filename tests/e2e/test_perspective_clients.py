"""Clients that others wrote for Perspective, unmodified, in environments of their own, against the running service."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from steward import Steward

ROOT = Path(__file__).parents[2]
CLIENTS, SCRIPTS = ROOT / ".clients", ROOT / "tests" / "clients"
RUDE = "You are a stupid idiot and nobody wants you here."


def said(command: list[str], service: Steward, key: str) -> Any:
    """What a client's script prints."""
    assert (CLIENTS / ".set-up").exists(), (
        "the clients are not installed: `make test` does it, and needs the registries"
    )
    # Where Node looks for packages: the scripts do not lie beside them.
    environment = {**os.environ, "NODE_PATH": str(CLIENTS / "node" / "node_modules")}
    done = subprocess.run(
        [*command, service.url, key], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def of_python(name: str, script: str) -> list[str]:
    return [str(CLIENTS / name / "bin" / "python"), str(SCRIPTS / name / script)]


def of_node(script: str) -> list[str]:
    return ["node", str(SCRIPTS / "node" / script)]


@pytest.fixture(scope="module")
def key(service: Steward) -> str:
    return service.key("drop-in", "website", "score", "comments")


@pytest.fixture(scope="module")
def labels(service: Steward) -> Any:
    """What was suggested, by community."""
    reader = service.key("drop-in", "reader", "admin")

    def labels(community: str) -> list[Any]:
        with service.client(reader) as client:
            lines = [json.loads(line) for line in client.get("/v1/labels").text.splitlines()]
        return [line for line in lines if line.get("community") == community]

    return labels


def toxicity(answer: Any) -> float:
    found: float = answer["attributeScores"]["TOXICITY"]["summaryScore"]["value"]
    return found


@pytest.fixture(scope="module")
def google(service: Steward, key: str) -> Any:
    return said(of_python("google", "perspective_calls.py"), service, key)


def test_googles_client_discovers_and_analyzes(google: Any, service: Steward) -> None:
    assert google["address"] == f"{service.url}/v1alpha1/comments:analyze", "where the document sends comments"
    assert toxicity(google["analyze"]) > 0.5
    assert google["analyze"]["languages"] == ["en"]
    assert google["analyze"]["attributeScores"]["TOXICITY"]["spanScores"][0]["end"] == len(RUDE)
    assert google["fields"] == {"languages": ["en"]}


def test_googles_client_suggests_a_score(google: Any, labels: Any) -> None:
    assert google["suggest"] == {"clientToken": "google-1", "detectedLanguages": ["en"]}
    (label,) = labels("google")
    assert (label["text"], label["labels"]) == (RUDE, {"toxicity": False})


def test_googles_client_sends_a_batch_and_one_that_fails_spoils_none(google: Any) -> None:
    batch = google["batch"]
    assert batch.keys() == {"rude", "empty", "kind"}
    assert batch["empty"] == {"status": 400, "reason": "Comment must be non-empty."}
    assert [batch[name]["clientToken"] for name in ("rude", "kind")] == ["rude", "kind"]
    assert toxicity(batch["rude"]) > 0.5
    assert toxicity(batch["kind"]) < 0.2


def test_googles_client_reads_the_details_of_errors(google: Any) -> None:
    assert google["unknown"]["status"] == 400
    assert google["unknown"]["reason"] == "Unknown requested attribute: TASTE"
    assert google["unknown"]["details"][0]["errorType"] == "INVALID_REQUEST"
    (detail,) = google["language"]["details"]
    assert detail["errorType"] == "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
    assert detail["languageNotSupportedByAttributeError"] == {"requestedLanguages": ["fi"], "attribute": "TOXICITY"}
    assert google["wrong_key"]["status"] == 400
    assert google["wrong_key"]["reason"] == "API key not valid. Please pass a valid API key."
    assert google["wrong_key"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_pypis_perspective_works(service: Steward, key: str, labels: Any) -> None:
    found = said(of_python("perspective", "calls.py"), service, key)
    assert found["score"].keys() == {"TOXICITY", "INSULT"}
    assert found["score"]["TOXICITY"] == toxicity(found["analyze"]) > 0.5
    assert found["analyze"]["clientToken"] == "t-1"
    assert found["suggest"]["requestedLanguages"] == ["en"]
    assert [label["labels"] for label in labels("pypi")] == [{"toxicity": True}]
    assert found["wrong_key"]["status"] == 400
    assert found["wrong_key"]["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_npms_perspective_api_client_works(service: Steward, key: str) -> None:
    found = said(of_node("perspective-api-client.js"), service, key)
    assert found["analyze"]["attributeScores"].keys() == {"TOXICITY", "INSULT"}
    assert toxicity(found["analyze"]) == toxicity(found["whole"]) > 0.5
    assert found["whole"]["clientToken"] == "t-1"
    assert found["long"] == {"name": "ResponseError", "message": "Comment text too long.", "status": 400}
    assert found["unknown"]["message"] == "Unknown requested attribute: TASTE"
    assert found["wrongKey"]["message"] == "API key not valid. Please pass a valid API key."


def test_jigsaws_js_client_works(service: Steward, key: str) -> None:
    found = said(of_node("perspectiveapi-js-client.js"), service, key)
    assert found["usual"].keys() == {"SPAM", "TOXICITY"}
    assert found["usual"]["TOXICITY"] > 0.5
    assert found["chosen"].keys() == {"LIKELY_TO_REJECT", "OBSCENE"}
    assert "status code 400" in found["wrongKey"]


GUIDE = (ROOT / "docs" / "perspective.md").read_text()


@pytest.mark.parametrize(
    "command", re.findall(r"```sh\n *(curl .+?)\n *```", GUIDE, re.DOTALL), ids=["analyze", "policy"]
)
def test_a_curl_line_of_the_guide_works_when_pasted(command: str, service: Steward) -> None:
    key = service.key("guide", "chief", "admin", "score")
    done = subprocess.run(
        ["bash", "-c", command.replace("http://127.0.0.1:8080", service.url)],
        env=service.environment | {"STEWARD_KEY": key},
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert answer.keys() & {"attributeScores", "thresholds"}, answer


def test_a_bot_with_a_fixed_address_works_by_dns(service: Steward) -> None:
    key, chief = service.key("bots", "bot", "score"), service.key("bots", "chief", "admin")
    found = said(of_python("bots", "judge.py"), service, key)
    assert found["kind"] < 0.2
    assert found["rude"] > 0.5
    assert found["asynchronous"] > 0.5
    assert found["unserved"] == found["stranger"] == "KeyError 'attributeScores'", "it does not read errors"
    with service.client(chief) as client:
        thresholds = client.get("/v1/policies/default").raise_for_status().json()["thresholds"]
        body = {"thresholds": thresholds, "protocols": {"perspective": {"omit_unknown": True}}}
        client.put("/v1/policies/default", json=body).raise_for_status()
    assert said(of_python("bots", "judge.py"), service, key)["unserved"] is None
