"""A client of Perspective's API, with a key in the query as most have it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest

HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Perspective:
    caller: Any

    @property
    def client(self) -> Any:
        return self.caller.client

    @property
    def key(self) -> str:
        return self.caller.key

    async def post(self, path: str, body: Any, **query: str) -> Any:
        """`body`: bytes as they are, anything else as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.send("POST", path, {"key": self.key} | query, data=BytesIO(raw), headers=HEADERS)

    async def send(self, method: str, path: str, query: dict[str, str] | None = None, **more: Any) -> Any:
        nobody = type(self.caller)(self.client, None)
        return await nobody(method, path, params=query or {}, **more)

    async def analyze(
        self, text: str | None, *attributes: str, query: dict[str, str] | None = None, **more: Any
    ) -> Any:
        named = {"requestedAttributes": {name: {} for name in attributes or ("TOXICITY",)}}
        return await self.post(
            "/v1alpha1/comments:analyze", {"comment": {"text": text}, **named, **more}, **query or {}
        )

    async def suggest(self, text: str, value: float, attribute: str = "TOXICITY", **more: Any) -> Any:
        scores = {attribute: {"summaryScore": {"value": value}}}
        body = {"comment": {"text": text}, "attributeScores": scores, **more}
        return await self.post("/v1alpha1/comments:suggestscore", body)


@pytest.fixture
def perspective(admin: Any) -> Perspective:
    """With every scope, for the site daily."""
    return Perspective(admin)


@pytest.fixture(scope="session")
def perspective_of() -> Callable[[Any], Perspective]:
    return Perspective


@pytest.fixture
def wish(admin: Any) -> Any:
    """Sets what the site wants of this protocol."""

    async def wish(thresholds: Any = None, **of_perspective: Any) -> Any:
        body = {
            "thresholds": thresholds or {"toxicity": {"review_at": 0.3, "reject_at": 0.98}},
            "protocols": {"perspective": of_perspective},
        }
        reply = await admin("PUT", "/v1/policies/default", body)
        assert reply.status == 200, reply.body
        return reply.body

    return wish


@pytest.fixture(scope="session")
def refusal() -> Callable[..., dict[str, Any]]:
    """Checks what every error has in common, and gives it."""

    def refusal(reply: Any, status: int, code: str = "INVALID_ARGUMENT", kind: str | None = None) -> dict[str, Any]:
        assert reply.status == status, reply.body
        assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
        assert reply.body.keys() == {"error"}
        error: dict[str, Any] = reply.body["error"]
        assert (error["code"], error["status"]) == (status, code)
        assert error["message"]
        if kind is not None:
            detail = error["details"][0]
            assert detail["@type"] == "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
            assert detail["errorType"] == kind
        return error

    return refusal
