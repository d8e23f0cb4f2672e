"""Moderators in Redis: accounts, sessions, tickets and sign-in attempts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from service.redis.pipe import Pipe
from service.store.base import encode
from service.store.keyspace import ACCOUNTS, PREFERENCES, access_key
from service.store.scripts import script
from service.values.accounts import IDLE, LONGEST, Account, Preferences, Session, Ticket, digest, new_secret

CODE_S = 120  # longer than a one-time code is good for


class Visitor(NamedTuple):
    """A session with the current account and preferences of its owner."""

    session: Session
    account: Account
    preferences: Preferences


class OpenSession(NamedTuple):
    """A session as its owner sees it; `id` is the digest of its secret."""

    id: str
    session: Session
    idle: timedelta


class Accounts:
    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    async def all(self) -> list[Account]:
        return [_account(found) for found in await self._pipe.call("HVALS", ACCOUNTS)]

    async def get(self, name: str) -> Account | None:
        found = await self._pipe.call("HGET", ACCOUNTS, name)
        return None if found is None else _account(found)

    async def put(self, account: Account) -> bool:
        """Store a change of revision `account.revision` (0: a new account). False if another change came first."""
        kept = msgspec.structs.replace(account, revision=account.revision + 1)
        return bool(
            await self._pipe.run(script("put_account"), [ACCOUNTS], account.name, account.revision, encode(kept))
        )

    async def prefer(self, name: str, preferences: Preferences) -> None:
        await self._pipe.call("HSET", PREFERENCES, name, encode(preferences))

    async def open_session(self, session: Session) -> str:
        """Returns the secret for the cookie; only its digest is stored."""
        secret = new_secret()
        await self._pipe.run(
            script("open_session"),
            [_session(digest(secret)), _sessions(session.account)],
            digest(secret),
            encode(session),
            _ms(IDLE),
            round(session.ends_at.timestamp() * 1000),
            _ms(LONGEST),
        )
        return secret

    async def visitor(self, secret: str, now: datetime, *, is_active: bool) -> Visitor | None:
        """The visitor with this secret, or None. `is_active`: restart the idle timeout of the session."""
        found = await self._pipe.run(
            script("visitor"), [_session(digest(secret)), ACCOUNTS, PREFERENCES], _ms(IDLE) if is_active else 0
        )
        if not found or found[1] is None:
            return None
        session, account = _sessions_from(found[0]), _account(found[1])
        if now >= session.ends_at or account.is_disabled or account.epoch != session.epoch:
            await self.end_session(session.account, digest(secret))
            return None
        return Visitor(session, account, _preferences(found[2]))

    async def sessions(self, name: str, now: datetime) -> list[OpenSession]:
        """Newest first."""
        ids = [each.decode() for each in await self._pipe.call("ZRANGE", _sessions(name), 0, -1)]
        open_ones = []
        for each in ids:
            kept, left_ms = (
                await self._pipe.call("GET", _session(each)),
                await self._pipe.call("PTTL", _session(each)),
            )
            if kept is not None and now < _sessions_from(kept).ends_at:
                idle = max(timedelta(0), IDLE - timedelta(milliseconds=left_ms))
                open_ones.append(OpenSession(each, _sessions_from(kept), idle))
        return sorted(open_ones, key=lambda each: each.session.began_at, reverse=True)

    async def end_session(self, name: str, session_id: str) -> bool:
        """Returns False if this account has no such session."""
        await self._pipe.call("ZREM", _sessions(name), session_id)
        kept = await self._pipe.call("GET", _session(session_id))
        if kept is None or _sessions_from(kept).account != name:
            return False
        return bool(await self._pipe.call("DEL", _session(session_id)))

    async def issue(self, ticket: Ticket, lasts: timedelta) -> str:
        secret = new_secret()
        await self._pipe.run(script("issue_ticket"), [_ticket(secret)], encode(ticket), _ms(lasts))
        return secret

    async def redeem(self, secret: str, purpose: str) -> Ticket | None:
        """Use a ticket, once. None if it never existed, was used, has expired or has another purpose."""
        return _ticket_for(purpose, await self._pipe.call("GETDEL", _ticket(secret)))

    async def look_at(self, secret: str, purpose: str) -> Ticket | None:
        """As `redeem`, but the ticket stays valid."""
        return _ticket_for(purpose, await self._pipe.call("GET", _ticket(secret)))

    async def delay(self, whose: Sequence[tuple[str, int]]) -> float:
        """Count a sign-in attempt before it is checked. Returns the seconds to wait before it is allowed, 0: now.

        `whose`: the account and the address, each with the number of attempts without a delay.
        """
        keys = [access_key(f"tries:{who}") for who, _ in whose]
        return float(await self._pipe.run(script("try_sign_in"), keys, *(free for _, free in whose))) / 1000

    async def succeeded(self, account: str, address: str) -> None:
        """After a complete sign-in: reset the attempts of the account, and do not count this one for the address."""
        await self._right(account, address, is_all=True)

    async def give_back(self, account: str, address: str) -> None:
        """After a correct first factor: do not count this attempt; earlier ones still count."""
        await self._right(account, address, is_all=False)

    async def _right(self, account: str, address: str, *, is_all: bool) -> None:
        keys = [access_key(f"tries:{who}") for who in (account, address)]
        await self._pipe.run(script("right_try"), keys, int(is_all))

    async def use_code(self, name: str, step: int, secret: str) -> bool:
        """Whether the one-time code of this secret and time step is used for the first time."""
        which = digest(secret)[:16]  # while one app replaces another, both secrets may be used in the same step
        return bool(await self._pipe.call("SET", access_key(f"code:{name}:{step}:{which}"), 1, "NX", "EX", CODE_S))


def _session(session_id: str) -> str:
    return access_key(f"session:{session_id}")


def _sessions(name: str) -> str:
    return access_key(f"sessions:{name}")


def _ticket(secret: str) -> str:
    return access_key(f"ticket:{digest(secret)}")


def _ms(lasts: timedelta) -> int:
    return round(lasts.total_seconds() * 1000)


def _ticket_for(purpose: str, kept: bytes | None) -> Ticket | None:
    ticket = None if kept is None else msgspec.json.decode(kept, type=Ticket)
    return ticket if ticket is not None and ticket.purpose == purpose else None


_account = msgspec.json.Decoder(Account).decode
_sessions_from = msgspec.json.Decoder(Session).decode


def _preferences(kept: bytes | None) -> Preferences:
    """Falls back to the defaults for preferences that this release cannot read, so that the session stays valid."""
    try:
        return Preferences() if kept is None else msgspec.json.decode(kept, type=Preferences)
    except msgspec.ValidationError:
        return Preferences()
