"""Search and authors in the console: what is found, how far it was looked, and who looked."""

import re
from typing import Any

from service.values.accounts import Role


async def test_comments_are_found_by_words_id_author_and_article(as_role: Any, admin: Any) -> None:
    for n in range(3):
        body = {
            "id": f"c-{n}",
            "text": f"Word{n} and another.",
            "author": {"id": f"u-{n}"},
            "article": {"id": f"a-{n}"},
        }
        await admin.post("/v1/comments", body)
    ann = await as_role(Role.MODERATOR)
    for query in ("text=WORD1", "id=c-1", "author=u-1", "article=a-1", "text=another&id=c-1&author=u-1"):
        text = (await ann.get(f"/console/search?{query}")).text
        assert re.findall(r"/console/comment\?id=(c-\d)", text) == ["c-1"], query
        assert "1 match · 3 stored comments searched" in text or "1 match · 1 stored comment searched" in text
    assert "3 stored comments searched" in (await ann.get("/console/search?text=another")).text
    assert "looked through" not in (await ann.get("/console/search?text=&id=")).text


async def test_a_long_result_is_paged_and_nothing_is_lost_between(as_role: Any, admin: Any) -> None:
    comments = [{"id": f"c-{n}", "text": f"Needle {n}.", "author": {"id": "u-1"}} for n in range(30)]
    await admin.post("/v1/comments:batch", {"comments": comments})
    ann = await as_role(Role.MODERATOR)
    for query in ("text=needle", "author=u-1"):
        path, seen = f"/console/search?{query}", []
        while path:
            text = (await ann.get(path)).text
            seen += re.findall(r"/console/comment\?id=(c-\d+)", text)
            following = re.findall(r'href="(/console/search\?[^"]*after=[^"]+)"', text)
            path = following[0].replace("&amp;", "&") if following else ""
        assert sorted(seen) == sorted(each["id"] for each in comments), query


async def test_who_looks_an_author_up_is_written_down(as_role: Any, admin: Any, decide_always: Any) -> None:
    for decision in ("approve", "reject", "review"):
        await decide_always(decision)
        await admin.post("/v1/comments", {"id": decision, "text": "Hello.", "author": {"id": "u-1"}})
    ann = await as_role(Role.MODERATOR)
    text = (await ann.get("/console/author?id=u-1")).text
    figures = dict(re.findall(r"<dt>([^<]+)</dt><dd>(\d+)", text))
    assert figures["Comments"] == "3"
    assert (figures["Approved automatically"], figures["Rejected automatically"], figures["Pending"]) == ("1", "1", "1")
    await ann.get("/console/search?author=u-1")
    entries = (await admin.get("/v1/audit?actor=moderator")).body["entries"]
    assert [each["details"]["action"] for each in entries] == ["author_read", "author_read"]
    assert "u-1" not in str(entries)


async def test_an_administrator_erases_an_author_after_saying_so(as_role: Any, admin: Any) -> None:
    await admin.post("/v1/comments", {"id": "c-1", "text": "Hello.", "author": {"id": "u-1"}})
    chief = await as_role()
    text = (await chief.get("/console/author?id=u-1")).text
    (kept_as,) = set(re.findall(r'<input type="hidden" name="id" value="([0-9a-f]{32})">', text))
    assert (await chief.post("/console/author/erase", id=kept_as)).status == 409
    page = await chief.post("/console/author/erase", id=kept_as, meant="1")
    assert "All comments of this author are erased." in (await chief.get(page.location)).text
    assert (await admin.get("/v1/comments/c-1")).body["erased_at"]
