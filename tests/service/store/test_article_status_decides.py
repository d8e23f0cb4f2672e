"""The status of an article or a section decides in the step that records the comment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sending import Send, of, open_rule

from service.store import Store
from service.store.articles import ArticleChange, ArticleInForce
from service.store.asked import Heated, PossibleOutcome
from service.values.articles import ArticleStatus, Place, PlaceKind
from service.values.domain import Action, Article, DecidedBy, Reason, Status, Urgency, Why
from service.values.errors import NotFound
from service.values.rules import AuthorStatus, RuleAction

pytestmark = pytest.mark.asyncio

ARTICLE, SECTION = Place(PlaceKind.ARTICLE, "a-1"), Place(PlaceKind.SECTION, "sports")
HEATED = Heated(
    Reason("article_heated", "insult", 0.2, 0.15, 0.98),
    PossibleOutcome(Urgency(Why.UNCERTAIN, 0.25, 120_000), 0.0, "insult"),
)
REJECTED = (Action.REJECT, Status.REJECTED, DecidedBy.RULE)
HELD = (Action.REVIEW, Status.PENDING, DecidedBy.MODEL)
APPROVED = (Action.APPROVE, Status.APPROVED, DecidedBy.MODEL)


@pytest.mark.parametrize("place", [ARTICLE, SECTION])
@pytest.mark.parametrize(
    ("status", "model", "want"),
    [
        (ArticleStatus.CLOSED, Action.APPROVE, REJECTED),
        (ArticleStatus.CLOSED, Action.REVIEW, REJECTED),
        (ArticleStatus.PREMODERATED, Action.APPROVE, HELD),
        (ArticleStatus.PREMODERATED, Action.REJECT, (Action.REJECT, Status.REJECTED, DecidedBy.MODEL)),
        (ArticleStatus.HEATED, Action.APPROVE, HELD),
    ],
)
async def test_the_status_of_an_article_or_a_section_decides(
    send: Send, place_has: Any, place: Place, status: ArticleStatus, model: Action, want: tuple[Any, ...]
) -> None:
    await place_has(place, status)
    record = await send("c1", model=model, article="a-1", section="sports", heated=HEATED)
    assert of(record) == want
    assert record.content.judgement.reasons[-1].code == f"{place.kind}_{status}"
    assert of(await send("c2", article="a-2", section="news", heated=HEATED)) == APPROVED
    assert of(await send("c3", article="sports", section="a-1", heated=HEATED)) == APPROVED


async def test_a_heated_article_keeps_why_with_the_score_and_when_it_is_due(
    send: Send, store: Store, site: str, place_has: Any
) -> None:
    await place_has(ARTICLE, ArticleStatus.HEATED)
    record = await send("c1", article="a-1", heated=HEATED)
    kept = await store.comments.get(site, "c1")
    assert kept == record
    assert kept.content.judgement.reasons[-1] == HEATED.reason
    assert (kept.why, kept.priority) == (Why.UNCERTAIN, 0.25)
    assert kept.due_at - kept.created_at == timedelta(minutes=2)


async def test_a_heated_article_changes_nothing_for_low_scores_or_what_was_doubtful_before(
    send: Send, place_has: Any
) -> None:
    await place_has(ARTICLE, ArticleStatus.HEATED)
    assert of(await send("c1", article="a-1")) == APPROVED
    doubtful = await send("c2", model=Action.REVIEW, article="a-1")
    assert [each.code for each in doubtful.content.judgement.reasons] == ["r"]


async def test_trust_overrides_calmer_thresholds_and_not_pre_moderation(
    send: Send, has_status: Any, place_has: Any
) -> None:
    await has_status("ann", AuthorStatus.TRUSTED)
    await place_has(ARTICLE, ArticleStatus.HEATED)
    assert (await send("c1", article="a-1", heated=HEATED)).decision is Action.APPROVE
    await place_has(ARTICLE, ArticleStatus.PREMODERATED)
    assert (await send("c2", article="a-1", heated=HEATED)).decision is Action.REVIEW


async def test_of_an_article_its_section_and_a_rule_the_most_severe_counts(send: Send, place_has: Any) -> None:
    await place_has(SECTION, ArticleStatus.CLOSED)
    await place_has(ARTICLE, ArticleStatus.HEATED)
    both = await send("c1", article="a-1", section="sports", heated=HEATED)
    assert of(both) == REJECTED
    assert [each.code for each in both.content.judgement.reasons[-2:]] == ["article_heated", "section_closed"]
    await place_has(SECTION, ArticleStatus.OPEN)
    rule = open_rule(RuleAction.REJECT, "approved_below", 3)
    assert (await send("c2", rule, article="a-1", section="sports", heated=HEATED)).decision is Action.REJECT


async def test_a_status_ends_by_itself_and_can_be_taken_back(send: Send, place_has: Any) -> None:
    await place_has(ARTICLE, ArticleStatus.CLOSED, datetime.now(UTC) - timedelta(seconds=1))
    assert of(await send("c1", article="a-1")) == APPROVED
    await place_has(ARTICLE, ArticleStatus.CLOSED)
    assert of(await send("c2", article="a-1")) == REJECTED
    await place_has(ARTICLE, ArticleStatus.OPEN)
    assert of(await send("c3", article="a-1")) == APPROVED


async def test_a_comment_sent_again_keeps_its_decision_and_an_edit_is_decided_anew(send: Send, place_has: Any) -> None:
    first = await send("c1", article="a-1")
    await place_has(ARTICLE, ArticleStatus.CLOSED)
    assert await send("c1", article="a-1") == first
    assert of(await send("c1", article="a-1", text="edited")) == REJECTED


async def test_a_submission_without_rules_asks_for_them_if_the_article_has_a_status(
    store: Store, site: str, submit: Any, place_has: Any
) -> None:
    await place_has(SECTION, ArticleStatus.CLOSED)
    assert await submit("c1", article=Article("a-1", section="sports")) == ("ask", None)
    with pytest.raises(NotFound):
        await store.comments.get(site, "c1")
    assert (await submit("c2", article=Article("a-1")))[0] == "created"


async def test_of_two_changes_with_one_version_the_first_stands(store: Store, site: str) -> None:
    first, second = (ArticleChange(ArticleStatus.CLOSED, 1, datetime.now(UTC), by) for by in ("ann", "bob"))
    assert await store.articles.put(site, ARTICLE, first)
    assert not await store.articles.put(site, ARTICLE, second)
    assert [each.by for each in await store.articles.history(site, ARTICLE)] == ["ann"]


async def test_those_with_a_status_are_listed_by_when_they_end(store: Store, site: str, place_has: Any) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    soon, later = now + timedelta(hours=1), now + timedelta(hours=2)
    ended, closed, opened = (Place(PlaceKind.ARTICLE, name) for name in ("ended", "closed", "opened"))
    await place_has(ARTICLE, ArticleStatus.HEATED, later)
    await place_has(SECTION, ArticleStatus.PREMODERATED, soon)
    await place_has(ended, ArticleStatus.CLOSED, datetime.now(UTC) - timedelta(seconds=1))
    await place_has(closed, ArticleStatus.CLOSED)
    await place_has(opened, ArticleStatus.CLOSED)
    await place_has(opened, ArticleStatus.OPEN)
    assert await store.articles.listed(site, 9) == ([SECTION, ARTICLE, closed], False)
    assert await store.articles.listed(site, 2) == ([SECTION, ARTICLE], True)
    found = await store.articles.in_force(site, [ARTICLE, ended, closed, opened])
    assert found == {
        ARTICLE: ArticleInForce(ArticleStatus.HEATED, later),
        closed: ArticleInForce(ArticleStatus.CLOSED),
    }
