"""The list of models, which OpenAI's clients and tests of credentials ask for."""

from typing import Any

import classifier
from service.values.openai_models import MODELS

NAMES = [*MODELS, classifier.SHIPPED.name]


async def test_a_scorer_gets_the_list_in_openais_form_at_both_addresses(scorer: Any) -> None:
    for path in ("/v1/models", "/models"):
        reply = await scorer.get(path)
        assert (reply.status, reply.body["object"]) == (200, "list")
        assert [each["id"] for each in reply.body["data"]] == NAMES
        for each in reply.body["data"]:
            assert each.keys() == {"id", "created", "object", "owned_by"}
            assert each["object"] == "model"
            assert each["created"] > 1_700_000_000


async def test_a_scorer_does_not_see_the_folders_of_models(scorer: Any, admin: Any) -> None:
    assert (await scorer.get("/v1/models")).body["models"] == []
    assert [each["version"] for each in (await admin.get("/v1/models")).body["models"]] == [classifier.SHIPPED.name]


async def test_every_name_in_the_list_may_be_asked_for(scorer: Any) -> None:
    for name in (*NAMES, f"openai/{MODELS[0]}"):
        reply = await scorer.post("/v1/moderations", {"input": "hello", "model": name})
        assert (reply.status, reply.body["model"]) == (200, name.removeprefix("openai/"))


async def test_without_a_key_that_may_score_there_is_no_list(client: Any, key_for: Any, scorer: Any) -> None:
    reviewer = await key_for(client, "review")
    assert (await reviewer.get("/models")).status == 403
    assert (await reviewer.get("/v1/models")).status == 403
    stranger = type(scorer)(client, None)
    refused = await stranger.get("/models")
    assert refused.status == 401
    assert refused.body["error"]["type"] == "invalid_request_error"
