"""API keys over the API: listed without secrets, rotated by whoever may do all that they open."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service import app_keys as keys
from service.values.errors import StoreUnavailable
from service.values.policy import Policy


async def opened(caller: Any, text: str) -> int:
    reply = await type(caller)(caller.client, text).post("/v1/score", {"text": "Hello."})
    return int(reply.status)


def id_of(caller: Any) -> str:
    return str(caller.key.split("_")[2])


async def test_a_rotated_key_is_shown_once_and_both_texts_open(client: Any, admin: Any, key_for: Any) -> None:
    site = await key_for(client, "score", name="website")
    before = datetime.now(UTC)
    reply = await admin.post(f"/v1/keys/{id_of(site)}:rotate", {"keep_hours": 48})
    assert reply.status == 200
    text = reply.body["key"]
    assert text != site.key
    assert (reply.body["id"], reply.body["name"]) == (id_of(site), "website")
    until = datetime.fromisoformat(reply.body["older_until"])
    assert timedelta(hours=47) < until - before < timedelta(hours=49)
    assert [await opened(admin, each) for each in (text, site.key)] == [200, 200]
    listed = await admin.get("/v1/keys")
    (row,) = [each for each in listed.body["keys"] if each["name"] == "website"]
    assert row["older_until"] == [reply.body["older_until"]]
    assert row["scopes"] == ["score"]
    for each in (text, site.key):
        assert each[18:61] not in listed.raw.decode()
    (entry,) = [
        each["details"]
        for each in (await admin.get("/v1/audit")).body["entries"]
        if each["details"]["action"] == "key_rotated"
    ]
    assert (entry["key"], entry["actor"]) == (id_of(site), admin.name)
    assert datetime.fromisoformat(entry["older_until"]) == until.replace(microsecond=0)
    assert text not in str(entry)


async def test_a_change_that_is_stored_is_answered_though_the_policy_of_another_site_cannot_be_read(
    client: Any, admin: Any, key_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, _ = await key_for(client, "score", name="website"), await key_for(client, "score", site="weekly")
    access = client.server.app[keys.STORE].access
    read = access.policy

    async def policy(name: str) -> Policy | None:
        if name == "weekly":
            raise StoreUnavailable("the node of this site is away")
        found: Policy | None = await read(name)
        return found

    monkeypatch.setattr(access, "policy", policy)
    reply = await admin.post(f"/v1/keys/{id_of(site)}:rotate", {"keep_hours": 0})
    assert reply.status == 200
    assert [await opened(admin, each) for each in (reply.body["key"], site.key)] == [200, 401]
    reply = await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"review_at": 0.5}}})
    assert (reply.status, reply.body["version"]) == (200, 2)
    assert client.server.app[keys.DIRECTORY].policy("daily").version == 2


async def test_a_leaked_key_ends_at_once(client: Any, admin: Any, key_for: Any) -> None:
    site = await key_for(client, "score")
    first = (await admin.post(f"/v1/keys/{id_of(site)}:rotate", {})).body
    assert first["older_until"] is not None, "a day, unless one says otherwise"
    second = (await admin.post(f"/v1/keys/{id_of(site)}:rotate", {"keep_hours": 0})).body
    assert second["older_until"] is None
    assert [await opened(admin, each) for each in (second["key"], first["key"], site.key)] == [200, 401, 401]


async def test_a_key_rotates_itself(admin: Any) -> None:
    reply = await admin.post(f"/v1/keys/{id_of(admin)}:rotate", {})
    changed = type(admin)(admin.client, reply.body["key"])
    assert (await changed.get("/v1/keys")).status == 200


async def test_nobody_gets_more_than_he_has_by_rotating(client: Any, key_for: Any, problem: Any) -> None:
    chief = await key_for(client, "admin")
    for scopes in (("score",), ("review", "admin"), ("operate",)):
        other = await key_for(client, *scopes)
        problem(await chief.post(f"/v1/keys/{id_of(other)}:rotate", {}), 403)
        (kept,) = [
            each for each in (await client.server.app[keys.STORE].access.keys()).values() if each.id == id_of(other)
        ]
        assert kept.former == ()
    assert (await chief.post(f"/v1/keys/{id_of(await key_for(client, 'akismet'))}:rotate", {})).status == 200


async def test_keys_of_another_site_are_neither_listed_nor_rotated(
    client: Any, admin: Any, key_for: Any, problem: Any
) -> None:
    weekly = await key_for(client, "score", site="weekly", name="weeklys")
    assert "weeklys" not in (await admin.get("/v1/keys")).raw.decode()
    assert problem(await admin.post(f"/v1/keys/{id_of(weekly)}:rotate", {}), 404)["code"] == "not_found"
    problem(await admin.post("/v1/keys/none:rotate", {}), 404)
    assert await opened(admin, weekly.key) == 200


@pytest.mark.parametrize("hours", [-1, 721, 1.5, "24", None])
async def test_a_time_that_cannot_be_is_named(admin: Any, problem: Any, hours: Any) -> None:
    reply = await admin.post(f"/v1/keys/{id_of(admin)}:rotate", {"keep_hours": hours})
    if hours is None:  # counts as not sent
        assert reply.status == 200
    else:
        assert problem(reply, 400)["errors"][0]["pointer"] == "/keep_hours"


async def test_an_expired_key_is_not_rotated_and_not_too_many_texts_open(
    client: Any, admin: Any, key_for: Any, problem: Any
) -> None:
    gone = await key_for(client, "score", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert problem(await admin.post(f"/v1/keys/{id_of(gone)}:rotate", {}), 409)["code"] == "key_expired"
    site = await key_for(client, "score")
    for _ in range(5):
        assert (await admin.post(f"/v1/keys/{id_of(site)}:rotate", {})).status == 200
    assert problem(await admin.post(f"/v1/keys/{id_of(site)}:rotate", {}), 409)["code"] == "too_many_texts"
    assert await opened(admin, site.key) == 200
    assert (await admin.post(f"/v1/keys/{id_of(site)}:rotate", {"keep_hours": 0})).status == 200


async def test_of_two_rotations_at_once_each_text_that_was_shown_opens(client: Any, admin: Any, key_for: Any) -> None:
    site = await key_for(client, "score")
    replies = await asyncio.gather(*(admin.post(f"/v1/keys/{id_of(site)}:rotate", {}) for _ in range(3)))
    shown = [each.body["key"] for each in replies if each.status == 200]
    assert shown
    assert {each.body["code"] for each in replies if each.status != 200} <= {"key_changed"}
    assert [await opened(admin, each) for each in (*shown, site.key)] == [200] * (len(shown) + 1)
