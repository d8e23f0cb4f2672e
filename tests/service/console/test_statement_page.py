"""The page of a statement of reasons: for those who oversee, in every language, and never before the answer."""

from typing import Any

import pytest

from service.values.accounts import Role

DSA = {"in_scope": True, "clauses": {"other": {"clause": "Section <1>", "explanation": "Keep to our rules."}}}


async def rejected(admin: Any, dsa: Any = DSA, **review: Any) -> None:
    policy = {"thresholds": {"toxicity": {"reject_at": 0}}, "review": review} | ({"dsa": dsa} if dsa else {})
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPERVISOR, Role.AUDITOR])
async def test_the_comment_leads_to_its_statement_in_each_language(as_role: Any, admin: Any, role: Role) -> None:
    await rejected(admin)
    somebody = await as_role(role)
    assert 'href="/console/statement?id=c-1"' in (await somebody.get("/console/comment?id=c-1")).text
    for language, said in (("en", "was removed on"), ("de", "wurde am"), ("uk", "вилучено")):
        text = (await somebody.get(f"/console/statement?id=c-1&language={language}")).text
        assert said in text
        assert "Section &lt;1&gt;" in text
        assert "by automated means alone" in text
    assert (await somebody.get("/console/statement?id=c-1&language=xx")).status == 400


async def test_there_is_none_out_of_scope_or_for_a_comment_that_still_waits(as_role: Any, admin: Any) -> None:
    await rejected(admin, dsa=None)
    chief = await as_role(Role.SUPERVISOR)
    assert "/console/statement" not in (await chief.get("/console/comment?id=c-1")).text
    assert (await chief.get("/console/statement?id=c-1")).status == 409
    await rejected(admin, audit_rejected=1)
    await admin.post("/v1/comments", {"id": "c-2", "text": "hello"})
    assert "/console/statement" not in (await chief.get("/console/comment?id=c-2")).text, "a blind audit"
    assert (await chief.get("/console/statement?id=c-2")).status == 409
    assert (await chief.get("/console/statement?id=c-9")).status == 404


async def test_moderators_do_not_see_it(as_role: Any, admin: Any) -> None:
    await rejected(admin)
    ann = await as_role(Role.MODERATOR)
    assert "/console/statement" not in (await ann.get("/console/comment?id=c-1")).text
    assert (await ann.get("/console/statement?id=c-1")).status == 403
