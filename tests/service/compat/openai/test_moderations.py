"""What is judged, and how it is told in OpenAI's categories (openai-moderations.md sections 1 to 3 and 6)."""

import logging
import socket
from typing import Any

import pytest

from service.compat.openai import moderations
from service.settings import Settings
from service.values.domain import MAX_TEXT_BYTES


def part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ("one", 1),
        (["one"], 1),
        (["one", "two", "three"], 3),
        ([part("one")], 1),
        ([part("one"), part("two")], 1),
        ("", 1),
        ([""], 1),
        (["", "one"], 2),
    ],
)
async def test_a_string_an_array_and_parts_give_as_many_results_as_in_the_original(
    moderate: Any, given: Any, count: int
) -> None:
    assert len(await moderate(given)) == count


async def test_results_stand_in_the_order_of_the_inputs(moderate: Any, say: Any) -> None:
    texts = [say.civil, say.insult] * 20
    assert [result["flagged"] for result in await moderate(texts)] == [False, True] * 20


async def test_an_insult_is_harassment(moderate: Any, say: Any) -> None:
    (result,) = await moderate(say.insult)
    assert [name for name, is_true in result["categories"].items() if is_true] == ["harassment"]
    assert result["category_scores"]["harassment"] > 0.9


async def test_a_threat_is_violence_and_threatening_harassment(moderate: Any, say: Any) -> None:
    (result,) = await moderate(say.threat)
    true = {name for name, is_true in result["categories"].items() if is_true}
    assert {"harassment", "harassment/threatening", "violence"} <= true
    scores = result["category_scores"]
    assert scores["harassment/threatening"] == min(scores["harassment"], scores["violence"])


async def test_an_attack_on_a_group_is_hate(moderate: Any, scorer: Any) -> None:
    text = "All muslims are filthy animals and should be thrown out of our country."
    (result,) = await moderate(text)
    native = (await scorer.post("/v1/score", {"text": text})).body["results"][0]["scores"]
    assert result["categories"]["hate"] is True
    assert result["category_scores"]["hate"] == native["identity_attack"]


async def test_the_texts_of_parts_are_judged_together(moderate: Any) -> None:
    halves = ["You stupid", "fucking idiot"]
    together, joined = await moderate([part(half) for half in halves]), await moderate("\n".join(halves))
    assert together == joined


async def test_what_no_model_judges_is_marked_and_named(scorer: Any, say: Any, unsupported: list[str]) -> None:
    reply = await scorer.post("/v1/moderations", {"input": say.insult})
    types = reply.body["results"][0]["category_applied_input_types"]
    assert [name for name, judged in types.items() if not judged] == unsupported
    assert reply.headers["X-Moderation-Unsupported"].split(",") == unsupported
    assert {"self-harm", "self-harm/intent", "self-harm/instructions", "sexual/minors"} <= set(unsupported)


async def test_a_text_in_a_language_that_is_not_judged_gets_no_made_up_figures(moderate: Any, say: Any) -> None:
    finnish, civil = await moderate([say.finnish, say.civil])
    assert set(map(tuple, finnish["category_applied_input_types"].values())) == {()}
    assert set(finnish["category_scores"].values()) == {0.0}
    assert finnish["flagged"] is False
    assert civil["category_applied_input_types"]["harassment"] == ["text"]


@pytest.mark.parametrize("text", ["", " \n\t\u2003"])
async def test_an_empty_text_gives_zeros(moderate: Any, text: str) -> None:
    (result,) = await moderate(text)
    assert set(result["category_scores"].values()) == {0.0}
    assert result["category_applied_input_types"]["harassment"] == ["text"], "there is nothing in it, for certain"


async def test_cut_offs_are_those_of_the_sites_policy(moderate: Any, admin: Any, say: Any) -> None:
    async def flagged(limits: Any, **more: Any) -> list[bool]:
        policy = {"thresholds": {"insult": limits}, "protocols": {"openai": more}}
        assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
        return [each["flagged"] for each in await moderate([say.insult, say.civil])]

    assert await flagged({"review_at": 0.0}) == [True, True]
    assert await flagged({"review_at": 0.0}, doubtful_is_flagged=False) == [False, False]
    assert await flagged({"reject_at": 0.5}, doubtful_is_flagged=False) == [True, False]
    assert await flagged({}) == [False, False]


