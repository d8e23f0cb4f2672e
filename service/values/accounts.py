"""Moderators: their accounts and roles, how a password is kept, and what a session is. Values only."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated, Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from msgspec import Meta, Struct

# Moderators' names stand in Redis keys, the audit trail and statistics.
NAME_PATTERN = r"[\x21-\x7e]{1,64}"
LEAST_PASSWORD = 12
# Bounded, because Argon2 hashes the whole input.
LONGEST_PASSWORD = 1024
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
# As many as other services give.
RECOVERY_CODES = 10
# Crockford's base 32: no letter that is taken for a digit. 80 bits each, so that a fast hash will do.
_RECOVERY_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RECOVERY_GROUPS, _RECOVERY_GROUP = 4, 4
_READ_AS = str.maketrans("ilo", "110", " -\t")


class Role(StrEnum):
    """What somebody may do at a site. An auditor sees everything and changes nothing."""

    MODERATOR = "moderator"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMIN = "admin"

    @property
    def needs_second_factor(self) -> bool:
        return self in (Role.SUPERVISOR, Role.ADMIN)


class Account(Struct, frozen=True, omit_defaults=True):
    """Somebody who may sign in. `roles` by site; `password` is an Argon2id hash, `totp` a sealed secret.

    `recovery`: the hashes of the codes that are good once, each, in place of a one-time code.

    `revision` counts the changes, so that of two at once one is refused; `epoch` those that end all sessions.
    """

    name: str
    roles: dict[str, Role]
    created_at: datetime
    password: str | None = None
    totp: str | None = None
    recovery: tuple[str, ...] = ()
    subject: str | None = None  # who this is at the OpenID provider
    is_disabled: bool = False
    epoch: int = 0
    revision: int = 0

    @property
    def needs_second_factor(self) -> bool:
        return any(role.needs_second_factor for role in self.roles.values())


Key = Annotated[str, Meta(min_length=1, max_length=20)]


class Preferences(Struct, frozen=True, omit_defaults=True):
    """How somebody likes to work. `blur`: which texts are blurred until asked for; `keys`: by name of the action."""

    language: Literal["en", "de", "es", "fr", "pl", "pt", "uk"] | None = None
    theme: Literal["auto", "light", "dark"] = "auto"
    density: Literal["comfortable", "compact"] = "comfortable"  # of cards and lists
    blur: Literal["none", "severe", "all"] = "severe"
    avoided: frozenset[str] = frozenset()  # attributes that this person is not shown
    break_min: Annotated[int, Meta(ge=0, le=480)] = 50  # 0: no reminder
    keys: Annotated[dict[str, Key], Meta(max_length=40)] = {}


class Session(Struct, frozen=True, omit_defaults=True):
    """Somebody who has signed in. `role` as it was when the session began: when it changes, the session gets a new id.

    `is_enrolling`: must first set up a second factor.
    """

    account: str
    epoch: int
    site: str
    role: Role
    began_at: datetime
    via: str
    browser: str = ""
    is_enrolling: bool = False

    @property
    def ends_at(self) -> datetime:
        return self.began_at + LONGEST


class Ticket(Struct, frozen=True, omit_defaults=True):
    """Something that may be done once, by whoever has its text: enter by a link, take a batch of decisions back."""

    purpose: Literal["link", "code", "oidc", "batch"]
    account: str = ""
    epoch: int = 0
    details: Mapping[str, str] = {}


def new_secret() -> str:
    """256 bits, as text."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """The hash under which Redis stores a random secret; it is random, so no slow hash is needed."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def new_recovery_codes() -> tuple[str, ...]:
    """To be shown once; `recovery_digests` of them is kept."""
    return tuple(
        "-".join(
            "".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(_RECOVERY_GROUP)) for _ in range(_RECOVERY_GROUPS)
        )
        for _ in range(RECOVERY_CODES)
    )


def recovery_digests(name: str, codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(recovery_digest(name, code) for code in codes)


def recovery_digest(name: str, code: str) -> str:
    """The hash of a recovery code of this account, however its letters and groups were typed."""
    return digest(f"{name}\n{code.strip().lower().translate(_READ_AS)}")


def weakness(password: str, name: str) -> str | None:
    """Why a password is too weak, as a message; None: it is strong enough."""
    if len(password) < LEAST_PASSWORD:
        return f"at least {LEAST_PASSWORD} characters"
    if len(password) > LONGEST_PASSWORD:
        return f"at most {LONGEST_PASSWORD} characters"
    if len(set(password)) < 5 or name.lower() in password.lower():  # noqa: PLR2004 - "aaaabbbbcccc"
        return "not the name, and not a few characters again and again"
    return None


# RFC 9106's choice for machines that also do other things: 64 MiB, three passes.
_hasher = PasswordHasher()


def hashed(password: str) -> str:
    """Takes tens of milliseconds and 64 MiB: not in the event loop."""
    return _hasher.hash(password)


def is_password(password: str, kept: str | None) -> bool:
    """Takes the same time without a stored password, so that the duration does not reveal which names exist."""
    try:
        return _hasher.verify(kept or _dummy_hash(), password) and kept is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether it was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(kept)


@cache
def _dummy_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe())
