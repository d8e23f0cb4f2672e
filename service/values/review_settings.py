"""A site's settings for the people who review its comments, as a part of its policy."""

from typing import Annotated

from msgspec import Meta, Struct

from service.values.domain import WORDS, Probability, Status


class Expiry(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a comment that nobody looked at in time."""

    after_s: Annotated[int, Meta(ge=60, le=90 * 86_400, description="Seconds in the queue.")]
    decision: Annotated[str, Meta(pattern=r"^(approve|reject)$(?!\n)", extra={WORDS: "must be approve or reject"})]

    @property
    def status(self) -> Status:
        return Status.APPROVED if self.decision == "approve" else Status.REJECTED


class Reviewing(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How people work: what comes to them beside the doubtful, how soon, and what they are shown."""

    audit_approved: Annotated[
        Probability, Meta(description="Share of automatic approvals that a person judges without knowing the answer.")
    ] = 0.0
    audit_rejected: Annotated[Probability, Meta(description="The same of automatic rejections.")] = 0.0
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
        return self.audit_approved + self.audit_rejected + self.double_review > 0
