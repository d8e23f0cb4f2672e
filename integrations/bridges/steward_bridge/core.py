"""One bridge for all engines: asks for new postings, lets Steward judge them, and acts on its answers.

An engine shows a posting before it is judged. While Steward is away the bridge waits, and then goes on where it
stopped; Steward records a posting once only.
"""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Protocol, Self

import httpx
from comment_steward_client import (
    Article,
    Author,
    Comment,
    Conflict,
    Judged,
    NotAllowed,
    NotFound,
    RateLimited,
    Refused,
    Steward,
    Unavailable,
)

MAX_BYTES = 20_480  # Steward's limit for a text
PAGES = 20  # at most, in one round
LATER = (NotAllowed, NotFound, Conflict, RateLimited, Unavailable)  # the same request can succeed later
DECIDED = ("decision.created", "decision.reverted")


@dataclass(frozen=True, slots=True)
class EngineComment:
    """`id`: the engine's. `cursor`: where the engine goes on after this one. Without text, it is only passed over."""

    id: str
    cursor: str
    text: str
    author: Author
    article: Article


class Platform(Protocol):
    """An engine. A posting that is gone by now is no error."""

    @property
    def name(self) -> str:
        """Begins the ids of its postings in Steward."""

    def newer(self, cursor: str | None) -> Sequence[EngineComment]:
        """At most a page, oldest first. Without a cursor: the newest ones. With one, it may give known ones again."""

    def hold(self, posting: str, why: str) -> None:
        """A person must look."""

    def reject(self, posting: str, why: str) -> None: ...

    def restore(self, posting: str) -> None:
        """Take `reject` and `hold` back."""

    def close(self) -> None: ...


class Bridge:
    def __init__(self, platform: Platform, steward: Steward, state: Path) -> None:
        self.platform, self.steward, self._path = platform, steward, state
        self._state: dict[str, Any] = json.loads(state.read_text()) if state.exists() else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.platform.close()
        self.steward.close()

    def round(self) -> int:
        """Judge what is new, and follow decisions that people made since. How many postings were judged."""
        if "events" not in self._state:
            self._pass_over_old_events()
        judged = 0
        for _ in range(PAGES):
            known = self._state.get("known", ())
            new = [each for each in self.platform.newer(self._state.get("cursor")) if each.id not in known]
            for posting in new:
                judged += self._judge(posting)
                self._pass(posting)
            if not new:
                break
        self._follow()
        return judged

    def _judge(self, posting: EngineComment) -> int:
        if not posting.text.strip():
            return 0  # a picture alone
        name = f"{self.platform.name}-{posting.id}"
        try:
            judged = self.steward.submit(
                Comment(cut(posting.text), id=name, author=posting.author, article=posting.article)
            )
        except LATER:
            raise
        except Refused as error:
            self.platform.hold(posting.id, f"Steward cannot judge it: {error}")
            return 1
        if judged.is_rejected:
            self.platform.reject(posting.id, why(judged))
        elif judged.is_pending:
            self.platform.hold(posting.id, why(judged))
        return 1

    def _pass(self, posting: EngineComment) -> None:
        """Postings of one moment share a cursor, at which the engine lists them again."""
        known = self._state["known"] if self._state.get("cursor") == posting.cursor else []
        self._keep(cursor=posting.cursor, known=[*known, posting.id])

    def _follow(self) -> None:
        """An event may be acted on twice, if the bridge stops in between."""
        while (page := self.steward.events(self._state["events"])).events:
            for event in page.events:
                engine, _, posting = (event.comment_id or "").partition("-")
                if engine == self.platform.name and event.type in DECIDED:
                    self._act(posting, event.status)
            self._keep(events=page.next)

    def _act(self, posting: str, status: str) -> None:
        if status == "approved":
            self.platform.restore(posting)
        elif status == "rejected":
            self.platform.reject(posting, "a moderator rejected it in Steward")

    def _pass_over_old_events(self) -> None:
        """They are about postings of another bridge before this one."""
        last = None
        while (page := self.steward.events(last)).events:
            last = page.next
        self._keep(events=last)

    def _keep(self, **changed: object) -> None:
        self._state |= changed
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(self._state))
        new.replace(self._path)


def read(answer: httpx.Response) -> Any:  # noqa: ANN401 - an engine's JSON
    """Raises httpx.HTTPError, also if a proxy or a maintenance page answers in place of the engine."""
    try:
        return answer.raise_for_status().json()
    except ValueError as error:
        raise httpx.DecodingError(f"{answer.url} does not answer JSON", request=answer.request) from error


def why(judged: Judged) -> str:
    """The highest scores, for a moderator."""
    scores = sorted((judged.scores or {}).items(), key=lambda item: -item[1])[:3]
    said = ", ".join(f"{name} {score:.0%}" for name, score in scores)
    return f"Steward: {judged.status} ({said})" if said else f"Steward: {judged.status}"


def cut(text: str) -> str:
    """The beginning, cut between characters."""
    return text.encode("utf-8", "replace")[:MAX_BYTES].decode("utf-8", "ignore")


class _Reader(HTMLParser):
    BLOCKS = frozenset({"p", "br", "div", "li", "blockquote", "pre", "h1", "h2", "h3"})

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.BLOCKS:
            self.parts.append("\n")
        self.parts += [f"{value} " for name, value in attrs if (tag, name) == ("a", "href") and value]

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def plain(html: str) -> str:
    """HTML as its readers see it, with the addresses of links."""
    reader = _Reader()
    with contextlib.closing(reader):
        reader.feed(html)
    return "".join(reader.parts).strip()
