"""The statement for an author without an account: shown to whoever has the address, with a form to complain once."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from service.console.reader import BURST, TRIES
from service.values.accounts import Role

DSA = {"in_scope": True, "clauses": {"other": {"clause": "Section <1>", "explanation": "Keep to our rules."}}}


async def put(admin: Any, dsa: Any = DSA) -> None:
    policy = {"thresholds": {"toxicity": {"reject_at": 0}}} | ({"dsa": dsa} if dsa else {})
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200


@pytest.fixture
async def address(admin: Any) -> str:
    await put(admin)
    await admin.post("/v1/comments", {"id": "c-1", "text": "you idiot"})
    found = (await admin.get("/v1/comments/c-1/statement")).body
    assert found["page_url"] in found["texts"]["en"], "the author is told where to complain"
    return urlsplit(found["page_url"]).path


async def test_the_page_has_the_statement_in_the_reader_s_language_and_not_the_comment(
    browser: Any, address: str
) -> None:
    page = await browser.get(address)
    assert page.status == 200
    assert "Why your comment was rejected" in page.text
    assert "Section &lt;1&gt;" in page.text
    assert "you idiot" not in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    german = (await browser.get(address, headers={"Accept-Language": "de"})).text
    assert '<div lang="de">' in german
    polish = (await browser.get(address, headers={"Accept-Language": "pl"})).text
    assert "Złóż skargę" in polish
    assert '<div lang="pl">' in polish
    assert "Dlaczego Twój komentarz został odrzucony" in polish


async def test_a_complaint_comes_once_to_another_person_and_the_answer_is_on_the_page(
    browser: Any, admin: Any, ann: Any, as_role: Any, address: str
) -> None:
    sent = await browser.post(address, text=" I quoted <b>him</b>. ")
    assert sent.location == address
    page = (await browser.get(address)).text
    assert "We received your complaint of" in page
    assert "This is your receipt." in page
    assert "<textarea" not in page
    again = await browser.post(address, text="once more")
    assert again.status == 303, "it is there already"
    waiting = (await (await as_role(Role.SUPERVISOR)).get("/console/appeals?kind=appeal")).text
    assert "I quoted &lt;b&gt;him&lt;/b&gt;." in waiting
    assert "once more" not in waiting
    (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    await ann.post("/v1/review/c-1/decision", {"decision": "reject", "lease": item["lease"]})
    assert "your comment stays rejected" in (await browser.get(address)).text
    late = await browser.post(address, text="and again")
    assert late.status == 409
    assert "You complained already, and it was decided." in late.text
    actions = [each["details"]["action"] for each in (await admin.get("/v1/audit?comment=c-1")).body["entries"]]
    assert actions == ["submitted", "reopened", "claimed", "decided"]


async def test_a_line_break_counts_as_the_field_counts_it_although_browsers_send_two_characters(
    browser: Any, address: str
) -> None:
    assert (await browser.post(address, text="a\r\n" * 2_499 + "ab")).status == 303


@pytest.mark.parametrize("text", ["", " \n", "x" * 5_001])
async def test_a_complaint_without_words_or_with_too_many_is_refused_at_its_field(
    browser: Any, admin: Any, address: str, text: str
) -> None:
    page = await browser.post(address, text=text)
    assert page.status == 400
    assert 'aria-invalid="true"' in page.text
    assert text.strip() in page.text, "what was written is still there"
    assert (await admin.get("/v1/comments/c-1/complaint")).status == 404


async def test_an_address_of_the_network_that_complains_too_often_waits(
    browser: Any, client: Any, admin: Any, address: str
) -> None:
    for _ in range(BURST):
        client.server.app[TRIES].take("127.0.0.1")
    page = await browser.post(address, text="I quoted.")
    assert page.status == 429
    assert int(page.headers["Retry-After"]) > 600
    assert "I quoted.</textarea>" in page.text
    assert (await admin.get("/v1/comments/c-1/complaint")).status == 404


async def test_nobody_finds_a_page_by_guessing_or_after_it_is_over(browser: Any, admin: Any, address: str) -> None:
    for wrong in (address[:-2], f"{address}AA", "/console/reasons/c-1", address.replace(address[-9], "-", 1)):
        assert (await browser.get(wrong)).status == 404, wrong
    await put(admin, None)
    assert (await browser.get(address)).status == 404
    assert (await browser.post(address, text="I quoted.")).status == 404
    await put(admin)
    assert (await admin("DELETE", "/v1/comments/c-1")).status in (200, 204)
    assert (await browser.get(address)).status == 404


async def test_the_address_of_an_edited_comment_is_over(browser: Any, admin: Any, address: str) -> None:
    await admin.post("/v1/comments", {"id": "c-1", "text": "edited"})
    assert (await browser.get(address)).status == 404
    newer = (await admin.get("/v1/comments/c-1/statement")).body["page_url"]
    assert urlsplit(newer).path != address
    assert (await browser.get(urlsplit(newer).path)).status == 200


async def test_another_site_s_page_cannot_complain_for_the_author(browser: Any, address: str) -> None:
    page = await browser("POST", address, data={"text": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status == 403


async def test_the_site_s_own_address_for_complaints_stays(admin: Any) -> None:
    await put(admin, {**DSA, "complaint_url": "https://site.example/complain"})
    await admin.post("/v1/comments", {"id": "c-1", "text": "you idiot"})
    found = (await admin.get("/v1/comments/c-1/statement")).body
    assert "https://site.example/complain" in found["texts"]["en"]
    assert found["page_url"] not in found["texts"]["en"]


async def test_the_console_leads_to_the_page_of_the_author(as_role: Any, address: str) -> None:
    chief = await as_role()
    assert f'{address}">' in (await chief.get("/console/statement?id=c-1")).text
