"""A site's settings for the people who review its comments, as a part of its policy."""

from collections.abc import Collection, Iterator
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from service.values.domain import A_CODE, ONE_LINE, ONE_LINE_WORDS, WORDS, LanguageCode, Probability, Status, Verdict

# Keys of `due_s` beside the attributes: what is none of them, and what many see or somebody asked for.
OTHER, SOON = "other", "soon"
MAX_REASONS, MAX_MACROS, MAX_MACRO_NAME = 30, 20, 60
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9_]+$(?!\n)", extra={WORDS: A_CODE})]
Title = Annotated[
    str,
    Meta(max_length=100, pattern=ONE_LINE, extra={WORDS: ONE_LINE_WORDS}),
]

# The audits of a new site (thresholds.md section 6), and about a quarter of an hour's work a day at most.
AUDIT_APPROVED, AUDIT_REJECTED, AUDITS_PER_DAY = 0.01, 0.05, 50


class Expiry(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a comment that nobody looked at in time."""

    after_s: Annotated[int, Meta(ge=60, le=90 * 86_400, description="Seconds in the queue.")]
    decision: Annotated[str, Meta(pattern=r"^(approve|reject)$(?!\n)", extra={WORDS: "must be approve or reject"})]

    @property
    def status(self) -> Status:
        return Status.APPROVED if self.decision == "approve" else Status.REJECTED


class SiteReason(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A reason for a rejection. `key`: what the site is told, and labels and the audit trail hold."""

    key: Code
    titles: Annotated[dict[LanguageCode, Title], Meta(min_length=1, max_length=64, description="By ISO 639-1 code.")]
    label: Annotated[
        Code | None, Meta(description="The attribute that a comment rejected in the console for this reason has.")
    ] = None

    def title(self, language: str) -> str:
        """In this language, else in English, else in the first one."""
        return self.titles.get(language) or self.titles.get("en") or next(iter(self.titles.values()))


class Macro(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A decision that moderators apply by name: what is decided, and all that is said with it."""

    name: Annotated[
        str,
        Meta(
            max_length=MAX_MACRO_NAME,
            pattern=ONE_LINE,
            description="What menus, messages and the audit trail call it.",
            extra={WORDS: ONE_LINE_WORDS},
        ),
    ]
    decision: Verdict
    reason: Annotated[Code | None, Meta(description="Of a rejection; one of the site's own if it has any.")] = None
    note: (
        Annotated[
            str,
            Meta(
                max_length=500,
                pattern=ONE_LINE,
                description="Kept with the decision; supervisors see it with an escalation.",
                extra={WORDS: ONE_LINE_WORDS},
            ),
        ]
        | None
    ) = None
    labels: Annotated[
        dict[Code, bool],
        Meta(max_length=16, description="What the text is, by attribute, beside what the reason says of it."),
    ] = {}


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
    audit_differing: (
        Annotated[
            Probability,
            Meta(
                description="Share of the automatic decisions that a model in shadow would have made otherwise, which "
                "a person judges without knowing the answer; null: none."
            ),
        ]
        | None
    ) = None
    differing_per_day: Annotated[
        int, Meta(ge=1, le=10_000, description="Most of them in a day (UTC), as with `audits_per_day`.")
    ] = 20
    learning_share: (
        Annotated[
            Probability,
            Meta(
                description="Share of the automatic decisions from which a model learns most that a person judges "
                "without knowing the answer; of others down to a fifth of it. null: none."
            ),
        ]
        | None
    ) = None
    learning_per_day: Annotated[
        int, Meta(ge=1, le=10_000, description="Most of them in a day (UTC), as with `audits_per_day`.")
    ] = 20
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
    reports_discount: Annotated[
        bool,
        Meta(description="A reader of whom at least five reports were judged, most of them dismissed, counts half."),
    ] = False
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
    reasons: Annotated[
        tuple[SiteReason, ...],
        Meta(
            max_length=MAX_REASONS,
            description="For which moderators reject, in this order; others are refused. Empty: the console offers its "
            "own, and the API takes any.",
        ),
    ] = ()
    reason_required: Annotated[bool, Meta(description="A rejection needs a reason.")] = False
    macros: Annotated[
        tuple[Macro, ...],
        Meta(max_length=MAX_MACROS, description="Decisions that moderators apply by name, in this order."),
    ] = ()
    due_s: Annotated[
        dict[Code, Annotated[int, Meta(ge=60, le=30 * 86_400)]],
        Meta(
            max_length=64,
            description="Seconds until a person should have looked: by attribute, `other`, and `soon` for reports, "
            "appeals, reopened comments and urgent sections. What is left out is due as by default.",
        ),
    ] = {}

    @property
    def draws(self) -> bool:
        """Whether anything is left to chance."""
        shares = (self.audit_approved, self.audit_rejected, self.double_review, self.learning_share)
        return any(shares)

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

    def macro(self, name: str) -> Macro | None:
        return next((each for each in self.macros if each.name == name), None)

    def reason_fault(self, reason: str) -> str | None:
        """Why nobody can reject for this reason ('': none)."""
        if not reason:
            return "required" if self.reason_required else None
        keys = [each.key for each in self.reasons]
        return f"not one of the site's reasons: {', '.join(keys)}" if keys and reason not in keys else None


def review_faults(review: Reviewing, attributes: Collection[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Settings of the right type that are impossible: the path in `Reviewing`, and why. `attributes`: of the model."""
    seen: set[str] = set()
    for number, each in enumerate(review.reasons):
        if each.key in seen:
            yield ("reasons", str(number), "key"), "another reason has this key"
        if each.label is not None and each.label not in attributes:
            yield ("reasons", str(number), "label"), "not an attribute of this model"
        seen.add(each.key)
    for name in review.due_s:
        if name not in {*attributes, OTHER, SOON}:
            yield ("due_s", name), f"neither an attribute of this model, nor {OTHER} or {SOON}"
    yield from _macro_faults(review, attributes)


def _macro_faults(review: Reviewing, attributes: Collection[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    seen: set[str] = set()
    for number, each in enumerate(review.macros):
        at = ("macros", str(number))
        if each.name.casefold() in seen:
            yield (*at, "name"), "another macro has this name"
        seen.add(each.name.casefold())
        if each.decision is Verdict.REJECT:
            fault = review.reason_fault(each.reason or "")
        else:
            fault = None if each.reason is None else "only a rejection has a reason"
        if fault is not None:
            yield (*at, "reason"), fault
        if each.decision is Verdict.ESCALATE and each.labels:
            yield (*at, "labels"), "an escalation labels nothing"
        for name in each.labels:
            if name not in attributes:
                yield (*at, "labels", name), "not an attribute of this model"
