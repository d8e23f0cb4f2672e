"""Who works for a site: people with accounts, and API keys that review under their names."""

from datetime import UTC, datetime

from service.store import Store
from service.values.access import Scope
from service.values.accounts import Role

DECIDERS = frozenset({Role.MODERATOR, Role.SUPERVISOR, Role.ADMIN})


async def roles(store: Store, site: str) -> dict[str, Role]:
    """The role of each person who can sign in, by name."""
    return {
        each.name: each.roles[site]
        for each in await store.accounts.all()
        if site in each.roles and not each.is_disabled
    }


async def deciders(store: Store, site: str) -> dict[str, bool]:
    """People who may decide comments, by name; True: also escalated ones."""
    found = await roles(store, site)
    return {name: role is not Role.MODERATOR for name, role in found.items() if role in DECIDERS}


async def reviewing_keys(store: Store, site: str) -> dict[str, bool]:
    """Keys that may decide comments, by name; True: also escalated ones, by at least one of the keys of that name."""
    now, found = datetime.now(UTC), dict[str, bool]()
    for each in (await store.access.keys()).values():
        if each.site == site and Scope.REVIEW in each.scopes and not each.is_expired(now):
            found[each.name] = found.get(each.name, False) or Scope.ADMIN in each.scopes
    return found
