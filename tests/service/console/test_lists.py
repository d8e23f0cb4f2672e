"""The page Lists: entries, files, versions and the rules that use a list; nothing is changed unseen."""

import html
import re
from typing import Any

import pytest

from service import app_keys as keys
from service.values.accounts import Role
from service.values.policy import DEFAULT

PAGE = "/console/lists"
ENTRIES = [{"text": "zorblax", "note": "no such thing", "match": "stem"}, {"text": "foo bar", "exception": True}]


async def made(admin: Any, name: str = "house-words", entries: Any = ENTRIES) -> None:
    assert (await admin("PUT", f"/v1/lists/{name}", {"entries": entries})).status == 200


async def terms_of(admin: Any, name: str = "house-words") -> list[str]:
    return [entry["text"] for entry in (await admin.get(f"/v1/lists/{name}")).body["items"]]


async def used(admin: Any, name: str = "house-words") -> None:
    """Have a rule name the list."""
    thresholds = {name: {"review_at": each.review_at} for name, each in DEFAULT.thresholds.items()}
    rule = {"id": "house", "when": {"words": {"list": name}}, "then": {"action": "review"}}
    answer = await admin("PUT", "/v1/policies/default", {"thresholds": thresholds, "rules": [rule]})
    assert answer.status == 200, answer.body


def plain(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text)))


