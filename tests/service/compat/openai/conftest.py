"""Whoever speaks OpenAI's protocol to the service."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

CIVIL = "Thank you for this article; I learned a lot about how substations are repaired."
INSULT = "You stupid fucking idiot, shut up, you worthless piece of shit."
THREAT = "I will kill you, you stupid bitch. I know where you live."
FINNISH = "Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä."


@pytest.fixture
async def scorer(client: Any, key_for: Any) -> Any:
    """May score, and nothing else."""
    return await key_for(client, "score", name="llm")


@pytest.fixture
def moderate(scorer: Any) -> Callable[..., Awaitable[Any]]:
    """The results for an input; every answer is checked for what all have in common."""

    async def moderate(given: Any, **more: Any) -> Any:
        reply = await scorer.post("/v1/moderations", {"input": given, **more})
        assert reply.status == 200, reply.body
        assert reply.body.keys() == {"id", "model", "results"}
        assert reply.body["id"].startswith("modr-")
        for result in reply.body["results"]:
            check_result(result)
        return reply.body["results"]

    return moderate


NAMES = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
]
# No attribute of the shipped model tells any of these.
UNSUPPORTED = [name for name in NAMES if name.startswith(("illicit", "self-harm", "sexual")) or "graphic" in name]


def check_result(result: Any) -> None:
    """All 13 names in each of the three maps, and what the protocol says of their values."""
    assert result.keys() == {"flagged", "categories", "category_scores", "category_applied_input_types"}
    for part in ("categories", "category_scores", "category_applied_input_types"):
        assert list(result[part]) == NAMES, part
    assert result["flagged"] is any(result["categories"].values())
    for name in NAMES:
        score, types = result["category_scores"][name], result["category_applied_input_types"][name]
        assert isinstance(score, float)
        assert 0 <= score <= 1
        assert types in ([], ["text"])
        if not types:
            assert (score, result["categories"][name]) == (0.0, False), "no figure for what was not judged"
        if name in UNSUPPORTED:
            assert types == []


@pytest.fixture
def failed() -> Callable[..., Any]:
    """Checks what every error has in common, and gives it."""

    def failed(reply: Any, status: int) -> Any:
        assert reply.status == status, reply.body
        assert reply.headers["Content-Type"].startswith("application/json")
        assert reply.headers["x-request-id"].startswith("req_")
        assert reply.headers["openai-version"] == "2020-10-01"
        assert int(reply.headers["openai-processing-ms"]) >= 0
        assert reply.body.keys() == {"error"}
        found = reply.body["error"]
        assert found.keys() == {"message", "type", "param", "code"}
        assert found["message"]
        return found

    return failed


class Texts:
    civil, insult, threat, finnish = CIVIL, INSULT, THREAT, FINNISH


@pytest.fixture
def say() -> type[Texts]:
    return Texts


@pytest.fixture
def unsupported() -> list[str]:
    return UNSUPPORTED


@pytest.fixture
def checked() -> Callable[[Any], None]:
    return check_result
