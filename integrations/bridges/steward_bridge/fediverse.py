"""Mastodon and GoToSocial: reports doubtful public posts of this server to its moderators."""

from collections.abc import Sequence
from http import HTTPStatus

import httpx
from comment_steward_client import Article, Author

from steward_bridge.core import EngineComment, plain, read

MAX_REASON = 1000  # Mastodon's limit for the comment of a report


class Fediverse:
    """`token`: of an account of its own, with the scopes read and write:reports.

    Neither server lets an API hide one post: what is doubtful or rejected is reported, and the server's moderators
    decide.
    """

    name = "fediverse"

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def close(self) -> None:
        self._http.close()

    def newer(self, cursor: str | None) -> Sequence[EngineComment]:
        asked = {"local": "true", "limit": "40"} | ({"min_id": cursor} if cursor else {})
        found = read(self._http.get("/api/v1/timelines/public", params=asked))
        return [_posting(status) for status in reversed(found)]

    def hold(self, posting: str, why: str) -> None:
        found = self._http.get(f"/api/v1/statuses/{posting}")
        if found.status_code == HTTPStatus.NOT_FOUND:
            return
        author = read(found)["account"]["id"]
        report = {"account_id": author, "status_ids": [posting], "comment": why[:MAX_REASON], "forward": False}
        self._http.post("/api/v1/reports", json=report).raise_for_status()

    def reject(self, posting: str, why: str) -> None:
        self.hold(posting, why)

    def restore(self, posting: str) -> None:
        """Nothing was hidden."""


def _posting(status: dict[str, object]) -> EngineComment:
    account = status["account"]
    assert isinstance(account, dict)  # noqa: S101 - what the API says
    texts = (str(status.get("spoiler_text") or ""), plain(str(status["content"])))
    author = Author(id=str(account["id"]), name=str(account["acct"]))
    article = Article(url=str(status.get("url") or status["uri"]))
    return EngineComment(
        str(status["id"]), str(status["id"]), "\n\n".join(text for text in texts if text), author, article
    )
