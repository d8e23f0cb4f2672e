"""The compiled rules of all sites: which version serves whom, and what one bad rule or site does to the others."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from service.background import Background
from service.cases import rulebook
from service.cases.rulebook import Rulebook
from service.rules.compiled import CompiledRules, Facts
from service.values.domain import Action
from service.values.errors import StoreUnavailable
from service.values.lists import ListEntry, WordList
from service.values.policy import Policy
from service.values.rules import Condition, Rule, RuleAction, Then, TimeCondition, WordsCondition, most_severe

pytestmark = pytest.mark.asyncio
HOUSE = WordsCondition(list="house")


class Sites:
    """In place of the directory and of the lists in Redis."""

    def __init__(self, **policies: Policy) -> None:
        self.policies: dict[str, Policy] = policies
        self.is_away = False
        self.reads = 0

    @property
    def sites(self) -> list[str]:
        return [*self.policies]

    def policy(self, site: str) -> Policy:
        return self.policies[site]

    async def versions(self, _site: str) -> dict[str, int]:
        if self.is_away:
            raise StoreUnavailable("away")
        return {"house": 1}

    async def get(self, _site: str, name: str) -> WordList:
        self.reads += 1
        return WordList(name, (ListEntry("zorblax"),), 1)


def policy(*conditions: Condition, version: int = 2) -> Policy:
    rules = tuple(Rule(f"r{n}", each, Then(RuleAction.REJECT)) for n, each in enumerate(conditions))
    return Policy({}, version=version, rules=rules)


def words(*terms: str) -> Condition:
    return Condition(words=WordsCondition(any=terms))


def rulebook_of(sites: Any) -> Rulebook:
    return Rulebook(sites, sites, Background(), lambda _: ("toxicity",))


def said(rules: CompiledRules | None, text: str = "a zorblax") -> tuple[list[str], tuple[str, ...]]:
    assert rules is not None
    found = rules.evaluate(Facts(text, "en", {"toxicity": 0.1}, None, None, datetime.now(UTC)))
    return [each.rule for each in found.fired], found.unavailable


@pytest.fixture
def compiles(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for each time that rules were compiled."""
    times: list[int] = []
    real: Callable[..., CompiledRules] = rulebook.compile_rules

    def compile_rules(*some: Any, **more: Any) -> CompiledRules:
        times.append(len(times))
        return real(*some, **more)

    monkeypatch.setattr(rulebook, "compile_rules", compile_rules)
    return times


async def test_what_began_before_a_change_does_not_compile_the_earlier_version_again(compiles: list[int]) -> None:
    earlier, later = policy(words("zorblax")), policy(words("other"), version=3)
    book = rulebook_of(Sites(daily=later))
    assert said(await book.rules("daily", earlier)) == (["r0"], ())
    for each in (later, earlier, later, earlier):
        assert said(await book.rules("daily", each)) == ([], ())
    assert len(compiles) == 2


async def test_a_lower_version_is_in_force_after_a_look_if_redis_lost_the_later_one() -> None:
    sites = Sites(daily=policy(words("other"), version=9))
    book = rulebook_of(sites)
    await book.refresh()
    sites.policies["daily"] = policy(words("zorblax"))
    await book.refresh()
    assert said(await book.rules("daily", sites.policies["daily"])) == (["r0"], ())


async def test_rules_that_name_no_list_need_no_redis() -> None:
    sites = Sites(daily=policy(words("zorblax")), weekly=policy(Condition(words=HOUSE)))
    sites.is_away = True
    book = rulebook_of(sites)
    assert said(await book.rules("daily", sites.policies["daily"])) == (["r0"], ())
    with pytest.raises(StoreUnavailable):
        await book.rules("weekly", sites.policies["weekly"])


@pytest.mark.parametrize("bad", [Condition(time=TimeCondition("Nowhere/Here", weekdays=(1,))), Condition(pattern="(a")])
async def test_rules_that_cannot_work_here_ask_for_a_person_and_leave_other_sites_alone(bad: Condition) -> None:
    sites = Sites(daily=policy(bad), weekly=policy(words("zorblax")))
    book = rulebook_of(sites)
    await book.refresh()
    fired, unavailable = said(await book.rules("daily", sites.policies["daily"]))
    assert (fired, unavailable) == ([], ("r0",))
    assert most_severe(Action.APPROVE, (), is_unavailable=bool(unavailable)) is Action.REVIEW
    assert said(await book.rules("weekly", sites.policies["weekly"])) == (["r0"], ())


async def test_the_failure_of_one_site_leaves_the_others_fresh() -> None:
    class Broken(Sites):
        async def versions(self, site: str) -> dict[str, int]:
            if site == "daily":
                raise RuntimeError
            return await super().versions(site)

    sites = Broken(daily=policy(Condition(words=HOUSE)), weekly=policy(Condition(words=HOUSE)))
    book = rulebook_of(sites)
    await book.refresh()
    assert sites.reads == 1
    assert said(await book.rules("weekly", sites.policies["weekly"])) == (["r0"], ())


async def test_a_list_that_no_rule_names_any_more_takes_no_memory() -> None:
    sites = Sites(daily=policy(Condition(words=HOUSE)))
    book = rulebook_of(sites)
    for _ in range(2):
        await book.refresh()
    assert sites.reads == 1
    without = msgspec.structs.replace(sites.policies["daily"], version=3, rules=())
    for version, wanted in ((3, without), (4, policy(Condition(words=HOUSE), version=4))):
        sites.policies["daily"] = msgspec.structs.replace(wanted, version=version)
        await book.refresh()
    assert sites.reads == 2, "it was read again"
