"""A webhook about a rejection brings the statement of reasons, if the site is in scope."""

import json
from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.store import Store
from service.store.outbox import Event
from service.store.review import Answer, Filter
from service.values.addresses import addressed
from service.values.domain import Action, Comment, Judgement, Reason, Urgency, Verdict, Why
from service.values.dsa import Clause, Dsa
from service.values.policy import Policy, Thresholds
from service.values.statement_words import LANGUAGES
from service.webhooks import message
from service.webhooks.administration import open_webhooks
from service.webhooks.statements import complaint_for, statement_for

SITE = "daily"
PAGES = "https://steward.example/console/reasons/"
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
    sent = json.loads(message.body(SITE, event, None, await statement_for(store, SITE, event, None)))["data"][
        "statement"
    ]
    assert (sent["clause"], sent["automated_decision"], sent["comment_id"]) == ("Section 2", "partially", "c-1")
    assert set(sent["texts"]) == set(LANGUAGES)
    assert "page_url" not in sent, "the relay does not know where the pages are"
    assert "secret words" not in json.dumps(sent)


@pytest.mark.parametrize("own", [None, "https://site.example/complain"])
async def test_the_statement_names_the_page_for_the_author_where_the_relay_knows_it(
    store: Store, own: str | None
) -> None:
    dsa = msgspec.structs.replace(DSA, complaint_url=own)
    event = await rejected(store, dsa)
    found = await statement_for(store, SITE, event, PAGES)
    sent = json.loads(message.body(SITE, event, None, found))["data"]["statement"]
    assert sent["page_url"].startswith(PAGES)
    assert addressed(await store.access.salt(), sent["page_url"].removeprefix(PAGES)) == (SITE, "c-1", 1)
    assert sent["complaint_url"] == (own or sent["page_url"])
    assert (sent["page_url"] in sent["texts"]["en"]) is (own is None)


@pytest.mark.parametrize("letters", [500, 2_000])
async def test_a_body_stays_below_the_limit_also_with_long_clauses_and_titles(store: Store, letters: int) -> None:
    long = Clause("\N{CYRILLIC SMALL LETTER YI}" * 500, "\N{GRINNING FACE}" * letters)
    event = await rejected(store, Dsa(in_scope=True, clauses={"other": long}))
    whole = await statement_for(store, SITE, event, PAGES)
    assert whole is not None
    titles = {f"{a}{b}": "\N{GRINNING FACE}" * 100 for a in "abcdefgh" for b in "abcdefgh"}
    event = msgspec.structs.replace(
        event, reason_texts=json.dumps(titles, ensure_ascii=False) if letters > 500 else None
    )
    sent = message.body(SITE, event, "what I wrote", whole)
    assert len(sent) <= message.MAX_BODY_BYTES
    assert len(msgspec.json.encode(whole)) > message.MAX_BODY_BYTES
    kept = json.loads(sent)["data"].get("statement")
    if letters == 500:
        assert set(kept["texts"]) == {"en", whole.content_language}, "the author's language and English stay"
    else:
        assert kept is None
    assert json.loads(sent)["data"]["reason"] == "spam"


async def test_a_body_that_is_too_large_loses_the_text_and_not_the_statement(store: Store) -> None:
    event = await rejected(store)
    found = json.loads(message.body(SITE, event, "x" * 19_000, await statement_for(store, SITE, event, None)))["data"]
    assert "text" not in found
    assert found["statement"]["clause"] == "Section 2"


@pytest.mark.parametrize("dsa", [None, Dsa(), msgspec.structs.replace(DSA, in_scope=False)])
async def test_sites_that_are_not_in_scope_get_none(store: Store, dsa: Dsa | None) -> None:
    event = await rejected(store, dsa)
    assert await statement_for(store, SITE, event, None) is None
    assert "statement" not in json.loads(message.body(SITE, event, None))["data"]


async def test_an_event_that_is_not_the_newest_gets_none(store: Store) -> None:
    event = await rejected(store)
    assert await statement_for(store, SITE, msgspec.structs.replace(event, version=event.version - 1), None) is None
    assert await statement_for(store, SITE, msgspec.structs.replace(event, status="approved"), None) is None
    await store.queue.reopen(SITE, "c-1", "chief", sla_ms=1000)
    assert await statement_for(store, SITE, event, None) is None
    assert await statement_for(store, SITE, msgspec.structs.replace(event, comment="c-9"), None) is None


async def test_without_redis_the_event_is_sent_without_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    event = await rejected(store)

    async def gone(*_: Any) -> Any:
        from service.values.errors import StoreUnavailable  # noqa: PLC0415 - only here

        raise StoreUnavailable("gone")

    monkeypatch.setattr(type(store.access), "policy", gone)
    assert await statement_for(store, SITE, event, None) is None


async def test_the_site_is_told_what_became_of_a_complaint(store: Store) -> None:
    await rejected(store)
    await store.comments.appeal(SITE, "c-1", "I quoted", sla_ms=1000)
    (held,) = await store.queue.claim(SITE, "bob", 1, 60, Filter())
    answer = Answer(Verdict.REJECT, held.lease, "spam", digest="e")
    _, record = await store.queue.decide(SITE, "c-1", "bob", answer, may_overrule=False)
    assert record is not None
    event = Event(
        comment="c-1",
        revision=1,
        version=record.version,
        at=1_800_000_000_000,
        type="decision.created",
        status="rejected",
        decided_by="moderator",
        complaint="upheld",
    )
    told = await complaint_for(store, SITE, event)
    sent = json.loads(message.body(SITE, event, None, None, None, told))["data"]["complaint"]
    assert (sent["outcome"], sent["clause"], set(sent["texts"])) == ("upheld", "Section 2", set(LANGUAGES))
    assert "I quoted" not in json.dumps(sent)
    assert await complaint_for(store, SITE, msgspec.structs.replace(event, complaint=None)) is None


@pytest.mark.parametrize("public_url", [None, "https://steward.example/"])
async def test_the_relay_names_the_page_if_it_knows_the_public_address(
    quick: Settings, store: Store, receiver: Any, until: Any, public_url: str | None
) -> None:
    async with open_webhooks(msgspec.structs.replace(quick, public_url=public_url), store) as administration:
        await administration.put(SITE, receiver.url, include_text=False, actor="admin")
        await rejected(store)
        async with administration.relayed():
            await until(lambda: len(receiver.came) == 2)
    sent = json.loads(receiver.came[1][1])["data"]["statement"]
    if public_url is None:
        assert "page_url" not in sent
    else:
        assert sent["page_url"].startswith(PAGES)