async def test_a_list_is_made_filled_and_emptied(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    page = await chief.post(PAGE, name="house-words")
    assert page.location == "/console/lists/list?name=house-words&said=made"
    assert "The list is empty." in (await chief.get(page.location)).text
    page = await chief.post(f"{PAGE}/add", name="house-words", version="1", terms="zorblax\r\n\r\nFoo bar", note="odd")
    assert page.location == "/console/lists/list?name=house-words&said=changed"
    page = await chief.get(page.location)
    assert "2 entries" in page.text
    assert "odd" in page.text
    assert await terms_of(admin) == ["zorblax", "Foo bar"]
    (entry, _) = (await admin.get("/v1/lists/house-words")).body["items"]
    assert (entry["by"], entry["note"]) == ("admin", "odd")
    page = await chief.post(f"{PAGE}/remove", name="house-words", version="2", term=["zorblax", "Foo bar"])
    assert page.status == 303
    assert await terms_of(admin) == []


async def test_the_overview_says_how_many_who_and_which_rules(as_role: Any, admin: Any) -> None:
    await made(admin)
    await used(admin)
    page = await (await as_role(Role.SUPERVISOR)).get(PAGE)
    row = plain(page.text[page.text.index('class="rows') :])
    assert re.search(r"house-words 2 1 .*, .* house ", row)
    page = await (await as_role(Role.AUDITOR)).get(f"{PAGE}/list?name=house-words")
    assert 'href="/console/rules#rule-house">house</a>' in page.text
    assert "also at the beginning of longer words" in page.text
    assert "Exception" in page.text
    assert "/lists/add" not in page.text


async def test_entries_are_paged_and_filtered(as_role: Any, admin: Any) -> None:
    await made(admin, entries=[{"text": f"word {n:03}"} for n in range(150)] + [{"text": "Ünlike"}])
    chief = await as_role()
    page = await chief.get(f"{PAGE}/list?name=house-words")
    assert page.text.count('name="term"') == 100
    assert "1 to 100 of 151" in page.text
    following = re.search(r'href="(/console/lists/list[^"]*at=100)"', page.text)
    assert following
    page = await chief.get(html.unescape(following[1]))
    assert page.text.count('name="term"') == 51
    assert "101 to 151 of 151" in page.text
    page = await chief.get(f"{PAGE}/list?name=house-words&text=ünl")
    assert page.text.count('name="term"') == 1
    assert "There is no such entry." in (await chief.get(f"{PAGE}/list?name=house-words&text=gone")).text


CSV = "text,match,exception,note,until\nzorblax,word,,new,\nquux,,,,\nquux,,,,\n"


async def test_a_file_is_shown_before_it_is_imported(as_role: Any, admin: Any) -> None:
    await made(admin)
    await admin.post("/v1/comments", {"id": "c-1", "text": "My quux is here."})
    chief = await as_role()
    fields = {"name": "house-words", "version": "1", "form": "csv", "way": "replace", "file": CSV}
    page = await chief.post(f"{PAGE}/import", **fields, go="1", seen="")
    assert page.status == 200
    told = plain(page.text)
    for said in ("Added : 1 quux", "Changed : 1 zorblax", "Removed : 1 foo bar", "Afterwards the list has 2 entries."):
        assert said.replace(" :", ":") in told.replace(" :", ":"), told
    assert "1 entry stands there twice and is left out." in told
    assert '<a href="/console/comment?id=c-1"' in page.text
    assert await terms_of(admin) == ["zorblax", "foo bar"]
    seen = re.search(r'name="seen" value="(\w+)"', page.text)
    assert seen
    other = await chief.post(f"{PAGE}/import", **(fields | {"file": "text\nother\n"}), go="1", seen=seen[1])
    assert other.status == 200
    assert await terms_of(admin) == ["zorblax", "foo bar"]
    page = await chief.post(f"{PAGE}/import", **fields, go="1", seen=seen[1])
    assert page.location.endswith("said=changed")
    assert await terms_of(admin) == ["zorblax", "quux"]


@pytest.mark.parametrize(
    ("form", "file"),
    [("discourse", "word,replacement,case\nquux,,\n"), ("wordpress", "quux\n"), ("coral", "quux\n"), ("csv", "quux\n")],
)
async def test_every_format_is_added_to_the_list(as_role: Any, admin: Any, form: str, file: str) -> None:
    await made(admin)
    chief = await as_role()
    fields = {"name": "house-words", "version": "1", "form": form, "way": "add", "file": file}
    page = await chief.post(f"{PAGE}/import", **fields)
    if form == "csv":
        assert page.status == 400
        assert "line 1: " in page.text
        return
    seen = re.search(r'name="seen" value="(\w+)"', page.text)
    assert seen
    assert (await chief.post(f"{PAGE}/import", **fields, go="1", seen=seen[1])).status == 303
    assert await terms_of(admin) == ["zorblax", "foo bar", "quux"]
    exported = await chief.get(f"{PAGE}/export?name=house-words&form={form}")
    assert "quux" in exported.text
    assert exported.headers["Content-Disposition"].startswith('attachment; filename="house-words.')


async def test_entries_found_in_many_comments_are_asked_about(as_role: Any, admin: Any) -> None:
    await made(admin)
    for n in range(3):
        await admin.post("/v1/comments", {"id": f"c-{n}", "text": f"Good morning, number {n}."})
    chief = await as_role()
    fields = {"name": "house-words", "version": "1", "terms": "morning"}
    page = await chief.post(f"{PAGE}/add", **fields)
    assert page.status == 409
    assert "found in more than one in a hundred of the last comments" in page.text
    assert "Take them all the same" in page.text
    assert ">morning</textarea>" in page.text
    assert await terms_of(admin) == ["zorblax", "foo bar"]
    assert (await chief.post(f"{PAGE}/add", **fields, confirm="1")).status == 303
    assert await terms_of(admin) == ["zorblax", "foo bar", "morning"]


async def test_a_version_is_brought_back_and_a_list_deleted_and_brought_back(as_role: Any, admin: Any) -> None:
    await made(admin)
    chief = await as_role()
    await chief.post(f"{PAGE}/add", name="house-words", version="1", terms="quux")
    page = await chief.post(f"{PAGE}/restore", name="house-words", version="2", restored="1")
    assert page.location.endswith("said=restored")
    assert await terms_of(admin) == ["zorblax", "foo bar"]
    assert "Version 1 brought back" in (await chief.get(page.location)).text
    page = await chief.post(f"{PAGE}/delete", name="house-words", version="3")
    page = await chief.get(page.location)
    assert "The list is deleted." in page.text
    assert '<input type="hidden" name="version" value="0">' in page.text
    assert (await admin.get("/v1/lists/house-words")).status == 404
    assert (await chief.post(f"{PAGE}/restore", name="house-words", version="0", restored="2")).status == 303
    assert await terms_of(admin) == ["zorblax", "foo bar", "quux"]


async def test_a_list_in_use_is_not_deleted(as_role: Any, admin: Any) -> None:
    await made(admin)
    await used(admin)
    chief = await as_role()
    page = await chief.post(f"{PAGE}/delete", name="house-words", version="1")
    assert page.status == 409
    assert "A rule uses the list." in page.text
    assert await terms_of(admin) == ["zorblax", "foo bar"]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("add", {"terms": "quux"}),
        ("remove", {"term": "zorblax"}),
        ("import", {"form": "coral", "way": "add", "file": "quux\n"}),
        ("restore", {"restored": "1"}),
        ("delete", {}),
    ],
)
async def test_somebody_elses_change_is_not_replaced_unseen(
    as_role: Any, admin: Any, path: str, fields: dict[str, str]
) -> None:
    await made(admin)
    await made(admin, entries=[{"text": "theirs"}])
    chief = await as_role()
    page = await chief.post(f"{PAGE}/{path}", name="house-words", version="1", **fields)
    assert page.status == 409
    assert "Somebody else changed the list meanwhile." in page.text
    assert await terms_of(admin) == ["theirs"]


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("add", {"terms": " \n"}, "Write at least one entry."),
        ("add", {"terms": "x" * 201}, "some of this cannot be used"),
        ("add", {"terms": "fine\n\u200b"}, "nothing that can be seen"),
        ("add", {"terms": "fine", "until": "soon"}, "some of this cannot be used"),
        ("remove", {}, "Select the entries to remove first."),
        ("import", {"form": "nonsense", "file": "x"}, "some of this cannot be used"),
        ("import", {"form": "coral", "file": ""}, "no entries"),
    ],
)
async def test_what_cannot_be_used_is_told(
    as_role: Any, admin: Any, path: str, fields: dict[str, str], said: str
) -> None:
    await made(admin)
    page = await (await as_role()).post(f"{PAGE}/{path}", name="house-words", version="1", **fields)
    assert page.status == 400
    problem = re.search(r'<div class="problem" role="alert">(.*?)</div>', page.text, re.DOTALL)
    assert problem
    assert said in problem[1]
    assert await terms_of(admin) == ["zorblax", "foo bar"]


