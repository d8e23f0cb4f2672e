"""Rules that need what Redis counts are decided in the step that records the comment."""

from typing import Any
from uuid import uuid4

import deeds
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sending import OUTCOMES, PRINTS, THREE_ALIKE, Send, of, open_rule, rules_of, send_to

from service.store import Store, open_store
from service.store.asked import CopyLimit, CountLimits, RateLimit, UndecidedRule, Window
from service.store.keyspace import Shard
from service.store.review import Filter
from service.trail import Entry, outcomes
from service.values.domain import Action, Author, Comment, DecidedBy, Doubling, Judgement, State, Status, Verdict
from service.values.errors import NotFound
from service.values.rules import AuthorStatus, FiredRule, RuleAction, RuleState, most_severe

pytestmark = pytest.mark.asyncio

SHADOW = RuleState.SHADOW
NEW = ("approved_below", 2)


async def test_a_rule_holds_an_author_who_is_new_until_two_comments_were_approved(send: Send) -> None:
    rule = open_rule(RuleAction.REVIEW, *NEW)
    first = await send("c1", rule)
    assert of(first) == (Action.REVIEW, Status.PENDING, DecidedBy.MODEL)
    assert rules_of(first) == ["review-rule"]
    assert [(await send(f"a{n}")).status for n in range(2)] == [Status.APPROVED] * 2
    assert of(await send("c2", rule)) == (Action.APPROVE, Status.APPROVED, DecidedBy.MODEL)


async def test_what_is_read_later_says_what_the_rules_decided(store: Store, site: str, send: Send) -> None:
    answered = await send("c1", open_rule(RuleAction.REJECT, *NEW, reason="off_topic", label="spam"))
    read = await store.comments.get(site, "c1")
    assert of(answered) == (Action.REJECT, Status.REJECTED, DecidedBy.RULE)
    assert read == answered
    assert read.content is not None
    reason = read.content.judgement.reasons[-1]
    assert (reason.rule, reason.action, reason.reason, reason.attribute) == (
        "reject-rule",
        "reject",
        "off_topic",
        "spam",
    )
    assert read.content.judgement.decision is Action.REJECT
    assert read.content.judgement.facts == {"status": "active", "author_approved": False}


async def test_a_rule_in_shadow_is_told_and_changes_nothing(send: Send) -> None:
    record = await send("c1", open_rule(RuleAction.REJECT, *NEW, state=RuleState.SHADOW))
    assert of(record) == (Action.APPROVE, Status.APPROVED, DecidedBy.MODEL)
    assert record.content.judgement.reasons[-1].shadow


async def test_a_persons_decision_and_its_undo_count(store: Store, site: str, send: Send) -> None:
    await send("c1", model=Action.REVIEW)
    assert await store.statuses.counted(site, "ann") == {}
    await deeds.judge(store, site, "mod", Verdict.APPROVE)
    assert await store.statuses.counted(site, "ann") == {"approved": 1}
    await store.queue.undo(site, "c1", "mod", 60)
    assert await store.statuses.counted(site, "ann") == {"approved": 0}
    await deeds.judge(store, site, "mod", Verdict.REJECT)
    assert await store.statuses.counted(site, "ann") == {"approved": 0, "rejected": 1}


async def test_an_overturned_decision_moves_the_count(store: Store, site: str, send: Send) -> None:
    await send("c1")
    await store.queue.reopen(site, "c1", "chief", sla_ms=1000)
    await deeds.judge(store, site, "mod", Verdict.REJECT)
    assert await store.statuses.counted(site, "ann") == {"approved": 0, "rejected": 1}


async def test_an_edit_by_another_author_counts_for_that_author(store: Store, site: str, send: Send) -> None:
    await send("c1")
    assert await store.statuses.counted(site, "ann") == {"approved": 1}
    await send("c1", author="bob", text="edited", model=Action.REJECT)
    assert await store.statuses.counted(site, "ann") == {"approved": 0}
    assert await store.statuses.counted(site, "bob") == {"rejected": 1}
    await send("c1", author=None, text="edited again")
    assert await store.statuses.counted(site, "bob") == {"rejected": 0}


