"""Ids as other software makes them, through the console's links and forms."""

import html
import re
from typing import Any
from urllib.parse import quote

from service.values.accounts import Role

IDS = [
    *("-V1StGXR8_Z5jdHi6B-myT", "/politics/mayor", "a b  c", "\u65e5\u672c \u8a9e", "\U0001f98a" * 256, "a&b=c#d?e%2F"),
    *("<i>\"'", "..%2F..", "a\\b", "me\u200c.", "x" * 256),
]


async def test_a_comment_with_a_foreign_id_is_shown_linked_and_decided(
    as_role: Any, admin: Any, decide_always: Any
) -> None:
    await decide_always("review")
    ann = await as_role(Role.MODERATOR)
    for their_id in IDS:
        sent = {"id": their_id, "text": "You may know better.", "article": {"id": their_id}, "author": {"id": their_id}}
        assert (await admin.post("/v1/comments", sent)).status == 200
        listed = (await ann.get("/console/queue?view=list")).text
        assert f"/console/queue/{quote(their_id, safe='')}" in html.unescape(listed)
        page = await ann.get(f"/console/comment?id={quote(their_id, safe='')}")
        assert page.status == 200
        assert f"<bdi>{their_id}</bdi>" in html.unescape(page.text)
        found = (await ann.get(f"/console/search?id={quote(their_id, safe='')}")).text
        (link,) = attributes(r'href="(/console/comment\?id=[^"]*)"', found)
        assert (await ann.get(link)).status == 200
        (chosen,) = attributes(r'name="chosen"[^>]* value="([^"]*)"', listed)
        assert chosen.endswith(f" {their_id}")
        assert (await ann.post("/console/queue/decisions", chosen=chosen, decision="approve")).status == 303
        assert (await admin.get("/v1/comments", params={"id": their_id})).body["items"][0]["status"] == "approved"


def attributes(pattern: str, page: str) -> set[str]:
    return {html.unescape(each) for each in re.findall(pattern, page)}
