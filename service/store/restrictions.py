"""Rejections as statements of reasons tell them: of a comment as it stands, and of entries of the audit trail."""

from service.store.base import AuditEntry, Record
from service.values.domain import Action, DecidedBy, Status
from service.values.dsa import Restriction


def restriction_of(site: str, record: Record) -> Restriction | None:
    """Of a comment that is rejected now; None for any other."""
    if record.status is not Status.REJECTED or record.decided_at is None:
        return None
    judgement = record.content.judgement if record.content else None
    reasons = judgement.reasons if judgement else ()
    return Restriction(
        site=site,
        comment=record.id,
        revision=record.revision,
        version=record.version,
        at=record.decided_at,
        decided_by=record.decided_by,
        automatic=record.decision,
        attributes=tuple(dict.fromkeys(each.attribute for each in reasons if each.attribute and not each.shadow)),
        reason=(record.reason or "") if record.decided_by is DecidedBy.MODERATOR else "",
        why=record.why or "",
        reports=record.reports,
        scores_shown=record.scores_shown,
        sent_at=record.created_at,
        language=judgement.language if judgement else None,
    )


def restriction_in(site: str, entry: AuditEntry) -> Restriction | None:
    """The rejection that an entry of the trail tells of; None if it tells of none, or of one that was so before."""
    said = entry.details
    action, decision = said.get("action"), said.get("decision")
    is_drawn = action == "submitted" and "inclusion" in said  # it waits for an audit, and is rejected meanwhile
    if (said.get("to") != "decided" and not is_drawn) or said.get("before") == Status.REJECTED:
        return None
    if action == "submitted" and decision == Action.REJECT:
        by = DecidedBy(said.get("decided_by", DecidedBy.MODEL))
    elif action == "decided" and decision == Status.REJECTED:
        by = DecidedBy.EXPIRY
    elif action == "decided" and decision == Action.REJECT:
        by = DecidedBy.MODERATOR
    else:
        return None
    scores = (each.rpartition(" ")[0] for each in said.get("score", "").split(", "))
    return Restriction(
        site=site,
        comment=said["comment"],
        revision=int(said["revision"]),
        version=int(said["version"]),
        at=entry.at,
        decided_by=by,
        automatic=Action(said.get("automatic") or (Action.REVIEW if action == "decided" else Action.REJECT)),
        attributes=tuple(name for name in scores if name),
        reason=said.get("reason", "") if by is DecidedBy.MODERATOR else "",
        why=said.get("why", ""),
        reports=int(said.get("reports", 0)),
        scores_shown="scores_shown" in said,
    )
