"""The queue page without scripts: forms only, and every promise of the queue holds."""

import html
import re
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from service import app_keys as keys
from service.values.accounts import Preferences, Role

HOSTILE = "<script>alert(1)</script> javascript:alert(1) \u202eevil"
REASONS = {"thresholds": {"toxicity": {"review_at": 0}}, "review": {"show_scores": True}}


@pytest.fixture
def waiting(admin: Any, decide_always: Any) -> Any:
    """Posts comments that wait for a person."""

    async def waiting(*ids: str, **fields: Any) -> None:
        await decide_always("review")
        for each in ids:
            body = {"id": each, "text": f"Comment {each}", "author": {"name": "Reader"}, **fields}
            assert (await admin.post("/v1/comments", body)).body["status"] == "pending"

    return waiting


async def status(admin: Any, comment: str) -> Any:
    return (await admin.get(f"/v1/comments/{comment}")).body


def form_of(page: Any, comment: str) -> dict[str, str]:
    """The hidden fields of a comment's card."""
    card = page.text.split(f'data-id="{comment}"')[1].split("</article>")[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', card))


async def claimed(ann: Any) -> Any:
    page = await ann.post("/console/queue/claim")
    assert page.location == "/console/queue"
    return await ann.get(page.location)


async def test_looking_takes_nothing_and_a_button_takes_the_most_urgent(
    signed_in: Any, waiting: Any, admin: Any
) -> None:
    await waiting("c-1", "c-2")
    ann = await signed_in()
    page = await ann.get("/console/queue")
    assert "2 comments wait." in page.text
    assert (await admin.get("/v1/review/stats")).body["claimed"] == 0
    page = await claimed(ann)
    assert 'data-id="c-1"' in page.text
    assert 'data-id="c-2"' not in page.text
    assert "Comment c-1" in page.text


async def test_a_decision_is_taken_the_next_comment_is_there_and_it_can_be_taken_back(
    signed_in: Any, waiting: Any, admin: Any
) -> None:
    await waiting("c-1", "c-2")
    ann = await signed_in()
    fields = form_of(await claimed(ann), "c-1")
    page = await ann.post("/console/queue/c-1/decision", **fields, reject="personal_attack")
    after = await status(admin, "c-1")
    assert (after["status"], after["decided_by"]) == ("rejected", "moderator")
    shown = await ann.get(page.location)
    assert "Rejected" in shown.text
    assert 'data-id="c-2"' in shown.text, "the next one is there"
    undo = re.search(r'action="/console/queue/c-1/undo">(.*?)</form>', shown.text, re.DOTALL)
    assert undo
    version = re.search(r'name="version" value="(\d+)"', undo[1])[1]
    back = await ann.post("/console/queue/c-1/undo", version=version)
    assert "Taken back" in (await ann.get(back.location)).text
    assert (await status(admin, "c-1"))["status"] == "pending"


async def test_a_reason_says_what_the_text_is(signed_in: Any, waiting: Any, admin: Any) -> None:
    await waiting("c-1", "c-2", "c-3")
    ann = await signed_in()
    await claimed(ann)
    for comment, reason in (("c-1", "threat"), ("c-2", "off_topic"), ("c-3", "")):
        page = await ann.get("/console/queue")
        await ann.post(f"/console/queue/{comment}/decision", **form_of(page, comment), reject=reason)
    labels = (await admin.get("/v1/labels")).raw.decode().splitlines()
    assert len(labels) == 3
    assert '"labels":{"threat":true}' in labels[0]
    assert '"labels":{}' in labels[1]
    assert '"reason":"off_topic"' in labels[1]


async def test_of_two_moderators_the_second_hears_who_was_faster(
    signed_in: Any, waiting: Any, redis_server: Any
) -> None:
    await waiting("c-1")
    ann, bob = await signed_in("ann"), await signed_in("bob")
    mine = form_of(await claimed(ann), "c-1")
    with redis_server.client() as client:  # her lease ends
        client.zadd("cm:{daily}:lease", {"c-1": 1})
    theirs = form_of(await claimed(bob), "c-1")
    assert (await bob.post("/console/queue/c-1/decision", **theirs, decision="approve")).status == 303
    page = await ann.post("/console/queue/c-1/decision", **mine, decision="approve")
    assert "bob was faster" in (await ann.get(page.location)).text


async def test_a_skipped_comment_goes_to_somebody_else(signed_in: Any, waiting: Any) -> None:
    await waiting("c-1")
    ann, bob = await signed_in("ann"), await signed_in("bob")
    fields = form_of(await claimed(ann), "c-1")
    await ann.post("/console/queue/c-1/release", **fields, skip="1")
    assert 'data-id="c-1"' not in (await claimed(ann)).text
    assert 'data-id="c-1"' in (await claimed(bob)).text


async def test_what_is_passed_on_reaches_a_supervisor_with_its_note(signed_in: Any, waiting: Any, admin: Any) -> None:
    await waiting("c-1")
    ann, eve = await signed_in("ann"), await signed_in("eve", Role.SUPERVISOR)
    fields = form_of(await claimed(ann), "c-1")
    await ann.post("/console/queue/c-1/decision", **fields, decision="escalate", note="Is <b>this</b> a quote?")
    assert (await ann.get("/console/queue?queue=escalated")).status == 404
    assert (await ann.get("/console/queue/c-1")).status == 404
    assert "Comment c-1" in (await eve.get("/console/queue?queue=escalated")).text
    page = await eve.get("/console/queue/c-1")
    assert "Is &lt;b&gt;this&lt;/b&gt; a quote?" in page.text
    fields = form_of(page, "c-1")
    assert (await ann.post("/console/queue/c-1/decision", version=fields["version"], decision="approve")).status == 303
    assert (await status(admin, "c-1"))["status"] == "pending", "not by a moderator"
    await eve.post("/console/queue/c-1/decision", **fields, decision="approve")
    assert (await status(admin, "c-1"))["status"] == "approved"


async def test_many_are_decided_at_once_and_taken_back_at_once(signed_in: Any, waiting: Any, admin: Any) -> None:
    await waiting(*(f"c-{n}" for n in range(6)))
    ann, bob = await signed_in("ann"), await signed_in("bob")
    page = await ann.get("/console/queue?view=list")
    boxes = re.findall(r'name="chosen" value="([^"]+)"', page.text)
    assert len(boxes) == 6
    await claimed(bob)  # takes c-0
    page = await ann.post("/console/queue/decisions", in_view="list", chosen=boxes[:4], reject="spam")
    shown = await ann.get(page.location)
    assert "3 / 4" in shown.text
    assert [(await status(admin, f"c-{n}"))["status"] for n in range(5)] == ["pending", *["rejected"] * 3, "pending"]
    batch = re.search(r'name="batch" value="([^"]+)"', shown.text)[1]
    assert (await bob.post("/console/queue/undo", batch=batch)).status == 404, "not somebody else's"
    page = await ann.post("/console/queue/undo", in_view="list", batch=batch)
    assert "3 / 3" in (await ann.get(page.location)).text, "nor used up by that"
    page = await ann.post("/console/queue/decisions", in_view="list", chosen=boxes[4:], decision="approve")
    batch = re.search(r'name="batch" value="([^"]+)"', (await ann.get(page.location)).text)[1]
    page = await ann.post("/console/queue/undo", in_view="list", batch=batch)
    assert "2 / 2" in (await ann.get(page.location)).text
    assert [(await status(admin, f"c-{n}"))["status"] for n in (4, 5)] == ["pending", "pending"]
    assert (await ann.post("/console/queue/undo", batch=batch)).status == 404, "once"
    page = await ann.post("/console/queue/decisions", in_view="list", decision="approve")
    assert "Nothing was selected" in (await ann.get(page.location)).text


async def test_no_more_than_two_hundred_are_decided_at_once(signed_in: Any) -> None:
    ann = await signed_in()
    chosen = [f"1  c-{n}" for n in range(201)]
    assert (await ann.post("/console/queue/decisions", chosen=chosen, decision="approve")).status == 400
    body = {"decisions": [{"id": f"c-{n}", "decision": "approve", "version": 1} for n in range(201)]}
    headers = {"Accept": "application/json", "X-CSRF-Token": ann.token}
    assert (await ann("POST", "/console/queue/decisions", json=body, headers=headers)).status == 400


async def test_who_holds_what_is_shown(signed_in: Any, waiting: Any) -> None:
    await waiting("c-1")
    ann, bob = await signed_in("ann"), await signed_in("bob")
    await claimed(bob)
    page = await ann.get("/console/queue?queue=held")
    assert "<bdi>bob</bdi>" in page.text
    page = await ann.get("/console/queue/c-1")
    assert "Held by bob" in page.text
    assert 'name="decision"' not in page.text, "it is his to decide"
    assert (await ann.post("/console/queue/c-1/take")).status == 409
    assert (await bob.post("/console/queue/c-1/take")).status == 303


async def test_an_auditor_sees_and_changes_nothing(signed_in: Any, waiting: Any, admin: Any) -> None:
    await waiting("c-1")
    eve = await signed_in("eve", Role.AUDITOR)
    page = await eve.get("/console/queue")
    assert "Comment c-1" in page.text
    assert "Approve" not in page.text.split('id="help"')[0]
    for path in (
        "/console/queue/claim",
        "/console/queue/c-1/decision",
        "/console/queue/c-1/take",
        "/console/queue/decisions",
    ):
        assert (await eve.post(path, decision="approve", version="1")).status == 403
    assert (await status(admin, "c-1"))["status"] == "pending"


async def test_another_sites_comments_are_not_there(signed_in: Any, waiting: Any) -> None:
    await waiting("c-1")
    ann = await signed_in(roles={"weekly": Role.MODERATOR})
    assert "c-1" not in (await ann.get("/console/queue?view=list")).text
    assert (await ann.get("/console/queue/c-1")).status == 404
    assert (await ann.post("/console/queue/c-1/decision", version="1", decision="approve")).status == 404


async def test_filters_choose_what_is_shown_and_handed_out(signed_in: Any, waiting: Any) -> None:
    await waiting("c-1", article={"id": "a-1", "title": "One", "section": "world"})
    await waiting("c-2", article={"id": "a-2", "title": "Two", "section": "sport"})
    ann = await signed_in()
    for query, there in (("section=sport", "c-2"), ("article=a-1", "c-1"), ("attribute=toxicity&article=a-2", "c-2")):
        page = await ann.get(f"/console/queue?view=list&{query}")
        assert re.findall(r'<tr data-id="([^"]+)"', page.text) == [there]
    assert re.findall(r'<tr data-id="([^"]+)"', (await ann.get("/console/queue?view=list&why=appeal")).text) == []
    await ann.post("/console/queue/claim", section="sport")
    page = await ann.get("/console/queue?section=sport")
    assert 'data-id="c-2"' in page.text
    assert (await ann.get("/console/queue?colour=red")).status == 400


async def test_what_the_model_says_is_hidden_unless_the_site_shows_it(signed_in: Any, waiting: Any, admin: Any) -> None:
    many = 60  # of which, but for one chance in a million, at least one is shown without
    await waiting(*(f"c-{n}" for n in range(many)))
    ann = await signed_in()
    page = await ann.get("/console/queue/c-1")
    assert "Score in the review range" in page.text
    assert "<meter" not in page.text
    assert "<mark" not in page.text
    assert (await admin("PUT", "/v1/policies/default", REASONS)).status == 200
    pages = [(await ann.get(f"/console/queue/c-{n}")).text for n in range(many)]
    shown = [page for page in pages if "<meter" in page]
    assert 0 < len(shown) < many, "every fifth is shown without"
    assert all(re.search(r"Toxicity 0\.\d\d \(review from 0\.00\)", page) for page in shown)
    assert all("Score in the review range" in page for page in pages if page not in shown)


async def test_an_audit_looks_like_any_other_comment(signed_in: Any, waiting: Any, admin: Any) -> None:
    await waiting("c-1")
    policy = {"thresholds": {"toxicity": {}}, "review": {"audit_approved": 1.0}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    assert (await admin.post("/v1/comments", {"id": "c-2", "text": "Comment c-1", "author": {"name": "Reader"}})).body[
        "status"
    ] == "approved"
    ann = await signed_in()

    def faceless(page: Any) -> str:
        card = page.text.split("<article")[1].split("</article>")[0]
        return re.sub(
            r'c-[12]|datetime="[^"]*"|title="[^"]*ago"|>[^<]*(ago|now|due in)[^<]*<|title="[A-Z][a-z]{2} \d.*?"',
            "",
            card,
        )

    assert faceless(await ann.get("/console/queue/c-1")) == faceless(await ann.get("/console/queue/c-2"))
    rows = (await ann.get("/console/queue?view=list")).text
    assert "audit" not in rows.split("<main")[1].lower()


async def test_who_avoids_something_is_not_shown_it_nor_any_audit(signed_in: Any, waiting: Any, app: Any) -> None:
    await waiting("c-1")
    ann = await signed_in()
    await app[keys.STORE].accounts.prefer("ann", Preferences(avoided=frozenset({"toxicity"})))
    assert 'data-id="c-1"' not in (await claimed(ann)).text
    assert "c-1" not in (await ann.get("/console/queue?view=list")).text
    await app[keys.STORE].accounts.prefer("ann", Preferences(avoided=frozenset({"threat"})))
    assert 'data-id="c-1"' in (await claimed(ann)).text


async def test_a_hostile_comment_is_inert_everywhere(signed_in: Any, waiting: Any) -> None:
    evil = {
        "text": HOSTILE,
        "author": {"name": "<img src=x onerror=alert(1)>"},
        "article": {"id": 'a"><script>', "title": '"><script>alert(2)</script>', "section": "<b>"},
        "parent": {"text": HOSTILE},
    }
    await waiting("c-1", **evil)
    ann = await signed_in()
    for page in (
        await claimed(ann),
        await ann.get("/console/queue?view=list"),
        await ann.get("/console/queue/c-1"),
        await ann.get("/console/queue?queue=held"),
        await ann.get(
            "/console/queue?section=%3Cscript%3E&article=%22%3E&done=%3Cscript%3E&what=undone&refused=x&by=%3Cb%3E"
        ),
    ):
        body = page.text.split("<main")[1].split('<dialog id="help"')[0]
        assert "<script" not in body
        assert "onerror=alert" not in re.sub(r"&lt;.*?&gt;", "", body)
        assert "\u202e" not in body


@pytest.mark.parametrize("odd", ["a{b}c", "a/b/../c", "a?d=1&e#f", "100%25", "quotes\"'<x>", "a+b=c;d,e"])
async def test_an_id_of_any_kind_can_be_looked_at_and_decided(
    signed_in: Any, waiting: Any, redis_server: Any, odd: str
) -> None:
    await waiting(odd)
    ann = await signed_in()
    path = URL(f"/console/queue/{quote(odd, safe='')}", encoded=True)
    assert (await ann.get(path)).status == 200
    page = await claimed(ann)
    action = html.unescape(re.search(r'action="(/console/queue/[^"]+/decision)"', page.text)[1])
    lease = re.search(r'name="lease" value="([^"]+)"', page.text)[1]
    said = {"csrf": ann.token, "lease": lease, "decision": "approve"}
    assert (await ann("POST", URL(action, encoded=True), data=said)).status == 303
    with redis_server.client() as client:
        assert client.hget(f"cm:{{daily}}:item:{odd}", "status") == "approved"


async def test_severe_texts_are_hidden_until_asked_for_by_what_everybody_sees(
    signed_in: Any, waiting: Any, app: Any, redis_server: Any
) -> None:
    await waiting("c-1")
    ann = await signed_in()
    assert '<details class="veil">' not in (await ann.get("/console/queue/c-1")).text
    with redis_server.client() as client:  # as a threat would be: due within a quarter of an hour
        created = int(client.hget("cm:{daily}:item:c-1", "created"))
        client.hset("cm:{daily}:item:c-1", "due", created + 900_000)
    assert '<details class="veil">' in (await ann.get("/console/queue/c-1")).text
    assert "Comment c-1" not in (await ann.get("/console/queue?view=list")).text
    await app[keys.STORE].accounts.prefer("ann", Preferences(blur="none"))
    assert '<details class="veil">' not in (await ann.get("/console/queue/c-1")).text


async def test_also_without_scripts_hidden_rows_are_decided_only_on_purpose(
    signed_in: Any, waiting: Any, admin: Any, app: Any
) -> None:
    await waiting("c-1")
    ann = await signed_in()
    await app[keys.STORE].accounts.prefer("ann", Preferences(blur="all"))
    page = await ann.get("/console/queue?view=list")
    fields = {name: re.findall(rf'name="{name}" value="([^"]+)"', page.text) for name in ("chosen", "hidden")}
    asked = await ann.post("/console/queue/decisions", in_view="list", **fields, decision="approve")
    assert "some of the selected comments are hidden" in (await ann.get(asked.location)).text
    assert (await status(admin, "c-1"))["status"] == "pending"
    assert 'name="meant"' in page.text
    await ann.post("/console/queue/decisions", in_view="list", **fields, decision="approve", meant="1")
    assert (await status(admin, "c-1"))["status"] == "approved"


async def test_the_page_before_a_link_leads_to_the_web_only(signed_in: Any) -> None:
    ann = await signed_in()
    page = await ann.get("/console/leave?to=https%3A%2F%2Fexample.org%2F%22%3E")
    assert page.status == 200
    assert 'href="https://example.org/&#34;&gt;" rel="noopener noreferrer nofollow"' in page.text
    assert (await ann.get("/console/leave?to=javascript%3Aalert(1)")).status == 400


async def test_scripts_decide_extend_and_undo_by_json(signed_in: Any, waiting: Any, admin: Any) -> None:
    await waiting("c-1", "c-2")
    ann = await signed_in()
    headers = {"Accept": "application/json", "X-CSRF-Token": ann.token}
    fields = {"fragment": "1", "count": "4", "wait": "0"}
    page = await ann("POST", "/console/queue/claim", data=fields, headers=headers | {"Accept": "text/html"})
    leases = dict(re.findall(r'data-id="([^"]+)" data-version="\d+" data-lease="([^"]+)"', page.text))
    assert leases.keys() == {"c-1", "c-2"}
    page = await ann(
        "POST", "/console/queue/claim", data=fields | {"known": "c-1"}, headers=headers | {"Accept": "text/html"}
    )
    assert re.findall(r'<article [^>]*data-id="([^"]+)"', page.text) == ["c-2"]
    body = {"items": [{"id": "c-1", "lease": leases["c-1"]}, {"id": "c-2", "lease": "ff.1"}]}
    page = await ann("POST", "/console/queue/extend", json=body, headers=headers)
    assert page.text.count('"code":"lease_lost"') == 1
    said = {"decision": "approve", "lease": leases["c-1"]}
    answers = [await ann("POST", "/console/queue/c-1/decision", json=said, headers=headers) for _ in range(3)]
    assert {answer.text for answer in answers} == {answers[0].text}, "the same again is answered the same"
    version = int(re.search(r'"version":(\d+)', answers[0].text)[1])
    page = await ann(
        "POST", "/console/queue/undo", json={"decisions": [{"id": "c-1", "version": version}]}, headers=headers
    )
    assert '"lease":"' in page.text
    page = await ann("POST", "/console/queue/c-1/decision", json={"decision": "approve"}, headers=headers)
    assert page.status == 400
    assert (await status(admin, "c-1"))["status"] == "pending"


async def test_a_card_shows_what_became_of_the_authors_other_comments(
    signed_in: Any, waiting: Any, admin: Any, decide_always: Any
) -> None:
    author = {"id": "u-1", "name": "Reader", "created_at": "2024-05-01T00:00:00Z", "trusted": True}
    await waiting("c-1", author={"id": "u-2"})
    for verdict, ids in (("approve", ("a-1", "a-2")), ("reject", ("r-1",))):
        await decide_always(verdict)
        for each in ids:
            assert (await admin.post("/v1/comments", {"id": each, "text": each, "author": author})).status == 200
    await waiting("c-2", author=author)
    ann = await signed_in()
    page = await ann.get("/console/queue/c-2")
    assert "Model: 2 approved, 1 rejected" in page.text
    assert "All 4 comments" in page.text
    assert "Here since 1 May 2024" in page.text
    assert "Trusted by the site" in page.text
    decisions = re.findall(r'<span class="tag status-([a-z]+)">', page.text)
    assert decisions == ["rejected", "approved", "approved"]
    assert "author-banned" not in page.text
    await admin("PUT", "/v1/authors/u-1/status", {"status": "banned"})
    assert '<span class="tag author-banned">Banned</span>' in (await ann.get("/console/queue/c-2")).text
    assert "First comment that is kept" in (await ann.get("/console/queue/c-1")).text
    page = await claimed(ann)
    entries = (await admin.get("/v1/audit?actor=ann")).body["entries"]
    assert "author_read" not in {entry["details"]["action"] for entry in entries}, "the claim is what is written down"
