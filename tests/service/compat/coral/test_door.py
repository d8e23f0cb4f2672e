"""Coral's external moderation phase, over HTTP: what is recorded, what is said, and that it is said in time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from service import app_keys as keys
from service.compat.coral.door import DOOR, Arrived
from service.compat.coral.request import asked
from service.settings import Settings
from service.values.domain import MAX_TEXT_BYTES
from service.values.errors import Overloaded


async def queued(caller: Any) -> list[Any]:
    reply = await caller.get("/v1/review/items?state=queued")
    assert reply.status == 200, reply.body
    items: list[Any] = reply.body["items"]
    return items


async def until_queued(caller: Any, count: int) -> list[Any]:
    while len(items := await queued(caller)) < count:
        await asyncio.sleep(0.02)
    return items


async def test_a_doubtful_comment_is_withheld_flagged_and_queued(coral: Any, wish: Any, admin: Any) -> None:
    await wish("review")
    reply = await coral("<div>You <b>idiot</b>.</div>")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert reply.body == {
        "status": "SYSTEM_WITHHELD",
        "actions": [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"}],
    }
    (item,) = await queued(admin)
    assert item["id"].startswith("coral-")
    assert item["text"] == "You idiot."
    assert item["article"] == {"id": "s-1", "url": "https://news.example/story"}
    assert item["metadata"] | {"text_sha256": ""} == {
        "protocol": "coral",
        "action": "NEW",
        "role": "COMMENTER",
        "site": "site-1",
        "tenant": "t-1",
        "tenant_domain": "comments.example",
        "text_sha256": "",
    }


async def test_an_approval_is_204_without_a_byte(coral: Any, wish: Any) -> None:
    await wish("approve")
    reply = await coral()
    assert (reply.status, reply.raw) == (204, b"")
    assert "Content-Type" not in reply.headers


async def test_each_switch_of_the_policy_has_its_effect(coral: Any, wish: Any) -> None:
    await wish("approve", may_approve=True)
    assert (await coral("a")).body == {"status": "APPROVED"}
    await wish("reject", may_reject=True)
    rejected = (await coral("b")).body
    assert rejected["status"] == rejected["moderationAction"]["status"] == "REJECTED"
    await wish("reject")
    assert (await coral("c")).body["status"] == "SYSTEM_WITHHELD"
    await wish("review", publish_first=True)
    assert (await coral("d")).body.keys() == {"actions"}


async def test_in_the_shadow_all_is_recorded_and_nothing_said(coral: Any, wish: Any, admin: Any) -> None:
    await wish("review", shadow=True, may_approve=True, may_reject=True)
    assert (await coral()).status == 204
    assert len(await queued(admin)) == 1


async def test_a_language_that_nobody_judged_waits_for_a_person_and_nothing_is_said(coral: Any, admin: Any) -> None:
    assert (await coral("Kiitos tästä artikkelista, opin paljon sähköasemista ja niiden korjaamisesta.")).status == 204
    (item,) = await until_queued(admin, 1)  # on a busy machine also later than the answer
    assert item["text"].startswith("Kiitos")


async def test_a_rating_without_words_gets_no_opinion(coral: Any, wish: Any, admin: Any) -> None:
    await wish("review")
    for body in ("", " ", "<div><br></div>", "&nbsp;"):
        assert (await coral(comment={"body": body, "parentID": None})).status == 204
    assert await queued(admin) == []


async def test_the_same_comment_again_is_the_same_comment(coral: Any, wish: Any, admin: Any) -> None:
    await wish("review")
    answers = [(await coral("You idiot.")).body for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(await queued(admin)) == 1


async def test_of_another_place_author_or_text_it_is_another_comment(coral: Any, wish: Any, admin: Any) -> None:
    await wish("review")
    await coral("<p>Hello.</p>")
    for other in ({"author": {"id": "u-2"}}, {"story": {"id": "s-2"}}, {"tenantID": "t-2"}):
        await coral("<p>Hello.</p>", **other)
    await coral(comment={"body": "<p>Hello.</p>", "parentID": "c-1"})
    await coral("<p>Hello!</p>", action="EDIT")
    assert len({item["id"] for item in await queued(admin)}) == 6


async def test_an_edit_that_changes_nothing_to_read_is_the_same_comment(coral: Any, wish: Any, admin: Any) -> None:
    await wish("review")
    await coral("<p>Hello  there.</p>")
    assert (await coral("Hello <b>there.</b>", action="EDIT")).status == 200
    (item,) = await queued(admin)
    assert item["text"] == "Hello there."


async def test_what_a_moderator_said_of_it_counts_when_it_comes_again(coral: Any, wish: Any, admin: Any) -> None:
    await wish("review", may_reject=True)
    await coral("Hello.")
    (item,) = (await admin.post("/v1/review/claim", {})).body["items"]
    decision = {"decision": "reject", "lease": item["lease"], "reason": "spam"}
    assert (await admin.post(f"/v1/review/{item['id']}/decision", decision)).status == 200
    again = (await coral("Hello.")).body
    assert again["moderationAction"]["rejectionReason"] == {"code": "SPAM"}


async def test_what_was_erased_does_not_come_back(coral: Any, wish: Any, admin: Any) -> None:
    await wish("review")
    await coral("Hello.")
    (item,) = await queued(admin)
    assert (await admin("DELETE", f"/v1/comments/{item['id']}")).status == 204
    assert (await coral("Hello.")).status == 204
    assert await queued(admin) == []


async def test_the_author_is_known_again_and_not_by_name(coral: Any, wish: Any, admin: Any, redis_server: Any) -> None:
    await wish("review")
    await coral("Hello.", author={"id": "author-4711"})
    with redis_server.client() as client:
        assert not [key for key in client.keys("*") if "4711" in key]
    (item,) = await queued(admin)
    assert "4711" not in str(item)


async def test_fields_that_we_do_not_know_and_any_role_are_fine(coral: Any) -> None:
    more = {"deployment": {"deeply": [1, {"nested": None}]}, "author": {"id": "u", "role": "VISITOR", "badges": []}}
    assert (await coral(**more)).status == 204


async def test_ids_that_we_would_not_take_do_not_keep_a_comment_from_being_judged(
    coral: Any, wish: Any, admin: Any
) -> None:
    await wish("review")
    odd = {"author": {"id": "ä" * 300}, "story": {"id": "", "url": "x" * 5000}, "tenantDomain": "d" * 9000}
    assert (await coral(**odd)).status == 200
    (item,) = await queued(admin)
    assert "id" not in item.get("article", {})


async def test_what_is_too_long_to_judge_is_never_approved(coral: Any, wish: Any, admin: Any) -> None:
    await wish("approve", may_approve=True)
    assert (await coral("ä" * (MAX_TEXT_BYTES // 2))).body == {"status": "APPROVED"}
    assert (await coral("ä" * MAX_TEXT_BYTES)).body["status"] == "SYSTEM_WITHHELD"
    (item,) = await queued(admin)
    assert len(item["text"].encode()) == MAX_TEXT_BYTES


async def test_a_trailing_slash_costs_nobody_the_moderation(coral: Any) -> None:
    assert (await coral.send(b'{"comment": {"body": "Hello there."}}', path="/coral/daily/")).status == 204


WRONG = [
    (b"", 400),
    (b"not json", 400),
    (b"[]", 400),
    (b"{}", 400),
    (b'{"comment": {"body": null}}', 400),
    (b'{"comment": {"body": "a"}, "comment": {"body": "b"}}', 400),
    (b'{"comment": {"body": "a"}, "tenantID": 1}', 400),
    (b"\xff", 400),
    (b"a" * ((1 << 19) + 1), 413),
]


async def test_what_is_signed_and_still_wrong_is_named(coral: Any) -> None:
    for body, status in WRONG:
        reply = await coral.send(body)
        assert (reply.status, reply.raw[-1:]) == (status, b"\n"), body[:100]


async def test_the_address_takes_post_and_json_alone(coral: Any) -> None:
    assert (await coral.send(b"{}", content_type="text/plain")).status == 415
    assert (await coral.send(b"{}", path="/coral/daily?key=x")).status == 400
    assert (await coral.caller.get("/coral/daily")).status == 405


async def test_what_was_said_is_counted(coral: Any, wish: Any, admin: Any) -> None:
    await wish("review")
    await coral()
    said = (await admin.get("/metrics")).raw.decode()
    assert 'steward_coral_total{outcome="system_withheld"}' in said
    assert 'steward_requests_total{operation="coral",outcome="ok"}' in said


# -- time


@pytest.fixture
async def mortal(own_server: Any, tmp_path: Path, run: Any) -> AsyncIterator[Any]:
    """A service over a Redis that the test may hang or kill; a write is given up soon."""
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=5)) as client:
        yield client


@pytest.fixture
async def urgent(mortal: Any, key_for: Any, keep: Any, coral_of: Any) -> Any:
    """A Coral whose site has the least budget, and the site's administrator."""
    admin = await key_for(mortal)
    policy = {"thresholds": {"toxicity": {"review_at": 0}}, "protocols": {"coral": {"budget_ms": 20}}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    app = mortal.server.app
    await keep(app, "empsec_4b1f0c9a7e")
    return coral_of(type(admin)(mortal, None)), admin


async def test_while_redis_hangs_nothing_is_said_and_the_comment_is_queued_when_it_goes_on(
    urgent: Any, own_server: Any
) -> None:
    coral, admin = urgent
    own_server.hang()
    try:
        replies = [await coral(f"comment {number}") for number in range(3)]
    finally:
        own_server.resume()
    assert {(reply.status, reply.raw) for reply in replies} == {(204, b"")}
    assert {item["text"] for item in await until_queued(admin, 3)} == {f"comment {number}" for number in range(3)}


async def test_a_redis_that_was_killed_gets_the_comment_when_it_is_back(urgent: Any, own_server: Any) -> None:
    coral, admin = urgent
    own_server.kill()
    assert (await coral("hello")).status == 204
    own_server.start()
    assert len(await until_queued(admin, 1)) == 1


async def test_a_caller_that_gave_up_disturbs_nothing(urgent: Any, own_server: Any) -> None:
    coral, admin = urgent
    own_server.hang()
    try:
        asking = [asyncio.create_task(coral(f"comment {number}")) for number in range(5)]
        await asyncio.sleep(0)
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)
        assert (await coral("the last")).status == 204
    finally:
        own_server.resume()
    async with asyncio.timeout(60):  # those that were given up may be there before it
        while "the last" not in {item["text"] for item in await queued(admin)}:
            await asyncio.sleep(0.02)