@pytest.mark.parametrize(
    ("name", "status", "said"), [("Not this", 400, "Use at most 64"), ("house-words", 409, "There is a list of this")]
)
async def test_a_name_that_cannot_be_used_is_told(as_role: Any, admin: Any, name: str, status: int, said: str) -> None:
    await made(admin)
    page = await (await as_role()).post(PAGE, name=name)
    assert page.status == status
    assert said in page.text


async def test_a_list_of_all_sites_is_changed_only_by_those_who_administer_all(as_role: Any) -> None:
    everywhere = await as_role(name="root")
    assert (await everywhere.post(PAGE, name="shared-words")).status == 303
    here = await as_role(name="local", roles={"daily": Role.ADMIN})
    page = await here.get(f"{PAGE}/list?name=shared-words")
    is_alone = "/lists/add" in page.text
    answer = await here.post(f"{PAGE}/add", name="shared-words", version="1", terms="quux")
    assert answer.status == (303 if is_alone else 403)


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.SUPERVISOR, Role.AUDITOR])
async def test_only_administrators_change_lists(as_role: Any, admin: Any, role: Role) -> None:
    await made(admin)
    somebody = await as_role(role)
    may_see = 403 if role is Role.MODERATOR else 200
    for path in ("", "/list?name=house-words", "/export?name=house-words"):
        assert (await somebody.get(PAGE + path)).status == may_see
    for path in ("", "/add", "/remove", "/import", "/restore", "/delete"):
        page = await somebody.post(PAGE + path, name="house-words", version="1", terms="x", term="zorblax")
        assert page.status == 403
    assert await terms_of(admin) == ["zorblax", "foo bar"]


async def test_what_is_not_there_is_not_found(as_role: Any) -> None:
    chief = await as_role()
    assert (await chief.get(f"{PAGE}/list?name=gone")).status == 404
    assert (await chief.get(f"{PAGE}/export?name=gone")).status == 404
    assert (await chief.post(f"{PAGE}/add", name="gone", version="1", terms="x")).status == 404


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/console/policy/restore", {"version": "3", "restored": "2"}), ("/console/rules/undo", {"version": "3"})],
)
async def test_a_policy_that_names_a_deleted_list_is_brought_back_after_it(
    as_role: Any, admin: Any, path: str, fields: dict[str, str]
) -> None:
    chief = await as_role()
    await made(admin)
    await used(admin)
    assert (await chief.post("/console/rules/delete", version="2", id="house")).status == 303
    assert (await admin("DELETE", "/v1/lists/house-words")).status == 204
    page = await chief.post(path, **fields)
    assert page.status == 409
    assert "rules would name word lists that are not there any more: house-words. Bring these back first" in page.text
    assert "saved meanwhile" not in page.text
    assert "Somebody else" not in page.text
    assert (await admin.get("/v1/policies/default")).body["version"] == 3
    back = await chief.post(f"{PAGE}/restore", name="house-words", restored="1", version="0")
    assert back.status == 303, back.text
    assert (await chief.post(path, **fields)).status == 303


async def test_a_rule_whose_list_is_deleted_while_it_is_saved_is_shown_with_the_list_missing(
    app: Any, as_role: Any, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chief = await as_role()
    await made(admin)
    access = app[keys.STORE].access
    kept = access.keep_policy

    async def deleted_before(*args: Any, **more: Any) -> bool:
        assert (await admin("DELETE", "/v1/lists/house-words")).status == 204
        return await kept(*args, **more)

    monkeypatch.setattr(access, "keep_policy", deleted_before)
    rule = {"kind": "words", "rule": "", "id": "house", "action": "review", "state": "on", "words.list": "house-words"}
    page = await chief.post("/console/rules/edit", version="1", **rule)
    assert page.status == 409
    assert "Somebody else changed the policy" not in page.text
    assert "This cannot be used: " in page.text
    assert (await admin.get("/v1/policies/default")).body["version"] == 1
