"""Ghost 6: hides comments that are not approved, until somebody approves them in Steward."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Generator, Sequence
from datetime import datetime
from http import HTTPStatus
from itertools import count
from typing import Any

import httpx
from comment_steward_client import Article, Author

from steward_bridge.core import EngineComment, plain, read

PAGE = 100
TOKEN_S = 300  # Ghost takes no longer one


class AdminToken(httpx.Auth):
    """`key`: an Admin API key, `id:secret` with the secret in hexadecimal. Each request gets a fresh token."""

    def __init__(self, key: str) -> None:
        self._id, _, secret = key.partition(":")
        self._secret = bytes.fromhex(secret)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Ghost {self.made(int(time.time()))}"
        yield request

    def made(self, now: int) -> str:
        head = {"alg": "HS256", "typ": "JWT", "kid": self._id}
        signed = ".".join(map(_part, (head, {"iat": now, "exp": now + TOKEN_S, "aud": "/admin/"})))
        signature = hmac.new(self._secret, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_base64(signature)}"


class Ghost:
    name = "ghost"

    def __init__(self, url: str, key: str) -> None:
        headers = {"Accept-Version": "v6.0"}
        self._http = httpx.Client(base_url=f"{url}/ghost/api/admin", auth=AdminToken(key), headers=headers, timeout=30)

    def close(self) -> None:
        self._http.close()

    def newer(self, cursor: str | None) -> Sequence[EngineComment]:
        """Ghost keeps times in seconds: those of the last second are listed again, even if they fill whole pages."""
        if cursor is None:
            return [*reversed(self._listed({"order": "created_at desc"}))]
        found: list[EngineComment] = []
        for page in count(1):
            since = {"order": "created_at asc", "filter": f"created_at:>='{cursor}'", "page": str(page)}
            found += (listed := self._listed(since))
            if len(listed) < PAGE or listed[-1].cursor != cursor:
                break
        return found

    def _listed(self, more: dict[str, str]) -> list[EngineComment]:
        asked = {"limit": str(PAGE), "include_nested": "true"} | more
        return [_posting(each) for each in read(self._http.get("/comments/", params=asked))["comments"]]

    def hold(self, posting: str, why: str) -> None:
        self.reject(posting, why)

    def reject(self, posting: str, why: str) -> None:  # noqa: ARG002 - Ghost takes no reason
        self._set(posting, "hidden")

    def restore(self, posting: str) -> None:
        self._set(posting, "published")

    def _set(self, posting: str, status: str) -> None:
        body = {"comments": [{"id": posting, "status": status}]}
        answer = self._http.put(f"/comments/{posting}/", json=body)
        if answer.status_code != HTTPStatus.NOT_FOUND:
            answer.raise_for_status()


def _posting(comment: dict[str, Any]) -> EngineComment:
    member, post = comment.get("member") or {}, comment.get("post") or {}
    author = Author(id=member.get("id"), name=member.get("name"))
    article = Article(id=post.get("id"), url=post.get("url"), title=post.get("title"))
    at = datetime.fromisoformat(comment["created_at"])
    text = plain(comment["html"] or "") if comment["status"] == "published" else ""
    return EngineComment(comment["id"], f"{at:%Y-%m-%d %H:%M:%S}", text, author, article)


def _part(value: object) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
