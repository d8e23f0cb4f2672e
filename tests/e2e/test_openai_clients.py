"""OpenAI's own clients, unmodified, against the running service."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from steward import Steward

ROOT = Path(__file__).parents[2]
CLIENTS, SCRIPTS = ROOT / ".clients", ROOT / "tests" / "clients"


def installed(path: str) -> Path:
    """What `make test` has set up; without it there is nothing to show, and that is a failure."""
    found = CLIENTS / path
    assert found.exists(), f"{found} is missing: run 'make test', which installs the clients"
    return found


def said(*command: str | Path, **variables: str) -> Any:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "STEWARD_"))}
    environment |= variables
    environment["CLIENTS"] = str(CLIENTS / "node")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def key(service: Steward) -> str:
    return service.key("llm", "guard", "score")


@pytest.fixture(scope="module")
def python(service: Steward, key: str) -> Any:
    return said(installed("openai/bin/python"), SCRIPTS / "openai" / "moderate.py", service.url, key)


@pytest.fixture(scope="module")
def node(service: Steward, key: str) -> Any:
    installed("node/node_modules/openai")
    return said("node", SCRIPTS / "node" / "openai.mjs", service.url, key)


def test_python_reads_every_part_of_an_answer(python: Any) -> None:
    assert python["id"].startswith("modr-")
    assert python["model"] == "omni-moderation-latest"
    assert python["request_id"].startswith("req_")
    assert python["flagged"] == [False, True]
    assert python["violence"] is True
    assert (python["applied"], python["self_harm"]) == (["text"], [])
    assert isinstance(python["harassment_threatening"], float)
    assert isinstance(python["second_score"], float)
    assert python["harassment_threatening"] > 0.5 > python["second_score"]
    result = python["whole"]["results"][0]
    assert len(result["categories"]) == len(result["category_scores"]) == 13
    assert len(result["category_applied_input_types"]) == 13
    assert "self-harm" in python["unsupported"]
    assert python["empty"] is False


def test_python_gets_as_many_results_as_it_expects(python: Any) -> None:
    assert python["counts"] == [1, 1, 3, 1, 1]
    assert python["plain"] == 1, "also where the base has no /v1"
    assert python["asynchronous"] == [True] * 20


def test_python_raises_what_it_would_with_the_original(python: Any) -> None:
    wrong = python["wrong_key"]
    assert (wrong["exception"], wrong["status"], wrong["code"]) == ("AuthenticationError", 401, "invalid_api_key")
    assert "0123456789abcdef" not in wrong["message"]
    assert wrong["request_id"].startswith("req_")
    image = python["image"]
    assert (image["exception"], image["status"], image["param"]) == ("BadRequestError", 400, "input")
    assert python["nothing"]["param"] == "input"
    missing = python["no_model"]
    assert (missing["exception"], missing["param"], missing["code"]) == ("BadRequestError", "model", "model_not_found")
    assert all(python[name]["type"] == "invalid_request_error" for name in ("wrong_key", "image", "no_model"))


def test_python_waits_as_long_as_it_is_told_and_no_longer(service: Steward) -> None:
    options = ("--site", "llm", "--new-site", "--scope", "score", "--rate", "0.5")
    limited = service.command("keys", "create", *options).strip()
    found = said(installed("openai/bin/python"), SCRIPTS / "openai" / "limited.py", service.url, limited)
    assert found["answered"] == [1, 1]
    assert found["error"]["type"] == "requests"
    assert found["error"]["code"] == "rate_limit_exceeded"
    assert int(found["error"]["retry_after"]) in (1, 2)


def test_node_reads_every_part_of_an_answer(node: Any) -> None:
    assert node["id"].startswith("modr-")
    assert (node["model"], node["flagged"], node["violence"]) == ("text-moderation-stable", True, True)
    assert 0.5 < node["score"] <= 1
    assert node["applied"] == []
    assert node["requestId"].startswith("req_")
    assert node["counts"] == [1, 1, 3, 1, 1]


def test_node_throws_what_it_would_with_the_original(node: Any) -> None:
    wrong, image, many = node["wrongKey"], node["image"], node["tooMany"]
    assert (wrong["exception"], wrong["status"], wrong["code"]) == ("AuthenticationError", 401, "invalid_api_key")
    assert "0123456789abcdef" not in wrong["message"]
    assert (image["exception"], image["status"], image["param"]) == ("BadRequestError", 400, "input")
    assert (many["exception"], many["code"]) == ("BadRequestError", "too_many_images")


def test_both_list_the_models(python: Any, node: Any) -> None:
    assert python["models"] == python["models_without_v1"] == node["models"]
    assert python["models"][0] == "omni-moderation-latest"


def test_langchain_replaces_or_refuses_an_insult(service: Steward, key: str) -> None:
    script = SCRIPTS / "openai" / "langchain_chain.py"
    variables = {"OPENAI_BASE_URL": f"{service.url}/v1", "OPENAI_API_KEY": key}
    found = said(installed("openai/bin/python"), script, **variables)
    refused = "Text was found that violates OpenAI's content policy."
    assert found["kind"] is True, "it passes as it is"
    assert (found["rude"], found["asynchronous"]) == (refused, refused)
    assert found["strict"] == "ValueError"
    assert found["stranger"] == "AuthenticationError"
