"""What takes two people: one proposes a deed, another one approves it, and then exactly that is done. Values only."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from service.values.domain import A_CODE, WORDS, Id, Verdict
from service.values.review_settings import MAX_MACRO_NAME

# Comments of one bulk decision that one person makes alone at most (security.md, section 2), and that two people make.
MOST_ALONE, MOST_TOGETHER = 200, 1_000
# For how long a proposal can be approved, and what became of it can be read.
OPEN_FOR, KEPT_FOR = timedelta(hours=24), timedelta(hours=72)
# Proposals of a site that wait at the same time.
MOST_OPEN = 100
MAX_WHY = 500

ReasonCode = Annotated[str, Meta(max_length=64, pattern=r"^[a-z0-9_]*$(?!\n)", extra={WORDS: A_CODE})]


class TwoPeople(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one person proposes and another one approves."""

    bulk: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=MOST_ALONE,
                description="Decisions that one person makes at once; more take a second person. Null: 200 at once, "
                "and nobody makes more.",
            ),
        ]
        | None
    ) = None
    erasures: Annotated[bool, Meta(description="Erasing all of an author takes a second person.")] = False

    def is_too_many(self, count: int) -> bool:
        return self.bulk is not None and count > self.bulk


class EraseAuthor(Struct, frozen=True, tag="erase_author", tag_field="kind", forbid_unknown_fields=True):
    """Erase all comments and the status of an author."""

    author: Annotated[Id, Meta(description="The site's own id, or the one that comments show.")]


class Chosen(Struct, frozen=True, forbid_unknown_fields=True):
    """A waiting comment as it was seen. If it has changed since, it is not decided."""

    id: Id
    version: Annotated[int, Meta(ge=1)]


class DecideMany(Struct, frozen=True, tag="decide", tag_field="kind", forbid_unknown_fields=True, omit_defaults=True):
    """One decision on many waiting comments."""

    decision: Verdict
    comments: Annotated[tuple[Chosen, ...], Meta(min_length=1, max_length=MOST_TOGETHER)]
    reason: ReasonCode = ""
    labels: Annotated[dict[str, bool], Meta(max_length=64)] = {}
    note: Annotated[str, Meta(max_length=2000)] = ""
    macro: Annotated[
        str,
        Meta(
            max_length=MAX_MACRO_NAME,
            description="The site's macro that says so; the audit trail names it. The decision must be the macro's.",
        ),
    ] = ""


class PromoteModel(
    Struct, frozen=True, tag="promote_model", tag_field="kind", forbid_unknown_fields=True, omit_defaults=True
):
    """Put a model in use that does not pass the gate."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    why: Annotated[str, Meta(min_length=1, max_length=MAX_WHY, description="The reason; the audit trail says it.")]
    digest: Annotated[
        str, Meta(max_length=64, description="Of the model when it was proposed; the service fills it in.")
    ] = ""
    only_site: Annotated[
        bool, Meta(description="For the site of the proposal alone, as a model of its own; false: for all sites.")
    ] = False


Deed = EraseAuthor | DecideMany | PromoteModel


class ApprovalState(StrEnum):
    """`approved`: somebody approved it, and it is being done; if that was interrupted, approving it again goes on."""

    OPEN = "open"
    APPROVED = "approved"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"


class Approval(Struct, frozen=True, kw_only=True):
    """A proposal, and what became of it. It is kept for three days; the audit trail says it for ever."""

    id: str
    deed: Deed
    by: str
    at: datetime
    expires_at: datetime
    state: ApprovalState
    second: Annotated[str | None, Meta(description="Who approved or refused it.")] = None
    second_at: datetime | None = None
    outcome: Annotated[dict[str, int | str], Meta(description="What was done, in numbers.")] = {}


def kind_of(deed: Deed) -> str:
    return str(deed.__struct_config__.tag)
