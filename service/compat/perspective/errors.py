"""The error messages of Perspective and of Google's front end. Clients match on their wording.

BadRequest
├── PerspectiveError               one of Perspective's own errors
│   ├── InvalidRequest
│   ├── CommentEmpty
│   ├── CommentTooLong
│   ├── NoRequestedAttributes
│   ├── LanguageDetectionFailed
│   └── NotInLanguage     an attribute is not judged in the languages in effect
├── Malformed             the front end could not read the message
└── PayloadTooLarge
Unauthenticated
├── NoKey
└── BadKey
Forbidden
├── Blocked               the key is for something else
└── BlockedOrigin         the key is for pages of other origins
RateLimited
└── QuotaExceeded
NotFound
└── WrongMethod
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

from service.values.access import ApiKey
from service.values.errors import BadRequest, Forbidden, NotFound, RateLimited, ServiceError, TooLarge, Unauthenticated

SERVICE = "commentanalyzer.googleapis.com"
# Clients may put anything into a field name or an attribute; only this much of it is quoted.
MOST_SAID_BACK = 200
MOST_VIOLATIONS = 20
_TYPE = "type.googleapis.com"


@runtime_checkable
class Detailed(Protocol):
    def details(self, origin: str) -> list[dict[str, Any]]:
        """The entries of `error.details`. `origin`: the origin of this service."""


class PerspectiveError(BadRequest):
    code = "perspective_refused"
    error_type: ClassVar[str] = "INVALID_REQUEST"

    def details(self, _: str) -> list[dict[str, Any]]:
        kind = f"{_TYPE}/google.commentanalyzer.v1alpha1.Error"
        return [{"@type": kind, "errorType": self.error_type, **self.payload()}]

    def payload(self) -> dict[str, Any]:
        """The fields next to `errorType`."""
        return {}


class InvalidRequest(PerspectiveError):
    code = "perspective_invalid_request"


class CommentEmpty(PerspectiveError):
    code = "perspective_comment_empty"
    error_type = "COMMENT_EMPTY"

    def __init__(self) -> None:
        super().__init__("Comment must be non-empty.")


class CommentTooLong(PerspectiveError):
    code = "perspective_comment_too_long"
    error_type = "COMMENT_TOO_LONG"

    def __init__(self) -> None:
        super().__init__("Comment text too long.")


class NoRequestedAttributes(PerspectiveError):
    code = "perspective_no_attributes"
    error_type = "NO_REQUESTED_ATTRIBUTES"

    def __init__(self) -> None:
        super().__init__("Missing requested_attributes")


class LanguageDetectionFailed(PerspectiveError):
    code = "perspective_language_unknown"
    error_type = "LANGUAGE_DETECTION_FAILED"

    def __init__(self) -> None:
        super().__init__("Unable to detect language")


class NotInLanguage(PerspectiveError):
    """Names the attribute, so that a client can retry without it."""

    code = "perspective_language_not_supported"
    error_type = "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"

    def __init__(self, attribute: str, languages: Sequence[str], *, are_detected: bool) -> None:
        named, said = said_back(attribute), [said_back(language) for language in languages[:MOST_VIOLATIONS]]
        super().__init__(f"Attribute {named} does not support request languages: {', '.join(said)}")
        self._payload = {"detectedLanguages" if are_detected else "requestedLanguages": said, "attribute": named}

    def payload(self) -> dict[str, Any]:
        return {"languageNotSupportedByAttributeError": self._payload}


class Malformed(BadRequest):
    """`violations`: the path (by names in the .proto; empty for the whole) and the fault, in the order of the body."""

    code = "perspective_malformed"

    def __init__(self, violations: Sequence[tuple[str, str]]) -> None:
        self._violations = violations[:MOST_VIOLATIONS]
        super().__init__("\n".join(what for _, what in self._violations))

    def details(self, _: str) -> list[dict[str, Any]]:
        named = [
            {"field": where, "description": what} if where else {"description": what}
            for where, what in self._violations
        ]
        return [{"@type": f"{_TYPE}/google.rpc.BadRequest", "fieldViolations": named}]


class PayloadTooLarge(TooLarge):
    code = "perspective_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"Request payload size exceeds the limit: {limit} bytes.")


class NoKey(Unauthenticated):
    code = "perspective_no_key"

    def __str__(self) -> str:
        return (
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API."
        )


class BadKey(Unauthenticated):
    code = "perspective_bad_key"

    def __str__(self) -> str:
        return "API key not valid. Please pass a valid API key."

    def details(self, _: str) -> list[dict[str, Any]]:
        return [_info("API_KEY_INVALID", {"service": SERVICE})]


class Blocked(Forbidden):
    code = "perspective_blocked"

    def __init__(self, method: str) -> None:
        super().__init__()
        self._method = f"google.commentanalyzer.v1alpha1.CommentAnalyzerService.{method}"

    def __str__(self) -> str:
        return f"Requests to this API {SERVICE} method {self._method} are blocked."

    def details(self, _: str) -> list[dict[str, Any]]:
        return [_info("API_KEY_SERVICE_BLOCKED", {"service": SERVICE})]


class BlockedOrigin(Forbidden):
    code = "perspective_blocked_origin"

    def __init__(self, origin: str) -> None:
        super().__init__(f"Requests from referer {said_back(origin) or '<empty>'} are blocked.")

    def details(self, _: str) -> list[dict[str, Any]]:
        return [_info("API_KEY_HTTP_REFERRER_BLOCKED", {"service": SERVICE})]


# For each method: the unit, the limit and the metric of its quota. The second one is ours, in the same style.
_QUOTAS = {
    "AnalyzeComment": ("Analysis requests", "AnalyzeRequestsPerMinutePerProject", "analyze_requests"),
    "SuggestCommentScore": ("Suggestion requests", "SuggestScoreRequestsPerMinutePerProject", "suggest_score_requests"),
}


class QuotaExceeded(RateLimited):
    """`per_minute`: the key's limit."""

    code = "perspective_quota"

    def __init__(self, key: ApiKey, per_minute: float, method: str, retry_after_s: int) -> None:
        # The id of a key is not secret; Google's answer has a project number here.
        self._consumer = f"project_number:{int(key.id, 36)}"
        self._per_minute = per_minute
        noun, self._limit, self._metric = _QUOTAS[method]
        named = f"{noun} ({method})"
        super().__init__(
            f"Quota exceeded for quota metric '{named}' and limit '{named} per minute' "
            f"of service '{SERVICE}' for consumer '{self._consumer}'.",
            retry_after_s,
        )

    def details(self, origin: str) -> list[dict[str, Any]]:
        metadata = {
            "quota_limit_value": f"{self._per_minute:g}",
            "quota_limit": self._limit,
            "consumer": self._consumer,
            "service": SERVICE,
            "quota_location": "global",
            "quota_metric": f"CommentAnalyzerService/{self._metric}",
        }
        link = {"description": "Whoever runs this service sets the rate of a key.", "url": f"{origin}/docs"}
        return [_info("RATE_LIMIT_EXCEEDED", metadata), {"@type": f"{_TYPE}/google.rpc.Help", "links": [link]}]


class WrongMethod(NotFound):
    """The HTTP method is not allowed. `allowed`: the value of the Allow header."""

    code = "perspective_wrong_method"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"The HTTP method is not one of {allowed}.")
        self.allowed = allowed


def details(error: ServiceError | None, origin: str) -> list[dict[str, Any]]:
    return error.details(origin) if isinstance(error, Detailed) else []


def said_back(text: str) -> str:
    return text if len(text) <= MOST_SAID_BACK else f"{text[:MOST_SAID_BACK]}…"


def _info(reason: str, metadata: dict[str, str]) -> dict[str, Any]:
    kind = f"{_TYPE}/google.rpc.ErrorInfo"
    return {"@type": kind, "reason": reason, "domain": "googleapis.com", "metadata": metadata}
