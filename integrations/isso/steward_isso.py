"""Isso with Steward: publish what Steward approves, hold the rest, and follow later decisions.

`python steward_isso.py run` is `isso run` with moderation; with `retry` it submits pending comments again.
"""

import html
import os
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import isso
from comment_steward_client import Article, Author, BadSignature, Comment, Steward, StewardError, verify
from isso import config
from werkzeug.serving import run_simple
from werkzeug.wrappers import Request, Response

PUBLISHED, PENDING = 1, 2
HOOK = "/hooks/steward"


class Moderation:
    """What happens to the comments of one Isso."""

    def __init__(self, app: Any, steward: Steward) -> None:
        self.app, self.steward = app, steward
        self.comments, self.threads = app.db.comments, app.db.threads
        told = app.signal.subscriptions
        told["comments.new:after-save"].append(self.added)
        told["comments.edit"].append(self.edited)
        told["comments.activate"].append(self.activated)
        self.comments.delete = self._erasing(self.comments.delete)

    def added(self, _thread: Any, comment: dict[str, Any]) -> None:
        """Isso has stored it as pending: nothing is lost if Steward is away."""
        comment["mode"] = self.check(comment)

    def edited(self, comment: dict[str, Any]) -> None:
        """Also a published comment is checked again: its text is another one."""
        comment["mode"] = self.check(self.comments.get(comment["id"]))

    def activated(self, _thread: Any, comment: dict[str, Any]) -> None:
        """Isso's moderator published it: a label for the next model."""
        self._told(lambda: self.steward.teach(comment["text"], reject=False, token=name(comment)))

    def check(self, comment: dict[str, Any]) -> int:
        judged = self._told(lambda: self.steward.submit(self._described(comment)))
        return self.apply(comment, is_approved=judged is not None and judged.is_approved)

    def apply(self, comment: dict[str, Any], *, is_approved: bool) -> int:
        mode = PUBLISHED if is_approved else PENDING
        with self.app.lock:
            self.comments.update(comment["id"], {"mode": mode})
        return mode

    def receive(self, request: Request) -> Response:
        """Events may arrive twice or late, so the answer comes from Steward as it is now."""
        try:
            event = verify(os.environ["STEWARD_WEBHOOK_SECRET"], request.headers, request.get_data())
            comment = self._named(event.comment_id)
            if comment is not None:
                self.apply(comment, is_approved=self.steward.follow(event.comment_id).is_approved)
        except BadSignature:
            return Response(status=HTTPStatus.UNAUTHORIZED)
        except StewardError:
            return Response(status=HTTPStatus.SERVICE_UNAVAILABLE)  # Steward sends it again
        return Response(status=HTTPStatus.NO_CONTENT)

    def retry(self) -> int:
        """How many pending comments are published now."""
        pending = [self.comments.get(each["id"]) for each in self.comments.fetchall(mode=PENDING, limit=None)]
        return sum(self.check(comment) == PUBLISHED for comment in pending)

    def _described(self, comment: dict[str, Any]) -> Comment:
        thread = self.threads.get(comment["tid"])
        return Comment(
            comment["text"],
            id=name(comment),
            author=Author(id=comment["email"], name=html.unescape(comment["author"] or "") or None),
            article=Article(id=thread["uri"], title=thread["title"]),
            callback_url=os.environ.get("STEWARD_CALLBACK_URL"),
        )

    def _named(self, comment_id: str) -> dict[str, Any] | None:
        number = comment_id.split("-")[1] if comment_id.startswith("isso-") else ""
        comment: dict[str, Any] | None = self.comments.get(number)
        return comment if comment is not None and name(comment) == comment_id else None

    def _erasing(self, delete: Callable[[int], Any]) -> Callable[[int], Any]:
        def erase(number: int) -> Any:
            comment = self.comments.get(number)
            if comment is not None:
                self._told(lambda: self.steward.erase(name(comment)))
            return delete(number)

        return erase

    def _told(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except StewardError as error:
            isso.logger.warning("Steward: %s", error)
            return None


class Hooked:
    """Isso as a WSGI application, with the address for Steward's webhooks."""

    def __init__(self, app: Any, moderation: Moderation) -> None:
        self.app, self.moderation = app, moderation

    def __call__(self, environ: Any, start: Any) -> Any:
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == ("POST", HOOK):
            return self.moderation.receive(Request(environ))(environ, start)
        return self.app(environ, start)


def name(comment: dict[str, Any]) -> str:
    """SQLite gives the number of a deleted comment to another one, so the number alone is no name."""
    return f"isso-{comment['id']}-{int(comment['created'] * 1000)}"


def make_app(conf: Any = None) -> Hooked:
    """For WSGI servers: gunicorn "steward_isso:make_app()", with ISSO_SETTINGS."""
    conf = conf or config.load(config.default_file(), os.environ["ISSO_SETTINGS"])
    if not conf.getboolean("moderation", "enabled"):
        raise SystemExit("set enabled = true in the section [moderation] of Isso's configuration")
    steward = Steward(os.environ["STEWARD_URL"], os.environ["STEWARD_KEY"], timeout_s=5)
    opened, hooks = isso.Isso.__init__, []

    def open_with_hooks(self: Any, conf: Any) -> None:
        opened(self, conf)
        hooks.append(Moderation(self, steward))

    isso.Isso.__init__ = open_with_hooks
    try:
        app = isso.make_app(conf)
    finally:
        isso.Isso.__init__ = opened
    return Hooked(app, hooks[0])


def main() -> None:
    conf = config.load(config.default_file(), os.environ["ISSO_SETTINGS"])
    app = make_app(conf)
    if sys.argv[1:] == ["retry"]:
        print(f"{app.moderation.retry()} published")  # noqa: T201 - a command's answer
        return
    where = urlsplit(conf.get("server", "listen"))
    run_simple(where.hostname or "localhost", where.port or 8080, app, threaded=True)


if __name__ == "__main__":
    main()
