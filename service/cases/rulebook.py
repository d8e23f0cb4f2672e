"""The rules of all sites, compiled with their word lists, so that no request waits for either."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET

from service.background import Background
from service.cases.directory import Directory
from service.rules.compiled import CompiledRules, compile_rules, conditions
from service.store.lists import Lists, ListUnreadable
from service.values.errors import Retryable
from service.values.lists import WordList
from service.values.policy import Policy
from service.values.rules import Condition, Rule, WordsCondition

log = logging.getLogger(__name__)

# A changed list is in force in every process after at most this long, and the time it takes to compile.
LOOK_S = 2.0


class _Edition(NamedTuple):
    """What compiled rules depend on."""

    policy: Policy
    lists: tuple[tuple[str, int], ...]
    attributes: tuple[str, ...]
    day: date


class Rulebook:
    """`attributes`: those of the model in use at a site. `is_unused`: whether nobody used that model yet; the rules of
    such a site are compiled with its first request, which loads the model.
    """

    def __init__(
        self,
        directory: Directory,
        lists: Lists,
        background: Background,
        attributes: Callable[[str], tuple[str, ...]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        is_unused: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._directory = directory
        self._lists = lists
        self._background = background
        self._attributes = attributes
        self._now = now
        self._is_unused = is_unused
        self._compiled: dict[str, tuple[_Edition, CompiledRules]] = {}
        # Lists as last read, by site and name: a change of a policy need not read them again.
        self._read: dict[tuple[str, str], WordList] = {}
        self._look = asyncio.Lock()

    async def rules(self, site: str, policy: Policy) -> CompiledRules | None:
        """The rules of a policy; None if it has none.

        Compiles them if this process has not seen this version yet; those of a later version also serve what was begun
        before it. Raises StoreUnavailable if its lists cannot be read.
        """
        if not policy.rules:
            return None
        found = self._compiled.get(site)
        if found is not None and found[0].policy.version >= policy.version:
            return found[1]
        async with self._look:
            found = self._compiled.get(site)
            if found is None or found[0].policy.version < policy.version:
                await self._compile(site, policy)
            return self._compiled[site][1]

    async def compiled(self, site: str, policy: Policy) -> CompiledRules:
        """The rules of a policy that is not in force, with the site's lists as they are now."""
        return await self._made(site, policy, await self._wanted(site, policy))

    async def refresh(self) -> None:
        """Compile what changed. Raises StoreUnavailable after the other sites were looked at."""
        failed: Retryable | None = None
        for site in self._directory.sites:
            try:
                await self._refresh(site)
            except Retryable as error:
                failed = failed or error
            except Exception as error:  # noqa: BLE001 - logged and counted; the other sites go on
                self._background.note("rules", site, error)
        if failed is not None:
            raise failed

    async def try_refresh(self) -> None:
        """Compile what changed, as far as the store can be reached; the background loop does the rest soon."""
        with contextlib.suppress(Retryable):
            await self.refresh()

    async def _refresh(self, site: str) -> None:
        try:
            policy = self._directory.policy(site)
        except Retryable:
            return  # requests are refused as well
        if self._is_unused(site):
            return
        async with self._look:
            if policy.rules:
                await self._compile(site, policy)
            else:
                self._compiled.pop(site, None)
            self._forget_lists(site, names_in(policy.rules))

    async def _compile(self, site: str, policy: Policy) -> None:
        lists = await self._wanted(site, policy)
        edition = _Edition(
            policy,
            tuple(sorted((name, each.version) for name, each in lists.items())),
            self._attributes(site),
            self._now().date(),
        )
        found = self._compiled.get(site)
        if found is None or found[0] != edition:
            self._compiled[site] = edition, await self._made(site, policy, lists)

    async def _made(self, site: str, policy: Policy, lists: Mapping[str, WordList]) -> CompiledRules:
        # 50,000 words take a while.
        make = partial(compile_rules, uses=policy.lists, attributes=self._attributes(site), today=self._now().date())
        try:
            return await asyncio.to_thread(_compiled, make, policy.rules, lists)
        except Exception as error:  # noqa: BLE001 - another release accepted the rule, or another RE2
            self._background.note("rules", f"{site}: {policy}", error)
            return await asyncio.to_thread(make, [*map(_unavailable, policy.rules)], lists={})

    def _forget_lists(self, site: str, used: Collection[str]) -> None:
        for key in [each for each in self._read if each[0] == site and each[1] not in used]:
            del self._read[key]

    async def _wanted(self, site: str, policy: Policy) -> dict[str, WordList]:
        """The lists that the policy may use. One that cannot be read is missing: its rules ask for a person."""
        names, found = names_in(policy.rules), dict[str, WordList]()
        if not names:
            return found
        versions = await self._lists.versions(site)
        for name in sorted(versions.keys() & names):
            known = self._read.get((site, name))
            if known is None or known.version != versions[name]:
                try:
                    known = await self._lists.get(site, name)
                except ListUnreadable as error:
                    self._background.note("rules", f"{site}: list {name}", error)
                    known = None
            if known is not None:
                found[name] = self._read[site, name] = known
        return found

    @contextlib.asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        with self._background.sparing("rules", "the first look"):
            await self.try_refresh()
        async with self._background.beside("rules", self.try_refresh, every_s=LOOK_S, longest_pause_s=LOOK_S):
            yield


def _compiled(
    make: Callable[..., CompiledRules], rules: Sequence[Rule], lists: Mapping[str, WordList]
) -> CompiledRules:
    """Raises an error for a rule that would fail when a comment comes."""
    for rule in rules:
        for each in conditions(rule.when):
            if each.time is not UNSET:
                ZoneInfo(each.time.zone)
    return make(rules, lists=lists)


def _unavailable(rule: Rule) -> Rule:
    """A rule that cannot be evaluated, as it names a list that is not there."""
    return msgspec.structs.replace(rule, when=Condition(words=WordsCondition(list="none")))


def names_in(rules: Iterable[Rule]) -> frozenset[str]:
    """The lists that the rules name."""
    return frozenset(
        each.words.list
        for rule in rules
        for each in conditions(rule.when)
        if each.words is not UNSET and each.words.list is not None
    )


def rules_with(policy: Policy, name: str) -> list[Rule]:
    """The rules that name a list."""
    return [rule for rule in policy.rules if name in names_in((rule,))]
