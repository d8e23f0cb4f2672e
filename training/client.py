"""The commands' HTTP client of a running service."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from training.errors import ServiceRefused

TIMEOUT_S = 30.0


class Service:
    """Every problem becomes a ServiceRefused with a one-line message."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **parameters: str | int | None) -> httpx.Response:
        given = {name: value for name, value in parameters.items() if value is not None}
        return self._ask("GET", path, params=given)

    def get_json(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        return _json(self._ask("GET", path))

    def post(self, path: str, body: Any = None) -> Any:  # noqa: ANN401 - any JSON
        return _json(self._ask("POST", path) if body is None else self._ask("POST", path, json=body))

    def put(self, path: str, body: Any) -> Any:  # noqa: ANN401 - any JSON
        return _json(self._ask("PUT", path, json=body))

    def delete(self, path: str) -> None:
        self._ask("DELETE", path)

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own arguments
        try:
            response = self._client.request(method, path, **more)
        except httpx.TransportError as error:
            raise ServiceRefused(f"no service answers at {self._client.base_url}: {error}") from error
        # A redirect does not come from the service either.
        if not response.is_success:
            raise ServiceRefused(f"{method} {path}: {response.status_code}: {_detail(response)}", response.status_code)
        return response


@contextmanager
def connected(url: str, key: str) -> Iterator[Service]:
    # httpx would put a key that it cannot send into its message, and so print a secret.
    if not (key.isascii() and key.isprintable()):
        raise ServiceRefused("the key has characters that are not allowed in a key")
    try:
        client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT_S)
    except httpx.InvalidURL as error:
        raise ServiceRefused(f"{url} is not the address of a service: {error}") from error
    with client:
        yield Service(client)


def _json(response: httpx.Response) -> Any:  # noqa: ANN401 - any JSON
    try:
        return response.json()
    except ValueError as error:
        raise ServiceRefused(f"{response.request.url}: the answer is not JSON; is this the service?") from error


def _detail(response: httpx.Response) -> str:
    if response.headers.get("Content-Type", "").startswith("application/problem+json"):
        return str(_json(response).get("detail", ""))
    return response.reason_phrase
