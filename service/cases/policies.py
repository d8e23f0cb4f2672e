"""A site's policy: read, check, replace, and simulate a new one on recent comments."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, NamedTuple, Unpack

import msgspec
from msgspec import Meta, Struct

import classifier
from service.cases import ruling
from service.cases.replay import Arrival, CountReplay
from service.cases.rulebook import names_in
from service.rules.compiled import CompiledRules, Facts, Findings
from service.rules.holding import holds
from service.store import Store
from service.store.access import PolicyTrail, PolicyUnreadable
from service.store.base import CommentSummary
from service.store.lists import ListsGone
from service.store.packing import Glance
from service.store.recent import Sighting
from service.values.domain import Action, Status
from service.values.errors import Conflict, NotFound
from service.values.lists import is_shared
from service.values.policy import DEFAULT, Policy, Thresholds, decide_scored
from service.values.rules import Rule, RuleState, most_severe

# Comments simulated between yields to the event loop: about a millisecond of work.
SLICE = 100
# With rules, which may read each text for longer.
SLICE_WITH_RULES = 5
EXAMPLES = 5


class PolicyFault(NamedTuple):
    """What is wrong with a policy: the attribute, its field (None: the attribute itself), and the problem."""

    attribute: str
    field: str | None
    detail: str


def first_fault(thresholds: Mapping[str, Thresholds], known: Iterable[str]) -> PolicyFault | None:
    """The first fault of the thresholds, or None. `known`: the attributes of the active model."""
    attributes = frozenset(known)
    for attribute, limits in thresholds.items():
        if attribute not in attributes:
            return PolicyFault(attribute, None, "not an attribute of this model")
        if limits.review_at is not None and limits.reject_at is not None and limits.review_at > limits.reject_at:
            return PolicyFault(attribute, "review_at", "above reject_at")
    return None


async def newest(store: Store, site: str, name: str = DEFAULT.name) -> Policy:
    """The current policy, read from Redis. Raises NotFound for an unknown name, and Conflict if this release can read
    no version in Redis.
    """
    if name != DEFAULT.name:
        raise NotFound(f"no policy '{name}': a site has one, named '{DEFAULT.name}'")
    try:
        return await store.access.policy(site) or DEFAULT
    except PolicyUnreadable as error:
        raise written_otherwise() from error


async def at_version(store: Store, site: str, version: int) -> Policy:
    """An earlier version. Raises NotFound if the site never had it, or this release cannot read it."""
    if version == DEFAULT.version:
        return DEFAULT
    for each in await store.access.policies(site):
        if each.policy.version == version:
            return each.policy
    raise NotFound(f"no version {version} of this policy")


async def replace(
    store: Store, site: str, before: Policy, after: Policy, actor: str, **trail: Unpack[PolicyTrail]
) -> Policy:
    """Store `after` as the version that follows `before`.

    Raises Conflict if another change came first, or a list that its rules newly name is not there any more.

    The caller should then refresh the directory of this process; other processes see the change within seconds.
    """
    after = msgspec.structs.replace(after, name=before.name, version=before.version + 1)
    # A list that `before` names cannot be deleted meanwhile.
    names = sorted(names_in(after.rules) - names_in(before.rules))
    own, shared = [each for each in names if not is_shared(each)], [each for each in names if is_shared(each)]
    try:
        async with store.lists.named(shared):
            is_kept = await store.access.keep_policy(site, after, actor, own, **trail)
    except ListsGone as error:
        detail = f"rules would name lists that are not there any more: {', '.join(error.args)}"
        raise Conflict("list_gone", detail, {"lists": error.args}) from error
    if not is_kept:
        now = await newest(store, site, before.name)
        # Another change must have made a newer version. If there is none, this release cannot read the newest one.
        raise changed("another change came first", now) if now.version > before.version else written_otherwise()
    return after


def written_otherwise() -> Conflict:
    """The Conflict if this release cannot read the newest version."""
    detail = "the newest version was written by another release of Steward, and this one cannot read it"
    return Conflict("policy_unreadable", detail, {})


def changed(detail: str, now: Policy) -> Conflict:
    return Conflict("policy_changed", detail, msgspec.to_builtins(now))


class Transition(Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """Comments whose automatic decision was `from` and would be `to`, with the newest few as examples."""

    before: Action
    after: Action
    count: int
    examples: list[str]


class Judged(Struct, frozen=True):
    """People's decisions on comments with one automatic decision."""

    approved: int = 0
    rejected: int = 0


class RuleTrial(Struct, frozen=True):
    """For how many of the comments a rule would have applied, with the newest few as examples."""

    rule: str
    state: RuleState
    comments: int
    examples: list[str]