async def test_a_long_text_is_judged_to_its_end(moderate: Any, say: Any) -> None:
    civil = (say.civil + " ") * (MAX_TEXT_BYTES // len(say.civil))
    insults = (say.insult + " ") * (MAX_TEXT_BYTES // len(say.insult))
    clean, dirty = await moderate([civil * 3, civil * 2 + insults])
    assert (clean["flagged"], dirty["flagged"]) == (False, True)


async def test_a_long_text_that_is_judged_in_part_says_so(moderate: Any, say: Any) -> None:
    english = (say.civil + " ") * (MAX_TEXT_BYTES // len(say.civil))
    finnish = (say.finnish + " ") * (MAX_TEXT_BYTES // len(say.finnish))
    insults = (say.insult + " ") * (MAX_TEXT_BYTES // len(say.insult))
    clean, dirty = await moderate([english + finnish * 2, insults + finnish * 2])
    assert clean["category_applied_input_types"]["harassment"] == []
    assert dirty["category_applied_input_types"]["harassment"] == ["text"], "what is seen is seen"


MODELS = ["omni-moderation-latest", "omni-moderation-2024-09-26", "text-moderation-latest", "text-moderation-stable"]


@pytest.mark.parametrize("model", MODELS)
async def test_each_model_of_the_original_is_served_under_its_name(scorer: Any, model: str) -> None:
    reply = await scorer.post("/v1/moderations", {"input": "hello", "model": model})
    assert (reply.status, reply.body["model"]) == (200, model)


@pytest.mark.parametrize("more", [{}, {"model": None}])
async def test_without_a_model_the_newest_alias_is_meant(scorer: Any, more: Any) -> None:
    assert (await scorer.post("/v1/moderations", {"input": "hello", **more})).body["model"] == MODELS[0]


async def test_our_own_model_can_be_asked_for_and_is_always_named(scorer: Any) -> None:
    version = (await scorer.post("/v1/score", {"text": "hello"})).body["model"]
    reply = await scorer.post("/v1/moderations", {"input": "hello", "model": version})
    assert (reply.body["model"], reply.headers["X-Moderation-Model"]) == (version, version)


async def test_what_we_do_not_know_is_ignored(scorer: Any) -> None:
    headers = {
        "OpenAI-Organization": "org-1",
        "OpenAI-Project": "proj-1",
        "OpenAI-Beta": "assistants=v2",
        "X-Stainless-Lang": "python",
        "Idempotency-Key": "stainless-1",
    }
    body = {"input": "hello", "user": "u-1", "metadata": {"a": [1]}}
    reply = await scorer.post("/v1/moderations?api-version=2026-01-01", body, headers=headers)
    assert reply.status == 200


async def test_an_image_beside_a_text_is_ignored_where_the_site_wants_it(admin: Any, moderate: Any, say: Any) -> None:
    policy = {"thresholds": {"insult": {"review_at": 0.5}}, "protocols": {"openai": {"ignore_images": True}}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    image = {"type": "image_url", "image_url": {"url": "https://images.example/1.png"}}
    (both,), (text,), (alone,) = (
        await moderate([part(say.insult), image]),
        await moderate(say.insult),
        await moderate([image]),
    )
    assert both == text
    assert alone["flagged"] is False
    assert set(map(tuple, alone["category_applied_input_types"].values())) == {()}, "nothing of it was judged"


async def test_no_address_is_ever_opened(scorer: Any, admin: Any, failed: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        url = f"http://127.0.0.1:{trap.getsockname()[1]}/x.png"
        given = [{"type": "image_url", "image_url": {"url": url}}]
        failed(await scorer.post("/v1/moderations", {"input": given}), 400)
        policy = {"thresholds": {"insult": {}}, "protocols": {"openai": {"ignore_images": True}}}
        assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
        assert (await scorer.post("/v1/moderations", {"input": given})).status == 200
        with pytest.raises(BlockingIOError):  # nobody waits to be let in
            trap.accept()


@pytest.mark.parametrize("path", ["/v1/moderations", "/moderations"])
async def test_both_addresses_answer(scorer: Any, path: str) -> None:
    reply = await scorer.post(path, {"input": "hello"})
    assert (reply.status, len(reply.body["results"])) == (200, 1)


async def test_every_answer_carries_the_headers_of_the_original(scorer: Any) -> None:
    one, other = [(await scorer.post("/v1/moderations", {"input": "hello"})).headers for _ in range(2)]
    assert one["x-request-id"].startswith("req_")
    assert one["x-request-id"] != other["x-request-id"]
    assert one["openai-version"] == "2020-10-01"
    assert one["openai-processing-ms"].isdecimal()
    assert not any(name.lower().startswith("x-ratelimit") for name in one), "a key without a limit"
    assert one["Cache-Control"] == "no-store"


async def test_nothing_is_kept(scorer: Any, redis_server: Any, say: Any) -> None:
    with redis_server.client() as redis:
        before = sorted(redis.scan_iter())
        await scorer.post("/v1/moderations", {"input": [say.insult, say.threat]})
        assert sorted(redis.scan_iter()) == before


async def test_moderation_goes_on_while_redis_is_away(own_server: Any, tmp_path: Any, run: Any, key_for: Any) -> None:
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30)) as client:
        scorer = await key_for(client, "score")
        own_server.kill()
        assert (await scorer.post("/v1/moderations", {"input": "hello"})).status == 200


async def test_the_first_use_says_what_nobody_judges_and_no_start_does(
    moderate: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def said() -> list[str]:
        return [record.getMessage() for record in caplog.records if "OpenAI" in record.getMessage()]

    caplog.set_level(logging.WARNING)
    moderations.warn_once.cache_clear()
    assert said() == []
    for text in ("hello", "hello again"):
        await moderate(text)
    (once,) = said()
    assert all(name in once for name in ("self-harm", "sexual/minors", "illicit", "violence/graphic"))
