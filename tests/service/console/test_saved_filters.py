"""Saved filters on pages, also without scripts: saved from the list, opened, renamed, deleted, and shared by links."""

import html
import re
from typing import Any

import pytest

from service import app_keys as keys
from service.values.accounts import Role

LIST = "/console/queue?view=list"


@pytest.fixture
async def ann(as_role: Any) -> Any:
    return await as_role(Role.MODERATOR, "ann")


@pytest.fixture
async def bob(as_role: Any) -> Any:
    return await as_role(Role.MODERATOR, "bob")


def offered(page: Any) -> list[tuple[str, str]]:
    """Address and name of each."""
    menu = page.text.split('class="menu saved"')[1].split("</ul>")[0]
    found = re.findall(r'<li>\s*<a href="([^"]+)".*?<bdi data-name>(.*?)</bdi>', menu, re.DOTALL)
    return [(html.unescape(href), html.unescape(name)) for href, name in found]


def fields_of(page: Any) -> dict[str, str]:
    """The hidden fields of the form that saves the list."""
    form = page.text.split("data-save>")[1].split("</form>")[0]
    return {
        name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(in_\w+)" value="([^"]*)"', form)
    }


async def save(browser: Any, query: str, name: str, **more: str) -> Any:
    page = await browser.get(f"{LIST}{query}")
    return await browser.get(
        (await browser.post("/console/queue/filters", **fields_of(page), name=name, **more)).location
    )


async def test_a_list_is_saved_with_filter_and_order_and_opened_again(
    ann: Any, bob: Any, admin: Any, decide_always: Any
) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello", "article": {"id": "a", "section": "sport"}})
    query = "&why=uncertain&section=sport&order=newest&words=you+%26+me"
    page = await save(ann, query, " Rude & new ")
    assert "The filter is saved." in page.text
    ((link, name),) = offered(page)
    assert name == "Rude & new"
    opened = await ann.get(link)
    assert '<option value="newest" selected>' in opened.text
    assert 'id="rows-filter" value="you &amp; me"' in opened.text
    assert '<option value="uncertain" selected>' in opened.text
    assert 'aria-current="true" data-go="6"' in opened.text.split('class="menu saved"')[1]
    assert offered(await ann.get("/console/queue")) == [(link, name)], "also one by one"
    assert offered(await ann.get("/console/queue")) == offered(await ann.get(LIST))
    assert '<option value="newest" selected>' in (await bob.get(link)).text, "the link shows others the same"
    assert "Rude" not in (await bob.get(LIST)).text


async def test_one_for_everybody_is_changed_by_its_maker_or_a_supervisor(ann: Any, bob: Any, as_role: Any) -> None:
    await save(ann, "&order=oldest", "Old", shared="1")
    page = await bob.get(LIST)
    assert [name for _, name in offered(page)] == ["Old"]
    assert "Rename or delete Old" not in page.text
    assert "Rename or delete Old" in (await ann.get(LIST)).text
    change = {"name": "Old", "shared": "1", "in_view": "list"}
    back = await bob.post("/console/queue/filters/change", **change, do="delete")
    assert "Only whoever saved it, or a supervisor" in (await bob.get(back.location)).text
    chief = await as_role(Role.SUPERVISOR)
    await chief.get(LIST)
    back = await chief.post("/console/queue/filters/change", **change, do="rename", to="Oldest")
    assert "The filter is renamed." in (await chief.get(back.location)).text
    assert [name for _, name in offered(await bob.get(LIST))] == ["Oldest"]
    back = await ann.post("/console/queue/filters/change", **change, do="delete")
    assert "Somebody else renamed or deleted" in (await ann.get(back.location)).text
    for _ in range(2):  # the second time because the reply was lost
        back = await ann.post("/console/queue/filters/change", **{**change, "name": "Oldest"}, do="delete")
        assert "The filter is deleted." in (await ann.get(back.location)).text
    assert "Oldest" not in (await bob.get(LIST)).text


async def test_a_name_that_is_taken_or_none_is_refused(ann: Any) -> None:
    await save(ann, "", "Mine")
    assert "There is a filter of this name." in (await save(ann, "&order=newest", "MINE")).text
    for name in (" ", "a" * 61, "one\ntwo"):
        assert (await ann.post("/console/queue/filters", in_view="list", name=name)).status == 400, name
    assert (await ann.post("/console/queue/filters", in_order="sideways", name="x")).status == 400


async def test_nobody_is_offered_a_queue_that_is_not_theirs(ann: Any, as_role: Any) -> None:
    chief = await as_role(Role.SUPERVISOR)
    await save(chief, "&queue=escalated", "Hard ones", shared="1")
    assert "Hard ones" not in (await ann.get(LIST)).text
    assert "Hard ones" in (await chief.get(LIST)).text


async def test_an_auditor_saves_for_herself_only(as_role: Any) -> None:
    auditor = await as_role(Role.AUDITOR)
    assert 'name="shared"' not in (await auditor.get(LIST)).text
    assert [name for _, name in offered(await save(auditor, "&order=author", "By author"))] == ["By author"]
    assert (await auditor.post("/console/queue/filters", in_view="list", name="All", shared="1")).status == 403


async def test_whose_role_is_taken_away_leaves_none_behind(ann: Any, as_role: Any, app: Any) -> None:
    await save(ann, "", "Mine")
    await save(ann, "", "Ours", shared="1")
    chief = await as_role()
    await chief.post("/console/moderators/role", name="ann", role="")
    assert [name for _, name in offered(await chief.get(LIST))] == ["Ours"]
    await chief.post("/console/moderators", name="ann", role="moderator")
    store = app[keys.STORE]
    assert await store.filters.of("daily", "ann") == []
    assert [each.by for each in await store.filters.of("daily", "")] == [""]
