"""Somebody at a browser without scripts: keeps cookies, follows forms, says where requests come from as browsers do."""

import re
from dataclasses import dataclass, field
from typing import Any

from service.console.visit import COOKIE


@dataclass
class Page:
    status: int
    headers: Any
    text: str

    @property
    def location(self) -> str:
        assert self.status == 303, (self.status, self.text[:500])
        return str(self.headers["Location"])


@dataclass
class Browser:
    client: Any
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""

    async def __call__(self, method: str, path: str, **more: Any) -> Page:
        headers = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html", **more.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self.client.request(method, path, headers=headers, allow_redirects=False, **more) as response:
            for name, morsel in response.cookies.items():
                self.cookies[name] = morsel.value
                if not morsel.value:
                    del self.cookies[name]
            text = await response.text()
            if found := re.search(r'data-token="([^"]*)"', text):
                self.token = found[1]
            return Page(response.status, response.headers, text)

    async def get(self, path: str, **more: Any) -> Page:
        return await self("GET", path, **more)

    async def post(self, path: str, **fields: str | list[str]) -> Page:
        """As a form of the page that was loaded last."""
        return await self("POST", path, data={"csrf": self.token, **fields})

    @property
    def secret(self) -> str:
        return self.cookies[COOKIE]
