"""A client for OpenID providers: authorization code flow with PKCE, state and nonce."""

import base64
import contextlib
import hashlib
import hmac
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from service.values import accounts
from service.values.errors import ProviderUnavailable, SettingsError, SignInRefused

TIMEOUT_S = 10.0
FRESH_S = 3600.0
LEEWAY_S = 60
# Accepted signature algorithms: never "none", nor those with a shared secret.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class Provider:
    """Raises ProviderUnavailable if the provider does not answer, or not in a known format."""

    def __init__(self, issuer: str, client_id: str, secret_file: Path | None) -> None:
        """Raises SettingsError if the file cannot be read."""
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._secret = None if secret_file is None else _secret(secret_file)
        self._known: dict[str, Any] = {}
        self._known_at = -FRESH_S
        self._keys: KeySet | None = None

    async def begin(self, back: str) -> tuple[str, dict[str, str]]:
        """The URL to redirect the browser to, and the state to keep until it returns."""
        about = await self._about()
        was = {"state": accounts.new_secret(), "verifier": accounts.new_secret(), "nonce": accounts.new_secret()}
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": back,
            "scope": "openid email",
            "state": was["state"],
            "nonce": was["nonce"],
            "code_challenge": _challenge(was["verifier"]),
            "code_challenge_method": "S256",
        }
        return str(httpx.URL(about["authorization_endpoint"]).copy_merge_params(asked)), was

    async def claims(self, back: str, answer: Mapping[str, str], was: Mapping[str, str]) -> dict[str, Any]:
        """The identity of the person who returned with `answer`. Raises SignInRefused."""
        about = await self._about()
        if not hmac.compare_digest(answer.get("state", "").encode(), was["state"].encode()):
            raise SignInRefused("state")
        if answer.get("iss", about["issuer"]) != about["issuer"]:  # RFC 9207
            raise SignInRefused("iss")
        if "code" not in answer:
            raise SignInRefused("no code")
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": back,
            "code_verifier": was["verifier"],
        }
        token = await self._exchanged(about["token_endpoint"], form)
        return await self._checked(str(token.get("id_token", "")), was["nonce"])

    async def _exchanged(self, url: str, form: dict[str, str]) -> dict[str, Any]:
        basic = (
            httpx.BasicAuth(quote(self._client_id, safe=""), quote(self._secret, safe=""))
            if self._secret
            else httpx.Auth()
        )
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
                response = await client.post(url, data={**form, "client_id": self._client_id}, auth=basic)
            if response.status_code == 400:  # noqa: PLR2004 - the code was not good (RFC 6749, section 5.2)
                raise SignInRefused("code")
            return _object(response)
        except httpx.HTTPError as error:
            raise ProviderUnavailable("the OpenID provider does not answer") from error

    async def _checked(self, id_token: str, nonce: str) -> dict[str, Any]:
        """The claims of a token, checked for signature, audience, time and nonce. Raises SignInRefused."""
        expected = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._known["issuer"]},
            aud={"essential": True, "value": self._client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = (await self._decoded(id_token)).claims
            expected.validate(claims)
        except (JoseError, ValueError) as error:
            raise SignInRefused(type(error).__name__) from error
        if claims.get("azp", self._client_id) != self._client_id:
            raise SignInRefused("azp")
        return dict(claims)

    async def _decoded(self, id_token: str) -> jwt.Token:
        """Check with the cached keys; if they do not fit, fetch them again: providers rotate keys."""
        if self._keys is not None:
            with contextlib.suppress(JoseError, ValueError):
                return jwt.decode(id_token, self._keys, algorithms=ALGORITHMS)
        self._keys = KeySet.import_key_set(cast("Any", await self._read(self._known["jwks_uri"])))
        return jwt.decode(id_token, self._keys, algorithms=ALGORITHMS)

    async def _about(self) -> dict[str, Any]:
        """The provider's metadata, at most an hour old."""
        if time.monotonic() - self._known_at < FRESH_S:
            return self._known
        found = await self._read(f"{self._issuer}/.well-known/openid-configuration")
        wanted = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(isinstance(found.get(name), str) for name in wanted) or found["issuer"].rstrip("/") != self._issuer:
            raise ProviderUnavailable("the OpenID provider describes itself as another one, or not at all")
        self._known, self._known_at, self._keys = found, time.monotonic(), None
        return found

    async def _read(self, url: str) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
                return _object(await client.get(url))
        except httpx.HTTPError as error:
            raise ProviderUnavailable("the OpenID provider does not answer") from error


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.raise_for_status().json()
    except ValueError as error:
        raise ProviderUnavailable("the OpenID provider answers something else") from error
    if not isinstance(found, dict):
        raise ProviderUnavailable("the OpenID provider answers something else")
    return found


def _challenge(verifier: str) -> str:
    """RFC 7636: S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _secret(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise SettingsError(f"STEWARD_OIDC_CLIENT_SECRET_FILE: {path} cannot be read: {error.strerror}") from error
