"""Whoever speaks Akismet's protocol to the service."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from service.settings import Settings
from service.values.access import label_of

DOMAIN = "akismet.example"
BLOG = "https://daily.example/"
CIVIL = "Thank you for this article; I learned a lot about how substations are repaired."
INSULT = "You stupid fucking idiot, shut up, you worthless piece of shit."
SPAM = "Check out my channel and subscribe, win a FREE iPhone now!!! http://free-prize.example"
THANKS = b"Thanks for making the web a better place."
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, akismet_domain=DOMAIN)


@pytest.fixture
async def site(client: Any, key_for: Any) -> Any:
    """A site's own key, as it would be made for an Akismet client."""
    return await key_for(client, "score", "comments", name="wordpress")


class Blog:
    """An Akismet client: it sends forms, and checks of each answer what all have in common."""

    def __init__(self, caller: Any) -> None:
        self.caller = caller
        self.key = caller.key
        self.label = label_of(caller.key)
        self._anybody = type(caller)(caller.client, None)

    async def post(self, path: str, *, host: str | None = None, encoded_as: str = FORM, **fields: Any) -> Any:
        body = urlencode({name: value for name, value in fields.items() if value is not None})
        headers = {"Host": host} if host else {}
        return self._checked(await self._anybody.send(path, body.encode(), encoded_as, headers=headers))

    async def send(self, path: str, raw: bytes, content_type: str = FORM, **more: Any) -> Any:
        return self._checked(await self._anybody.send(path, raw, content_type, **more))

    async def get(self, path: str, **more: Any) -> Any:
        return self._checked(await self._anybody.get(path, **more))

    async def check(self, text: str | None = CIVIL, **fields: Any) -> Any:
        usual = {"api_key": self.key, "blog": BLOG, "user_ip": "203.0.113.7"}
        return await self.post("/1.1/comment-check", **(usual | {"comment_content": text} | fields))

    async def submit(self, what: str, text: str | None = CIVIL, **fields: Any) -> Any:
        usual = {"api_key": self.key, "blog": BLOG, "user_ip": "203.0.113.7", "comment_author": "Ann"}
        return await self.post(f"/1.1/submit-{what}", **(usual | {"comment_content": text} | fields))

    def _checked(self, reply: Any) -> Any:
        headers = reply.headers
        assert not any(name.lower().startswith("x-akismet-alert") for name in headers)
        assert ("X-akismet-debug-help" in headers) is (reply.raw == b"invalid")
        if reply.raw == b"invalid":
            assert reply.status == 200
        if not headers["Content-Type"].startswith(("application/json", "text/csv", "application/problem+json")):
            assert headers["Content-Type"] == "text/plain; charset=utf-8"
        assert headers["Content-Length"] == str(len(reply.raw))
        assert self.key[18:] not in str(headers) + str(reply.raw)
        return reply


@pytest.fixture
def blog(site: Any) -> Blog:
    return Blog(site)


@pytest.fixture
def blog_of() -> type[Blog]:
    return Blog


@pytest.fixture
def invalid() -> Callable[..., None]:
    """Checks that an answer says `invalid` and why."""

    def invalid(reply: Any, why: str) -> None:
        assert (reply.status, reply.raw) == (200, b"invalid")
        assert why in reply.headers["X-akismet-debug-help"]

    return invalid


@pytest.fixture
def labels(admin: Any) -> Callable[[], Awaitable[list[Any]]]:
    """What the site's labels say now, oldest first."""

    async def labels() -> list[Any]:
        raw = (await admin.get("/v1/labels")).raw
        return [msgspec.json.decode(line) for line in raw.splitlines()]

    return labels


class Texts:
    civil, insult, spam, domain, blog, thanks = CIVIL, INSULT, SPAM, DOMAIN, BLOG, THANKS


@pytest.fixture
def say() -> type[Texts]:
    return Texts


@pytest.fixture
def set_policy(admin: Any) -> Callable[..., Awaitable[None]]:
    """Puts thresholds and wishes for this protocol in force."""

    async def set_policy(thresholds: Any, **wishes: Any) -> None:
        reply = await admin("PUT", "/v1/policies/default", {"thresholds": thresholds, "protocols": {"akismet": wishes}})
        assert reply.status == 200, reply.body

    return set_policy
