"""The list of models, which OpenAI's clients and tests of credentials ask for."""

from typing import Any

import pytest

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


async def test_each_of_openais_names_can_be_looked_up(scorer: Any, client: Any, key_for: Any) -> None:
    listed = (await scorer.get("/models")).body["data"]
    for path in ("/v1/models", "/models"):
        assert [(await scorer.get(f"{path}/{name}")).body for name in MODELS] == listed[:-1]
    assert (await (await key_for(client, "review")).get(f"/v1/models/{MODELS[0]}")).status == 403
    assert (await scorer.get("/models/gpt-4o")).status == 404


@pytest.mark.parametrize("path", ["/v1//moderations", "//moderations", "//v1/moderations", "/v1/v1/moderations"])
async def test_a_base_url_may_end_in_a_slash_or_repeat_the_version(client: Any, scorer: Any, path: str) -> None:
    async def status(method: str, at: str) -> int:
        asked, headers = (
            client.server.make_url("/").with_path(at, encoded=True),
            {"Authorization": f"Bearer {scorer.key}"},
        )
        async with client.session.request(method, asked, json={"input": "hello"}, headers=headers) as reply:
            assert reply.content_type == "application/json"
            return int(reply.status)

    assert [await status("POST", path), await status("GET", path), await status("POST", f"{path}/x")] == [200, 405, 404]


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
