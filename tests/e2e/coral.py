"""A Coral (coralproject/talk 9.11.8) as far as whoever it calls can tell, from coral-external-moderation.md.

What it sends, byte for byte; how long it waits; what it takes for an answer; and what then becomes of a comment.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

VERSION = "9.11.8"
MAX_REPLY_BYTES = 2 * 1024 * 1024
STATUSES = ("NONE", "APPROVED", "REJECTED", "PREMOD", "SYSTEM_WITHHELD")
FLAG_REASONS = ("COMMENT_DETECTED_TOXIC", "COMMENT_DETECTED_SPAM")
TAGS = ("FEATURED", "STAFF")
CODES = (
    *("OFFENSIVE", "ABUSIVE", "SPAM", "BANNED_WORD", "AD", "ILLEGAL_CONTENT", "HARASSMENT_BULLYING"),
    *("MISINFORMATION", "HATE_SPEECH", "IRRELEVANT_CONTENT", "OTHER"),
)
# Coral tells Perspective the tenant's language where it is one of these, and English for all others.
LANGUAGES = {"en-US": "en", "es": "es", "fr-FR": "fr", "de": "de", "pt-BR": "pt"}


def printed(value: Any) -> bytes:
    """As JSON.stringify(value, null, 2) prints it."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def signature(body: bytes, secrets: Sequence[str]) -> str:
    signed = (hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets)
    return ",".join(f"sha256={each}" for each in signed)


@dataclass
class Phase:
    """An external moderation phase as an administrator sets it up; `secrets`: those that have not expired."""

    url: str
    secrets: list[str]
    timeout_ms: int = 200  # what the form starts at
    body_format: str = "HTML"


@dataclass
class Toxicity:
    """Configure > Moderation > Perspective."""

    endpoint: str
    key: str
    model: str = "TOXICITY"
    threshold: float = 0.8
    do_not_store: bool = True
    send_feedback: bool = True
    timeout_ms: int = 800


@dataclass(frozen=True)
class Outcome:
    """What a phase said. `status` None: the next phase has its turn; `warning`: what Coral logs."""

    status: str | None = None
    flags: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    moderation_action: dict[str, Any] | None = None
    warning: str = ""

    @property
    def tab(self) -> str:
        """Where Coral's moderators find the comment."""
        if self.status in ("PREMOD", "SYSTEM_WITHHELD"):
            return "Pending"
        if self.status in ("APPROVED", "REJECTED"):
            return str(self.status).capitalize()
        return "Reported" if self.flags else "Unmoderated"


class Dropped(Exception):
    """The reply does not fit Coral's schema, so all of it is dropped."""


