"""A rejection as statements of reasons tell it, of a comment as it stands."""

from service.store.base import Record
from service.values.domain import DecidedBy, Status
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
