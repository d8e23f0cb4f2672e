"""What docs/webhooks.md tells integrators is so."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from service.webhooks.breaker import MAX_FAILURES
from service.webhooks.schedule import DEFAULT
from service.webhooks.signature import new_secret, sign

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()
BODY = b'{"type":"decision.created"}'
UNIT_S = {"s": 1, "min": 60, "h": 3600}


def snippet(language: str, holding: str) -> str:
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = (block for block in blocks if holding in block)
    return found


def headers(secret: str, at: int) -> dict[str, str]:
    signature = sign([new_secret(), secret], "evt_1", at, BODY)
    return {"webhook-id": "evt_1", "webhook-timestamp": str(at), "webhook-signature": signature}


@pytest.fixture
def verify() -> Callable[[str, Mapping[str, str], bytes], None]:
    names: dict[str, Callable[[str, Mapping[str, str], bytes], None]] = {}
    exec(snippet("python", "def verify"), names)  # noqa: S102 - our own page
    return names["verify"]


def test_the_python_that_the_page_shows_verifies(verify: Callable[[str, Mapping[str, str], bytes], None]) -> None:
    secret, now = new_secret(), int(time.time())
    verify(secret, headers(secret, now), BODY)
    with pytest.raises(ValueError, match="not ours"):
        verify(secret, headers(new_secret(), now), BODY)
    with pytest.raises(ValueError, match="not ours"):
        verify(secret, headers(secret, now), BODY + b" ")
    with pytest.raises(ValueError, match="too old"):
        verify(secret, headers(secret, now - 301), BODY)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_node_that_the_page_shows_verifies() -> None:
    secret, now = new_secret(), int(time.time())
    calls = [(secret, headers(secret, now)), (secret, headers(new_secret(), now)), (secret, headers(secret, now - 301))]
    program = snippet("js", "function verify") + (
        f"for (const [secret, headers] of {json.dumps(calls)}) {{\n"
        f"  try {{ verify(secret, headers, Buffer.from({json.dumps(BODY.decode())})); console.log('ours'); }}\n"
        "  catch (error) { console.log(error.message); }\n}\n"
    )
    ended = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split("\n")[:3] == ["ours", "not ours", "too old"]


def test_the_page_shows_the_schedule() -> None:
    row = re.search(r"^\| after the one before \| (.*) \|$", PAGE, re.MULTILINE)
    assert row is not None
    shown = [int(number) * UNIT_S[unit] for number, unit in (step.split(" ") for step in row[1].split(" | "))]
    assert shown == [float(step) for step in DEFAULT.split(",")]
    assert MAX_FAILURES == 10
    assert "After ten failures in a row" in PAGE


def test_the_events_that_the_page_shows_are_json() -> None:
    shown = json.loads(snippet("json", "decision.created"))
    assert shown["data"]["version"] == 2
