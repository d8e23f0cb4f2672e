"""A rejection as statements of reasons tell it, and the complaint about it, of a comment as it stands."""

from service.store.base import Record
from service.values.complaints import ComplaintAnswer, ComplaintOutcome, complaint_answer
from service.values.domain import DecidedBy, State, Status
from service.values.dsa import Dsa, Restriction


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
        rejected_version=record.rejected_version,
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


def complaint_of(site: str, record: Record, dsa: Dsa) -> ComplaintAnswer | None:
    """The author's complaint about the newest revision; None: there is none, or the comment was erased."""
    if not record.is_appealed or record.state is State.ERASED:
        return None
    decision = record.appeal_decision
    outcome = ComplaintOutcome.OPEN
    if decision is not None:
        outcome = ComplaintOutcome.UPHELD if decision.is_upheld else ComplaintOutcome.REVERSED
    return complaint_answer(
        comment_id=record.id,
        revision=record.revision,
        received_at=record.appealed_at,
        outcome=outcome,
        decided_at=decision.at if decision else None,
        reason=record.reason if decision else None,
        restriction=restriction_of(site, record) if decision else None,
        dsa=dsa,
    )
