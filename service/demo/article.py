"""The demonstration at /demo: a news article with comments, as a site that uses the service would show it.

Anyone who reaches it may read and post. Its comments are submitted like those of any site, with an API key that never
leaves this process. Templates, scripts, styles and translations live with those of the console.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import msgspec
import uuid_utils
from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service import metrics
from service.console.first_steps import PRACTICE, Practice
from service.console.protection import DEMO, check_origin
from service.console.texts import N_, Texts, negotiated
from service.console.visit import CONSOLE, FORM, JSON, form_of
from service.demo import Thread, load_thread
from service.http import bodies, problems
from service.http.admission import take_as_stranger
from service.http.handling import Handler, speaking
from service.http.headers import cookie
from service.http.limits import Buckets
from service.http.origin import client_network, own_origin
from service.http.stream import HEARTBEAT, follow, line
from service.store.base import Record
from service.store.events import FeedEvent
from service.values.access import FIRST_SITE, ApiKey, Scope, mint
from service.values.domain import Action, Article, Author, Comment, Judgement, Status
from service.values.errors import BadRequest, Conflict, Fault, NotFound, Retryable, ServiceError

SITE = FIRST_SITE
COOKIE = "steward_demo"
COOKIE_MAX_AGE_S = 86_400
# How many of a visitor's own comments the cookie holds. The oldest leave the cookie; the comments stay stored.
MAX_OWN_COMMENTS = 20
MAX_TEXT_LENGTH, MAX_NAME_LENGTH = 2_000, 60
_UUID = re.compile(r"[0-9a-f-]{36}")
RETRY_PAUSE_S = 1.0

# The warning for each attribute, most specific first.
WARNINGS = {
    "threat": N_("This may be read as a threat."),
    "identity_attack": N_("This may be read as an attack on a group of people."),
    "sexually_explicit": N_("This may be read as sexual."),
    "spam": N_("This may be read as advertising."),
    "insult": N_("This may be read as an insult."),
    "profanity": N_("This may be read as foul language."),
    "severe_toxicity": N_("This may hurt those who read it."),
    "toxicity": N_("This may hurt those who read it."),
}
# Rude, and not severe: the model leaves it to a person.
PRACTICE_TEXT = "Did you even read the article? What a dumb take."
_LIMIT_REASONS = ("score_in_review_band", "score_in_reject_band")


@dataclass(frozen=True, slots=True)
class Demo:
    thread: Thread
    key: ApiKey
    posts: Buckets
    hints: Buckets

    @property
    def article(self) -> Article:
        return msgspec.convert(self.thread.article, Article)


DEMONSTRATION = web.AppKey("demonstration", Demo)


class HintRequest(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(max_length=MAX_TEXT_LENGTH)]


class HintResponse(Struct, frozen=True):
    """`hint` is empty if the text needs no warning."""

    hint: str


@dataclass(frozen=True, slots=True)
class CommentView:
    id: str
    author: str
    text: str
    status: Status
    is_own: bool = False


async def open_demo(app: web.Application) -> AsyncIterator[None]:
    """Post the thread as soon as Redis answers. Comments from an earlier start are left as they are."""
    _, key = mint(FIRST_SITE, frozenset({Scope.COMMENTS}), "demo", datetime.now(UTC))
    app[DEMONSTRATION] = Demo(load_thread(), key, posts=Buckets(0.2, 5), hints=Buckets(3, 12))
    app[PRACTICE] = Practice(partial(_post_practice, app))
    async with app[keys.BACKGROUND].beside("demo", partial(_post_thread, app), is_once=True):
        yield


async def _post_thread(app: web.Application) -> None:
    demo = app[DEMONSTRATION]
    for posted in demo.thread.comments:
        author = Author(id=posted["author"], name=posted["author"])
        await _post_once(app, Comment(id=posted["id"], text=posted["text"], author=author, article=demo.article))


async def _post_practice(app: web.Application) -> str:
    """A doubtful comment for somebody who decides for the first time; its id."""
    demo, author = app[DEMONSTRATION], Author(id="demo-practice", name="Robin")
    comment = Comment(id=f"demo-{uuid_utils.uuid7()}", text=PRACTICE_TEXT, author=author, article=demo.article)
    return (await app[keys.MODERATION].submit(demo.key, comment)).id


async def _post_once(app: web.Application, comment: Comment) -> None:
    while True:
        with contextlib.suppress(Conflict):  # erased by an earlier request: not posted again
            try:
                await app[keys.MODERATION].submit(app[DEMONSTRATION].key, comment)
            except Retryable:
                await asyncio.sleep(RETRY_PAUSE_S)
                continue
        return


async def show(request: web.Request) -> web.StreamResponse:
    take_as_stranger(request)
    return await _page(request)


async def post(request: web.Request) -> web.StreamResponse:
    """Accept a comment; one that needs a warning only after its author has confirmed it."""
    check_origin(request)
    form = form_of(await bodies.read(request, FORM, bodies.MAX_BODY_BYTES))
    text, name = (form.get(field, [""])[0].strip() for field in ("text", "name"))
    kept: dict[str, Any] = {"text": text, "name": name[:MAX_NAME_LENGTH]}
    try:
        request.app[DEMONSTRATION].posts.take(client_network(request))
        _check(text)
        hint = "" if "confirmed" in form else await _hint(request, text)
        if hint:
            return await _page(request, **kept, hint=hint)
        record = await _submit(request, text, kept["name"])
    except ServiceError as error:
        return await _page(request, problems.STATUS[type(error)], **kept, problem=error)
    response = web.Response(status=303, headers={"Location": f"{DEMO}#c-{record.id}"})
    own = [record.id.removeprefix("demo-"), *_own(request)][:MAX_OWN_COMMENTS]
    is_safe = own_origin(request).startswith("https:")
    response.set_cookie(
        COOKIE, ".".join(own), path=DEMO, max_age=COOKIE_MAX_AGE_S, httponly=True, samesite="Strict", secure=is_safe
    )
    return response


def _check(text: str) -> None:
    if not text:
        raise BadRequest("/text: must not be empty", [Fault("/text", "must not be empty")])
    if len(text) > MAX_TEXT_LENGTH:
        raise BadRequest(f"text: longer than {MAX_TEXT_LENGTH} characters", [Fault("/text", "too long")])


async def _submit(request: web.Request, text: str, name: str) -> Record:
    demo = request.app[DEMONSTRATION]
    comment = Comment(
        id=f"demo-{uuid_utils.uuid7()}", text=text, author=Author(name=name or None), article=demo.article
    )
    record = await request.app[keys.MODERATION].submit(demo.key, comment)
    metrics.DECISIONS.labels(record.decision).inc()
    return record


async def hint(request: web.Request) -> web.StreamResponse:
    """Warn about a text while it is being written. Nothing is stored."""
    check_origin(request)
    request.app[DEMONSTRATION].hints.take(client_network(request))
    asked = bodies.shaped(await bodies.read(request, JSON, bodies.MAX_BODY_BYTES), HintRequest)
    answer = HintResponse(await _hint(request, asked.text) if asked.text.strip() else "")
    return web.json_response({"hint": answer.hint})


async def _hint(request: web.Request, text: str) -> str:
    judgement = request.app[keys.MODERATION].judge(FIRST_SITE, text, with_spans=False)
    return (await _texts(request))(WARNINGS[found]) if (found := _warned_attribute(judgement)) else ""


def _warned_attribute(judgement: Judgement) -> str | None:
    if judgement.decision is Action.APPROVE:
        return None
    reached = {reason.attribute for reason in judgement.reasons if reason.code in _LIMIT_REASONS}
    return next((attribute for attribute in WARNINGS if attribute in reached), None)


async def stream(request: web.Request) -> web.StreamResponse:
    """Decisions on the comments of the page as they are made: the thread's and the visitor's own."""
    check_origin(request)
    shown = {comment["id"] for comment in request.app[DEMONSTRATION].thread.comments} | {
        f"demo-{each}" for each in _own(request)
    }

    async def is_allowed() -> bool:
        return True

    async def encode(events: list[FeedEvent]) -> bytes:
        return b"".join(_encoded(event, shown) for event in events) or HEARTBEAT

    return await follow(request, SITE, f"demo:{client_network(request)}", is_allowed, encode=encode)


def _encoded(event: FeedEvent, shown: Collection[str]) -> bytes:
    """One line of the stream, or nothing. Skips blind audits, which have no type: a site gets no webhook for them."""
    details = event.details
    if "type" not in details or details["comment"] not in shown:
        return b""
    return line("status", {"id": details["comment"], "status": details["status"]}, event.cursor)


async def _page(request: web.Request, status: int = 200, **values: Any) -> web.Response:  # noqa: ANN401 - the template's
    demo, renderer = request.app[DEMONSTRATION], request.app[CONSOLE].renderer
    known = [(comment["id"], comment["author"], comment["text"]) for comment in demo.thread.comments]
    try:
        thread_shown = await asyncio.gather(*(_shown(request, *each) for each in known))
        own = await asyncio.gather(*(_shown(request, f"demo-{each}") for each in _own(request)))
    except Retryable as error:  # the article is shown without its comments
        thread_shown, own, values = [], [], {"problem": error, **values}
        status = max(status, 503)
    given = {"text": "", "name": "", "hint": "", "problem": None, **values}
    page = renderer.render(
        await _texts(request),
        "article.html",
        story=demo.thread.article,
        own=[each for each in own if each],
        thread=[each for each in thread_shown if each],
        demo=DEMO,
        longest=MAX_TEXT_LENGTH,
        longest_name=MAX_NAME_LENGTH,
        **given,
    )
    return web.Response(text=page, status=status, content_type="text/html")


async def _shown(request: web.Request, comment_id: str, author: str = "", text: str = "") -> CommentView | None:
    """The comment with its present status; None if it does not exist or was erased."""
    try:
        record = await request.app[keys.STORE].comments.get(SITE, comment_id)
    except NotFound:
        return None
    comment = record.content.comment if record.content else None
    if comment is None and not text:
        return None
    shown_text = comment.text if comment else text
    name = author or (comment.author.name if comment and comment.author else None) or ""
    return CommentView(comment_id, name, shown_text, record.status, is_own=not author)


def _own(request: web.Request) -> list[str]:
    """The ids of the visitor's own comments, from the cookie."""
    return [each for each in cookie(request, COOKIE).split(".")[:MAX_OWN_COMMENTS] if _UUID.fullmatch(each)]


async def _texts(request: web.Request) -> Texts:
    return await request.app[CONSOLE].renderer.texts(negotiated(request.headers.get("Accept-Language", "")))


def _refused(_: web.Request, error: ServiceError | None) -> web.StreamResponse:
    return problems.response_of(error or ServiceError("the error is ours"))


def _handled(handle: Handler) -> Handler:
    return speaking(_refused, f"demo_{handle.__name__}", handle)


ROUTES = [
    web.get(DEMO, _handled(show)),
    web.post(DEMO, _handled(post)),
    web.post(f"{DEMO}/hint", _handled(hint)),
    web.get(f"{DEMO}/stream", _handled(stream)),
]
