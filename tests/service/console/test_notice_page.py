"""The form for readers' notices, without an account, and the page of the receipt and the outcome."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.console.notice import NOTICE_BURST, NOTICE_TRIES, is_email
from service.console.texts import LANGUAGES
from service.values.accounts import Role

CLAUSES = {"other": {"clause": "Section 1", "explanation": "Keep to our rules."}}
DSA = {"in_scope": True, "clauses": CLAUSES, "complaint_url": "https://site.example/complain"}
FORM = "/console/notice?site=daily&comment=c-1"
SENT = {
    "comment": "c-1",
    "kind": "personal_attack",
    "explanation": "It <b>insults</b> my family.",
    "name": "Jo Doe",
    "email": "Jo@Doe.example",
    "good_faith": "yes",
}


async def put(admin: Any, dsa: Any = DSA, review: Any = None, **thresholds: Any) -> None:
    policy = {"thresholds": {"toxicity": thresholds}, "review": review or {}} | ({"dsa": dsa} if dsa else {})
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200


@pytest.fixture
async def approved(admin: Any) -> None:
    await put(admin)
    await admin.post("/v1/comments", {"id": "c-1", "text": "secret words"})


async def notices(admin: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await admin.get("/v1/comments/c-1/notices")).body["notices"]
    return found


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_form_and_the_receipt_are_in_the_reader_s_language(browser: Any, language: str) -> None:
    headers = {"Accept-Language": language}
    page = await browser.get(FORM, headers=headers)
    assert page.status == 200
    assert f'<html lang="{language}">' in page.text
    assert 'value="c-1"' in page.text
    assert ("Your name" in page.text) is (language == "en")
    assert "secret words" not in page.text
    assert "<script" not in page.text
    sent = await browser("POST", FORM, data=SENT, headers=headers | {"Sec-Fetch-Site": "same-origin"})
    assert sent.status == 303
    receipt = (await browser.get(sent.location, headers=headers)).text
    assert f'<html lang="{language}">' in receipt
    assert ("We received your notice" in receipt) is (language == "en")


@pytest.mark.usefixtures("approved")
async def test_a_notice_brings_the_comment_to_a_person_and_the_outcome_is_on_the_page_of_the_receipt(
    browser: Any, admin: Any, ann: Any, as_role: Any
) -> None:
    sent = await browser.post(FORM, **SENT)
    receipt = (await browser.get(sent.location)).text
    assert "This is your receipt." in receipt
    for private in ("Jo", "insults", "secret words"):
        assert private not in receipt, "whoever finds the address learns nothing more"
    waiting = (await (await as_role(Role.SUPERVISOR)).get("/console/appeals?kind=notice")).text
    assert "It &lt;b&gt;insults&lt;/b&gt; my family." in waiting
    assert "Jo" not in waiting
    said = (await ann.get("/v1/comments/c-1/reports")).body
    assert said["kinds"] == {"personal_attack": 1}
    assert "Jo" not in json.dumps(said)
    (found,) = await notices(admin)
    assert (found["name"], found["email"], found["outcome"]) == ("Jo Doe", "Jo@Doe.example", "open")
    assert found["page_url"].endswith(sent.location)
    (item,) = (await ann.post("/v1/review/claim", {"count": 1})).body["items"]
    await ann.post("/v1/review/c-1/decision", {"decision": "reject", "lease": item["lease"]})
    page = (await browser.get(sent.location)).text
    assert "the comment is not shown any more" in page
    assert "https://site.example/complain" in page
    assert "This is your receipt." not in page


@pytest.mark.usefixtures("approved")
async def test_the_same_notice_again_has_the_same_receipt_and_nobody_else_finds_it_by_the_address(
    browser: Any, admin: Any
) -> None:
    first = await browser.post(FORM, **SENT)
    assert (await browser.post(FORM, **SENT)).location == first.location
    prying = await browser.post(FORM, **SENT | {"explanation": "What did Jo say?"})
    assert prying.location != first.location
    assert len(await notices(admin)) == 2
    assert (await admin.get("/v1/comments/c-1/reports")).body["readers"] == 1, "one person counts once"


@pytest.mark.usefixtures("approved")
async def test_reports_of_child_abuse_need_no_name(browser: Any, admin: Any) -> None:
    nameless = SENT | {"name": "", "email": ""}
    assert (await browser.post(FORM, **nameless)).status == 400
    sent = await browser.post(FORM, **nameless | {"kind": "child_sexual_abuse"})
    assert sent.status == 303
    assert (await browser.post(FORM, **nameless | {"kind": "child_sexual_abuse"})).location == sent.location
    (found,) = await notices(admin)
    assert (found["kind"], found["name"], found["email"]) == ("child_sexual_abuse", "", "")


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("comment", " "),
        ("comment", "a\nb"),
        ("kind", ""),
        ("kind", "no_such_kind"),
        ("explanation", " \n"),
        ("explanation", "x" * 5_001),
        ("name", ""),
        ("name", "x" * 201),
        ("email", ""),
        ("email", "jo"),
        ("email", f"{'x' * 250}@x.example"),
        ("good_faith", ""),
    ],
)
async def test_what_is_missing_or_wrong_is_said_at_its_field(browser: Any, admin: Any, field: str, value: str) -> None:
    page = await browser.post(FORM, **SENT | {field: value})
    assert page.status == 400
    (wrong,) = re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', page.text)
    assert wrong == field
    assert f'id="p-{field}"' in page.text
    kept = {"name": 'value="Jo Doe"', "explanation": "It &lt;b&gt;insults&lt;/b&gt; my family.</textarea>"}
    for name, shown in kept.items():
        assert (shown in page.text) is (name != field), "what was written is still there"
    assert await notices(admin) == []


@pytest.mark.usefixtures("approved")
async def test_a_line_break_counts_as_the_field_counts_it_although_browsers_send_two_characters(
    browser: Any, admin: Any
) -> None:
    assert (await browser.post(FORM, **SENT | {"explanation": "a\r\n" * 2_499 + "ab"})).status == 303
    (found,) = await notices(admin)
    assert found["explanation"] == "a\n" * 2_499 + "ab"


@pytest.mark.usefixtures("approved")
async def test_a_network_that_sends_too_many_waits(browser: Any, client: Any, admin: Any) -> None:
    for _ in range(NOTICE_BURST):
        client.server.app[NOTICE_TRIES].take("127.0.0.1")
    page = await browser.post(FORM, **SENT)
    assert page.status == 429
    assert int(page.headers["Retry-After"]) > 300
    assert 'value="Jo Doe"' in page.text
    assert await notices(admin) == []


async def test_only_sites_in_scope_have_the_form(browser: Any, admin: Any) -> None:
    await put(admin, None)
    await admin.post("/v1/comments", {"id": "c-1", "text": "secret words"})
    assert (await browser.get(FORM)).status == 404
    assert (await browser.post(FORM, **SENT)).status == 404
    assert (await browser.get("/console/notice?site=elsewhere&comment=c-1")).status == 404
    assert (await browser.get("/console/notice")).status == 400
    assert (await admin.get("/v1/comments/c-1")).body["status"] == "approved"


@pytest.mark.usefixtures("approved")
async def test_a_comment_that_is_not_there_and_one_with_too_many_notices_are_told(browser: Any, admin: Any) -> None:
    page = await browser.post(FORM, **SENT | {"comment": "c-9"})
    assert page.status == 404
    assert "There is no such comment here." in page.text
    for number in range(200):
        body = {"reporter": f"r-{number}", "explanation": "It insults."}
        assert (await admin.post("/v1/comments/c-1/notices", body)).status == 200
    full = await browser.post(FORM, **SENT)
    assert full.status == 409
    assert "takes no more" in full.text


@pytest.mark.usefixtures("approved")
async def test_another_site_s_page_cannot_give_notice(browser: Any, admin: Any) -> None:
    page = await browser("POST", FORM, data=SENT, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status == 403
    assert await notices(admin) == []


@pytest.mark.usefixtures("approved")
async def test_receipts_cannot_be_guessed_and_end_with_the_scope(browser: Any, admin: Any) -> None:
    where = (await browser.post(FORM, **SENT)).location
    statement = where.replace("/notice/", "/reasons/")
    for wrong in (where[:-2], f"{where}AA", "/console/notice/c-1", where.replace(where[-9], "-", 1), statement):
        assert (await browser.get(wrong)).status == 404, wrong
    assert (await admin("DELETE", "/v1/comments/c-1")).status in (200, 204)
    assert "needs no decision any more" in (await browser.get(where)).text
    await put(admin, None)
    assert (await browser.get(where)).status == 404


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize("erased", ["/v1/authors/jo@doe.example", "/v1/comments/c-1"])
async def test_erasing_the_reader_or_the_comment_takes_what_the_reader_wrote(
    browser: Any, admin: Any, redis_server: Any, erased: str
) -> None:
    await browser.post(FORM, **SENT)
    given = json.loads((await admin.get("/v1/authors/jo@doe.example/export")).raw.splitlines()[-1])["notices"]
    assert [(each["name"], each["email"]) for each in given] == [("Jo Doe", "Jo@Doe.example")]
    assert (await admin("DELETE", erased)).status in (200, 204)
    (found,) = await notices(admin)
    assert (found["name"], found["email"], found["explanation"]) == ("", "", "")
    with redis_server.client() as client:
        for key in client.scan_iter("*"):
            kept = client.dump(key) or b""
            for said in (b"Jo Doe", b"Doe.example", b"doe.example", b"insults"):
                assert said not in kept, key


@pytest.mark.usefixtures("approved")
async def test_a_site_s_own_reasons_are_what_readers_choose_from(browser: Any, admin: Any) -> None:
    reasons = [{"key": "rude", "titles": {"en": "Rude <words>", "de": "Grobe Worte"}}]
    await put(admin, review={"reasons": reasons})
    page = (await browser.get(FORM)).text
    assert re.findall(r'<option value="(\w*)"', page) == ["", "rude", "child_sexual_abuse", "other"]
    assert "Rude &lt;words&gt;" in page
    assert "Grobe Worte" in (await browser.get(FORM, headers={"Accept-Language": "de"})).text


WORDS = st.text(max_size=40) | st.sampled_from(
    ["c-1", "yes", "other", "jo@doe.example", "\x00", "{{ 7 * 7 }}", "🙂" * 9]
)


@pytest.mark.usefixtures("approved")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.fixed_dictionaries(dict.fromkeys(SENT, WORDS)))
async def test_whatever_is_sent_is_taken_or_refused(browser: Any, client: Any, sent: dict[str, str]) -> None:
    client.server.app[NOTICE_TRIES].give_back("127.0.0.1")
    assert (await browser.post(FORM, **sent)).status in (303, 400, 404, 409)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jo@doe.example", True),
        ("jo+x@mail.doe.example", True),
        ("jo", False),
        ("jo@doe", False),
        ("@doe.example", False),
        ("jo@doe..example", False),
        ("jo@.example", False),
        ("jo doe@doe.example", False),
        ("jo\u2028@doe.example", False),
    ],
)
def test_an_address_has_a_name_and_a_host(text: str, expected: bool) -> None:
    assert is_email(text) is expected
