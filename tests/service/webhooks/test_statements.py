"""A webhook about a rejection brings the statement of reasons, if the site is in scope."""

import json
from typing import Any

import msgspec
import pytest

from service.store import Store
from service.store.outbox import Event
from service.store.review import Answer, Filter
from service.values.domain import Action, Comment, Judgement, Reason, Urgency, Verdict, Why
from service.values.dsa import Clause, Dsa
from service.values.policy import Policy, Thresholds
from service.webhooks import message
from service.webhooks.statements import statement_for

SITE = "daily"
DSA = Dsa(
    in_scope=True, clauses={"other": Clause("Section 1", "Keep to our rules."), "spam": Clause("Section 2", "Ads.")}
)


async def rejected(store: Store, dsa: Dsa | None = DSA) -> Event:
    policy = Policy({"spam": Thresholds(0.1)}, version=2)
    policy = policy if dsa is None else msgspec.structs.replace(policy, dsa=dsa)
    assert await store.access.keep_policy(SITE, policy, "chief")
    judgement = Judgement(Action.REVIEW, {"spam": 0.5}, (Reason("r", "spam", 0.5),), "m-1", "default@2", language="en")
    urgency = Urgency(Why.UNCERTAIN, 0.5, 60_000)
    await store.comments.submit(SITE, "c-1", Comment("secret words"), judgement, urgency=urgency, actor="site")
    (held,) = await store.queue.claim(SITE, "ann", 1, 60, Filter())
    answer = Answer(Verdict.REJECT, held.lease, "spam", digest="d")
    _, record = await store.queue.decide(SITE, "c-1", "ann", answer, may_overrule=False, scores_shown=True)
    assert record is not None
    return Event(
        comment="c-1",
        revision=1,
        version=record.version,
        at=1_800_000_000_000,
        type="decision.created",
        status="rejected",
        decided_by="moderator",
        decision="reject",
        reason="spam",
    )


async def test_the_site_is_told_why_in_every_language(store: Store) -> None:
    event = await rejected(store)
    sent = json.loads(message.body(SITE, event, None, await statement_for(store, SITE, event)))["data"]["statement"]
    assert (sent["clause"], sent["automated_decision"], sent["comment_id"]) == ("Section 2", "partially", "c-1")
    assert set(sent["texts"]) == {"en", "de", "uk"}
    assert "secret words" not in json.dumps(sent)


@pytest.mark.parametrize("letters", [500, 2_000])
async def test_a_body_stays_below_the_limit_also_with_long_clauses_and_titles(store: Store, letters: int) -> None:
    long = Clause("\N{CYRILLIC SMALL LETTER YI}" * 500, "\N{GRINNING FACE}" * letters)
    event = await rejected(store, Dsa(in_scope=True, clauses={"other": long}))
    titles = {f"{a}{b}": "\N{GRINNING FACE}" * 100 for a in "abcdefgh" for b in "abcdefgh"}
    event = msgspec.structs.replace(
        event, reason_texts=json.dumps(titles, ensure_ascii=False) if letters > 500 else None
    )
    sent = message.body(SITE, event, "what I wrote", await statement_for(store, SITE, event))
    assert len(sent) <= message.MAX_BODY_BYTES
    assert ("statement" in json.loads(sent)["data"]) == (letters == 500)
    assert json.loads(sent)["data"]["reason"] == "spam"


async def test_a_body_that_is_too_large_loses_the_text_and_not_the_statement(store: Store) -> None:
    event = await rejected(store)
    found = json.loads(message.body(SITE, event, "x" * 19_000, await statement_for(store, SITE, event)))["data"]
    assert "text" not in found
    assert found["statement"]["clause"] == "Section 2"


@pytest.mark.parametrize("dsa", [None, Dsa(), msgspec.structs.replace(DSA, in_scope=False)])
async def test_sites_that_are_not_in_scope_get_none(store: Store, dsa: Dsa | None) -> None:
    event = await rejected(store, dsa)
    assert await statement_for(store, SITE, event) is None
    assert "statement" not in json.loads(message.body(SITE, event, None))["data"]


async def test_an_event_that_is_not_the_newest_gets_none(store: Store) -> None:
    event = await rejected(store)
    assert await statement_for(store, SITE, msgspec.structs.replace(event, version=event.version - 1)) is None
    assert await statement_for(store, SITE, msgspec.structs.replace(event, status="approved")) is None
    await store.queue.reopen(SITE, "c-1", "chief", sla_ms=1000)
    assert await statement_for(store, SITE, event) is None
    assert await statement_for(store, SITE, msgspec.structs.replace(event, comment="c-9")) is None


async def test_without_redis_the_event_is_sent_without_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    event = await rejected(store)

    async def gone(*_: Any) -> Any:
        from service.values.errors import StoreUnavailable  # noqa: PLC0415 - only here

        raise StoreUnavailable("gone")

    monkeypatch.setattr(type(store.access), "policy", gone)
    assert await statement_for(store, SITE, event) is None
