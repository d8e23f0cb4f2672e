"""A running service, as the commands see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from training.errors import ServiceRefused

TIMEOUT_S = 30.0


class Service:
    """Says no in one clear line: every problem becomes a ServiceRefused."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **parameters: str | int | None) -> httpx.Response:
        given = {name: value for name, value in parameters.items() if value is not None}
        return self._ask("GET", path, params=given)

    def post(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        return self._ask("POST", path).json()

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own arguments
        try:
            response = self._client.request(method, path, **more)
        except httpx.TransportError as error:
            raise ServiceRefused(f"no service answers at {self._client.base_url}: {error}") from error
        if response.is_error:
            raise ServiceRefused(f"{method} {path}: {response.status_code}: {_detail(response)}")
        return response


@contextmanager
def connected(url: str, key: str) -> Iterator[Service]:
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT_S) as client:
        yield Service(client)


def _detail(response: httpx.Response) -> str:
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        return str(response.json().get("detail", ""))
    return response.reason_phrase
