"""What all pages beside the queue have in common: who may come, what is escaped, what they say when Redis is away."""

import re
from typing import Any

import pytest

import classifier
from service.console import (
    api_keys,
    appeals,
    approvals,
    articles,
    author,
    comment,
    comparison,
    dashboard,
    lists,
    models,
    moderators,
    policy,
    promises,
    rule_editing,
    rules,
    search,
    webhooks,
)
from service.console.visit import COOKIE
from service.settings import Settings
from service.values.accounts import Role

MODULES = (
    *(
        api_keys,
        appeals,
        approvals,
        articles,
        author,
        comment,
        comparison,
        dashboard,
        lists,
        models,
        moderators,
        policy,
        promises,
        rule_editing,
    ),
    *(rules, search, webhooks),
)
PAGES = [page for module in MODULES for page in module.PAGES]
READS = {page.path: page.roles for page in PAGES if page.method == "GET"}
CHANGES = {page.path: page.roles for page in PAGES if page.method == "POST"}

SHIPPED = classifier.SHIPPED.name
M, S, A, D = Role.MODERATOR, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN
MAY_READ = {
    "/dashboard": {M, S, A, D},
    "/search": {M, S, A, D},
    "/comment?id=c-1": {M, S, A, D},
    "/author?id=u-1": {M, S, A, D},
    "/appeals": {S, A, D},
    "/article?article=a-1": {M, S, A, D},
    "/policy": {S, A, D},
    "/promises": {S, A, D},
    "/approvals": {S, A, D},
    "/rules": {S, A, D},
    "/rules/edit?kind=links": {D},
    "/lists": {S, A, D},
    "/lists/list?name=words": {S, A, D},
    "/lists/export?name=words": {S, A, D},
    "/models": {S, A, D},
    f"/models/compare?challenger={SHIPPED}": {S, A, D},
    f"/models/gate?version={SHIPPED}": {S, A, D},
    "/webhooks": {A, D},
    "/keys": {A, D},
    "/moderators": {A, D},
}
MAY_CHANGE = {
    "/comment/undo": {M, S, D},
    "/comment/reopen": {S, D},
    "/comment/erase": {D},
    "/author/status": {S, D},
    "/author/status/undo": {S, D},
    "/author/reject-waiting": {S, D},
    "/author/undo-rejected": {S, D},
    "/author/erase": {D},
    "/appeals": {S, D},
    "/article/status": {S, D},
    "/article/undo": {S, D},
    "/policy/preview": {S, A, D},
    "/policy": {D},
    "/policy/gate": {S, A, D},
    "/policy/restore": {D},
    "/policy/audits": {D},
    "/rules/preview": {S, A, D},
    "/rules/try": {S, A, D},
    "/rules/state": {D},
    "/rules/delete": {D},
    "/rules/undo": {D},
    "/rules/edit": {D},
    "/rules/edit/preview": {D},
    "/lists": {D},
    "/lists/add": {D},
    "/lists/remove": {D},
    "/lists/import": {D},
    "/lists/restore": {D},
    "/lists/delete": {D},
    "/approvals/approve": {S, D},
    "/approvals/refuse": {S, D},
    "/models/promote": {D},
    "/models/propose": {D},
    "/models/roll-back": {D},
    "/models/shadow": {D},
    "/models/shadow/stop": {D},
    "/webhooks": {D},
    "/webhooks/remove": {D},
    "/webhooks/rotate": {D},
    "/webhooks/test": {D},
    "/webhooks/resend": {D},
    "/webhooks/resend-all": {D},
    "/keys": {D},
    "/keys/rotate": {D},
    "/keys/revoke": {D},
    "/moderators": {D},
    "/moderators/role": {D},
    "/moderators/link": {D},
    "/moderators/disable": {D},
    "/moderators/sessions": {D},
}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def test_the_tables_of_this_test_name_every_page() -> None:
    assert READS.keys() == {path.partition("?")[0] for path in MAY_READ}
    assert CHANGES.keys() == MAY_CHANGE.keys()


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_sees_and_changes_what_it_may(as_role: Any, admin: Any, role: Role) -> None:
    await admin.post("/v1/comments", {"id": "c-1", "text": "Hello there.", "author": {"id": "u-1"}})
    await admin("PUT", "/v1/lists/words", {"entries": [{"text": "zorblax"}]})
    somebody = await as_role(role)
    for path, allowed in MAY_READ.items():
        page = await somebody.get(f"/console{path}")
        assert page.status == (200 if role in allowed else 403), path
        assert page.text.count("<h1") == (page.headers["Content-Type"] != "text/csv; charset=utf-8")
    nav = re.findall(r'<li><a href="/console(/[a-z]+)"', (await somebody.get("/console/dashboard")).text)
    assert set(nav) >= {path for path in MAY_READ if "?" not in path and role in MAY_READ[path]}
    assert not set(nav) & {path for path in MAY_READ if role not in MAY_READ[path]}
    for path, allowed in MAY_CHANGE.items():
        if role not in allowed:
            assert (await somebody.post(f"/console{path}")).status == 403, path


