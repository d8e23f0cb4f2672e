"""Every call as a value: what to send, and how to read the answer. Both clients send these."""

import dataclasses
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from comment_steward_client import values
from comment_steward_client.errors import refusal
from comment_steward_client.values import Comment, Judged, Page, Problem, Scored

Answer = TypeVar("Answer")
FIRST_NOT_OK = 300


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """All calls can be repeated: Steward recognizes a comment by its id, a report by its reader, a label by its token.

    `wait_s`: how much longer than usual the answer may take.
    """

    method: str
    path: str
    read: Callable[[Any], Answer]
    body: Any = None
    query: Mapping[str, str] = dataclasses.field(default_factory=dict)
    wait_s: float = 0


def read(call: Call[Answer], response: httpx.Response) -> Answer:
    """Raises Refused, also if something in between answers, with a redirect or a page: nothing was done then."""
    value, is_ours = None, True
    try:
        value = response.json() if response.content else None
    except ValueError:
        is_ours = False
    if response.status_code >= FIRST_NOT_OK or not is_ours:
        raise refusal(values.problem(response.status_code, value))
    return call.read(value)


def score(text: str, *, spans: bool, language: str | None) -> Call[Scored]:
    body = {"text": text, "spans": spans, "language": language}
    return Call("POST", "/v1/score", lambda value: values.scored(value["results"][0]), body)


def score_many(texts: Iterable[str], *, language: str | None) -> Call[list[Scored]]:
    body = {"texts": list(texts), "language": language}
    return Call("POST", "/v1/score", lambda value: [values.scored(each) for each in value["results"]], body)


def submit(comment: Comment) -> Call[Judged]:
    return Call("POST", "/v1/comments", values.judged, values.to_json(_with_id(comment)))


def submit_many(comments: Iterable[Comment]) -> Call[list[Judged | Problem]]:
    body = {"comments": [values.to_json(_with_id(each)) for each in comments]}
    return Call("POST", "/v1/comments:batch", lambda value: values.results(value["results"]), body)


def _with_id(comment: Comment) -> Comment:
    """With an id of ours if it has none, so that a repeated request does not record it twice."""
    return comment if comment.id else dataclasses.replace(comment, id=uuid.uuid4().hex)


def follow(comment_id: str, wait_s: float) -> Call[Judged]:
    query = {"wait": str(wait_s)} if wait_s else {}
    return Call("GET", _path(comment_id), values.judged, query=query, wait_s=wait_s)


def report(comment_id: str, reader: str, reason: str) -> Call[Judged]:
    return Call("POST", f"{_path(comment_id)}/report", values.judged, {"reporter": reader, "reason": reason})


def appeal(comment_id: str, reason: str) -> Call[Judged]:
    return Call("POST", f"{_path(comment_id)}/appeal", values.judged, {"reason": reason})


def erase(comment_id: str) -> Call[None]:
    return Call("DELETE", _path(comment_id), lambda _: None)


def teach(text: str, *, reject: bool, spam: bool, token: str) -> Call[None]:
    scores = {"LIKELY_TO_REJECT": _share(value=reject)} | ({"SPAM": _share(value=True)} if spam else {})
    body = {"comment": {"text": text}, "attributeScores": scores, "clientToken": token}
    return Call("POST", "/v1alpha1/comments:suggestscore", lambda _: None, body)


def _share(*, value: bool) -> dict[str, Any]:
    return {"summaryScore": {"value": float(value)}}


def reconcile(known: Mapping[str, int]) -> Call[list[str]]:
    body = {"comments": [{"id": name, "revision": revision} for name, revision in known.items()]}
    return Call("POST", "/v1/reconcile", lambda value: [each["id"] for each in value["unknown"]], body)


def events(after: str | None, limit: int) -> Call[Page]:
    query = {"limit": str(limit)} | ({"after": after} if after else {})
    return Call("GET", "/v1/events", _page, query=query)


def _page(value: Any) -> Page:  # noqa: ANN401 - JSON
    return Page(tuple(values.event(each) for each in value["events"]), value["next"])


def _path(comment_id: str) -> str:
    return f"/v1/comments/{quote(comment_id, safe='')}"
