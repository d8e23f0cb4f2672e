"""Akismet clients of others, unmodified, against the running service."""

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

ROOT = Path(__file__).parents[2]
CLIENTS, SCRIPTS = ROOT / ".clients", ROOT / "tests" / "clients"


def installed(path: str) -> Path:
    """What `make test` has set up; without it there is nothing to show, and that is a failure."""
    found = CLIENTS / path
    assert found.exists(), f"{found} is missing: run 'make test', which installs the clients"
    return found


def said(*command: str | Path, **variables: str) -> Any:
    environment = {name: value for name, value in os.environ.items() if "AKISMET" not in name} | variables
    environment["CLIENTS"] = str(CLIENTS / "node")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def service() -> Iterator[Steward]:
    """As an operator sets it up whose clients put the key in the host name."""
    folder = Path(tempfile.mkdtemp(prefix="steward-"))
    steward = Steward(folder)
    steward.environment["STEWARD_AKISMET_DOMAIN"] = "localhost"
    steward.start()
    yield steward
    assert steward.stop() == 0
    shutil.rmtree(folder, ignore_errors=True)


def labels(service: Steward, chief: str) -> list[Any]:
    with service.client(chief) as client:
        return [json.loads(line) for line in client.get("/v1/labels").raise_for_status().text.splitlines()]


def test_python_speaks_to_us_as_to_akismet(service: Steward) -> None:
    key, chief = service.key("pypi", "blog", "score", "comments"), service.key("pypi", "chief", "admin")
    found = said(installed("akismet/bin/python"), SCRIPTS / "akismet" / "check.py", service.url, key)
    assert found["verified"] == [True, False]
    assert found["checked"] == found["asynchronous"] == [0, 2], "ham, and spam that may be thrown away"
    assert (found["guaranteed"], found["administrator"]) == (1, 0)
    assert found["submitted"] == [True, True]
    assert found["tried"] is True
    assert found["usage"] == {"limit": "none", "usage": 4, "percentage": "0.00", "throttled": False}
    assert found["key_sites"] == "APIKeyError", "it sends no key there"
    assert found["stranger"] == "APIKeyError"
    assert [(label["decision"], label["source"]) for label in labels(service, chief)] == [
        ("reject", "akismet"),
        ("approve", "akismet"),
    ]


def test_node_speaks_to_us_as_to_akismet_with_the_label_in_the_host(service: Steward) -> None:
    key, chief = service.key("npm", "blog", "score", "comments"), service.key("npm", "chief", "admin")
    label = service.command("keys", "label", key=key).strip()
    installed("node/node_modules/akismet-api")
    host = f"localhost:{service.url.rpartition(':')[2]}"
    preload = SCRIPTS / "node" / "localhost.cjs"
    found = said("node", "--require", preload, SCRIPTS / "node" / "akismet.cjs", host, label)
    assert found["verified"] == [True, False]
    assert found["checked"] == [False, True]
    assert (found["guaranteed"], found["administrator"]) == (True, False)
    assert (found["trapped"], found["untrapped"]) == (True, False)
    assert found["thanked"] == ["Thanks for making the web a better place."] * 2
    assert found["stranger"] == found["nobody"] == "Invalid API key"
    assert [label["decision"] for label in labels(service, chief)] == ["reject", "approve"]
    figures = httpx.get(f"{service.url}/1.2/key-sites", params={"api_key": label}, timeout=60).json()
    ((site,),) = [sites for month, sites in figures.items() if month.startswith("20")]
    assert site == {
        "site": "node.example",
        "api_calls": 7,
        "spam": 3,
        "ham": 2,
        "missed_spam": 1,
        "false_positives": 1,
        "is_revoked": False,
    }


def test_cedx_speaks_to_us_with_a_key_of_12_digits(service: Steward) -> None:
    key, chief = service.key("cedx", "blog", "akismet"), service.key("cedx", "chief", "admin")
    installed("node/node_modules/@cedx/akismet")
    found = said("node", SCRIPTS / "node" / "cedx.mjs", service.url, key)
    assert found["verified"] == [True, False]
    assert found["checked"] == [True, True]
    assert found["both"] == [True, False]
    assert [label["decision"] for label in labels(service, chief)] == ["reject", "approve"]


def test_npms_akismet_at_a_bare_address_says_so_before_it_lets_spam_pass(service: Steward) -> None:
    """It puts the key only in front of the host name. There is none in front of an address, unless as a user name."""
    key, chief = service.key("oozcitak", "blog", "akismet"), service.key("oozcitak", "chief", "admin")
    installed("node/node_modules/akismet")
    host, _, port = service.url.removeprefix("http://").partition(":")
    found = said("node", SCRIPTS / "node" / "npm-akismet.cjs", host, port, key)
    assert found["bare"] == {"verified": False, "checked": [False, False]}, "it takes what is invalid for harmless"
    assert found["inFront"] == {"verified": True, "checked": [False, True]}
    assert [label["decision"] for label in labels(service, chief)] == ["reject"]


def test_a_client_with_the_fixed_address_speaks_to_us_by_dns() -> None:
    """As docs/akismet.md says: the names of Akismet's hosts lead here, and a key of 12 digits stands in front."""
    folder = Path(tempfile.mkdtemp(prefix="steward-"))
    steward = Steward(folder)
    steward.environment["STEWARD_AKISMET_DOMAIN"] = "rest.akismet.com"
    steward.start()
    try:
        key, port = steward.key("npm", "blog", "akismet"), steward.url.rpartition(":")[2]
        preload = SCRIPTS / "node" / "rest-akismet-com.cjs"
        script = SCRIPTS / "node" / "akismet.cjs"
        found = said("node", "--require", preload, script, "rest.akismet.com", key, STEWARD_PORT_OF_PROXY=port)
        assert found["verified"] == [True, False]
        assert found["checked"] == [False, True]
        assert found["thanked"] == ["Thanks for making the web a better place."] * 2
    finally:
        assert steward.stop() == 0
        shutil.rmtree(folder, ignore_errors=True)
