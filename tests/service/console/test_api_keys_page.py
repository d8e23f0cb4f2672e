"""Keys from the console: shown once, good at once, revoked at once, and only those of one's site."""

import asyncio
import re
from typing import Any

import pytest

from service import app_keys as keys
from service.values.errors import StoreUnavailable


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


async def test_a_new_text_is_shown_though_redis_goes_away_before_anything_is_read_again(
    as_role: Any, client: Any, key_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chief, old = await as_role(), await key_for(client, "score", name="website")
    access = client.server.app[keys.STORE].access

    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    def then_away(write: str) -> None:
        """The write arrives; nothing can be read from then on."""
        kept = getattr(access, write)

        async def written(*args: object) -> object:
            answer = await kept(*args)
            for read in ("keys", "policy", "sites", "salt"):
                patched.setattr(access, read, away)
            return answer

        patched.setattr(access, write, written)

    texts = []
    for path, write, fields in (
        ("/console/keys", "keep", {"name": "app", "scope": "score"}),
        ("/console/keys/rotate", "change", {"key": old.key.split("_")[2], "keep_hours": "0"}),
    ):
        with monkeypatch.context() as patched:
            then_away(write)
            page = await chief.post(path, **fields)
        assert page.status == 200
        texts += re.findall(r'id="made">(cmk_live_[^<]+)<', page.text)
    assert [(await type(old)(client, text).post("/v1/score", {"text": "Hello."})).status for text in texts] == [200] * 2


async def test_a_revocation_that_the_trail_cannot_take_is_not_made_and_can_be_tried_again(
    as_role: Any, client: Any, key_for: Any, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chief, site = await as_role(), await key_for(client, "score", name="website")
    key_id = site.key.split("_")[2]

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(client.server.app[keys.STORE].audit, "write", away)
        assert (await chief.post("/console/keys/revoke", key=key_id)).status == 503
    assert (await site.post("/v1/score", {"text": "Hello."})).status == 200
    assert (await chief.post("/console/keys/revoke", key=key_id)).status == 303
    assert (await site.post("/v1/score", {"text": "Hello."})).status == 401
    entries = [entry["details"] for entry in (await admin.get("/v1/audit?actor=admin")).body["entries"]]
    assert [(each["action"], each["key"]) for each in entries] == [("key_revoked", key_id)]


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
    key_id = rotatable(made.text, "wordpress")
    rotated = await chief.post("/console/keys/rotate", key=key_id)
    (second,) = re.findall(r'id="made">([0-9a-f]{12})<', rotated.text)
    assert first != second
    assert "The old key works until" in rotated.text
    for key in (first, second):
        async with client.post("/1.1/verify-key", data={"key": key, "blog": "https://daily.example"}) as response:
            assert await response.text() == "valid"
    entries = [entry["details"] for entry in (await admin.get("/v1/audit?actor=admin")).body["entries"]]
    assert [(each["action"], each["key"]) for each in entries] == [("key_made", key_id), ("key_rotated", key_id)]


async def test_a_key_of_12_digits_opens_nothing_else(as_role: Any) -> None:
    chief = await as_role()
    page = await chief.post("/console/keys", name="x", scope=["akismet", "score"])
    assert page.status == 400
    assert re.findall(r'class="field-problem" id="(\w+)-problem"', page.text) == ["scope"]
    assert (await chief.post("/console/keys/rotate", key="none")).status == 404


async def test_a_long_key_is_rotated_shown_once_and_the_old_one_ends_as_chosen(
    as_role: Any, client: Any, key_for: Any, admin: Any
) -> None:
    chief = await as_role()
    site = await key_for(client, "score", name="website")
    key_id = site.key.split("_")[2]
    page = await chief.post("/console/keys/rotate", key=key_id, keep_hours="168")
    (second,) = re.findall(r'<code class="secret" data-copy id="made">(cmk_live_[^<]+)<', page.text)
    listed = (await chief.get("/console/keys")).text
    assert second not in listed
    assert "An older key works until" in rows(listed)["website"]
    for text in (site.key, second):
        assert (await type(site)(client, text).post("/v1/score", {"text": "Hello."})).status == 200
    page = await chief.post("/console/keys/rotate", key=key_id, keep_hours="0")
    (third,) = re.findall(r'id="made">(cmk_live_[^<]+)<', page.text)
    assert "The old key is refused everywhere within seconds." in page.text
    for text, status in ((site.key, 401), (second, 401), (third, 200)):
        assert (await type(site)(client, text).post("/v1/score", {"text": "Hello."})).status == status
    entries = [entry["details"] for entry in (await admin.get("/v1/audit?actor=admin")).body["entries"]]
    assert [(each["action"], each["key"]) for each in entries] == [("key_rotated", key_id)] * 2
    assert (await chief.post("/console/keys/rotate", key=key_id, keep_hours="99")).status == 400
    assert (await chief.post("/console/keys/rotate", key=key_id, keep_hours="x")).status == 400


async def test_a_key_that_opens_more_than_an_administrator_may_is_not_rotated(
    as_role: Any, client: Any, key_for: Any
) -> None:
    await key_for(client, "score", site="weekly")  # so that an administrator of daily does not operate the service
    chief = await as_role()
    operator = await key_for(client, "operate", name="operator")
    key_id = operator.key.split("_")[2]
    assert "/console/keys/rotate" not in rows((await chief.get("/console/keys")).text)["operator"]
    assert (await chief.post("/console/keys/rotate", key=key_id)).status == 403
    weekly = await key_for(client, "score", site="weekly")
    assert (await chief.post("/console/keys/rotate", key=weekly.key.split("_")[2])).status == 404


async def test_of_two_rotations_at_the_same_moment_one_counts_so_that_every_key_that_was_shown_opens(
    as_role: Any, client: Any
) -> None:
    chief = await as_role()
    made = await chief.post("/console/keys", name="wordpress", scope="akismet")
    key_id = rotatable(made.text, "wordpress")
    pages = await asyncio.gather(*(chief.post("/console/keys/rotate", key=key_id) for _ in range(2)))
    for key in re.findall(r'id="made">([0-9a-f]{12})<', "".join(each.text for each in pages)):
        async with client.post("/1.1/verify-key", data={"key": key, "blog": "https://daily.example"}) as response:
            assert await response.text() == "valid"


async def test_the_page_says_when_a_key_was_last_used_and_where_the_api_is(
    as_role: Any, client: Any, key_for: Any
) -> None:
    chief, used = await as_role(), await key_for(client, "score", name="used")
    await key_for(client, "score", name="spare")
    before = rows((await chief.get("/console/keys")).text)
    assert ("no use recorded" in before["used"], "no use recorded" in before["spare"]) == (True, True)
    assert (await used.post("/v1/score", {"text": "Hello."})).status == 200
    page = (await chief.get("/console/keys")).text
    after = rows(page)
    assert "no use recorded" not in after["used"]
    assert "no use recorded" in after["spare"]
    assert f"<code data-copy>{client.make_url('/v1')!s}</code>" in page


def rows(page: str) -> dict[str, str]:
    """The rows of the table by the name of the key."""
    return dict(re.findall(r'<th scope="row" class="wrap">(\w+) <code(.*?)</tr>', page, re.DOTALL))


def rotatable(page: str, name: str) -> str:
    """The id of a key, from the form that rotates it."""
    (key_id,) = re.findall(
        r'action="/console/keys/rotate".*?name="key" value="(\w+)"',
        rows(page)[name].split("/keys/revoke")[0],
        re.DOTALL,
    )
    return str(key_id)
