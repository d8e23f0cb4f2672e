"""Client of Steward, a self-hosted moderation service for comments."""

from comment_steward_client.asynchronous import AsyncSteward
from comment_steward_client.errors import (
    BadSignature,
    Conflict,
    NotAllowed,
    NotFound,
    RateLimited,
    Refused,
    StewardError,
    Unavailable,
    Unreachable,
)
from comment_steward_client.retrying import Retry
from comment_steward_client.synchronous import Steward
from comment_steward_client.values import (
    Article,
    Author,
    Comment,
    Event,
    Fault,
    Judged,
    Page,
    Parent,
    Problem,
    Reason,
    Scored,
    Sender,
    Span,
)
from comment_steward_client.webhooks import verify

__all__ = [
    "Article",
    "AsyncSteward",
    "Author",
    "BadSignature",
    "Comment",
    "Conflict",
    "Event",
    "Fault",
    "Judged",
    "NotAllowed",
    "NotFound",
    "Page",
    "Parent",
    "Problem",
    "RateLimited",
    "Reason",
    "Refused",
    "Retry",
    "Scored",
    "Sender",
    "Span",
    "Steward",
    "StewardError",
    "Unavailable",
    "Unreachable",
    "verify",
]
