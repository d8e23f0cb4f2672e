"""Akismet's routes: at the root, and under /k/<key> for clients that cannot send a key otherwise."""

from aiohttp import web

from service.compat.akismet import account, comments, subscription
from service.compat.akismet.answers import render
from service.http.handling import Handler, speaking

_POSTED: dict[str, Handler] = {
    "/1.1/verify-key": account.verify_key,
    "/1.1/comment-check": comments.check,
    "/1.1/submit-spam": comments.submit_spam,
    "/1.1/submit-ham": comments.submit_ham,
    "/1.1/get-subscription": subscription.get_subscription,
    "/1.1/get-stats": subscription.get_stats,
    "/1.1/token": subscription.token,
    "/1.1/deactivate": subscription.deactivate,
}
_ASKED: dict[str, Handler] = {
    "/1.1/test": subscription.test,
    "/1.1/usage-limit": account.usage_limit,
    "/1.1/key-sites": account.key_sites,
    "/1.2/usage-limit": account.usage_limit,
    "/1.2/key-sites": account.key_sites,
}


def _handled(path: str, handle: Handler) -> Handler:
    return speaking(render, "akismet_" + path.rpartition("/")[2].replace("-", "_"), handle)


def _routes(prefix: str) -> list[web.AbstractRouteDef]:
    """`prefix`: a base URL with a trailing slash results in two slashes."""
    both = _POSTED | _ASKED
    return [
        *(web.post(prefix + path, _handled(path, handle)) for path, handle in both.items()),
        *(web.get(prefix + path, _handled(path, handle), allow_head=False) for path, handle in _ASKED.items()),
    ]


_DOUBLED = "/{slashes:/*}"
ROUTES = tuple(route for prefix in ("", "/k/{key:[^/]+}") for end in ("", _DOUBLED) for route in _routes(prefix + end))
