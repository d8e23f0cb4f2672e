"""One request to the console: the visitor, the page, and the ways to answer."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlencode

import msgspec
from aiohttp import web
from markupsafe import Markup

from service import app_keys as keys
from service.cases.reviewing import Moderator, ReviewWorkflow
from service.console.assets import Assets
from service.console.keymap import PAGES, chosen
from service.console.protection import PREFIX, TOKEN_FIELD, token_of
from service.console.reasons import Reasons, reasons_of
from service.console.rendering import Renderer
from service.console.texts import Texts
from service.http import bodies
from service.settings import Settings
from service.store import Store
from service.store.accounts import Visitor
from service.values.accounts import Account, Preferences, Role
from service.values.errors import BadRequest, Conflict, Fault, NotFound, Unauthenticated
from service.webhooks.sealing import Sealer

if TYPE_CHECKING:  # slow to import
    from service.console.provider import Provider

Shape = TypeVar("Shape")

COOKIE = "__Host-cm_session"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MOST_FIELDS = 1_000

# Sets of roles for pages. Auditors see everything and change nothing.
EVERYBODY = frozenset(Role)
DECIDERS = frozenset({Role.MODERATOR, Role.SUPERVISOR, Role.ADMIN})
SUPERVISORS = frozenset({Role.SUPERVISOR, Role.ADMIN})
OVERSEERS = SUPERVISORS | {Role.AUDITOR}
ADMINS = frozenset({Role.ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Nav:
    """An entry of the navigation: its title (marked with N_) and its position."""

    title: str
    order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A row of the console's table of pages; `path` follows /console.

    `roles`: who may come, None: also who has not signed in. `is_background`: scripts ask it by themselves, so that it
    keeps no session alive. `while_enrolling`: also for who must first set up a second factor. `within`: the path of the
    page whose link stands out on this one.
    """

    path: str
    view: "View"
    method: str = "GET"
    roles: frozenset[Role] | None = EVERYBODY
    nav: Nav | None = None
    within: str = ""
    is_background: bool = False
    while_enrolling: bool = False
    limit: int = bodies.MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class Console:
    """The resources that all pages share."""

    settings: Settings
    store: Store
    assets: Assets
    renderer: Renderer
    sealer: Sealer
    provider: "Provider | None"
    pages: Sequence[Page]


