"""Readers' notices and authors' complaints in the console: listed with their age, decided, and only in scope."""

import re
from html import unescape
from typing import Any

import pytest

from service.console.appeals import PER_PAGE
from service.values.accounts import Role

DSA = {"in_scope": True, "clauses": {"other": {"clause": "Section 1", "explanation": "Keep to our rules."}}}
NOTICE = {"reporter": "r-1", "kind": "insult", "explanation": "It insults <my> family."}
NOTICES = "/console/appeals?kind=notice"


async def put(admin: Any, dsa: Any = DSA, **thresholds: Any) -> None:
    policy = {"thresholds": {"toxicity": thresholds}} | ({"dsa": dsa} if dsa else {})
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200


@pytest.fixture
async def noticed(admin: Any) -> None:
    await put(admin)
    await admin.post("/v1/comments", {"id": "c-1", "text": "You are an idiot."})
    assert (await admin.post("/v1/comments/c-1/notices", NOTICE)).status == 200


@pytest.mark.usefixtures("noticed")
async def test_a_notice_is_listed_with_its_age_and_decided(as_role: Any, admin: Any) -> None:
    bob = await as_role(Role.SUPERVISOR)
    assert "Notices of readers" in (await bob.get("/console/appeals")).text
    page = (await bob.get(NOTICES)).text
    assert "It insults &lt;my&gt; family." in page
    assert "just now" in page
    version = (await admin.get("/v1/comments/c-1")).body["version"]
    sent = {"id": "c-1", "version": str(version), "reason": "hate", "kind": "notice"}
    done = await bob.post("/console/appeals", verdict="reject", **sent)
    assert (done.status, done.location) == (303, "/console/appeals?kind=notice&said=reject")
    assert "No notices waiting" in (await bob.get(NOTICES)).text
    (notice,) = (await admin.get("/v1/comments/c-1/notices")).body["notices"]
    assert notice["outcome"] == "restricted"


@pytest.mark.usefixtures("noticed")
async def test_a_notice_that_somebody_holds_is_not_decided_past_them(as_role: Any, ann: Any) -> None:
    assert len((await ann.post("/v1/review/claim", {"count": 1})).body["items"]) == 1
    page = (await (await as_role(Role.SUPERVISOR)).get(NOTICES)).text
    assert "Held by ann" in page
    assert 'name="verdict"' not in page


@pytest.mark.usefixtures("noticed")
async def test_a_comment_that_takes_no_more_notices_says_so(as_role: Any, admin: Any) -> None:
    bob = await as_role(Role.SUPERVISOR)
    assert "takes no more" not in (await bob.get(NOTICES)).text
    for number in range(2, 201):
        assert (await admin.post("/v1/comments/c-1/notices", {**NOTICE, "reporter": f"r-{number}"})).status == 200
    assert "This comment has had 200 notices and takes no more." in (await bob.get(NOTICES)).text


@pytest.mark.usefixtures("noticed")
async def test_auditors_look_and_moderators_do_not(as_role: Any) -> None:
    page = (await (await as_role(Role.AUDITOR)).get(NOTICES)).text
    assert "It insults" in page
    assert 'name="verdict"' not in page
    assert (await (await as_role(Role.MODERATOR, "mo")).get(NOTICES)).status == 403


@pytest.mark.usefixtures("noticed")
async def test_a_site_that_is_not_in_scope_has_no_such_list(as_role: Any, admin: Any) -> None:
    await put(admin, None)
    bob = await as_role(Role.SUPERVISOR)
    assert "Notices of readers" not in (await bob.get("/console/appeals")).text
    assert (await bob.get(NOTICES)).status == 409


async def test_a_complaint_has_its_age_in_the_list_and_an_answer_for_the_author(as_role: Any, admin: Any) -> None:
    await put(admin, reject_at=0)
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    await admin.post("/v1/comments/c-1/appeal", {"reason": "I quoted."})
    bob = await as_role(Role.SUPERVISOR)
    page = (await bob.get("/console/appeals?kind=appeal")).text
    assert "Complaint of" in page
    assert "just now" in page
    assert (await bob.get("/console/complaint?id=c-1")).status == 409, "it still waits"
    version = (await admin.get("/v1/comments/c-1")).body["version"]
    sent = {"id": "c-1", "version": str(version), "reason": "hate", "kind": "appeal"}
    assert (await bob.post("/console/appeals", verdict="reject", **sent)).status == 303
    assert 'href="/console/complaint?id=c-1"' in (await bob.get("/console/comment?id=c-1")).text
    for language, said in (("en", "stays rejected"), ("de", "bleibt abgelehnt"), ("uk", "залишається відхиленим")):
        assert said in (await bob.get(f"/console/complaint?id=c-1&language={language}")).text
    assert (await bob.get("/console/complaint?id=c-9")).status == 404


@pytest.mark.usefixtures("noticed")
async def test_what_misleads_in_a_notice_is_shown_by_name(as_role: Any, admin: Any) -> None:
    body = NOTICE | {"reporter": "r-2", "kind": "hate", "explanation": "see \u202egpj.exe"}
    assert (await admin.post("/v1/comments/c-1/notices", body)).status == 200
    page = (await (await as_role(Role.SUPERVISOR)).get(NOTICES)).text
    assert ">RLO</span>gpj.exe" in page
    assert "Hate against a group</h2>" in page


async def test_more_notices_than_a_page_has_are_loaded_behind_it(as_role: Any, admin: Any) -> None:
    await put(admin)
    for n in range(PER_PAGE + 2):
        await admin.post("/v1/comments", {"id": f"c-{n:02}", "text": "You are an idiot."})
        assert (await admin.post(f"/v1/comments/c-{n:02}/notices", NOTICE)).status == 200
    bob = await as_role(Role.SUPERVISOR)
    first = (await bob.get(NOTICES)).text
    (more,) = re.findall(r'href="(/console/appeals\?kind=notice&amp;after=\d+)"', first)
    second = (await bob.get(unescape(more))).text
    assert (first.count('<li class="card">'), second.count('<li class="card">')) == (PER_PAGE, 2)
    assert "Load more" not in second
    assert (await bob.get(f"{NOTICES}&after={2**53}")).status == 200


async def test_the_answer_to_a_complaint_names_the_reason_in_words(as_role: Any, admin: Any) -> None:
    await put(admin, reject_at=0)
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    await admin.post("/v1/comments/c-1/appeal", {"reason": "I quoted."})
    bob = await as_role(Role.SUPERVISOR)
    waiting = await bob.get("/console/complaint?id=c-1")
    assert ("It still waits" in waiting.text, "Somebody was faster" in waiting.text) == (True, False)
    version = (await admin.get("/v1/comments/c-1")).body["version"]
    sent = {"id": "c-1", "version": str(version), "reason": "no_violation", "kind": "appeal"}
    await bob.post("/console/appeals", verdict="approve", **sent)
    assert "<dt>Reason</dt><dd>Breaks no rule</dd>" in (await bob.get("/console/complaint?id=c-1")).text
