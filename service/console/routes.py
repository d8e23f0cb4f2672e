"""The table of the console's pages, and the handling that all of them share."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from service import app_keys as keys
from service import metrics
from service.console import (
    account,
    api_keys,
    appeals,
    approvals,
    articles,
    assigning,
    author,
    comment,
    comparison,
    dashboard,
    decided,
    decisions,
    entry,
    first_steps,
    home,
    lists,
    live,
    mentions,
    models,
    moderators,
    notes,
    notice,
    oidc,
    policy,
    promises,
    queue,
    reader,
    rule_editing,
    rules,
    saved,
    scores,
    search,
    second_factor,
    statement,
    stuck,
    threads,
    webhooks,
)
from service.console.assets import Assets
from service.console.protection import PREFIX, REPORTS, SAFE, TOKEN_FIELD, TOKEN_HEADER, check_origin, check_token
from service.console.refusals import refusal
from service.console.rendering import Renderer
from service.console.texts import N_, negotiated
from service.console.visit import CONSOLE, COOKIE, FORM, JSON, VISIT, Console, Page, Visit, form_of
from service.http import bodies, problems
from service.http.admission import take_as_stranger
from service.http.handling import Handler, speaking
from service.http.headers import cookie
from service.settings import Settings
from service.values.accounts import Session
from service.values.errors import Conflict, Forbidden, NotFound, Retryable, ServiceError, Unauthenticated
from service.webhooks.sealing import Sealer

if TYPE_CHECKING:  # slow to import
    from service.console.provider import Provider

log = logging.getLogger(__name__)

# The rows of all modules; add new ones here.
PAGES: tuple[Page, ...] = (
    *home.PAGES,
    *entry.PAGES,
    *first_steps.PAGES,
    *oidc.PAGES,
    *account.PAGES,
    *second_factor.PAGES,
    *assigning.PAGES,
    *saved.PAGES,
    *queue.PAGES,
    *threads.PAGES,
    *decisions.PAGES,
    *decided.PAGES,
    *live.PAGES,
    *scores.PAGES,
    *appeals.PAGES,
    *stuck.PAGES,
    *dashboard.PAGES,
    *comment.PAGES,
    *notes.PAGES,
    *mentions.PAGES,
    *statement.PAGES,
    *reader.PAGES,
    *notice.PAGES,
    *search.PAGES,
    *articles.PAGES,
    *author.PAGES,
    *policy.PAGES,
    *promises.PAGES,
    *approvals.PAGES,
    *rules.PAGES,
    *rule_editing.PAGES,
    *lists.PAGES,
    *models.PAGES,
    *comparison.PAGES,
    *webhooks.PAGES,
    *api_keys.PAGES,
    *moderators.PAGES,
)

Resource = Callable[[web.Application], AsyncIterator[None]]
ENROL = "/account/second-factor"


def open_console(pages: Sequence[Page] = PAGES) -> Resource:
    """The resources that the pages share."""

    async def console(app: web.Application) -> AsyncIterator[None]:
        settings, assets = app[keys.SETTINGS], Assets()
        app[CONSOLE] = Console(
            settings=settings,
            store=app[keys.STORE],
            assets=assets,
            renderer=await asyncio.to_thread(Renderer, assets),
            sealer=Sealer.open(settings.secret_file),
            provider=_provider(settings),
            pages=pages,
        )
        yield

    return console


def _provider(settings: Settings) -> "Provider | None":
    """The OpenID provider, if one is set. Raises SettingsError."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    from service.console.provider import Provider  # noqa: PLC0415 - slow to import, and most services have none

    return Provider(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret_file)


def routes(pages: Sequence[Page] = PAGES) -> list[web.RouteDef]:
    return [
        web.get(f"{PREFIX}/static/{{version}}/{{name}}", _static),
        web.post(REPORTS, _take_report),
        *(web.route(page.method, PREFIX + _pattern(page.path), _handler(page)) for page in pages),
        web.route("*", PREFIX + "{rest:(/.*)?}", _handler(_NOWHERE)),
    ]


def _pattern(path: str) -> str:
    """A parameter matches any one segment. aiohttp's default pattern excludes braces, which ids may contain."""
    return path.replace("}", ":[^/]+}")


