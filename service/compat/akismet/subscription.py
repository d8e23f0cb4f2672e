"""What WordPress's plugin asks about its key: get-subscription, get-stats, token, deactivate; and test."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from aiohttp import web

from service import app_keys as keys
from service.cases.usage import KeyUsage
from service.compat.akismet import answers
from service.compat.akismet.account import SCOPES
from service.compat.akismet.fields import blog_of, fields_of
from service.compat.akismet.key import key_of, verified
from service.values.access import ApiKey

# The months that each value of `from` covers, this one included; counts are kept for thirteen.
MONTHS = {"60-days": 3, "6-months": 6, "all": 13}
CERTAIN = 100.0


async def test(_: web.Request) -> web.Response:
    """Whether the service can be reached; without it the plugin says that it cannot. Needs no key."""
    return answers.word("connected")


async def get_subscription(request: web.Request) -> web.Response:
    """The plugin stores a key only with an active subscription. Steward has none that could end, so each key has it."""
    fields = await fields_of(request)
    key = await verified(request, fields, *SCOPES)
    blog_of(fields, is_required=True)
    return answers.json(
        {
            "account_id": 0,
            "account_name": key.name,
            "account_type": "steward",
            "status": "active",
            "next_billing_date": None,
            "limit_reached": False,
        }
    )


async def get_stats(request: web.Request) -> web.Response:
    """The key's usage by month. `time_saved` is 0: nobody measured it."""
    fields = await fields_of(request)
    key = await key_of(request, fields, *SCOPES)
    count = MONTHS.get(fields.get("from", ""), MONTHS["all"])
    months = {month: await _used(request, key, month) for month in _last_months(request, count)}
    figures = _stats(months.values())
    breakdown = {f"{month}-01": _stats([used]) | {"da": f"{month}-01"} for month, used in months.items()}
    return answers.json(figures | {"time_saved": 0, "breakdown": breakdown})


async def token(request: web.Request) -> web.Response:
    """A text that the plugin may show to Akismet's own pages in place of the key. It opens nothing."""
    key = await verified(request, await fields_of(request), *SCOPES)
    return answers.word(request.app[keys.DIRECTORY].pseudonym(key.site, f"akismet token\n{key.id}")[:32])


async def deactivate(request: web.Request) -> web.Response:
    """The plugin was switched off. The key stays valid, because it may be in use elsewhere; the console revokes it."""
    await verified(request, await fields_of(request), *SCOPES)
    return answers.word("deactivated")


async def _used(request: web.Request, key: ApiKey, month: str) -> KeyUsage:
    found = (await request.app[keys.USAGE].of(key, month)).values()
    return KeyUsage(*(sum(getattr(each, name) for each in found) for name in KeyUsage.__struct_fields__))


def _last_months(request: web.Request, count: int) -> Iterator[str]:
    """As YYYY-MM, the oldest first."""
    now = datetime.strptime(request.app[keys.USAGE].month, "%Y-%m").replace(tzinfo=UTC)
    last = now.year * 12 + now.month - 1
    for number in range(last - count + 1, last + 1):
        yield f"{number // 12:04}-{number % 12 + 1:02}"


def _stats(used: Iterable[KeyUsage]) -> dict[str, int | float]:
    months = list(used)
    total = {
        name: sum(getattr(each, name) for each in months) for name in ("spam", "ham", "missed_spam", "false_positives")
    }
    checked, wrong = total["spam"] + total["ham"], total["missed_spam"] + total["false_positives"]
    return total | {"accuracy": max(0.0, round(CERTAIN * (1 - wrong / checked), 2)) if checked else CERTAIN}