async def test_what_was_decided_before_it_was_counted_is_not_taken_from_a_count(
    store: Store, site: str, send: Send, redis_server: Any
) -> None:
    for comment_id in ("c1", "c2"):
        await send(comment_id)
    with redis_server.client() as client:
        client.delete(Shard(site).key("who:ann"))
    await send("c1", text="edited")
    deeds.is_whole(redis_server)
    await send("c2", text="edited", model=Action.REJECT)
    assert await store.statuses.counted(site, "ann") == {"rejected": 1}


async def test_authors_who_are_not_indexed_are_not_counted(settings: Any, site: str) -> None:
    async with open_store(msgspec.structs.replace(settings, index_authors=False), settings.redis_url) as store:
        await send_to(store, site)("c1", model=Action.REVIEW)
        await deeds.judge(store, site, "mod", Verdict.APPROVE)
        assert await store.statuses.counted(site, "ann") == {}


async def test_the_share_of_rejections_counts_decided_comments(send: Send) -> None:
    rule = open_rule(RuleAction.REVIEW, "rejected_share_above", 0.5, 30)
    assert rules_of(await send("c0", rule)) == []
    await send("c1", model=Action.REJECT)
    assert rules_of(await send("c2", rule)) == []  # one of two
    await send("c3", model=Action.REJECT)
    assert rules_of(await send("c4", rule)) == []  # two of four: c2 was approved
    for n in range(5, 8):
        await send(f"c{n}", model=Action.REJECT)
    assert rules_of(await send("c8", rule)) == ["review-rule"]  # five of eight


async def test_three_rejections_within_the_days_are_three_strikes(send: Send) -> None:
    rule = open_rule(RuleAction.PREMODERATE, "rejected_at_least", 3, 30)
    for n in range(3):
        assert rules_of(await send(f"c{n}", rule, model=Action.REJECT)) == []
    assert rules_of(await send("c3", rule)) == ["premoderate-rule"]
    assert rules_of(await send("c4", rule, author="bob")) == []


@pytest.mark.parametrize("by", ["author", "article", "site"])
async def test_velocity_counts_comments_within_the_window(send: Send, by: str) -> None:
    name = {"article": "rate:article:a1", "site": "rate:site:site"}.get(by)
    rates = (Window(name, 60),) if name else ()
    rule = open_rule(RuleAction.REVIEW, "velocity", by, 2, 60)
    found = [rules_of(await send(f"c{n}", rule, article="a1", rates=rates)) for n in range(4)]
    assert found == [[], [], ["review-rule"], ["review-rule"]]


async def test_the_same_comment_sent_again_counts_once(send: Send) -> None:
    rule = open_rule(RuleAction.REVIEW, "velocity", "site", 1, 60)
    rates = (Window("rate:site:site", 60),)
    for _ in range(3):
        assert rules_of(await send("c1", rule, rates=rates)) == []
    assert rules_of(await send("c1", rule, rates=rates, text="edited")) == []
    assert rules_of(await send("c2", rule, rates=rates)) == ["review-rule"]


async def test_a_comment_is_filed_under_the_label_of_a_rule_that_depends_on_counts(
    store: Store, site: str, send: Send
) -> None:
    await send("c1", open_rule(RuleAction.REVIEW, *NEW, label="threat"))
    await send("c2", open_rule(RuleAction.REVIEW, *NEW), open_rule(RuleAction.LABEL, *NEW, label="insult"))
    await send(
        "c3", open_rule(RuleAction.REVIEW, *NEW), open_rule(RuleAction.LABEL, *NEW, label="threat", state=SHADOW)
    )
    for attribute, want in (("threat", ["c1"]), ("insult", ["c2"])):
        found = await store.queue.claim(site, "mod", 9, 60, Filter(attribute=attribute))
        assert [each.id for each in found] == want
        await store.queue.release(site, want[0], "mod", found[0].lease, skip=True)


