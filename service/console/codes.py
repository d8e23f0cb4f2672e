"""What stands beside the password: the one-time code of an app, or a recovery code."""

from datetime import datetime, timedelta

import msgspec
import pyotp

from service.console.visit import Visit
from service.values.accounts import Account, new_recovery_codes, recovery_digest, recovery_digests

TOTP_STEP_S = 30
# As often as an account may change under a recovery code that is just being used up.
_ATTEMPTS = 5


async def accepted(visit: Visit, account: Account, code: str) -> Account | None:
    """The account after `code` was used up, which is its app's one-time code or one of its recovery codes.

    None: it is neither, or was used before.
    """
    if account.totp is None:
        return None
    secret = visit.console.vault.unseal(account.totp)
    step = step_of(secret, code, visit.now)
    if step is None:
        return await _recovered(visit, account, code)
    return account if await visit.console.store.accounts.use_code(account.name, step, secret) else None


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Of which time step, of those around `now`, this is the one-time code; None: of none of them."""
    totp = pyotp.TOTP(secret)
    for drift in (0, -1, 1):
        at = now + timedelta(seconds=drift * TOTP_STEP_S)
        if totp.verify(code.replace(" ", ""), for_time=at):
            return totp.timecode(at)
    return None


def renewed(account: Account) -> tuple[Account, tuple[str, ...]]:
    """The account with recovery codes that replace those of before, and the codes, to be shown once."""
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
