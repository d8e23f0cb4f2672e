"""The page Rules: what it shows is what is in force, and what it changes can be undone."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import app_keys as keys
from service.console import rule_form, rule_words
from service.console.reasons import Reasons
from service.console.rule_kinds import JSON, KINDS
from service.console.texts import LANGUAGES, Texts
from service.values.accounts import Role
from service.values.policy import DEFAULT, RECOMMENDED_RULES
from service.values.rules import Rule

PAGE = "/console/rules"
LINKS = {
    "kind": "links",
    "rule": "",
    "id": "new-links",
    "action": "review",
    "state": "on",
    "due": "spam",
    "label": "spam",
    "links.at_least": "1",
    "author.approved_below": "3",
    "note": "Spam of new accounts",
    "author": "Ann",
}
WORDS = {
    "kind": "words",
    "rule": "",
    "id": "house-words",
    "action": "reject",
    "state": "on",
    "words.any": "zorblax",
    "words.unmask": "1",
}


def rule_of(when: dict[str, Any], **more: Any) -> Rule:
    return msgspec.convert({"id": "x", "when": when, "then": {"action": "review"}, **more}, Rule)


async def rules_of(admin: Any) -> dict[str, Any]:
    policy = (await admin.get("/v1/policies/default")).body
    return {rule["id"]: rule for rule in policy["rules"]}


async def test_the_rules_in_force_are_said_in_words(as_role: Any) -> None:
    page = await (await as_role(Role.SUPERVISOR)).get(PAGE)
    assert page.status == 200
    for rule in RECOMMENDED_RULES:
        assert f'id="rule-{rule.id}"' in page.text
    assert "if its author sends more than 20 comments within 1 minute." in page.text
    assert "An administrator can change this." in page.text
    assert "/rules/state" not in page.text


async def test_a_rule_is_added_and_holds_a_comment(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    form = await chief.get(f"{PAGE}/edit?kind=links")
    assert 'name="links.at_least"' in form.text
    page = await chief.post(f"{PAGE}/edit", version="1", **LINKS)
    assert page.location == "/console/rules?said=saved"
    page = await chief.get(page.location)
    assert "it has at least 1 link and its author has fewer than 3 approved comments" in page.text
    assert "Spam of new accounts" in page.text
    assert "Rules added: new-links" in page.text
    assert (await rules_of(admin))["new-links"] == {
        "id": "new-links",
        "when": {"all": [{"links": {"at_least": 1}}, {"author": {"approved_below": 3}}]},
        "then": {"action": "review", "due": "spam", "label": "spam"},
        "note": "Spam of new accounts",
        "author": "Ann",
    }
    told = await admin.post("/v1/comments", {"id": "c-1", "text": "See https://example.org today."})
    assert told.body["decision"] == "review"


@pytest.mark.parametrize("kind", [*KINDS, JSON])
async def test_every_hint_is_said_of_its_field(as_role: Any, kind: str) -> None:
    text = (await (await as_role()).get(f"{PAGE}/edit?kind={kind}")).text
    hints = re.findall(r'id="(h-[^"]+)"', text)
    assert {"h-due", "h-label", "h-reason"} <= set(hints)
    assert [each for each in hints if f'aria-describedby="{each}"' not in text] == []


async def test_a_rule_is_switched_changed_deleted_and_all_of_it_turned_back(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    first = await rules_of(admin)
    page = await chief.post(f"{PAGE}/state", version="1", id="flood", state="off")
    assert page.location == "/console/rules?said=off"
    assert (await rules_of(admin))["flood"]["state"] == "off"
    fields = {**rule_form.of(RECOMMENDED_RULES[2]).values, "velocity.more_than": "5", "id": "fast"}
    page = await chief.post(f"{PAGE}/edit", version="2", kind="flood", rule="flood", **fields)
    assert page.location == "/console/rules?said=saved"
    now = await rules_of(admin)
    assert list(now) == ["repeated-text", "repeated-links", "fast"]
    assert now["fast"]["when"]["velocity"]["more_than"] == 5
    assert (await chief.post(f"{PAGE}/delete", version="3", id="fast")).location == "/console/rules?said=deleted"
    assert "fast" not in await rules_of(admin)
    assert (await chief.post(f"{PAGE}/undo", version="4")).location == "/console/rules?said=undone"
    assert await rules_of(admin) == now
    assert (await rules_of(admin)) != first
    trail = (await admin.get("/v1/audit")).body["entries"]
    assert len([entry for entry in trail if entry["details"]["action"] == "policy_changed"]) == 4


@pytest.mark.parametrize("path", ["state", "delete", "undo"])
async def test_nothing_is_changed_that_somebody_else_changed_meanwhile(as_role: Any, admin: Any, path: str) -> None:
    chief = await as_role()
    await chief.post(f"{PAGE}/state", version="1", id="flood", state="shadow")
    before = await rules_of(admin)
    page = await chief.post(f"{PAGE}/{path}", version="1", id="flood", state="off")
    assert page.status == 409
    assert "Somebody else changed the policy meanwhile." in page.text
    assert await rules_of(admin) == before
    page = await chief.post(f"{PAGE}/edit", version="1", **LINKS)
    assert page.status == 409
    assert 'name="id" id="f-id" value="new-links"' in page.text
    assert await rules_of(admin) == before
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version
    assert (await chief.post(f"{PAGE}/edit", version=version[1], **LINKS)).status == 303
    assert (await rules_of(admin)).keys() == before.keys() | {"new-links"}


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        (LINKS | {"id": ""}, "id", "Give the rule a name."),
        (LINKS | {"id": "Not this"}, "id", "Use at most 64 small letters"),
        (LINKS | {"id": "flood"}, "id", "Another rule has this name."),
        (LINKS | {"links.at_least": "0"}, "links.at_least", "Enter a number from 1 to 1000."),
        (LINKS | {"links.at_least": "1.5"}, "links.at_least", "Enter a whole number."),
        (LINKS | {"links.domains": "not a domain"}, "links.domains", "“not a domain” is no domain."),
        (LINKS | {"override": "1"}, "override", "Only a rule that approves can overrule the model."),
        (LINKS | {"action": "label", "label": ""}, "label", "Choose the label."),
        (LINKS | {"label": "taste"}, "label", "the model has no attribute taste"),
        (LINKS | {"until": "tomorrow"}, "until", "Enter a date."),
        (LINKS | {"until": "2026-01-31"}, "until", "the last day, 2026-01-31, is over"),
        (WORDS | {"words.any": ""}, "words.list", "Choose a list or write words"),
        (WORDS | {"words.any": "", "words.list": "gone"}, "words.list", "there is no list gone"),
        (WORDS | {"words.any": "\u200b"}, "words.any", "has nothing that can be found"),
        (WORDS | {"kind": "score", "score.attribute": "insult"}, "score.at_least", "Fill in at least one"),
        (
            WORDS | {"kind": "score", "score.attribute": "insult", "score.at_least": "0.5", "score.below": "0,4"},
            "score.at_least",
            "This must be less than the upper limit.",
        ),
        (WORDS | {"kind": "text", "text.language": "english"}, "text.language", "This cannot be used"),
        (WORDS | {"kind": "text", "text.shorter_than": "5", "text.longer_than": "9"}, "text.language", "never holds"),
        (WORDS | {"kind": "json", "when": "{"}, "when", "This cannot be read: not valid JSON"),
        (
            WORDS | {"kind": "json", "when": '{"all": [{"links": {}}, {"pattern": "("}]}'},
            "when",
            "At /all/1/pattern: missing )",
        ),
        (WORDS | {"kind": "json", "when": '{"links": {"many": 1}}'}, "when", "At /links/many: unknown field"),
    ],
)
async def test_a_fault_is_told_beside_its_field_and_nothing_is_saved(
    as_role: Any, admin: Any, fields: dict[str, str], field: str, said: str
) -> None:
    chief = await as_role()
    page = await chief.post(f"{PAGE}/edit", version="1", **fields)
    assert page.status == 400
    problem = re.search(rf'<span class="field-problem" id="p-{re.escape(field)}">([^<]*)<', page.text)
    assert problem, page.text
    assert said in problem[1].replace("&#34;", '"')
    assert re.search(rf'name="{re.escape(field)}"[^>]*aria-invalid="true"', page.text)
    assert (await admin.get("/v1/policies/default")).body["version"] == 1


async def test_the_test_box_says_which_rules_apply_where_and_which_are_open(as_role: Any) -> None:
    chief = await as_role()
    await chief.post(f"{PAGE}/edit", version="1", **WORDS)
    await chief.post(f"{PAGE}/edit", version="2", **LINKS)
    page = await chief.post(f"{PAGE}/try", text="My z-o-r-b-l-a-x is at\r\nhttps://example.org", author="u-1")
    assert page.status == 200
    assert '<mark class="strong" title="house-words">z-o-r-b-l-a-x</mark>' in page.text
    assert 'href="#rule-house-words">house-words</a>' in page.text
    assert "because of “zorblax”" in page.text
    opened = page.text[page.text.index("Rules that depend on more than the text") :]
    assert 'href="#rule-new-links">new-links</a>' in opened
    assert "how many comments of the author were approved" in opened
    assert "<strong>Reject</strong>" in page.text
    page = await chief.post(f"{PAGE}/try", text="Hello there, this is fine.", author="u-1", section="news")
    assert 'href="#rule-house-words"' not in page.text


@pytest.mark.parametrize(
    ("fields", "said"), [({"text": " "}, "Enter a text."), ({"text": "x", "author": "a" * 300}, "This cannot be used")]
)
async def test_what_cannot_be_tried_is_told_at_the_box(as_role: Any, fields: dict[str, str], said: str) -> None:
    page = await (await as_role(Role.SUPERVISOR)).post(f"{PAGE}/try", **fields)
    assert page.status == 400
    problem = re.search(r'id="try-problem" role="alert">([^<]*)<', page.text)
    assert problem
    assert said in problem[1]


async def test_the_previews_say_what_rules_would_have_done_and_change_nothing(as_role: Any, admin: Any) -> None:
    for n in range(3):
        await admin.post("/v1/comments", {"id": f"c-{n}", "text": f"Have a zorblax, number {n}, my friend."})
    chief = await as_role()
    page = await chief.post(f"{PAGE}/edit/preview", version="1", **(WORDS | {"state": "off"}))
    assert page.status == 200
    assert "It would have applied to 3 comments" in page.text
    assert "Tried as if it were on." in page.text
    assert "<strong>3</strong> Approve → Reject" in page.text
    part = await chief.post(f"{PAGE}/edit/preview", version="1", part="1", **WORDS)
    assert "<form" not in part.text
    assert "<strong>3</strong> Approve → Reject" in part.text
    assert '<a href="/console/comment?id=c-2"' in part.text
    wrong = await chief.post(f"{PAGE}/edit/preview", version="1", part="1", **(WORDS | {"id": ""}))
    assert "Fix the errors in the form first." in wrong.text
    assert (await admin.get("/v1/policies/default")).body["version"] == 1
    await chief.post(f"{PAGE}/edit", version="1", **(WORDS | {"state": "off"}))
    page = await (await as_role(Role.SUPERVISOR)).post(f"{PAGE}/preview")
    assert "Tried on the last 3 comments" in page.text
    assert "<strong>3 times</strong>" in page.text


async def test_a_rule_with_a_fault_does_not_keep_others_from_being_changed(as_role: Any, client: Any) -> None:
    """An attribute may have gone with the model."""
    chief = await as_role()
    stale = rule_of({"score": {"attribute": "taste", "at_least": 0.5}}, state="shadow")
    after = msgspec.structs.replace(DEFAULT, version=2, rules=(stale, *DEFAULT.rules))
    assert await client.server.app[keys.STORE].access.keep_policy("daily", after, "upgrade")
    assert (await chief.post(f"{PAGE}/state", version="2", id="flood", state="shadow")).status == 303
    assert (await chief.post(f"{PAGE}/edit", version="3", **LINKS)).status == 303
    page = await chief.post(f"{PAGE}/state", version="4", id="x", state="on")
    assert page.status == 400
    assert "the model has no attribute taste" in page.text
    page = await chief.post(f"{PAGE}/edit", version="4", **(WORDS | {"kind": "json", "when": '{"pattern": "("}'}))
    assert "At /pattern: missing )" in page.text
    assert (await chief.post(f"{PAGE}/delete", version="4", id="x")).status == 303


async def test_a_rule_that_has_ended_says_so_and_others_can_be_changed(as_role: Any, client: Any) -> None:
    chief = await as_role()
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    ended = rule_of({"links": {}}, until=yesterday, state="shadow")
    after = msgspec.structs.replace(DEFAULT, version=2, rules=(ended, *DEFAULT.rules))
    assert await client.server.app[keys.STORE].access.keep_policy("daily", after, "somebody")
    assert "Ended on " in (await chief.get(PAGE)).text
    page = await chief.post(f"{PAGE}/state", version="2", id="x", state="on")
    assert (page.status, "is over" in page.text) == (400, True)
    assert (await chief.post(f"{PAGE}/edit", version="2", **LINKS)).status == 303


async def test_what_is_not_there_is_not_found(as_role: Any) -> None:
    chief = await as_role()
    assert (await chief.get(f"{PAGE}/edit?id=gone")).status == 404
    assert (await chief.get(f"{PAGE}/edit?kind=nonsense")).status == 404
    assert (await chief.post(f"{PAGE}/delete", version="1", id="gone")).status == 404
    assert (await chief.post(f"{PAGE}/undo", version="1")).status == 404


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.SUPERVISOR, Role.AUDITOR])
async def test_only_administrators_change_rules(as_role: Any, admin: Any, role: Role) -> None:
    somebody = await as_role(role)
    assert (await somebody.get(PAGE)).status == (403 if role is Role.MODERATOR else 200)
    for path, fields in {
        "state": {"id": "flood", "state": "off"},
        "delete": {"id": "flood"},
        "undo": {},
        "edit": LINKS,
        "edit/preview": LINKS,
    }.items():
        assert (await somebody.post(f"{PAGE}/{path}", version="1", **fields)).status == 403
    assert (await somebody.get(f"{PAGE}/edit?kind=links")).status == 403
    assert (await admin.get("/v1/policies/default")).body["version"] == 1


N = st.integers(1, 1000)
WORD_LISTS = st.lists(st.sampled_from(["a b", "c", "ü"]), min_size=1, unique=True)
WAYS = st.sampled_from([{}, {"match": "part"}, {"unmask": False}, {"case": True}])
CONDITIONS = st.one_of(
    st.builds(lambda words, way: {"words": {"any": words, **way}}, WORD_LISTS, WAYS),
    st.builds(lambda n, m: {"all": [{"links": {"at_least": n}}, {"author": {"approved_below": m}}]}, N, N),
    st.builds(lambda n: {"links": {"at_least": n, "domains": ["example.org"], "not_domains": ["a.example"]}}, N),
    st.builds(
        lambda match, of, n, s: {"duplicate": {"match": match, "of": of, "at_least": n, "s": s * 36}},
        st.sampled_from(["exact", "near", "links"]),
        st.sampled_from(["author", "site"]),
        st.integers(2, 1000),
        N,
    ),
    st.builds(
        lambda by, n, s: {"velocity": {"by": by, "more_than": n, "s": s}},
        st.sampled_from(["author", "article", "site"]),
        N,
        N,
    ),
    st.builds(lambda n, s: {"author": {"approved_below": n, "new": s * 3600}}, N, N),
    st.builds(lambda low: {"score": {"attribute": "insult", "at_least": low / 2000, "below": 0.9}}, N),
    st.builds(lambda n: {"text": {"language": ["de", "en"], "capitals_above": n / 1000, "longer_than": n}}, N),
    st.just({"article": {"section": ["news"], "ids": ["a-1"]}}),
)


@given(CONDITIONS)
def test_a_guided_form_that_nobody_touched_says_the_rule_again(when: dict[str, Any]) -> None:
    rule = rule_of(when, until="2027-01-31", note="why", author="Ann")
    entered = rule_form.of(rule)
    assert entered.kind in KINDS
    assert rule_form.read(entered.kind, entered.values).rule == rule
    as_json = rule_form.of(rule, JSON)
    assert rule_form.read(JSON, as_json.values).rule == rule


COMBINED = {
    "all": [
        {"any": [{"words": {"any": ["a", "b"], "match": "part"}}, {"pattern": "x+"}]},
        {"time": {"hours": [22, 6], "weekdays": [6, 7], "zone": "Europe/Berlin"}},
        {"not": {"links": {"domains": ["example.org"]}}},
    ]
}


def test_a_rule_that_no_guided_form_can_say_is_edited_as_json() -> None:
    for when in (COMBINED, {"pattern": "x"}, {"not": {"links": {}}}, {"links": {"email": True}}):
        assert rule_form.of(rule_of(when)).kind == JSON


def test_conditions_that_are_combined_are_said_with_what_belongs_together() -> None:
    assert rule_words.sentence(Texts("en"), rule_of(COMBINED)) == (
        "Holds a comment for review if (it has one of the words “a” or “b” (also inside other words) or it matches the"
        " pattern x+) and (it is sent between 22:00 and 06:00 (Europe/Berlin) and it is sent on this day: Saturday or"
        " Sunday (Europe/Berlin)), unless it has at least 1 link (to example.org)."
    )


LEAVES = (
    {"words": {"list": "house"}},
    {"words": {"any": list("abcdefgh"), "match": "stem", "unmask": False}},
    {"pattern": "x"},
    {"links": {"email": True, "phone": True}},
    {"links": {"email": True, "at_least": 2}},
    {"links": {"phone": True, "at_least": 5}},
    {"links": {"shortener": True, "punycode": False, "bare": True, "not_domains": ["a.example"]}},
    {"score": {"attribute": "insult", "at_least": 0.5}},
    {"score": {"attribute": "insult", "below": 0.5}},
    {"score": {"attribute": "insult", "at_least": 0.1, "below": 0.5}},
    {"author": {"new": 86400, "approved_below": 2, "rejected_share_above": 0.5, "status": ["muted"], "trusted": True}},
    {"author": {"approved_below": 1, "trusted": False}},
    {"article": {"ids": ["a"], "section": ["news"], "older_than_s": 90}},
    *({"velocity": {"by": by, "more_than": 5, "s": 61}} for by in ("author", "article", "site")),
    *(
        {"duplicate": {"match": match, "of": of, "s": 3600}}
        for match in ("exact", "near", "links")
        for of in ("author", "site")
    ),
    {"text": {"shorter_than": 9, "longer_than": 2, "capitals_above": 0.6, "language": ["de"]}},
    {"time": {"hours": [22, 6]}},
    {"time": {"weekdays": [1]}},
    {"all": [{"not": {"pattern": "x"}}]},
)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("action", ["approve", "review", "reject", "premoderate", "label"])
def test_every_condition_has_its_own_words_in_every_language(language: str, action: str) -> None:
    texts = Texts(language)
    said = [rule_words.sentence(texts, rule_of(when, then={"action": action})) for when in LEAVES]
    assert len(set(said)) == len(LEAVES)
    assert all("%(" not in each and each.endswith(".") for each in said)
    override = rule_of(LEAVES[0], then={"action": "approve", "override": True, "label": "spam", "reason": "spam"})
    assert rule_words.sentence(texts, override) not in said
    assert len(rule_words.consequences(texts, Reasons(), override)) == 2
