"""A site's settings for the people who review its comments, as a part of its policy."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from service.values.domain import WORDS, Probability, Status

# The audits of a new site (thresholds.md section 6), and about a quarter of an hour's work a day at most.
AUDIT_APPROVED, AUDIT_REJECTED, AUDITS_PER_DAY = 0.01, 0.05, 50


class Expiry(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a comment that nobody looked at in time."""

    after_s: Annotated[int, Meta(ge=60, le=90 * 86_400, description="Seconds in the queue.")]
    decision: Annotated[str, Meta(pattern=r"^(approve|reject)$(?!\n)", extra={WORDS: "must be approve or reject"})]

    @property
    def status(self) -> Status:
        return Status.APPROVED if self.decision == "approve" else Status.REJECTED


class Reviewing(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How people work: what comes to them beside the doubtful, how soon, and what they are shown."""

    audit_approved: (
        Annotated[
            Probability,
            Meta(
                description="Share of automatic approvals that a person judges without knowing the answer. If this "
                "and the next are null: 0.01 and 0.05 for a site that began with audits, else none."
            ),
        ]
        | None
    ) = None
    audit_rejected: Annotated[Probability, Meta(description="The same of automatic rejections.")] | None = None
    audits_per_day: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=10_000,
                description="Most audits that come to people in a day (UTC); null: any number. As a day's audits run "
                "out, the shares fall, and estimates count with the smaller ones.",
            ),
        ]
        | None
    ) = None
    audit_overturns: Annotated[
        bool, Meta(description="A person who disagrees in an audit changes the decision; else it is escalated.")
    ] = True
    double_review: Annotated[
        Probability,
        Meta(
            description="Share of comments that take two people's agreement. Above 0, so do all rejections of the most "
            "urgent class. The site needs two moderators, and a third who settles."
        ),
    ] = 0.0
    reports_needed: Annotated[
        int, Meta(ge=1, le=1000, description="Distinct readers whose reports bring an approved comment back.")
    ] = 3
    reports_reopen_judged: Annotated[bool, Meta(description="Also what a person has approved.")] = False
    urgent_sections: Annotated[
        frozenset[str], Meta(max_length=64, description="Sections that many read: their comments are due in an hour.")
    ] = frozenset()
    heated_factor: Annotated[
        float,
        Meta(gt=0, lt=1, description="In heated articles people look from each first threshold times this on."),
    ] = 0.5
    show_scores: Annotated[
        bool,
        Meta(
            description="Show moderators what the model says before they decide. Every fifth comment is shown without, "
            "and so is every audit."
        ),
    ] = False
    expiry: Expiry | None = None

    @property
    def draws(self) -> bool:
        """Whether anything is left to chance."""
        return (self.audit_approved or 0) + (self.audit_rejected or 0) + self.double_review > 0

    @property
    def is_unasked(self) -> bool:
        """Whether the site never said whether it wants audits."""
        return self.audit_approved is None and self.audit_rejected is None

    def audited(self) -> "Reviewing":
        """With the shares of thresholds.md section 6 where the site names none, and a limit for a small team."""
        if not self.is_unasked:
            return self
        return msgspec.structs.replace(
            self,
            audit_approved=AUDIT_APPROVED,
            audit_rejected=AUDIT_REJECTED,
            audits_per_day=self.audits_per_day or AUDITS_PER_DAY,
        )