@dataclass
class Coral:
    domain: str = "talk.news.example"
    tenant_id: str = "5c3a8f10-9b1f-4d8a-8a52-0d7d7b0b6f5e"
    locale: str = "en-US"
    http: httpx.Client = field(default_factory=lambda: httpx.Client(follow_redirects=False, timeout=60))

    # -- door A

    def question(self, body: str, *, action: str = "NEW", author: str = "u-1", **more: Any) -> dict[str, Any]:
        return {
            "action": action,
            "comment": {"body": body, "parentID": more.pop("parent", None)},
            "author": {"id": author, "role": "COMMENTER"},
            "story": {"id": "story-1", "url": f"https://{self.domain}/story"},
            "site": {"id": "site-1"},
            "tenantID": self.tenant_id,
            "tenantDomain": self.domain,
            **more,
        }

    def external(self, phase: Phase, question: dict[str, Any]) -> Outcome:
        """One attempt, no retry; whatever fails, the comment goes on as if nobody had been asked."""
        body = printed(question)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Coral Moderation/{VERSION}",
            "X-Coral-Signature": signature(body, phase.secrets),
        }
        try:
            reply = self.http.post(phase.url, content=body, headers=headers, timeout=phase.timeout_ms / 1000)
        except httpx.TimeoutException:
            return Outcome(warning="aborted")
        if not reply.is_success:  # a redirect is not followed, and no success either
            return Outcome(warning=f"status {reply.status_code}")
        if len(reply.content) > MAX_REPLY_BYTES:
            return Outcome(warning="too large")
        if reply.status_code == httpx.codes.NO_CONTENT or not reply.content or reply.content == b"{}":
            return Outcome()
        try:
            return checked(json.loads(reply.content))
        except (ValueError, Dropped) as error:
            return Outcome(warning=f"dropped: {error}")

    # -- door B

    def toxic(self, settings: Toxicity, text: str) -> bool | None:
        """Whether the comment is withheld; None: it passes unchecked."""
        found = self.score(settings, text)
        return None if found is None else found > settings.threshold

    def score(self, settings: Toxicity, text: str) -> float | None:
        body = {
            "comment": {"text": text},
            "doNotStore": settings.do_not_store,
            "requestedAttributes": {settings.model: {}},
            "languages": [LANGUAGES.get(self.locale, "en")],
        }
        reply = self._perspective(settings, "analyze", body)
        if reply is None:
            return None
        try:
            value: float = reply.json()["attributeScores"][settings.model]["summaryScore"]["value"]
        except (ValueError, KeyError):
            return None
        return value

    def moderated(self, settings: Toxicity, comment_id: str, text: str, status: str, parent: str | None = None) -> bool:
        """A moderator decides; whether the feedback was taken."""
        if not settings.send_feedback or status not in ("APPROVED", "REJECTED"):
            return False
        context = {"url": f"https://{self.domain}/story?commentID={comment_id}"}
        if parent:
            context["reply_to_id_Coral_comment_id"] = parent
        context["Coral_comment_id"] = comment_id
        body = {
            "comment": {"text": text},
            "context": {"entries": [{"text": json.dumps(context, separators=(",", ":"))}]},
            "attributeScores": {settings.model: {"summaryScore": {"value": 1 if status == "REJECTED" else 0}}},
            "languages": [LANGUAGES.get(self.locale, "en")],
            "communityId": f"Coral:https://{self.domain}",
            "clientToken": f"comment:{comment_id}",
        }
        return self._perspective(settings, "suggestscore", body) is not None

    def _perspective(self, settings: Toxicity, method: str, body: dict[str, Any]) -> httpx.Response | None:
        url = f"{settings.endpoint.rstrip('/')}/comments:{method}"
        try:
            reply = self.http.post(
                url,
                params={"key": settings.key},
                content=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
                headers={"Content-Type": "application/json", "User-Agent": f"Coral Perspective/{VERSION}"},
                timeout=settings.timeout_ms / 1000,
            )
        except httpx.TimeoutException:
            return None
        return reply if reply.is_success and len(reply.content) <= MAX_REPLY_BYTES else None


def checked(reply: Any) -> Outcome:
    """Coral's check of a reply: unknown fields are stripped, a wrong value or a null drops it all."""
    if not isinstance(reply, dict):
        raise Dropped("no object")
    status = _one_of(reply, "status", STATUSES)
    actions = _list(reply, "actions")
    for action in actions:
        if not isinstance(action, dict) or action.get("actionType") != "FLAG":
            raise Dropped("actionType")
        if action.get("reason") not in FLAG_REASONS:
            raise Dropped("reason")
    tags = _list(reply, "tags")
    if not set(map(str, tags)) <= set(TAGS):
        raise Dropped("tags")
    flags = tuple(action["reason"] for action in actions)
    return Outcome(status, flags, tuple(tags), _moderation_action(reply))


def _moderation_action(reply: dict[str, Any]) -> dict[str, Any] | None:
    if "moderationAction" not in reply:
        return None
    action = reply["moderationAction"]
    if not isinstance(action, dict) or _one_of(action, "status", STATUSES) is None:
        raise Dropped("moderationAction")
    reason = action.get("rejectionReason", {})
    if not isinstance(reason, dict):
        raise Dropped("rejectionReason")
    _one_of(reason, "code", CODES)
    for name in ("legalGrounds", "detailedExplanation", "customReason"):
        if name in reason and not isinstance(reason[name], str):
            raise Dropped(name)
    return action


def _one_of(found: dict[str, Any], name: str, values: Sequence[str]) -> str | None:
    if name in found and found[name] not in values:
        raise Dropped(name)
    value: str | None = found.get(name)
    return value


def _list(found: dict[str, Any], name: str) -> list[Any]:
    value = found.get(name, [])
    if not isinstance(value, list):
        raise Dropped(name)
    return value