async def test_a_service_that_stops_records_first_what_it_took(
    own_server: Any, tmp_path: Path, run: Any, key_for: Any, keep: Any, coral_of: Any
) -> None:
    settings = Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=5)
    async with run(settings) as client:
        admin = await key_for(client)
        policy = {"thresholds": {"toxicity": {"review_at": 0}}, "protocols": {"coral": {"budget_ms": 20}}}
        await admin("PUT", "/v1/policies/default", policy)
        await keep(client.server.app, "empsec_4b1f0c9a7e")
        own_server.hang()
        try:
            assert (await coral_of(type(admin)(client, None))("hello")).status == 204
        finally:
            own_server.resume()
    async with run(settings) as client:
        assert len(await queued(type(admin)(client, admin.key))) == 1


async def test_what_cannot_be_recorded_before_the_end_is_said_to_be_lost(
    urgent: Any, own_server: Any, mortal: Any, caplog: pytest.LogCaptureFixture
) -> None:
    coral, _ = urgent
    own_server.kill()
    assert (await coral("a secret text")).status == 204
    await mortal.server.app[DOOR].drain(timeout_s=0)
    assert "1 comments from Coral were not recorded" in caplog.text
    assert "secret text" not in caplog.text


async def test_with_too_many_in_memory_the_next_is_refused_not_forgotten(
    urgent: Any, own_server: Any, mortal: Any
) -> None:
    coral, admin = urgent
    door = mortal.server.app[DOOR]
    door._most_waiting = 2  # noqa: SLF001 - a thousand would do the same, and take longer
    own_server.kill()
    assert [(await coral(f"comment {number}")).status for number in range(4)] == [204, 204, 503, 503]
    with pytest.raises(Overloaded):
        door.start(Arrived("daily", asked(b'{"comment": {"body": "x"}}')))
    own_server.start()
    assert len(await until_queued(admin, 2)) == 2


async def test_a_service_that_never_saw_redis_cannot_tell_who_signs(
    own_server: Any, tmp_path: Path, run: Any, keep: Any, coral_of: Any, key_for: Any
) -> None:
    settings = Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=5)
    async with run(settings) as client:
        admin = await key_for(client)
        await keep(client.server.app, "empsec_4b1f0c9a7e")
    assert b"empsec" not in (tmp_path / "access.json").read_bytes()
    own_server.kill()
    async with run(settings) as client:
        coral = coral_of(type(admin)(client, None))
        assert (await coral()).status == 503
        own_server.start()
        await client.server.app[keys.DIRECTORY].refresh()
        assert (await coral()).status == 204