@dataclass(slots=True)
class Visit:
    """`visitor` is None before signing in. The page's roles have been checked.

    `raw` and `form` are the body of a change, after checking its origin and token. `mentions`: how many notes name the
    visitor.
    """

    request: web.Request
    console: Console
    page: Page
    texts: Texts
    visitor: Visitor | None = None
    secret: str = ""
    raw: bytes = b""
    form: Mapping[str, list[str]] = field(default_factory=dict)
    fresh_cookie: str | None = None
    mentions: int = 0

    @property
    def known(self) -> Visitor:
        """Raises Unauthenticated."""
        if self.visitor is None:
            raise Unauthenticated
        return self.visitor

    @property
    def account(self) -> Account:
        return self.known.account

    @property
    def preferences(self) -> Preferences:
        return self.visitor.preferences if self.visitor else Preferences()

    @property
    def role(self) -> Role:
        return self.account.roles[self.known.session.site]

    @property
    def site(self) -> str:
        return self.known.session.site

    @property
    def operates(self) -> bool:
        """Whether the visitor may change what all sites share: an administrator of every site with keys or moderators.

        A site without either, for instance a mistyped name, does not count.
        """
        sites = {self.site, *self.request.app[keys.DIRECTORY].staffed}
        return all(self.account.roles.get(site) is Role.ADMIN for site in sites)

    @property
    def moderator(self) -> Moderator:
        return Moderator(
            self.site,
            self.account.name,
            may_overrule=self.role in SUPERVISORS,
            by_version=self.role in DECIDERS,
            role=self.role,
        )

    @property
    def reviewing(self) -> ReviewWorkflow:
        return self.request.app[keys.REVIEWING]

    @property
    def reasons(self) -> Reasons:
        """For which the site rejects, in the visitor's language."""
        return reasons_of(self.request.app[keys.DIRECTORY].for_people(self.site).review, self.texts.language)

    @property
    def token(self) -> str:
        return token_of(self.secret) if self.visitor else ""

    @property
    def wants_json(self) -> bool:
        return JSON in self.request.headers.get("Accept", "")

    @property
    def is_for_script(self) -> bool:
        """Whether one of our scripts asked: for JSON, or for a part of a page."""
        return self.wants_json or "fragment" in self.form

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def still(self) -> None:
        """For long requests: raises Unauthenticated if the session has ended, NotFound if the client has gone."""
        if self.request.transport is None:  # lease nothing for a page that was closed
            raise NotFound("whoever asked has gone")
        if await self.console.store.accounts.visitor(self.secret, self.now, is_active=False) is None:
            raise Unauthenticated

    def field(self, name: str, default: str = "") -> str:
        """The first value of a field of the form."""
        return self.form.get(name, [default])[0]

    def body(self, kind: type[Shape]) -> Shape:
        """The JSON body as `kind`. Raises BadRequest, which names the fault."""
        return bodies.shaped(self.raw, kind)

    def query(self, kind: type[Shape]) -> Shape:
        """The query string as `kind`. Raises BadRequest."""
        return bodies.parameters(self.request, kind)

    def show(self, template: str, status: int = 200, **values: Any) -> web.Response:  # noqa: ANN401 - the template's own
        """Render a page in the visitor's language."""
        return web.Response(text=self.rendered(template, **values), status=status, content_type="text/html")

    def rendered(self, template: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template takes
        return self.console.renderer.render(
            self.texts,
            template,
            visit=self,
            nav=self.nav(),
            csrf=self._csrf_field,
            go_key=chosen(self.preferences.keys)["go"],
            go_keys={key: PREFIX + path for key, path in PAGES.items()},
            **values,
        )

    def _csrf_field(self) -> Markup:
        return Markup('<input type="hidden" name="{}" value="{}">').format(TOKEN_FIELD, self.token)

    def nav(self) -> list[Page]:
        if self.visitor is None or self.visitor.session.is_enrolling:
            return []
        role = self.role
        entries = [page for page in self.console.pages if page.nav and (page.roles is None or role in page.roles)]
        return sorted(entries, key=lambda page: page.nav.order if page.nav else 0)

    def answer(self, value: Any, status: int = 200) -> web.Response:  # noqa: ANN401 - any struct
        """JSON for our own scripts."""
        return web.Response(body=msgspec.json.encode(value), status=status, content_type=JSON)

    def go(self, path: str, **query: str) -> web.Response:
        """Redirect to another page after a change, so that a reload does not repeat the change."""
        where = PREFIX + path + (f"?{urlencode(query)}" if query else "")
        return web.Response(status=303, headers={"Location": where})


@contextlib.contextmanager
def in_words(visit: Visit, refused: Mapping[str, str], bad: str = "") -> Iterator[None]:
    """Say the conflicts of these reasons, and a bad request if `bad` is given, in messages of the console.

    For pages without scripts; scripts have words of their own for the codes.
    """
    try:
        yield
    except Conflict as error:
        if visit.wants_json or error.reason not in refused:
            raise
        raise Conflict(error.reason, refused[error.reason], error.current) from error
    except BadRequest as error:
        if visit.wants_json or not bad:
            raise
        raise BadRequest(bad, error.faults) from error


def whole(text: str, name: str = "version") -> int:
    """A version as forms send it. Raises BadRequest, which names the field."""
    if not (text.isascii() and text.isdigit() and len(text) < 16):  # noqa: PLR2004 - 2^53
        raise BadRequest(f"{name}: not a number", [Fault(f"/{name}", "not a number")])
    return int(text)


View = Callable[[Visit], Awaitable[web.StreamResponse]]

CONSOLE = web.AppKey("console", Console)
VISIT = web.RequestKey("visit", Visit)


def own_path(path: str) -> str:
    """`path` if it is a page of the console, else the start page: prevents redirects to other sites after sign-in."""
    is_ours = path == PREFIX or path.startswith((f"{PREFIX}/", f"{PREFIX}?"))
    is_plain = all(" " < each <= "~" and each != "\\" for each in path) and "//" not in path
    return path.removeprefix(PREFIX) if is_ours and is_plain else ""


def form_of(raw: bytes) -> dict[str, list[str]]:
    """Line breaks become one character, as `maxlength` counts them; browsers send two. Raises BadRequest."""
    try:
        sent = parse_qs(raw.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
    except ValueError as error:  # UnicodeDecodeError is one
        raise BadRequest("not a form of ours", [Fault("", "not a form of ours")]) from error
    return {name: [each.replace("\r\n", "\n") for each in values] for name, values in sent.items()}