class Simulation(Struct, frozen=True, kw_only=True):
    """The decisions that a policy would have made on recent comments. Nothing is scored again, and nothing changes.

    `before` counts the actual automatic decisions, `after` those of the policy; `people_before` and `people_after` are
    people's decisions on the same comments. People mostly judge doubtful comments, so these are counts of known cases,
    not error rates.
    """

    comments: int
    missing: Annotated[int, Meta(description="Comments left out because their text was erased or has expired.")]
    back_to: Annotated[datetime | None, Meta(description="When the oldest examined comment was submitted.")]
    before: dict[Action, int]
    after: dict[Action, int]
    automated_before: Annotated[float | None, Meta(description="Share decided without a person.")]
    automated_after: float | None
    transitions: list[Transition]
    people_before: dict[Action, Judged]
    people_after: dict[Action, Judged]
    rejected_though_approved: Annotated[int, Meta(description="Would be rejected, and a person approved them.")]
    approved_though_rejected: Annotated[int, Meta(description="Would be approved, and a person rejected them.")]
    rules: Annotated[list[RuleTrial], Meta(description="In the order of the policy.")] = []


async def simulate(  # noqa: PLR0917 - what a policy is tried on
    store: Store, site: str, policy: Policy, known: Iterable[str], last: int, rules: CompiledRules | None = None
) -> Simulation:
    """Decide the site's newest comments under `policy`, from their stored scores.

    `known`: the attributes of the active model. One without a score counts as not judged in the comment's language.
    `rules`: those of the policy. What they count begins with the oldest of these comments.
    """
    attributes = frozenset(known)
    found: list[_Looked] = []
    tally, trial = _Tally(), _Trial(rules) if rules is not None else None
    newest = store.recent.newest(site, last, at_once=SLICE if trial is None else SLICE_WITH_RULES)
    async for seen, said in newest:
        would = _would_get(said, policy, attributes)
        found.append(_Looked(seen.summary, said.decision, would, trial.look(seen, said) if trial else None))
    for number, each in enumerate(reversed(found)):
        would = each.would if trial is None or each.ruled is None else trial.decide(each, each.ruled)
        tally.add(each.summary.id, each.decision, would, each.summary.verdict)
        if number % SLICE == 0:
            await asyncio.sleep(0)
    trials = trial.result(policy.rules) if trial is not None else []
    return tally.simulation(newest.missing, newest.back_to, trials)


class _Ruled(NamedTuple):
    """What rules say of a comment, as far as that goes without what came before it."""

    found: Findings
    comment: Arrival


class _Looked(NamedTuple):
    """A comment without its text, as thousands are held at once. `would`: what the thresholds would decide."""

    summary: CommentSummary
    decision: Action
    would: Action
    ruled: _Ruled | None


class _Trial:
    """What rules would have made of comments."""

    def __init__(self, rules: CompiledRules) -> None:
        self._rules = rules
        self._replay = CountReplay(rules.counts)
        self._applied: dict[str, list[str]] = {}

    def look(self, seen: Sighting, said: Glance) -> _Ruled:
        facts = Facts(said.text, said.language or "", said.scores, said.author_sent(), said.article_sent(), seen.at)
        author = said.author or ""
        found = self._rules.evaluate(facts)
        prints = ruling.prints_of(found, said.text, author)
        return _Ruled(found, Arrival(seen.at, author, said.article or "", prints))

    def decide(self, looked: _Looked, ruled: _Ruled) -> Action:
        """Oldest first."""
        found, comment = ruled
        counters = self._replay.counters(comment)
        open_ones = (each.rule for each in found.open if holds(each.expression, counters))
        applied = (*found.fired, *open_ones)
        for each in applied:
            self._applied.setdefault(each.rule, []).append(looked.summary.id)
        self._replay.add(comment, looked.summary.status)
        return most_severe(looked.would, applied, is_unavailable=bool(found.unavailable))

    def result(self, rules: Iterable[Rule]) -> list[RuleTrial]:
        return [
            RuleTrial(rule.id, rule.state, len(ids), ids[: -EXAMPLES - 1 : -1])
            for rule in rules
            for ids in (self._applied.get(rule.id, []),)
        ]


def _would_get(said: Glance, policy: Policy, known: frozenset[str]) -> Action:
    if not said.scores:
        return Action.REVIEW  # the model does not judge the language
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
        self._examples: dict[tuple[Action, Action], deque[str]] = {}

    def add(self, comment_id: str, said: Action, would: Action, verdict: Status | None) -> None:
        self.comments += 1
        self._pairs[said, would] += 1
        if verdict is not None:
            self._people[said, would, verdict] += 1
        if said is not would:
            self._examples.setdefault((said, would), deque(maxlen=EXAMPLES)).appendleft(comment_id)

    def simulation(self, missing: int, back_to: datetime | None, rules: list[RuleTrial]) -> Simulation:
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
                Transition(*pair, self._pairs[pair], list(examples))
                for pair, examples in sorted(self._examples.items())
            ],
            people_before=self._judged(0),
            people_after=people,
            rejected_though_approved=people[Action.REJECT].approved,
            approved_though_rejected=people[Action.APPROVE].rejected,
            rules=rules,
        )

    def _said(self, action: Action, at: int) -> int:
        return sum(count for pair, count in self._pairs.items() if pair[at] is action)

    def _automated(self, counts: Mapping[Action, int]) -> float | None:
        return 1 - counts[Action.REVIEW] / self.comments if self.comments else None

    def _judged(self, at: int) -> dict[Action, Judged]:
        def of(action: Action, status: Status) -> int:
            return sum(count for key, count in self._people.items() if key[at] is action and key[2] is status)

        return {action: Judged(of(action, Status.APPROVED), of(action, Status.REJECTED)) for action in Action}
