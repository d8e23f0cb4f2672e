"""What readers say in reports, over HTTP: counted by kind, shown to moderators only, erased with either person."""

import json
from datetime import datetime
from typing import Any

import pytest

REPORT, REPORTS = "/v1/comments/c-1/report", "/v1/comments/c-1/reports"


@pytest.fixture
async def approved(admin: Any, decide_always: Any) -> None:
    await decide_always("approve")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello", "author": {"id": "u-1"}})


@pytest.mark.usefixtures("approved")
async def test_reasons_are_shown_to_moderators_by_kind_and_without_who_said_them(admin: Any, ann: Any) -> None:
    for reporter, body in {
        "r-1": {"kind": "spam", "reason": "  links to a shop  "},
        "r-2": {"reason": "spam"},
        "r-3": {"reason": "I find this rude."},
        "r-4": {"kind": "hate", "reason": "x" * 600},
        "r-5": {},
    }.items():
        assert (await admin.post(REPORT, {"reporter": reporter, **body})).status == 200
    found = (await ann.get(REPORTS)).body
    assert (found["readers"], found["halved"], found["kinds"]) == (5, 0, {"spam": 2, "hate": 1})
    # Two of the same millisecond are in any order. As text, a whole second would come after its own milliseconds.
    times = [datetime.fromisoformat(each["at"]) for each in found["reasons"]]
    assert times == sorted(times)
    assert sorted((each["kind"], each["text"][:20], len(each["text"])) for each in found["reasons"]) == [
        ("", "I find this rude.", 17),
        ("hate", "x" * 20, 500),
        ("spam", "", 0),
        ("spam", "links to a shop", 15),
    ]
    assert all(each.keys() == {"kind", "text", "at"} for each in found["reasons"])


@pytest.mark.usefixtures("approved")
async def test_who_may_read_them(admin: Any, client: Any, key_for: Any, problem: Any) -> None:
    site = await key_for(client, "comments", name="site")
    problem(await site.get(REPORTS), 403)
    problem(await admin.get("/v1/comments/nowhere/reports"), 404)


@pytest.mark.usefixtures("approved")
@pytest.mark.parametrize("kind", ["Not a code", "x" * 65, 7])
async def test_a_kind_that_is_no_code_is_refused(admin: Any, problem: Any, kind: Any) -> None:
    found = problem(await admin.post(REPORT, {"reporter": "r-1", "kind": kind}), 400)
    assert "/kind" in found["detail"]
    assert (await admin.get(REPORTS)).body["readers"] == 0


@pytest.mark.usefixtures("approved")
async def test_they_are_erased_with_the_reader_who_gets_them_in_an_export(admin: Any) -> None:
    for reporter in ("u-2", "u-3"):
        await admin.post(REPORT, {"reporter": reporter, "kind": "spam", "reason": f"says {reporter}"})
    last = json.loads((await admin.get("/v1/authors/u-2/export")).raw.splitlines()[-1])
    (given,) = last["reports"]
    assert (given["comment"], given["kind"], given["text"]) == ("c-1", "spam", "says u-2")
    assert (await admin("DELETE", "/v1/authors/u-2")).status == 200
    found = (await admin.get(REPORTS)).body
    assert ([each["text"] for each in found["reasons"]], found["readers"]) == (["says u-3"], 2)
    assert (await admin.get("/v1/authors/u-2/export")).raw == b""


@pytest.mark.usefixtures("approved")
async def test_they_are_erased_with_the_author_of_the_comment(admin: Any) -> None:
    await admin.post(REPORT, {"reporter": "u-2", "reason": "It is rude."})
    assert (await admin("DELETE", "/v1/authors/u-1")).body["erased"] == 1
    assert (await admin.get(REPORTS)).body["reasons"] == []
    assert (await admin.get("/v1/authors/u-2/export")).raw.count(b"rude") == 0


async def test_the_policy_lets_readers_count_half_whose_reports_were_mostly_dismissed(
    admin: Any, decide_always: Any
) -> None:
    await decide_always("approve")
    review = {"reports_needed": 1, "reports_discount": True}
    policy = {"thresholds": {"toxicity": {}}, "review": review}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    for n in range(6):
        await admin.post("/v1/comments", {"id": f"c-{n}", "text": f"hello {n}"})
        answer = (await admin.post(f"/v1/comments/c-{n}/report", {"reporter": "wolf"})).body
        assert answer["review"] is None if n == 5 else answer["review"]["state"] == "queued"
        if n < 5:
            body = {"decision": "approve", "version": answer["version"]}
            assert (await admin.post(f"/v1/review/c-{n}/decision", body)).status == 200
    assert (await admin.get("/v1/comments/c-5/reports")).body["halved"] == 1
    answer = (await admin.post("/v1/comments/c-5/report", {"reporter": "another"})).body
    assert answer["review"]["state"] == "queued"
