"""The Python client where things go wrong: what is tried again, what is not, and that nothing is sent twice."""

import base64
import hashlib
import hmac
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from comment_steward_client import (
    AsyncSteward,
    BadSignature,
    Comment,
    Refused,
    Retry,
    Steward,
    Unavailable,
    Unreachable,
    verify,
)

PACKAGE = Path(__file__).parents[2] / "clients" / "python"
ANSWER = {
    "id": "c-1",
    "status": "approved",
    "decision": "approve",
    "decided_by": "model",
    "version": 1,
    "revision": 1,
    "scores": {},
    "reasons": [{"code": "x", "of_a_newer_release": 1}],
    "of_a_newer_release": 1,
}
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()
NOW = 1_800_000_000


class Line:
    """Answers in turn; an exception is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(json.loads(request.content) if request.content else None)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return httpx.Response(status, headers=headers, json=ANSWER if status == 200 else {"code": "busy"})

    def client(self, **more: Any) -> Steward:
        return Steward("https://a.example", "k", transport=httpx.MockTransport(self), sleep=self.pauses.append, **more)


def test_a_comment_without_an_id_keeps_one_through_all_tries() -> None:
    line = Line(httpx.ConnectError("away"), 503, httpx.ReadTimeout("slow"), 200)
    with line.client() as steward:
        assert steward.submit(Comment("a")).is_approved
    assert len(line.sent) == 4
    assert len({each["id"] for each in line.sent}) == 1
    assert len(line.pauses) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413])
def test_what_cannot_succeed_is_sent_once(status: int) -> None:
    line = Line(status)
    with line.client() as steward, pytest.raises(Exception, match=f"{status} busy"):
        steward.submit(Comment("a"))
    assert len(line.sent) == 1


def test_the_service_says_how_long_to_wait() -> None:
    line = Line((429, {"Retry-After": "3"}), (503, {"Retry-After": "600"}), (503, {"Retry-After": "soon"}), 200)
    with line.client() as steward:
        steward.submit(Comment("a"))
    assert line.pauses[:2] == [3.0, 8.0]
    assert 0 <= line.pauses[2] <= 1


def test_pauses_double_up_to_a_bound() -> None:
    retry = Retry(tries=9, first_s=0.25, longest_s=8)
    assert [retry.pause_s(tried, None, lambda: 1.0) for tried in range(1, 8)] == [0.25, 0.5, 1, 2, 4, 8, 8]
    assert retry.pause_s(3, None, lambda: 0.0) == 0


def test_after_the_last_try_the_caller_is_told() -> None:
    with Line(*[503] * 4).client() as steward, pytest.raises(Unavailable):
        steward.submit(Comment("a"))
    with Line(*[httpx.ConnectError("away")] * 2).client(retry=Retry(tries=2)) as steward, pytest.raises(Unreachable):
        steward.submit(Comment("a"))


async def test_the_asynchronous_client_tries_again_too() -> None:
    line, pauses = Line(503, httpx.ConnectError("away"), 200), []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with AsyncSteward("https://a.example", "k", transport=httpx.MockTransport(line), sleep=sleep) as steward:
        assert (await steward.submit(Comment("a"))).is_approved
    assert len(pauses) == 2


def test_an_answer_of_something_in_between_is_an_error_and_no_crash() -> None:
    def page(_: httpx.Request) -> httpx.Response:
        return httpx.Response(502, text="<html>Bad gateway</html>")

    with (
        Steward("https://a.example", "k", transport=httpx.MockTransport(page), retry=Retry(tries=1)) as steward,
        pytest.raises(Unavailable),
    ):
        steward.score("a")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(301, headers={"Location": "https://a.example/v1/comments/c-1"}),
        httpx.Response(200, text="<html>Back soon</html>"),
    ],
    ids=["redirect", "page"],
)
def test_an_erasure_that_something_in_between_answered_is_not_done(answer: httpx.Response) -> None:
    transport = httpx.MockTransport(lambda _: answer)
    with Steward("https://a.example", "k", transport=transport) as steward:
        with pytest.raises(Refused) as refused:
            steward.erase("c-1")
        assert refused.value.problem.status == answer.status_code
        with pytest.raises(Refused):
            steward.score("a")


def test_an_answer_that_cannot_be_unpacked_is_an_error_of_this_client() -> None:
    broken = httpx.DecodingError("not gzip")
    with Line(broken).client(retry=Retry(tries=1)) as steward, pytest.raises(Unreachable):
        steward.submit(Comment("a"))


def signed(body: bytes, secret: str = SECRET, at: int = NOW) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, f"evt_1.{at}.".encode() + body, hashlib.sha256)).decode()
    return {"Webhook-Id": "evt_1", "Webhook-Timestamp": str(at), "Webhook-Signature": f"v1,AAAA v1,{mac}"}


BODY = json.dumps(
    {"type": "decision.created", "data": {"comment_id": "c-1", "version": 2, "status": "rejected", "reason": "spam"}}
).encode()


def test_a_signed_webhook_is_an_event() -> None:
    event = verify(SECRET, signed(BODY), BODY, now=NOW)
    told = (event.type, event.comment_id, event.version, event.status, event.reason)
    assert told == ("decision.created", "c-1", 2, "rejected", "spam")
    other = "whsec_" + base64.b64encode(b"o" * 24).decode()
    assert verify([other, SECRET], signed(BODY), BODY, now=NOW) == event


WRONG: list[tuple[str, Callable[[], tuple[dict[str, str], bytes, int]]]] = [
    ("other body", lambda: (signed(BODY), BODY + b" ", NOW)),
    ("old", lambda: (signed(BODY), BODY, NOW + 301)),
    ("future", lambda: (signed(BODY), BODY, NOW - 301)),
    ("no headers", lambda: ({}, BODY, NOW)),
    ("other secret", lambda: (signed(BODY, "whsec_" + base64.b64encode(b"o" * 24).decode()), BODY, NOW)),
    ("odd time", lambda: (signed(BODY) | {"Webhook-Timestamp": "²"}, BODY, NOW)),
    ("long time", lambda: (signed(BODY) | {"Webhook-Timestamp": "9" * 400}, BODY, NOW)),
    ("longer time", lambda: (signed(BODY) | {"Webhook-Timestamp": "9" * 5_000}, BODY, NOW)),
]


@pytest.mark.parametrize("make", [make for _, make in WRONG], ids=[name for name, _ in WRONG])
def test_what_is_not_signed_so_is_refused(make: Any) -> None:
    headers, body, now = make()
    with pytest.raises(BadSignature):
        verify(SECRET, headers, body, now=now)


def test_the_wheel_holds_the_types_and_the_license(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("comment_steward_client-*-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "comment_steward_client/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    metadata = next(name for name in names if name.endswith("METADATA"))
    needs = re.findall(r"^Requires-Dist: (\S+)", zipfile.ZipFile(wheel).read(metadata).decode(), re.MULTILINE)
    assert needs == ["httpx>=0.27"]