async def test_an_answer_names_each_rule_that_could_not_be_evaluated(store: Store, site: str, send: Send) -> None:
    record = await send("c1", unavailable=("house-words", "other"))
    assert of(record) == (Action.REVIEW, Status.PENDING, DecidedBy.MODEL)
    said = [(each.code, each.rule) for each in record.content.judgement.reasons[1:]]
    assert said == [("rule_unavailable", "house-words"), ("rule_unavailable", "other")]
    assert await store.comments.get(site, "c1") == record


async def test_the_trail_names_the_rules_that_decided(store: Store, site: str, send: Send, has_status: Any) -> None:
    shadow = open_rule(RuleAction.REVIEW, *NEW, state=SHADOW)
    fired = FiredRule("words", RuleAction.LABEL, label="spam")
    await has_status("ann", AuthorStatus.BANNED)
    await send("c1", open_rule(RuleAction.REJECT, *NEW), shadow, fired=(fired,))
    await send("c2", author="bob")
    entries, _ = await store.audit.page(site, "", 100)
    submitted = [each for each in entries if each.details["action"] == "submitted"]
    said = [(each.details.get("rules"), each.details.get("decided_by")) for each in submitted]
    assert said == [("author_banned, words, reject-rule", "rule"), (None, None)]
    rebuilt = outcomes(Entry(each.at, each.cursor, each.details, n, 0) for n, each in enumerate(entries)).comments
    assert [rebuilt[name].standing.by for name in ("c1", "c2")] == [DecidedBy.RULE, DecidedBy.MODEL]


async def test_a_rule_that_makes_a_review_most_urgent_asks_for_a_second_look(
    store: Store, site: str, send: Send
) -> None:
    doubles = {
        **OUTCOMES,
        Action.REVIEW: msgspec.structs.replace(OUTCOMES[Action.REVIEW], urgent_double=Doubling.REJECTS),
    }
    await send("c1", open_rule(RuleAction.REVIEW, *NEW), outcomes=doubles)  # due in a minute
    assert (await deeds.judge(store, site, "mod", Verdict.REJECT))[1].state is State.QUEUED
    assert (await deeds.judge(store, site, "other", Verdict.REJECT))[1].status is Status.REJECTED


async def test_all_that_is_counted_expires(send: Send, redis_server: Any) -> None:
    await send("c1", THREE_ALIKE, prints=PRINTS, window_s=3600, rates=(Window("rate:site:site", 60),))
    deeds.is_whole(redis_server)


actions = st.sampled_from([each for each in RuleAction if each is not RuleAction.LABEL] + [RuleAction.LABEL])
fired_rules = st.builds(
    lambda number, action, state, override: FiredRule(f"r{number}", action, state, override),
    st.integers(0, 99),
    actions,
    st.sampled_from([RuleState.ON, RuleState.SHADOW]),
    st.booleans(),
)
# Each holds, or not, whatever is counted.
ALWAYS, NEVER = ("not", ("status", "banned")), ("status", "banned")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    model=st.sampled_from(list(Action)),
    fired=st.lists(fired_rules, max_size=3),
    opened=st.lists(st.tuples(fired_rules, st.booleans()), max_size=3),
    is_unavailable=st.booleans(),
)
async def test_redis_decides_as_python_does(
    send: Send, model: Action, fired: Any, opened: Any, is_unavailable: bool
) -> None:
    open_rules = [UndecidedRule(rule, ALWAYS if holds else NEVER, None) for rule, holds in opened]
    record = await send(
        str(uuid4()),
        *open_rules,
        fired=tuple(fired),
        model=model,
        unavailable=("u",) if is_unavailable else (),
        author=None,
    )
    applied = (*fired, *(rule for rule, holds in opened if holds))
    assert record.decision is most_severe(model, applied, is_unavailable=is_unavailable)
    assert rules_of(record) == [each.rule for each in applied]


