"""Stand-ins for the HTTP APIs that integrations/bridges calls, one for each engine.

What they take and give is written after the engines' own source code and documentation: Mastodon 4 and GoToSocial's
client API, Lemmy 0.19 (API v3), remark42 1.x, and Ghost 6.65 (routes, serializers and token check of its package).
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


class EngineApi:
    """`postings`: what readers wrote, by id, with `text`, `second` and `shown`. `reports`: what moderators read."""

    def __init__(self) -> None:
        self.postings: dict[str, dict[str, Any]] = {}
        self.reports: list[dict[str, Any]] = []
        self.url, self.secret_changed, self.is_behind_a_page = "", False, False

    def write(self, text: str, second: int | None = None) -> str:
        number = str(len(self.postings) + 1)
        at = len(self.postings) // 2 if second is None else second
        self.postings[number] = {"id": number, "text": text, "second": at, "shown": True}
        return number

    def shown(self) -> list[str]:
        return [each["text"] for each in self.postings.values() if each["shown"]]

    def newest(self, limit: int) -> list[dict[str, Any]]:
        return list(self.postings.values())[::-1][:limit]

    def is_known(self, headers: Any) -> bool:
        return bool(headers["Authorization"] == "Bearer secret")

    def answer(self, method: str, path: str, asked: dict[str, str], body: Any) -> Answer:
        raise NotImplementedError


class FediverseApi(EngineApi):
    def answer(self, method: str, path: str, asked: dict[str, str], body: Any) -> Answer:
        if (method, path) == ("GET", "/api/v1/timelines/public") and asked["local"] == "true":
            after = int(asked.get("min_id", 0))
            later = [each for each in self.postings.values() if int(each["id"]) > after]
            page = later[: int(asked["limit"])] if after else later[-int(asked["limit"]) :]
            return 200, [self._status(each) for each in reversed(page)]
        if (method, path) == ("POST", "/api/v1/reports"):
            assert body["account_id"] == "7"
            self.reports += [{"id": name, "why": body["comment"]} for name in body["status_ids"]]
            return 200, {"id": "1", "action_taken": False}
        found = self.postings.get(path.removeprefix("/api/v1/statuses/"))
        return (200, self._status(found)) if found else (404, {"error": "Record not found"})

    def _status(self, each: dict[str, Any]) -> dict[str, Any]:
        account = {"id": "7", "acct": "ann"}
        url = f"https://social.example/@ann/{each['id']}"
        return {
            "id": each["id"],
            "content": f"<p>{each['text']}</p>",
            "spoiler_text": "",
            "url": url,
            "account": account,
        }


class LemmyApi(EngineApi):
    def answer(self, method: str, path: str, asked: dict[str, str], body: Any) -> Answer:
        if (method, path) == ("GET", "/api/v3/comment/list"):
            assert (asked["type_"], asked["sort"]) == ("Local", "New")
            start = (int(asked["page"]) - 1) * int(asked["limit"])
            page = self.newest(10**6)[start : start + int(asked["limit"])]
            return 200, {"comments": [self._view(each) for each in page]}
        found = self.postings.get(str(body["comment_id"]))
        if not found:
            return 400, {"error": "couldnt_find_comment"}
        if (method, path) == ("POST", "/api/v3/comment/remove"):
            found["shown"] = not body["removed"]
        else:
            assert (method, path) == ("POST", "/api/v3/comment/report")
            self.reports.append({"id": found["id"], "why": body["reason"]})
        return 200, {"comment_view": self._view(found)}

    def _view(self, each: dict[str, Any]) -> dict[str, Any]:
        comment = {"id": int(each["id"]), "content": each["text"], "removed": not each["shown"], "deleted": False}
        post = {"id": 5, "name": "Repairs", "ap_id": "https://lemmy.example/post/5"}
        return {"comment": comment, "creator": {"id": 7, "name": "ann"}, "post": post, "community": {"name": "news"}}


class RemarkApi(EngineApi):
    def is_known(self, headers: Any) -> bool:
        return bool(headers["Authorization"] == "Basic " + base64.b64encode(b"admin:secret").decode())

    def answer(self, method: str, path: str, asked: dict[str, str], body: Any) -> Answer:  # noqa: ARG002 - there is none
        assert asked["site"] == "remark"
        if (method, path) == ("GET", "/api/v1/last/100"):
            since = int(asked.get("since", 0))
            later = [
                each
                for each in self.newest(100)
                if each["shown"] and 1_764_500_000_000 + each["second"] * 1000 >= since
            ]
            return 200, [self._comment(each) for each in later]
        found = self.postings.get(path.rsplit("/", 1)[1])
        if not found or not found["shown"]:
            return 400, {"details": "can't get comment by id"}
        if (method, path) == ("DELETE", f"/api/v1/admin/comment/{found['id']}"):
            assert asked["url"] == "https://daily.example/post"
            found["shown"] = False
        return 200, self._comment(found)

    def _comment(self, each: dict[str, Any]) -> dict[str, Any]:
        # The time has Go's form, in the zone of the server.
        time = f"2025-11-30T12:{each['second'] // 60:02}:{each['second'] % 60:02}+01:06:40"
        where = {"site": "remark", "url": "https://daily.example/post"}
        text = {"orig": each["text"], "text": f"<p>{each['text']}</p>"}
        return {"id": each["id"], "user": {"id": "ann_1", "name": "ann"}, "locator": where, "time": time, **text}


class GhostApi(EngineApi):
    def is_known(self, headers: Any) -> bool:
        """As Ghost: a fresh token for /admin/, signed with the secret in hexadecimal."""
        kind, _, token = headers["Authorization"].partition(" ")
        head, claims, signature = token.split(".")
        expected = hmac.new(bytes.fromhex("5ec2e7"), f"{head}.{claims}".encode(), hashlib.sha256).digest()
        told, read = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (claims, head))
        is_short = told["aud"] == "/admin/" and 0 < told["exp"] - told["iat"] <= 300
        is_signed = hmac.compare_digest(expected, base64.urlsafe_b64decode(signature + "=="))
        return kind == "Ghost" and read["kid"] == "key" and is_short and is_signed

    def answer(self, method: str, path: str, asked: dict[str, str], body: Any) -> Answer:
        if (method, path) == ("GET", "/ghost/api/admin/comments/"):
            assert asked["include_nested"] == "true"
            listed = [self._comment(each) for each in self.postings.values()]
            if "filter" in asked:
                since = asked["filter"].removeprefix("created_at:>='").removesuffix("'").replace(" ", "T")
                listed = [each for each in listed if each["created_at"][:19] >= since]
            assert asked["order"] == ("created_at asc" if "filter" in asked else "created_at desc")
            if "filter" not in asked:
                listed = listed[::-1]
            start = (int(asked.get("page", 1)) - 1) * int(asked["limit"])
            return 200, {"comments": listed[start : start + int(asked["limit"])]}
        found = self.postings.get(path.removeprefix("/ghost/api/admin/comments/").strip("/"))
        if not found:
            return 404, {"errors": [{"message": "Comment could not be found"}]}
        assert method == "PUT"
        found["shown"] = body["comments"][0]["status"] == "published"
        return 200, {"comments": [self._comment(found)]}

    def _comment(self, each: dict[str, Any]) -> dict[str, Any]:
        at = f"2026-11-30T12:{each['second'] // 60:02}:{each['second'] % 60:02}.000Z"
        post = {"id": "5", "title": "Repairs", "url": "https://daily.example/post/"}
        more = {
            "status": "published" if each["shown"] else "hidden",
            "member": {"id": "7", "name": "Ann"},
            "post": post,
        }
        return {"id": each["id"], "html": f"<p>{each['text']}</p>", "created_at": at, **more}


@contextmanager
def served(api: EngineApi) -> Iterator[EngineApi]:
    class EngineRequests(BaseHTTPRequestHandler):
        def _any(self) -> None:
            where = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(where.query).items()}
            said = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, told = 401, {"error": "unauthorized"}
            if not api.secret_changed and api.is_known(self.headers):
                status, told = api.answer(self.command, where.path, asked, json.loads(said) if said else None)
            body = json.dumps(told).encode()
            if api.is_behind_a_page:
                status, body = 200, b"<h1>We are back soon.</h1>"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), EngineRequests)
    thread = Thread(target=server.serve_forever)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
