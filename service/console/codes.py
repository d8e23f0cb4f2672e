"""The second factor: one-time codes of an app, and recovery codes."""

from datetime import datetime, timedelta

import msgspec
import pyotp

from service.console.visit import Visit
from service.values.accounts import Account, new_recovery_codes, recovery_digest, recovery_digests

TOTP_STEP_S = 30
# Retries if the account changes while a recovery code is being used.
_ATTEMPTS = 5


async def accepted(visit: Visit, account: Account, code: str) -> Account | None:
    """The account after using `code`, a one-time code or a recovery code.

    None if the code is wrong or was used before.
    """
    if account.totp is None:
        return None
    secret = visit.console.sealer.unseal(account.totp)
    step = step_of(secret, code, visit.now)
    if step is None:
        return await _recovered(visit, account, code)
    return account if await visit.console.store.accounts.use_code(account.name, step, secret) else None


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step near `now` of this one-time code; None if it matches none."""
    totp = pyotp.TOTP(secret)
    for drift in (0, -1, 1):
        at = now + timedelta(seconds=drift * TOTP_STEP_S)
        if totp.verify(code.replace(" ", ""), for_time=at):
            return totp.timecode(at)
    return None


def renewed(account: Account) -> tuple[Account, tuple[str, ...]]:
    """The account with new recovery codes, and the codes themselves, to be shown once."""
    codes = new_recovery_codes()
    return msgspec.structs.replace(account, recovery=recovery_digests(account.name, codes)), codes


async def _recovered(visit: Visit, account: Account, code: str) -> Account | None:
    store, used = visit.console.store, recovery_digest(account.name, code)
    for _ in range(_ATTEMPTS):
        if used not in account.recovery:
            return None
        left = msgspec.structs.replace(account, recovery=tuple(each for each in account.recovery if each != used))
        if await store.accounts.put(left):
            site = visit.visitor.session.site if visit.visitor else min(account.roles)
            await store.audit.write(site, "recovery_code_used", account.name, left=str(len(left.recovery)))
            return msgspec.structs.replace(left, revision=left.revision + 1)
        found = await store.accounts.get(account.name)
        if found is None or found.epoch != account.epoch or found.is_disabled or not found.roles:
            return None
        account = found
    return None
