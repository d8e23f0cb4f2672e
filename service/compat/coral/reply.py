"""The reply to Coral and its reasons (coral-external-moderation.md, A3 and A4)."""

from collections.abc import Collection, Mapping
from typing import Any

from service.store.base import Record
from service.values.domain import Action, Status
from service.values.policy import LANGUAGE_NOT_SUPPORTED
from service.values.rules import RuleAction
from service.values.site_settings import Coral

TOXIC, SPAM = "COMMENT_DETECTED_TOXIC", "COMMENT_DETECTED_SPAM"

# The most severe first: the author is told only one reason.
_CODES = {
    "threat": "ABUSIVE",
    "identity_attack": "HATE_SPEECH",
    "insult": "HARASSMENT_BULLYING",
    "profanity": "OFFENSIVE",
    "obscene": "OFFENSIVE",
    "sexually_explicit": "OFFENSIVE",
    "spam": "SPAM",
}

Reply = Mapping[str, Any]


def reply(record: Record, wishes: Coral) -> Reply | None:
    """The reply by Coral's schema, without nulls; None for no opinion.

    The current decision counts: if a person has decided the comment since it was first sent, that decision is used.
    """
    if wishes.shadow or _is_unread(record):
        return None
    if record.status is Status.APPROVED:
        return {"status": "APPROVED"} if wishes.may_approve else None
    attributes = _attributes(record)
    flags = {"actions": [{"actionType": "FLAG", "reason": reason} for reason in _flags(attributes)]}
    if record.status is Status.REJECTED and wishes.may_reject:
        # Coral tells the author that the comment was rejected, whatever the status is, so set it only with a rejection.
        # Without a code Coral reports a missing reason.
        action = {"status": "REJECTED", "rejectionReason": {"code": _code(attributes)}}
        return {"status": "REJECTED", **flags, "moderationAction": action}
    if record.status is Status.PENDING and wishes.publish_first and not _is_premoderated(record):
        return flags
    return {"status": "SYSTEM_WITHHELD", **flags}


def _is_unread(record: Record) -> bool:
    """Whether the comment waits for review because the model does not support its language."""
    reasons = record.content.judgement.reasons if record.content else ()
    return record.status is Status.PENDING and any(reason.code == LANGUAGE_NOT_SUPPORTED for reason in reasons)


def _is_premoderated(record: Record) -> bool:
    """Whether a rule, or the status of the author, wants the comment read before anybody else sees it."""
    reasons = record.content.judgement.reasons if record.content else ()
    return any(reason.action == RuleAction.PREMODERATE and not reason.shadow for reason in reasons)


def _attributes(record: Record) -> set[str]:
    """The reason for which the model holds the comment, or a person rejected it."""
    held = record.content.judgement if record.content else None
    reasons = held.reasons if held and held.decision is not Action.APPROVE else ()
    return {reason.attribute for reason in reasons if reason.attribute} | {record.reason or ""} - {""}


def _flags(attributes: Collection[str]) -> list[str]:
    found = {SPAM if attribute == "spam" else TOXIC for attribute in attributes}
    return sorted(found) or [TOXIC]


def _code(attributes: Collection[str]) -> str:
    return next((code for attribute, code in _CODES.items() if attribute in attributes), "OTHER")