async def test_the_facts_of_all_shards_count(settings: Any, site: str) -> None:
    async with open_store(msgspec.structs.replace(settings, shards=3), settings.redis_url) as store:
        send = send_to(store, site)
        rule = open_rule(RuleAction.REVIEW, *NEW)
        assert rules_of(await send("c0", rule)) == ["review-rule"]
        for n in range(2):
            assert (await send(f"a{n}")).status is Status.APPROVED
        assert rules_of(await send("c1", rule)) == []
        prints = {"prints": PRINTS, "window_s": 3600}
        found = [rules_of(await send(f"d{n}", THREE_ALIKE, **prints)) for n in range(6)]
        assert found == [[], [], *[["review-rule"]] * 4]


async def test_a_limit_that_is_passed_asks_for_rules_and_others_only_count(store: Store, site: str) -> None:
    async def sent(comment_id: str, prints: tuple[str, ...] = ("p",)) -> str:
        watch = CountLimits(
            (RateLimit("author:ann", 60, 3, is_of_author=True),),
            (CopyLimit(60, 2, 1, len(prints)),),
            prints,
            rates=(Window("rate:site:site", 60),),
            window_s=60,
        )
        judgement = Judgement(Action.APPROVE, {"toxicity": 0.1}, (), "m-1", "default@1")
        comment = Comment("hello", author=Author("ann"))
        outcome, _ = await store.comments.submit(
            site, comment_id, comment, judgement, urgency=None, actor="site-key", watch=watch
        )
        return outcome

    assert [await sent(f"c{n}") for n in range(3)] == ["created", "created", "ask"]
    assert await sent("c1") == "exists", "the same again passes no limit"
    with pytest.raises(NotFound):
        await store.comments.get(site, "c2")
    rule = open_rule(RuleAction.REVIEW, "velocity", "site", 2, 60)
    assert rules_of(await send_to(store, site)("c3", rule)) == ["review-rule"], "what was watched is counted"
    assert await sent("c4", ()) == "ask", "so does the fourth of the author within a minute"


@pytest.mark.parametrize("indexes", [True, False])
async def test_copies_count_from_the_first_comment_of_an_author_on(settings: Any, site: str, *, indexes: bool) -> None:
    """Nothing is looked up for an author without comments, but what comes is counted."""
    judgement = Judgement(Action.APPROVE, {"toxicity": 0.1}, (), "m-1", "default@1")

    async def sent(comment_id: str, author: str) -> str:
        watch = CountLimits(
            copies=(CopyLimit(60, 2, 1, 1), CopyLimit(60, 3, 2, 2)),
            prints=(f"own:{author}", "any"),
            of_author=1,
            window_s=60,
        )
        comment = Comment("hello", author=Author(author))
        outcome, _ = await store.comments.submit(
            site, comment_id, comment, judgement, urgency=None, actor="site-key", watch=watch
        )
        return outcome

    async with open_store(msgspec.structs.replace(settings, index_authors=indexes), settings.redis_url) as store:
        assert [await sent(f"a{n}", "ann") for n in range(3)] == ["created", "created", "ask"]
        assert await sent("b1", "bob") == "created"
        assert await sent("c1", "cem") == "ask", "the site's fourth, though the author is new"


async def test_a_copy_of_rejected_spam_passes_a_limit_at_once(store: Store, site: str, send: Send) -> None:
    judgement = Judgement(Action.APPROVE, {"toxicity": 0.1}, (), "m-1", "default@1")
    watch = CountLimits(copies=(CopyLimit(60, 2, 1, 1),), prints=("p",), window_s=60)

    async def sent(comment_id: str) -> str:
        outcome, _ = await store.comments.submit(
            site, comment_id, Comment("hello"), judgement, urgency=None, actor="site-key", watch=watch
        )
        return outcome

    await send("c0", THREE_ALIKE, prints={"near:site": ("p",)}, window_s=60, model=Action.REVIEW)
    assert await sent("c1") == "created"
    await deeds.judge(store, site, "mod", Verdict.REJECT, reason="spam")
    assert await sent("c2") == "ask"
    await store.queue.undo(site, "c0", "mod", 60)
    await store.comments.erase(site, "c1", "site-key")
    assert await sent("c3") == "created"
