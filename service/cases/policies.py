"""A site's policy: read, checked, replaced, and tried on what came lately before it is in force."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct

import classifier
from service.store import Store
from service.store.access import PolicyUnreadable
from service.store.packing import Glance, glanced
from service.values.domain import Action, Status
from service.values.errors import Conflict, NotFound
from service.values.policy import DEFAULT, Policy, Thresholds, decide_scored

# Comments between two looks at whoever else waits: about a millisecond's work.
SLICE = 100
EXAMPLES = 5
# Entries of the trail for each comment that is wanted: one is written when it comes, more when people work on it.
ENTRIES_EACH = 10


class PolicyFault(NamedTuple):
    """What is wrong with a policy: of which attribute, in which of its fields (None: in the attribute), and what."""

    attribute: str
    field: str | None
    detail: str


def first_fault(thresholds: Mapping[str, Thresholds], known: Iterable[str]) -> PolicyFault | None:
    """The first thing that keeps thresholds from being a policy; `known`: the attributes of the model in use."""
    attributes = frozenset(known)
    for attribute, limits in thresholds.items():
        if attribute not in attributes:
            return PolicyFault(attribute, None, "not an attribute of this model")
        if limits.review_at is not None and limits.reject_at is not None and limits.review_at > limits.reject_at:
            return PolicyFault(attribute, "review_at", "above reject_at")
    return None


async def newest(store: Store, site: str, name: str = DEFAULT.name) -> Policy:
    """The policy in force, as Redis has it now. Raises NotFound for a name that no policy has, and Conflict where
    Redis has none that this release can read.
    """
    if name != DEFAULT.name:
        raise NotFound(f"no policy '{name}': a site has one, named '{DEFAULT.name}'")
    try:
        return await store.access.policy(site) or DEFAULT
    except PolicyUnreadable as error:
        raise _written_otherwise() from error


async def replace(store: Store, site: str, before: Policy, after: Policy, actor: str) -> Policy:
    """Store `after` as the version behind `before`. Raises Conflict when another change came first.

    The directory of this process should be refreshed then; the others see it within seconds.
    """
    after = msgspec.structs.replace(after, name=before.name, version=before.version + 1)
    if not await store.access.keep_policy(site, after, actor):
        now = await newest(store, site, before.name)
        # What came first must be newer than what it was made from; if it is not, the newest cannot be read.
        raise changed("another change came first", now) if now.version > before.version else _written_otherwise()
    return after


def _written_otherwise() -> Conflict:
    detail = "the newest version was written by another release of Steward, and this one cannot read it"
    return Conflict("policy_unreadable", detail, {})


def changed(detail: str, now: Policy) -> Conflict:
    return Conflict("policy_changed", detail, msgspec.to_builtins(now))


class Transition(Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """Comments of which the automatic step said `from` and would say `to`, and the newest few of them."""

    before: Action
    after: Action
    count: int
    examples: list[str]


class Judged(Struct, frozen=True):
    """What people said of the comments for which one automatic decision was made."""

    approved: int = 0
    rejected: int = 0


class Simulation(Struct, frozen=True, kw_only=True):
    """What the last comments would have got; nothing is scored again, nothing changes.

    `before` is what the automatic step said at the time, `after` what it would say, both by decision; `people_before`
    and `people_after` are what people said of the same comments. People mostly judge what was doubtful, so those are
    counts of known cases, and no rates of error.
    """

    comments: int
    missing: Annotated[int, Meta(description="Comments passed over: erased, or not kept any more.")]
    back_to: Annotated[datetime | None, Meta(description="When the oldest comment that was looked at came.")]
    before: dict[Action, int]
    after: dict[Action, int]
    automated_before: Annotated[float | None, Meta(description="Share decided without a person.")]
    automated_after: float | None
    transitions: list[Transition]
    people_before: dict[Action, Judged]
    people_after: dict[Action, Judged]
    rejected_though_approved: Annotated[int, Meta(description="Would be rejected, and a person approved them.")]
    approved_though_rejected: Annotated[int, Meta(description="Would be approved, and a person rejected them.")]


async def simulate(store: Store, site: str, policy: Policy, known: Iterable[str], last: int) -> Simulation:
    """What the site's last comments would have got under `policy`, from the scores that they have.

    `known`: the attributes of the model in use. One that a comment has no score of counts as lacking in its language.
    """
    attributes = frozenset(known)
    tally, unread = _Tally(), 0
    back = store.recent.backwards(site, most=last * ENTRIES_EACH)
    async for seen in back:
        said = glanced(seen.content)
        if said is None:
            unread += 1
            continue
        tally.add(seen.id, said.decision, _would_get(said, policy, attributes), seen.summary.verdict)
        if tally.comments == last:
            break
        if tally.comments % SLICE == 0:
            await asyncio.sleep(0)
    return tally.simulation(back.missing + unread, back.back_to)


def _would_get(said: Glance, policy: Policy, known: frozenset[str]) -> Action:
    if not said.scores:
        return said.decision  # set aside, as it would be again
    return decide_scored(
        said.scores,
        policy,
        language=said.language or "",
        is_measured=said.is_measured,
        is_evident=partial(classifier.is_evident_spam, said.text),
        lacking=known.difference(said.scores),
    ).action


class _Tally:
    def __init__(self) -> None:
        self.comments = 0
        self._pairs: Counter[tuple[Action, Action]] = Counter()
        self._people: Counter[tuple[Action, Action, Status]] = Counter()
        self._examples: dict[tuple[Action, Action], list[str]] = {}

    def add(self, comment_id: str, said: Action, would: Action, verdict: Status | None) -> None:
        self.comments += 1
        self._pairs[said, would] += 1
        if verdict is not None:
            self._people[said, would, verdict] += 1
        if said is not would and len(examples := self._examples.setdefault((said, would), [])) < EXAMPLES:
            examples.append(comment_id)

    def simulation(self, missing: int, back_to: datetime | None) -> Simulation:
        before = {action: self._said(action, 0) for action in Action}
        after = {action: self._said(action, 1) for action in Action}
        people = self._judged(1)
        return Simulation(
            comments=self.comments,
            missing=missing,
            back_to=back_to,
            before=before,
            after=after,
            automated_before=self._automated(before),
            automated_after=self._automated(after),
            transitions=[
                Transition(*pair, self._pairs[pair], examples) for pair, examples in sorted(self._examples.items())
            ],
            people_before=self._judged(0),
            people_after=people,
            rejected_though_approved=people[Action.REJECT].approved,
            approved_though_rejected=people[Action.APPROVE].rejected,
        )

    def _said(self, action: Action, at: int) -> int:
        return sum(count for pair, count in self._pairs.items() if pair[at] is action)

    def _automated(self, counts: Mapping[Action, int]) -> float | None:
        return 1 - counts[Action.REVIEW] / self.comments if self.comments else None

    def _judged(self, at: int) -> dict[Action, Judged]:
        def of(action: Action, status: Status) -> int:
            return sum(count for key, count in self._people.items() if key[at] is action and key[2] is status)

        return {action: Judged(of(action, Status.APPROVED), of(action, Status.REJECTED)) for action in Action}
