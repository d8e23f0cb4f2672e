"""Keys from the console: shown once, good at once, revoked at once, and only those of one's site."""

import asyncio
import re
from typing import Any


async def test_a_key_is_shown_once_and_opens_what_was_ticked(as_role: Any, client: Any, admin: Any) -> None:
    chief = await as_role()
    page = await chief.post("/console/keys", name="website", days="30", scope=["score", "comments"])
    assert page.status == 200
    (text,) = re.findall(r'id="made">(cmk_live_[^<]+)<', page.text)
    listed = (await chief.get("/console/keys")).text
    assert "website" in listed
    assert text not in listed
    headers = {"Authorization": f"Bearer {text}"}
    async with client.post("/v1/score", json={"text": "Hello."}, headers=headers) as response:
        assert response.status == 200
    async with client.get("/v1/labels", headers=headers) as response:
        assert response.status == 403
    key_id = text.split("_")[2]
    page = await chief.post("/console/keys/revoke", key=key_id)
    assert "The key is revoked." in (await chief.get(page.location)).text
    async with client.post("/v1/score", json={"text": "Hello."}, headers=headers) as response:
        assert response.status == 401
    assert (await chief.post("/console/keys/revoke", key=key_id)).status == 404
    entries = [entry["details"] for entry in (await admin.get("/v1/audit?actor=admin")).body["entries"]]
    assert [(each["action"], each["key"]) for each in entries] == [("key_made", key_id), ("key_revoked", key_id)]
    assert all(text not in str(each) for each in entries)


async def test_what_is_wrong_is_told_at_its_field(as_role: Any) -> None:
    chief = await as_role()
    for fields, field in [
        ({"name": "two words", "scope": "score"}, "name"),
        ({"name": "x"}, "scope"),
        ({"name": "x", "scope": "everything"}, "scope"),
        ({"name": "x", "scope": "score", "days": "0"}, "days"),
        ({"name": "x", "scope": "score", "days": "²"}, "days"),
        ({"name": "x", "scope": "score", "days": "9999999"}, "days"),
        ({"name": "x", "scope": "score", "origins": "https://a.example/path"}, "origins"),
        ({"name": "x", "scope": "score", "origins": "https://a.example *"}, "origins"),
    ]:
        page = await chief.post("/console/keys", **fields)
        assert page.status == 400, fields
        assert re.findall(r'class="field-problem" id="(\w+)-problem"', page.text) == [field]


async def test_another_sites_keys_are_neither_shown_nor_revoked(as_role: Any, client: Any, key_for: Any) -> None:
    weekly = await key_for(client, "score", site="weekly", name="weeklys")
    chief = await as_role()
    assert "weeklys" not in (await chief.get("/console/keys")).text
    assert (await chief.post("/console/keys/revoke", key=weekly.key.split("_")[2])).status == 404
    assert (await weekly.post("/v1/score", {"text": "Hello."})).status == 200


async def test_a_key_for_pages_is_made_for_the_origins_that_were_named(as_role: Any, client: Any, admin: Any) -> None:
    chief = await as_role()
    named = "https://www.example.org/\r\nHTTP://Localhost:3000"
    page = await chief.post("/console/keys", name="widget", scope="score", origins=named)
    (text,) = re.findall(r'id="made">(cmk_live_[^<]+)<', page.text)
    assert "only from http://localhost:3000, https://www.example.org" in (await chief.get("/console/keys")).text
    for origin, status in (
        ("https://www.example.org", 200),
        ("http://localhost:3000", 200),
        ("https://b.example", 403),
    ):
        headers = {"Authorization": f"Bearer {text}", "Origin": origin}
        async with client.post("/v1/score", json={"text": "Hello."}, headers=headers) as response:
            assert response.status == status
    (entry,) = (await admin.get("/v1/audit?actor=admin")).body["entries"]
    assert entry["details"]["origins"] == "http://localhost:3000 https://www.example.org"


async def test_a_key_of_12_digits_is_made_rotated_and_opens_akismets_routes_only(
    as_role: Any, client: Any, admin: Any
) -> None:
    chief = await as_role()
    made = await chief.post("/console/keys", name="wordpress", scope="akismet")
    (first,) = re.findall(r'id="made">([0-9a-f]{12})<', made.text)
    (key_id,) = set(re.findall(r'action="/console/keys/rotate".*?name="key" value="(\w+)"', made.text, re.DOTALL))
    rotated = await chief.post("/console/keys/rotate", key=key_id)
    (second,) = re.findall(r'id="made">([0-9a-f]{12})<', rotated.text)
    assert first != second
    assert "works for one more day" in rotated.text
    for key in (first, second):
        async with client.post("/1.1/verify-key", data={"key": key, "blog": "https://daily.example"}) as response:
            assert await response.text() == "valid"
    entries = [entry["details"] for entry in (await admin.get("/v1/audit?actor=admin")).body["entries"]]
    assert [(each["action"], each["key"]) for each in entries] == [("key_made", key_id), ("key_rotated", key_id)]


async def test_a_key_of_12_digits_opens_nothing_else_and_long_keys_are_not_rotated(as_role: Any, key_for: Any) -> None:
    chief = await as_role()
    page = await chief.post("/console/keys", name="x", scope=["akismet", "score"])
    assert page.status == 400
    assert re.findall(r'class="field-problem" id="(\w+)-problem"', page.text) == ["scope"]
    long = await key_for(chief.client, "score")
    assert (await chief.post("/console/keys/rotate", key=long.key.split("_")[2])).status == 404
    assert (await chief.post("/console/keys/rotate", key="none")).status == 404


async def test_of_two_rotations_at_the_same_moment_one_counts_so_that_every_key_that_was_shown_opens(
    as_role: Any, client: Any
) -> None:
    chief = await as_role()
    made = await chief.post("/console/keys", name="wordpress", scope="akismet")
    key_id = re.findall(r'action="/console/keys/rotate".*?name="key" value="(\w+)"', made.text, re.DOTALL)[0]
    pages = await asyncio.gather(*(chief.post("/console/keys/rotate", key=key_id) for _ in range(2)))
    for key in re.findall(r'id="made">([0-9a-f]{12})<', "".join(each.text for each in pages)):
        async with client.post("/1.1/verify-key", data={"key": key, "blog": "https://daily.example"}) as response:
            assert await response.text() == "valid"
