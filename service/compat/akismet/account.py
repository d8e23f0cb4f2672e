"""verify-key, usage-limit and key-sites: whether a key is valid, and how it was used."""

import re
from typing import NamedTuple

import msgspec
from aiohttp import web

from service import app_keys as keys
from service.cases.usage import KeyUsage
from service.compat.akismet import answers
from service.compat.akismet.fields import Fields, blog_of, fields_of
from service.compat.akismet.key import key_of, verified, will_come_again
from service.values.access import Scope
from service.values.errors import BadRequest, Fault

# A key needs one of these scopes here.
SCOPES = (Scope.SCORE, Scope.COMMENTS)
MOST_SITES = 500
NOT_AGAIN = (
    "this client sends its key with checks in the host name only, and this host is not STEWARD_AKISMET_DOMAIN; "
    "docs/akismet.md says what to set"
)

# The orders of key-sites, and the figure for each.
_ORDERS = {
    "total": "api_calls",
    "spam": "spam",
    "ham": "ham",
    "missed_spam": "missed_spam",
    "false_positives": "false_positives",
}
_COLUMNS = ["Site", "Total API Calls", "Spam", "Ham", "Missed Spam", "False Positives", "Is Revoked"]
_MONTH = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])", re.ASCII)


async def verify_key(request: web.Request) -> web.Response:
    """Needs no model, and no Redis for a key that has been seen before."""
    fields = await fields_of(request)
    await verified(request, fields, *SCOPES)
    blog_of(fields, is_required=True)
    if not will_come_again(request):
        raise BadRequest(NOT_AGAIN)
    return answers.word("valid")


async def usage_limit(request: web.Request) -> web.Response:
    """The calls of the key in this month. There is no monthly limit; the rate limit is per second."""
    key = await key_of(request, await fields_of(request), *SCOPES)
    usage = request.app[keys.USAGE]
    used = sum(each.api_calls for each in (await usage.of(key, usage.month)).values())
    return answers.json({"limit": "none", "usage": used, "percentage": "0.00", "throttled": False})


async def key_sites(request: web.Request) -> web.Response:
    """The key's usage in a month, for each site that its calls named."""
    fields = await fields_of(request)
    key = await key_of(request, fields, *SCOPES)
    usage = request.app[keys.USAGE]
    wanted = _wanted(fields, usage.month)
    found = [(site, each) for site, each in (await usage.of(key, wanted.month)).items() if wanted.part in site]
    found.sort(key=lambda pair: (-getattr(pair[1], wanted.figure), pair[0]))
    shown = found[wanted.offset : wanted.offset + wanted.limit]
    if wanted.as_csv:
        return answers.table(wanted.said_of(len(found)), [_COLUMNS, *(_row(*pair) for pair in shown)])
    sites = [{"site": site, **msgspec.structs.asdict(each), "is_revoked": False} for site, each in shown]
    return answers.json({wanted.month: sites, "limit": wanted.limit, "offset": wanted.offset, "total": len(found)})


def _row(site: str, figures: KeyUsage) -> list[str]:
    return [site, *map(str, msgspec.structs.astuple(figures)), "false"]


class _Wanted(NamedTuple):
    month: str
    part: str
    figure: str
    limit: int
    offset: int
    as_csv: bool

    def said_of(self, total: int) -> str:
        return f"Active sites during {self.month} (limit: {self.limit}, offset: {self.offset}, total: {total})"


def _wanted(fields: Fields, this_month: str) -> _Wanted:
    month = fields.get("month") or this_month
    if not _MONTH.fullmatch(month):
        raise _wrong("month", "a year and a month, as 2026-11")
    order = fields.get("order") or "total"
    if order not in _ORDERS:
        raise _wrong("order", f"one of {', '.join(_ORDERS)}")
    form = fields.get("format") or "json"
    if form not in ("json", "csv"):
        raise _wrong("format", "json or csv")
    limit, offset = _number(fields, "limit", MOST_SITES, 1), _number(fields, "offset", 0, 0)
    part = fields.get("filter", "").lower()
    return _Wanted(month, part, _ORDERS[order], min(limit, MOST_SITES), offset, form == "csv")


def _number(fields: Fields, name: str, usual: int, least: int) -> int:
    said = fields.get(name) or str(usual)
    if not re.fullmatch(r"[0-9]{1,9}", said, re.ASCII) or int(said) < least:
        raise _wrong(name, f"a whole number from {least} on")
    return int(said)


def _wrong(name: str, wanted: str) -> BadRequest:
    return BadRequest(f"{name}: must be {wanted}", [Fault(f"/{name}", f"must be {wanted}")])
