"""A list is deleted while a rule comes to name it: one of the two is refused, in whichever order they arrive."""

from typing import Any

import pytest

from service import app_keys as keys

LIST = "/v1/lists/house-words"
NAMING = {
    "thresholds": {"toxicity": {"review_at": 0.5}},
    "rules": [{"id": "no-such-words", "when": {"words": {"list": "house-words"}}, "then": {"action": "reject"}}],
}


async def put(admin: Any) -> None:
    assert (await admin("PUT", LIST, {"entries": [{"text": "a"}]})).status == 200


def meanwhile(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, first: Any) -> None:
    """Something else happens once, right before this is written."""
    kept, is_first = getattr(owner, name), [True]

    async def later(*args: Any, **more: Any) -> Any:
        if is_first:
            is_first.clear()
            await first()
        return await kept(*args, **more)

    monkeypatch.setattr(owner, name, later)


async def test_a_list_that_is_deleted_while_a_rule_comes_to_name_it_is_not_named(
    app: Any, admin: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(admin)

    async def delete() -> None:
        assert (await admin("DELETE", LIST)).status == 204

    meanwhile(monkeypatch, app[keys.STORE].access, "keep_policy", delete)
    found = problem(await admin("PUT", "/v1/policies/default", NAMING), 409)
    assert (found["code"], found["current"]) == ("list_gone", {"lists": ["house-words"]})
    assert (await admin.get("/v1/policies/default")).body["version"] == 1


SHARED = "/v1/lists/shared-words"
NAMING_SHARED = NAMING | {
    "rules": [{"id": "no-such-words", "when": {"words": {"list": "shared-words"}}, "then": {"action": "reject"}}]
}


async def put_shared(admin: Any) -> None:
    assert (await admin("PUT", SHARED, {"entries": [{"text": "a"}]})).status == 200


async def test_a_version_that_names_a_deleted_list_of_all_sites_is_not_brought_back(admin: Any, problem: Any) -> None:
    await put_shared(admin)
    for policy in (NAMING_SHARED, NAMING | {"rules": []}):
        assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    assert (await admin("DELETE", SHARED)).status == 204
    found = problem(await admin.post("/v1/policies/default:restore", {"version": 2}), 409)
    assert (found["code"], found["current"]) == ("list_gone", {"lists": ["shared-words"]})
    assert (await admin.get("/v1/policies/default")).body["version"] == 3
    assert (await admin.post(f"{SHARED}:restore", {"version": 1})).status == 200
    assert (await admin.post("/v1/policies/default:restore", {"version": 2})).body["version"] == 4


async def test_a_list_of_all_sites_that_is_deleted_right_before_a_rule_names_it_is_not_named(
    app: Any, admin: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_shared(admin)
    names = app[keys.STORE].lists.versions

    async def known(site: str) -> Any:
        found = await names(site)
        monkeypatch.undo()
        assert (await admin("DELETE", SHARED)).status == 204
        return found

    monkeypatch.setattr(app[keys.STORE].lists, "versions", known)
    found = problem(await admin("PUT", "/v1/policies/default", NAMING_SHARED), 409)
    assert (found["code"], found["current"]) == ("list_gone", {"lists": ["shared-words"]})


async def test_a_list_of_all_sites_is_not_deleted_while_a_rule_that_names_it_is_saved(
    app: Any, admin: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_shared(admin)
    answers = []

    async def delete() -> None:
        answers.append(await admin("DELETE", SHARED))

    meanwhile(monkeypatch, app[keys.STORE].access, "keep_policy", delete)
    assert (await admin("PUT", "/v1/policies/default", NAMING_SHARED)).status == 200
    found = problem(answers[0], 409)
    assert (found["code"], found["detail"]) == ("list_in_use", "rules that name the list are being saved; try again")
    assert problem(await admin("DELETE", SHARED), 409)["current"] == {"rules": ["no-such-words of daily"]}


async def test_a_list_of_all_sites_that_another_site_comes_to_name_while_it_is_deleted_stays(
    app: Any, client: Any, key_for: Any, admin: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_shared(admin)
    weekly = await key_for(client, "admin", site="weekly")

    async def name() -> None:
        assert (await weekly("PUT", "/v1/policies/default", NAMING_SHARED)).status == 200

    meanwhile(monkeypatch, app[keys.STORE].lists, "delete", name)
    assert problem(await admin("DELETE", SHARED), 409)["current"] == {"rules": ["no-such-words of weekly"]}
    assert (await admin.get(SHARED)).status == 200


async def test_rules_that_failed_to_be_saved_let_a_list_of_all_sites_be_deleted(
    app: Any, admin: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_shared(admin)
    await put(admin)
    both = NAMING_SHARED | {"rules": [*NAMING_SHARED["rules"], *(each | {"id": "own"} for each in NAMING["rules"])]}

    async def delete() -> None:
        assert (await admin("DELETE", LIST)).status == 204

    meanwhile(monkeypatch, app[keys.STORE].access, "keep_policy", delete)
    assert problem(await admin("PUT", "/v1/policies/default", both), 409)["current"] == {"lists": ["house-words"]}
    assert (await admin("DELETE", SHARED)).status == 204


async def test_a_version_that_names_deleted_lists_is_brought_back_after_them(admin: Any, problem: Any) -> None:
    other = {"id": "others", "when": {"words": {"list": "a-list"}}, "then": {"action": "review"}}
    for path in (LIST, "/v1/lists/a-list"):
        assert (await admin("PUT", path, {"entries": [{"text": "a"}]})).status == 200
    both = NAMING | {"rules": [*NAMING["rules"], other]}
    for policy in (both, NAMING | {"rules": []}):
        assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    for path in (LIST, "/v1/lists/a-list"):
        assert (await admin("DELETE", path)).status == 204
    found = problem(await admin.post("/v1/policies/default:restore", {"version": 2}), 409)
    assert (found["code"], found["current"]) == ("list_gone", {"lists": ["a-list", "house-words"]})
    assert found["detail"] == "rules would name lists that are not there any more: a-list, house-words"
    assert (await admin.get("/v1/policies/default")).body["version"] == 3
    for path in (LIST, "/v1/lists/a-list"):
        assert (await admin.post(f"{path}:restore", {"version": 1})).status == 200
    assert (await admin.post("/v1/policies/default:restore", {"version": 2})).body["version"] == 4


async def test_a_list_that_a_rule_comes_to_name_while_it_is_deleted_stays(
    app: Any, admin: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(admin)

    async def name() -> None:
        assert (await admin("PUT", "/v1/policies/default", NAMING)).status == 200

    meanwhile(monkeypatch, app[keys.STORE].lists, "delete", name)
    assert problem(await admin("DELETE", LIST), 409)["code"] == "list_in_use"
    assert (await admin.get(LIST)).status == 200


async def test_another_change_of_the_policy_lets_a_list_be_deleted_and_one_that_cannot_be_read_does_not(
    app: Any, admin: Any, problem: Any, redis_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(admin)

    async def change() -> None:
        assert (await admin("PUT", "/v1/policies/default", NAMING | {"rules": []})).status == 200

    meanwhile(monkeypatch, app[keys.STORE].lists, "delete", change)
    assert (await admin("DELETE", LIST)).status == 204
    await put(admin)
    with redis_server.client() as client:
        client.hset("cm:{daily}:policies", "3", b'{"of_a_newer_release":1}')
    assert problem(await admin("DELETE", LIST), 409)["code"] == "policy_unreadable"
