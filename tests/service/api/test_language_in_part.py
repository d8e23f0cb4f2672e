"""A language in which the model judges some attributes only, as the fast reader does in German."""

from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings

GERMAN = "Das ist doch v\u00f6lliger Unsinn, und das wei\u00dft du auch."
ENGLISH = "What a thoughtful article, thank you for writing it."


@pytest.fixture
def settings(redis_server: Any, tmp_path: Path) -> Settings:
    return Settings(redis_url=redis_server.url, data_dir=tmp_path, store_timeout_s=30, readers="fast")


async def test_a_language_that_is_judged_in_part_is_decided_on_that_part(admin: Any) -> None:
    limits = {"toxicity": {"review_at": 0.9}, "threat": {"review_at": 1}, "spam": {"review_at": 0, "reject_at": 0}}
    await admin("PUT", "/v1/policies/default", {"thresholds": limits})
    answer = (await admin.post("/v1/comments", {"text": GERMAN})).body
    assert (answer["language"], set(answer["scores"])) == ("de", {"toxicity", "identity_attack", "insult"})
    assert answer["decision"] == "approve"
    limits["threat"] = {"review_at": 0}
    await admin("PUT", "/v1/policies/default", {"thresholds": limits})
    answer = (await admin.post("/v1/comments", {"text": GERMAN})).body
    assert answer["decision"] == "review"
    assert [(reason["code"], reason["attribute"]) for reason in answer["reasons"]] == [("toxicity_stands_in", "threat")]
    assert answer["reasons"][0]["score"] == answer["scores"]["toxicity"]


async def test_of_the_asked_attributes_those_of_the_language_are_answered(admin: Any) -> None:
    body = {"texts": [GERMAN, ENGLISH], "attributes": ["insult", "threat"], "spans": True}
    german, english = (await admin.post("/v1/score", body)).body["results"]
    assert set(german["scores"]) == {"insult"}
    assert set(english["scores"]) == {"insult", "threat"}