def _handler(page: Page) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        texts = await request.app[CONSOLE].renderer.texts(negotiated(request.headers.get("Accept-Language", "")))
        visit = request[VISIT] = Visit(request, request.app[CONSOLE], page, texts)
        await _recognize(visit)
        if visit.visitor is None:
            take_as_stranger(request)
        elif request.app[keys.MODELS].is_waiting(visit.site):
            await request.app[keys.MODELS].ready(visit.site)
        _check_role(visit)
        if request.method not in SAFE:
            await _take_change(visit)
        if visit.visitor is not None and not page.is_background and not visit.is_for_script:
            visit.mentions = await request.app[keys.NOTES].count_mentions(visit.site, visit.account.name)
        return _with_cookie(visit, await page.view(visit))

    return speaking(_refused, f"console_{page.view.__name__}", handle)


async def _recognize(visit: Visit) -> None:
    """Find the session by its cookie. If the role has changed, renew the session's secret."""
    secret = cookie(visit.request, COOKIE)
    accounts = visit.console.store.accounts
    if not secret:
        return
    found = await accounts.visitor(secret, visit.now, is_active=not visit.page.is_background)
    if found is None:
        return
    role = found.account.roles.get(found.session.site)
    if role is None:  # no longer a moderator of this site
        await accounts.end_session(found.account.name, entry.session_id(secret))
        return
    visit.visitor, visit.secret = found, secret
    visit.texts = await visit.console.renderer.texts(found.preferences.language or visit.texts.language)
    if role is not found.session.role and not visit.page.is_background:
        await renew(visit, msgspec.structs.replace(found.session, role=role))


async def renew(visit: Visit, session: Session) -> None:
    """Continue as `session` with a new secret."""
    await entry.begin(visit, visit.account, session)


def _check_role(visit: Visit) -> None:
    page = visit.page
    if page.roles is None:
        return
    if visit.known.session.is_enrolling and not page.while_enrolling:
        raise web.HTTPSeeOther(PREFIX + ENROL)
    if visit.role not in page.roles:
        raise Forbidden


async def _take_change(visit: Visit) -> None:
    """Read the body after checking that one of our own pages sent it. Raises Forged and BadRequest."""
    request = visit.request
    check_origin(request)
    kind = JSON if request.content_type == JSON else FORM
    visit.raw = await bodies.read(request, kind, visit.page.limit)
    visit.form = form_of(visit.raw) if kind == FORM else {}
    if visit.page.roles is not None:  # there is no token before signing in
        check_token(visit.secret, request.headers.get(TOKEN_HEADER) or visit.field(TOKEN_FIELD))


def _with_cookie(visit: Visit, response: web.StreamResponse) -> web.StreamResponse:
    if visit.fresh_cookie is None or response.prepared:
        return response
    if visit.fresh_cookie:
        response.set_cookie(COOKIE, visit.fresh_cookie, path="/", secure=True, httponly=True, samesite="Strict")
    else:
        response.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
    return response


def _refused(request: web.Request, error: ServiceError | None) -> web.StreamResponse:
    visit = request.get(VISIT)
    if visit is None:
        return problems.response_of(error or ServiceError("the error is ours"))
    return _with_cookie(visit, _refusal(visit, error))


# The reasons of conflicts in which somebody else changed the same thing first.
_RACES = frozenset(
    {
        "account_changed", "already_decided", "already_undone", "lease_lost", "list_changed", "model_changed",
        "policy_changed", "status_changed", "superseded",
    }
)  # fmt: skip


def _refusal(visit: Visit, error: ServiceError | None) -> web.StreamResponse:
    """Render an error as a page, or as a problem document for scripts."""
    if visit.wants_json:
        return problems.response_of(error) if error else web.json_response({"code": "internal"}, status=500)
    if isinstance(error, Unauthenticated) and visit.request.method in SAFE:
        return _to_sign_in(visit)
    status = problems.STATUS[type(error)] if error else 500
    is_race = isinstance(error, Conflict) and error.reason in _RACES
    said = refusal(visit.texts, error, status)
    response = visit.show("error.html", status, code=status, said=said, is_race=is_race)
    if isinstance(error, Retryable):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _to_sign_in(visit: Visit) -> web.StreamResponse:
    """Browsers send no strict cookie for links from other sites, so first load the page again from our own."""
    where = visit.request.path_qs
    if visit.request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return visit.show("again.html", where=where)
    return visit.go("/sign-in", next=where)


async def _nowhere(_: Visit) -> web.StreamResponse:
    raise NotFound(N_("There is no such page."))


_NOWHERE = Page(path="", view=_nowhere, roles=None)


async def _static(request: web.Request) -> web.StreamResponse:
    return request.app[CONSOLE].assets.answer(request)


async def _take_report(request: web.Request) -> web.StreamResponse:
    """Count reports of content security policy violations. Not logged, because they may quote readers."""
    if (request.content_length or 0) <= bodies.MAX_BODY_BYTES:
        metrics.CSP_REPORTS.inc()
    return web.Response(status=204)
