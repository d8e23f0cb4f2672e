"""Macros of a policy: stored with it, refused by the name of their field, and named in proposals."""

from typing import Any

import pytest

GOOD = {"name": "Shop link", "decision": "reject", "reason": "advertising", "note": "a shop", "labels": {"spam": True}}
REASONS = [{"key": "advertising", "titles": {"en": "Advertising"}}]


async def put(admin: Any, *macros: Any, **review: Any) -> Any:
    body = {"thresholds": {"toxicity": {"review_at": 0}}, "review": {"macros": macros, **review}}
    return await admin("PUT", "/v1/policies/default", body)


async def test_macros_are_a_part_of_the_policy(admin: Any) -> None:
    escalates = {"name": "Threat", "decision": "escalate"}
    assert (await put(admin, GOOD, escalates, reasons=REASONS)).status == 200
    kept = (await admin.get("/v1/policies/default")).body
    assert kept["review"]["macros"] == [GOOD, escalates]


@pytest.mark.parametrize(
    ("macro", "pointer", "detail"),
    [
        ({"name": " Shop"}, "/name", "must be one line, with no | and no white space at either end"),
        ({"name": ""}, "/name", "must be one line, with no | and no white space at either end"),
        ({"name": "a" * 61}, "/name", "too long"),
        ({"decision": "review"}, "/decision", "must be one of"),
        ({"reason": "spam"}, "/reason", "not one of the site's reasons: advertising"),
        ({"decision": "approve"}, "/reason", "only a rejection has a reason"),
        ({"note": "one\ntwo"}, "/note", "must be one line, with no | and no white space at either end"),
        ({"note": "a" * 501}, "/note", "too long"),
        ({"labels": {"rudeness": True}}, "/labels/rudeness", "not an attribute of this model"),
        ({"decision": "escalate", "reason": None}, "/labels", "an escalation labels nothing"),
        ({"labels": {"spam": 2}}, "/labels/spam", ""),
        ({"more": 1}, "/more", ""),
    ],
)
async def test_a_macro_that_cannot_be_is_refused_by_its_field(
    admin: Any, problem: Any, macro: Any, pointer: str, detail: str
) -> None:
    answer = problem(await put(admin, GOOD, {**GOOD, "name": "Other", **macro}, reasons=REASONS), 400)
    (fault,) = answer["errors"]
    assert fault["pointer"].startswith(f"/review/macros/1{pointer}"[: len(fault["pointer"])]), fault
    assert fault["pointer"].startswith("/review/macros/"), fault
    if detail.startswith(("must be one line", "not", "only", "an")):
        assert (fault["pointer"], fault["detail"]) == (f"/review/macros/1{pointer}", detail)


async def test_two_macros_of_one_name_are_refused_whatever_their_capitals(admin: Any, problem: Any) -> None:
    answer = problem(await put(admin, GOOD, {**GOOD, "name": "shop LINK"}, reasons=REASONS), 400)
    assert answer["errors"] == [{"pointer": "/review/macros/1/name", "detail": "another macro has this name"}]


async def test_a_site_that_requires_reasons_requires_them_of_macros(admin: Any, problem: Any) -> None:
    bare = {"name": "Bare", "decision": "reject"}
    answer = problem(await put(admin, bare, reason_required=True), 400)
    assert answer["errors"] == [{"pointer": "/review/macros/0/reason", "detail": "required"}]
    assert (await put(admin, bare)).status == 200


async def test_a_site_has_a_bounded_number_of_them(admin: Any) -> None:
    macros = [{"name": f"Macro {n}", "decision": "approve"} for n in range(21)]
    assert (await put(admin, *macros)).status == 400
    assert (await put(admin, *macros[:20])).status == 200


@pytest.mark.parametrize(
    ("macro", "detail"),
    [("Gone", "not a macro of the site"), ("Shop link", "a macro that says reject")],
)
async def test_a_proposal_names_only_a_macro_that_says_so(admin: Any, problem: Any, macro: str, detail: str) -> None:
    await put(admin, GOOD, reasons=REASONS)
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    deed = {"kind": "decide", "decision": "approve", "comments": [{"id": "c-1", "version": 1}], "macro": macro}
    answer = problem(await admin.post("/v1/approvals", {"deed": deed}), 400)
    assert answer["errors"] == [{"pointer": "/deed/macro", "detail": detail}]