@pytest.mark.parametrize("path", sorted(MAY_CHANGE))
async def test_nothing_changes_without_the_token_or_from_elsewhere(as_role: Any, path: str) -> None:
    chief = await as_role()
    without = await chief("POST", f"/console{path}", data={"csrf": "forged"})
    assert without.status == 403
    from_elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert (await chief("POST", f"/console{path}", data={"csrf": chief.token}, headers=from_elsewhere)).status == 403


async def test_what_readers_wrote_is_inert_everywhere(as_role: Any, admin: Any, decide_always: Any) -> None:
    await decide_always("reject")
    await admin.post(
        "/v1/comments",
        {
            "id": 'c"><b>',
            "text": f"{HOSTILE} idiot",
            "author": {"id": 'u"><b>', "name": HOSTILE},
            "article": {"id": "a-1", "title": HOSTILE, "section": HOSTILE},
            "parent": {"id": "p-1", "text": HOSTILE},
        },
    )
    reply = await admin.post("/v1/comments/c%22%3E%3Cb%3E/appeal", {"reason": HOSTILE})
    assert reply.status == 200, reply.body
    chief = await as_role()
    for path in (
        "/search?text=idiot",
        "/comment?id=c%22%3E%3Cb%3E",
        "/appeals?kind=appeal",
        "/author?id=u%22%3E%3Cb%3E",
    ):
        page = await chief.get(f"/console{path}")
        assert page.status == 200, page.text
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert '"><b>' not in page.text
        assert "onerror" not in re.sub(
            r"&lt;img src=x onerror=alert\(2\)&gt;|%3Cimg%20src%3Dx%20onerror%3Dalert%282%29%3E", "", page.text
        )


async def test_without_anything_every_page_says_so(as_role: Any) -> None:
    chief = await as_role()
    for path, said in {
        "/search?text=nothing": "No comments found.",
        "/author?id=nobody": "Nothing of this author is kept.",
        "/appeals": "No escalated comments waiting",
        "/appeals?kind=appeal": "No appeals waiting",
        "/dashboard": "Nothing in this time.",
        "/webhooks": "There are none.",
        "/keys": "This site has no keys.",
        "/lists": "This site has no lists.",
        "/promises": "The policy has no targets.",
        "/approvals": "Nothing waits for a second person.",
        "/policy": "This site still has the policy that every site begins with.",
    }.items():
        assert said in (await chief.get(f"/console{path}")).text, path
    assert (await chief.get("/console/comment?id=nothing")).status == 404


async def test_wrong_parameters_are_refused_by_name(as_role: Any) -> None:
    chief = await as_role()
    for path in ("/search?status=sold", "/search?nonsense=1", "/comment", "/dashboard?span=ever", "/appeals?after=-1"):
        page = await chief.get(f"/console{path}")
        assert page.status == 400, path
        assert "query parameter" in page.text or "field" in page.text, page.text
    for path in ("/search?text=x&after=nonsense", "/search?author=u&after=1-1"):
        assert (await chief.get(f"/console{path}")).status == 400, path


async def test_redis_away_is_a_page_that_says_so(own_server: Any, run: Any, tmp_path: Any) -> None:
    """Also who is signed in is not known then, so every page says the same."""
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30)) as client:
        own_server.kill()
        for path in MAY_READ:
            async with client.get(f"/console{path}", headers={"Cookie": f"{COOKIE}=something"}) as page:
                assert page.status == 503, path
                assert "The store cannot be reached just now." in await page.text()
                assert int(page.headers["Retry-After"]) >= 1
