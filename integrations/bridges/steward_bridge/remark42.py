"""remark42: deletes comments that are rejected. It has no way to hide one."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx
from comment_steward_client import Article, Author

from steward_bridge.core import EngineComment, plain, read

PAGE = 100  # the newest; remark42 lists no older ones beside them


class Remark42:
    """`password`: remark42's ADMIN_PASSWD."""

    name = "remark42"

    def __init__(self, url: str, site: str, password: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1", auth=("admin", password), timeout=30)
        self._site = site

    def close(self) -> None:
        self._http.close()

    def newer(self, cursor: str | None) -> Sequence[EngineComment]:
        """`since` is in milliseconds, and its comment is listed again."""
        asked = {"site": self._site} | ({"since": cursor} if cursor else {})
        found = read(self._http.get(f"/last/{PAGE}", params=asked))
        return [_posting(each) for each in reversed(found)]

    def hold(self, posting: str, why: str) -> None:
        """It stays visible: deleting cannot be taken back."""

    def reject(self, posting: str, why: str) -> None:  # noqa: ARG002 - remark42 takes no reason
        found = self._http.get(f"/id/{posting}", params={"site": self._site})
        if found.status_code == HTTPStatus.BAD_REQUEST:
            return  # remark42's answer for what is not there
        where = read(found)["locator"]["url"]
        self._http.delete(f"/admin/comment/{posting}", params={"site": self._site, "url": where}).raise_for_status()

    def restore(self, posting: str) -> None:
        """What was deleted stays deleted."""


def _posting(comment: dict[str, Any]) -> EngineComment:
    at = datetime.fromisoformat(comment["time"])
    author = Author(id=comment["user"]["id"], name=comment["user"]["name"])
    article = Article(url=comment["locator"]["url"], title=comment.get("title") or None)
    text = "" if comment.get("delete") else comment.get("orig") or plain(comment["text"])
    return EngineComment(comment["id"], str(int(at.timestamp() * 1000)), text, author, article)
