"""GET /v1/comments/{id}/statement, and the same in webhooks: for sites that say that they are in scope."""

from typing import Any

import msgspec
import pytest

from service.settings import Settings
from service.values.statement_words import LANGUAGES

CLAUSES = {
    "other": {"clause": "Section 1", "explanation": "Keep to our rules."},
    "insulting": {"clause": "Section 3", "explanation": "It insults.", "category": "STATEMENT_CATEGORY_CYBER_VIOLENCE"},
}
DSA = {"in_scope": True, "clauses": CLAUSES}


async def put(chief: Any, thresholds: Any, dsa: Any = DSA, **review: Any) -> None:
    policy = {"thresholds": {"toxicity": thresholds}, "review": review} | ({"dsa": dsa} if dsa else {})
    reply = await chief("PUT", "/v1/policies/default", policy)
    assert reply.status == 200, reply.body


async def statement(chief: Any, comment: str = "c-1") -> Any:
    reply = await chief.get(f"/v1/comments/{comment}/statement")
    assert reply.status == 200, reply.body
    return reply.body


async def test_an_automatic_rejection_has_a_statement_in_every_language(admin: Any) -> None:
    await put(admin, {"reject_at": 0})
    await admin.post("/v1/comments", {"id": "c-1", "text": "Guten Tag, wie geht es Ihnen heute?"})
    found = await statement(admin)
    assert (found["automated_detection"], found["automated_decision"], found["source"]) == (
        True,
        "fully",
        "own_initiative",
    )
    assert (found["clause"], found["ground"], found["territory"], found["until"]) == (
        "Section 1",
        "terms",
        ["EU"],
        None,
    )
    assert set(found["texts"]) == set(LANGUAGES)
    assert "Guten Tag" not in str(found)
    assert found["content_language"] == "de"


async def test_a_moderators_rejection_names_the_clause_of_its_reason(admin: Any, ann: Any) -> None:
    await put(admin, {"review_at": 0})
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    body = {"decision": "reject", "reason": "insulting", "lease": item["lease"], "note": "Jo Doe again"}
    await ann.post("/v1/review/c-1/decision", body)
    found = await statement(admin)
    assert (found["clause"], found["automated_decision"]) == ("Section 3", "not_automated")
    assert "Jo Doe" not in str(found)
    assert "ann" not in found.values()


@pytest.mark.parametrize("show_scores", [False, True])
async def test_the_decision_is_partly_automated_if_the_moderator_saw_the_scores(
    admin: Any, ann: Any, show_scores: bool
) -> None:
    await put(admin, {"review_at": 0}, show_scores=show_scores)
    seen = set()
    for number in range(20):
        await admin.post("/v1/comments", {"id": f"c-{number}", "text": "hello"})
    for item in (await ann.post("/v1/review/claim", {"count": 20})).body["items"]:
        await ann.post(f"/v1/review/{item['id']}/decision", {"decision": "reject", "lease": item["lease"]})
        said = (await statement(admin, item["id"]))["automated_decision"]
        assert said == ("partially" if item["scores"] is not None else "not_automated")
        seen.add(said)
    assert "partially" in seen if show_scores else seen == {"not_automated"}


async def test_a_comment_that_readers_reported_was_found_by_notice(admin: Any, ann: Any) -> None:
    await put(admin, {}, reports_needed=1)
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    await admin.post("/v1/comments/c-1/report", {"reporter": "r-1"})
    (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    await ann.post("/v1/review/c-1/decision", {"decision": "reject", "lease": item["lease"]})
    found = await statement(admin)
    assert (found["source"], found["automated_detection"]) == ("notice", False)
    assert "Readers reported" in found["facts"]


async def test_there_is_no_statement_without_scope_rejection_or_comment(admin: Any, ann: Any, problem: Any) -> None:
    await put(admin, {"reject_at": 0}, dsa=None)
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    assert problem(await admin.get("/v1/comments/c-1/statement"), 409)["code"] == "dsa_off"
    await put(admin, {})
    await admin.post("/v1/comments", {"id": "c-2", "text": "hello"})
    assert problem(await admin.get("/v1/comments/c-2/statement"), 409)["code"] == "not_rejected"
    problem(await admin.get("/v1/comments/c-9/statement"), 404)
    problem(await ann.get("/v1/comments/c-1/statement"), 403)
    await admin("DELETE", "/v1/comments/c-1")
    problem(await admin.get("/v1/comments/c-1/statement"), 404)


@pytest.mark.parametrize(
    ("dsa", "pointer"),
    [
        ({"in_scope": True}, "/dsa/clauses"),
        (
            {"clauses": {"other": {"clause": "a", "explanation": "mail jo@site.example"}}},
            "/dsa/clauses/other/explanation",
        ),
        (
            {"clauses": {"other": {"clause": "a", "explanation": "b", "category": "STATEMENT_CATEGORY_X"}}},
            "/dsa/clauses/other/category",
        ),
        ({"territory": ["Mars"]}, "/dsa/territory/0"),
        ({"complaint_days": 10}, "/dsa/complaint_days"),
    ],
)
async def test_settings_that_cannot_be_used_are_refused_by_their_field(
    admin: Any, problem: Any, dsa: Any, pointer: str
) -> None:
    reply = await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {}}, "dsa": dsa})
    assert problem(reply, 400)["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("dsa", [DSA, None])
async def test_a_rejected_text_is_kept_as_long_as_its_author_may_complain(
    admin: Any, ann: Any, redis_server: Any, dsa: Any
) -> None:
    await put(admin, {"reject_at": 0}, dsa)
    await admin.post("/v1/comments", {"id": "rejected", "text": "hello", "author": {"id": "u-1"}})
    await put(admin, {}, dsa)
    await admin.post("/v1/comments", {"id": "approved", "text": "hello"})
    await put(admin, {"review_at": 0}, dsa)
    await admin.post("/v1/comments", {"id": "judged", "text": "hello"})
    (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    await ann.post("/v1/review/judged/decision", {"decision": "reject", "lease": item["lease"]})
    with redis_server.client() as client:
        days = {name: client.ttl(f"cm:{{daily}}:text:{name}:1") / 86_400 for name in ("rejected", "approved", "judged")}
        state = client.ttl("cm:{daily}:item:rejected") / 86_400
        (index,) = client.keys("cm:{daily}:author:*")
        assert client.ttl(index) / 86_400 > days["rejected"] + 60, "who erases it must still find it"
    assert days["approved"] < 31
    assert (days["rejected"] > 182) is bool(dsa)
    assert state > days["rejected"]
    assert days["judged"] > 182


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Without a hold, so that the feed shows a decision at once."""
    return msgspec.structs.replace(settings, undo_hold_s=0)


@pytest.mark.parametrize("dsa", [DSA, None])
async def test_the_feed_names_the_page_for_the_author_on_sites_in_scope(admin: Any, ann: Any, dsa: Any) -> None:
    await put(admin, {"review_at": 0}, dsa)
    for comment, decision in (("c-1", "reject"), ("c-2", "approve")):
        await admin.post("/v1/comments", {"id": comment, "text": "hello"})
        (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
        await ann.post(f"/v1/review/{comment}/decision", {"decision": decision, "lease": item["lease"]})
    events = (await admin.get("/v1/events")).body["events"]
    pages = {each["comment_id"]: each["page_url"] for each in events if "page_url" in each}
    if dsa is None:
        assert pages == {}
    else:
        assert pages == {"c-1": (await statement(admin))["page_url"]}
