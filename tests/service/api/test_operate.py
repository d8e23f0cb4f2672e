"""The model in use belongs to all sites: changing it takes the scope `operate`, and every site's trail tells of it."""

from datetime import UTC, datetime
from typing import Any

import pytest

import classifier
from service import app_keys as keys
from service.values.access import Scope, mint

SHIPPED = classifier.SHIPPED.name
BEFORE = frozenset({Scope.SCORE, Scope.COMMENTS, Scope.REVIEW, Scope.ADMIN})
# An earlier release cannot read a key with a scope that it does not know, so the first key has none of a part.
ALL = BEFORE | {Scope.OPERATE}


@pytest.mark.parametrize("path", [f"/v1/models/{SHIPPED}:promote", "/v1/models:rollback"])
async def test_an_administrator_of_one_site_does_not_choose_the_model_of_all(
    client: Any, key_for: Any, problem: Any, path: str
) -> None:
    chief = await key_for(client, "admin", "review", "comments", "score", name="chief")
    problem(await chief.post(path), 403)
    assert (await chief.get("/v1/models")).status == 200, "which models there are is no secret from administrators"


async def test_a_model_that_is_put_in_use_stands_in_the_trail_of_every_site(client: Any, key_for: Any) -> None:
    other = await key_for(client, "admin", site="weekly", name="editor")
    chief = await key_for(client, "admin", "operate", name="chief")
    reply = await chief.post(f"/v1/models/{SHIPPED}:promote")
    assert reply.status == 200
    for caller, whose in ((chief, None), (other, "daily")):
        (entry,) = [
            each["details"]
            for each in (await caller.get("/v1/audit")).body["entries"]
            if each["details"]["action"] == "model_promoted"
        ]
        assert (entry["actor"], entry["model"], entry.get("actor_site")) == ("chief", SHIPPED, whose)
        assert entry["request"] == reply.headers["X-Request-Id"]


@pytest.fixture
def access(client: Any) -> Any:
    return client.server.app[keys.STORE].access


async def old_key(access: Any, scopes: frozenset[Scope] = BEFORE, *, name: str = "admin", site: str = "default") -> str:
    """A key as earlier releases made it."""
    text, record = mint(site, scopes, name, datetime.now(UTC))
    await access.keep(record)
    return text


async def scopes_of(access: Any, text: str) -> frozenset[Scope]:
    found: frozenset[Scope] = (await access.keys())[text[9:17]].scopes
    return found


async def test_the_first_key_may_operate(access: Any) -> None:
    text = await access.first_key("default")
    assert await scopes_of(access, text) == ALL


async def test_the_first_key_of_an_earlier_release_may_still_choose_the_model(
    client: Any, access: Any, key_for: Any
) -> None:
    first = await old_key(access)
    others = [
        await old_key(access),
        await old_key(access, name="chief"),
        await old_key(access, site="weekly"),
        await old_key(access, frozenset({Scope.ADMIN})),
    ]
    assert await access.first_key("default") is None
    assert await scopes_of(access, first) == ALL
    assert all([Scope.OPERATE not in await scopes_of(access, each) for each in others])
    caller = await key_for(client, "score")
    again = type(caller)(client, first)
    await client.server.app[keys.DIRECTORY].refresh()
    assert (await again.post(f"/v1/models/{SHIPPED}:promote")).status == 200


async def test_a_key_that_is_made_later_is_given_nothing_at_a_later_start(access: Any) -> None:
    await access.first_key("default")
    for key_id in await access.keys():
        await access.revoke(key_id)
    later = await old_key(access)
    await access.first_key("default")
    assert await scopes_of(access, later) == BEFORE
