"""Browser security: headers, origin checks, CSRF tokens (security.md, section 2)."""

import base64
import hmac

from aiohttp import web

from service.console.texts import N_
from service.http.origin import own_origin
from service.values.errors import Forged

PREFIX = "/console"
DEMO = "/demo"
REPORTS = f"{PREFIX}/csp-reports"

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    f"require-trusted-types-for 'script'; report-uri {REPORTS}"
)
_FEATURES = (
    *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation"),
    *("gyroscope", "hid", "magnetometer", "microphone", "midi", "payment", "picture-in-picture"),
    *("publickey-credentials-get", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
    "X-Frame-Options": "DENY",
}
HSTS = "max-age=31536000"

SAFE = frozenset({"GET", "HEAD"})
TOKEN_HEADER, TOKEN_FIELD = "X-CSRF-Token", "csrf"


async def protect(request: web.Request, response: web.StreamResponse) -> None:
    """Set the headers of every answer below /console and /demo, including errors and streams."""
    if not request.path.startswith((PREFIX, DEMO)):
        return
    for name, value in HEADERS.items():
        response.headers[name] = value
    if own_origin(request).startswith("https:"):
        response.headers["Strict-Transport-Security"] = HSTS


def check_origin(request: web.Request) -> None:
    """Raises Forged for a request from another site's page.

    Every current browser sends the origin of a request; a request without it does not come from a moderator's browser.
    With `Referrer-Policy: no-referrer` our own forms send `Origin: null`, so that value alone proves nothing.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin", "")
    if site is not None and site not in ("same-origin", "none"):
        raise Forged("the request comes from another site's page")
    if origin not in ("", "null") and origin != own_origin(request):
        raise Forged("the request comes from another address; behind a proxy, STEWARD_PUBLIC_URL must be set")
    if site is None and origin in ("", "null"):
        raise Forged("the request does not say where it comes from")


def token_of(secret: str) -> str:
    """The CSRF token of a session. Derived from the session's secret, which it does not reveal."""
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), b"csrf", "sha256")).decode().rstrip("=")


def check_token(secret: str, token: str) -> None:
    """Raises Forged."""
    if not hmac.compare_digest(token_of(secret).encode(), token.encode(errors="replace")):
        raise Forged(N_("The page is too old, or not ours; load it again."))
