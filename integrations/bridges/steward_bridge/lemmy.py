"""Lemmy: removes comments of this server that are rejected, and reports doubtful ones."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import httpx
from comment_steward_client import Article, Author

from steward_bridge.core import EngineComment, read

PAGE = 50  # Lemmy's limit
PAGES = 100  # back at most, in one round


class Lemmy:
    """`token`: of an administrator, or of somebody who moderates all communities (version 3 of the API)."""

    name = "lemmy"

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v3", headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def close(self) -> None:
        self._http.close()

    def newer(self, cursor: str | None) -> Sequence[EngineComment]:
        """Lemmy lists the newest first: go back to the last known one."""
        found: list[dict[str, Any]] = []
        for page in range(1, PAGES + 1):
            asked = {"type_": "Local", "sort": "New", "limit": str(PAGE), "page": str(page)}
            listed = read(self._http.get("/comment/list", params=asked))["comments"]
            new = [each for each in listed if cursor is None or each["comment"]["id"] > int(cursor)]
            found += new
            if cursor is None or len(new) < PAGE:
                break
        return [_posting(each) for each in sorted(found, key=lambda each: int(each["comment"]["id"]))]

    def hold(self, posting: str, why: str) -> None:
        self._send("/comment/report", {"comment_id": int(posting), "reason": why})

    def reject(self, posting: str, why: str) -> None:
        self._send("/comment/remove", {"comment_id": int(posting), "removed": True, "reason": why})

    def restore(self, posting: str) -> None:
        self._send("/comment/remove", {"comment_id": int(posting), "removed": False, "reason": "approved in Steward"})

    def _send(self, path: str, body: dict[str, Any]) -> None:
        answer = self._http.post(path, json=body)
        gone = answer.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND} and "couldnt_find" in answer.text
        if not gone:
            answer.raise_for_status()


def _posting(view: dict[str, Any]) -> EngineComment:
    comment, creator, post = view["comment"], view["creator"], view["post"]
    author = Author(id=str(creator["id"]), name=creator["name"])
    article = Article(id=str(post["id"]), url=post["ap_id"], title=post["name"], section=view["community"]["name"])
    text = "" if comment["deleted"] or comment["removed"] else comment["content"]
    return EngineComment(str(comment["id"]), str(comment["id"]), text, author, article)
