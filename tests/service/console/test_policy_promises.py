"""Targets, gate and statements of reasons on the policy's page: entered, checked at their field, shown, turned back."""

import json
import re
import shutil
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from test_policy_page import KNOWN, filled

import classifier
from service.console import policy_form
from service.console.policy import changes
from service.values.accounts import Role
from service.values.dsa import Clause, ClauseTexts, Dsa
from service.values.gate import Gate
from service.values.policy import DEFAULT, Policy
from service.values.targets import Targets

SHARE = st.integers(1, 99).map(lambda n: n / 100)
WORDS = st.text("abc | \n\u00e4", min_size=1, max_size=20).filter(str.strip)
CLAUSES = st.builds(
    Clause,
    clause=WORDS,
    explanation=WORDS,
    ground=st.sampled_from(["terms", "illegal"]),
    category=st.sampled_from(["STATEMENT_CATEGORY_VIOLENCE", "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"]),
    url=st.none() | st.just("https://site.example/rules"),
    translations=st.dictionaries(st.sampled_from(["de", "uk"]), st.builds(ClauseTexts, WORDS, WORDS), max_size=2),
)
POLICIES = st.builds(
    Policy,
    thresholds=st.just(DEFAULT.thresholds),
    version=st.integers(1, 50),
    targets=st.just(UNSET)
    | st.builds(
        Targets,
        max_wrong_approve=SHARE,
        max_wrong_reject=st.none() | SHARE,
        max_missed=st.none() | SHARE,
        confidence=st.sampled_from([0.5, 0.9, 0.95, 0.999]),
        when_broken=st.sampled_from(["review", "previous"]),
    ),
    gate=st.just(UNSET)
    | st.builds(
        Gate,
        held_out=st.booleans(),
        max_coverage_drop=st.none() | SHARE,
        worse_at=st.none() | SHARE,
        least_audits=st.integers(0, 10_000),
        targets=st.booleans(),
        shadow_days=st.integers(0, 90),
        max_group_ratio=st.none() | st.sampled_from([1.0, 1.25, 2.5, 100.0]),
    ),
    dsa=st.just(UNSET)
    | st.builds(
        Dsa,
        in_scope=st.booleans(),
        clauses=st.dictionaries(st.sampled_from(["insult", "hate", "threat"]), CLAUSES).flatmap(
            lambda found: CLAUSES.map(lambda other: {"other": other, **found})
        ),
        territory=st.sampled_from([("EU",), ("FR", "DE"), ("EEA",)]),
        restriction=st.sampled_from(["removed", "disabled"]),
        complaint_days=st.integers(183, 3_660),
        complaint_url=st.none() | st.just("https://site.example/complain"),
    ),
)


@given(POLICIES)
def test_a_form_that_nobody_touched_says_the_policy_again(policy: Policy) -> None:
    form = {name: [each.replace("\n", "\r\n") for each in some] for name, some in filled(policy).items()}  # as sent
    read = policy_form.read(form, policy, KNOWN)
    assert read.problems == {}
    assert msgspec.structs.replace(read.policy, version=policy.version) == policy
    assert changes(policy, read.policy) == []


def clause(row: int, **fields: str) -> dict[str, str]:
    whole = {"code": "other", "clause": "Section 1", "explanation": "Keep to our rules.", **fields}
    return {f"dsa.clauses.{row}.{name}": value for name, value in whole.items()}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"targets.max_wrong_approve": "0"}, "targets.max_wrong_approve"),
        ({"targets.max_wrong_reject": "100"}, "targets.max_wrong_reject"),
        ({"targets.max_missed": "few"}, "targets.max_missed"),
        ({"targets.max_missed": "5", "targets.confidence": "100"}, "targets.confidence"),
        ({"targets.max_missed": "5", "targets.confidence": ""}, "targets.confidence"),
        ({"targets.max_missed": "5", "targets.when_broken": "pray"}, "targets.when_broken"),
        ({"gate.required": "1", "gate.worse_at": "2"}, "gate.worse_at"),
        ({"gate.required": "1", "gate.least_audits": "1.5"}, "gate.least_audits"),
        ({"gate.required": "1", "gate.max_group_ratio": "0.5"}, "gate.max_group_ratio"),
        ({"gate.required": "1", "gate.shadow_days": "91"}, "gate.shadow_days"),
        ({"gate.required": "1", "gate.max_coverage_drop": "-1"}, "gate.max_coverage_drop"),
        ({"dsa.territory": "Europe"}, "dsa.territory"),
        ({"dsa.territory": ""}, "dsa.territory"),
        ({"dsa.restriction": "burned"}, "dsa.restriction"),
        ({"dsa.complaint_days": "100"}, "dsa.complaint_days"),
        ({"dsa.complaint_url": "site.example"}, "dsa.complaint_url"),
        ({"dsa.in_scope": "1"}, "dsa.clauses"),
        ({"dsa.in_scope": "1", **clause(0, clause="")}, "dsa.clauses.0.clause"),
        ({"dsa.in_scope": "1", **clause(0, explanation="Write to joe@site.example")}, "dsa.clauses.0.explanation"),
        ({"dsa.in_scope": "1", **clause(0), **clause(1)}, "dsa.clauses.1.code"),
        ({"dsa.in_scope": "1", **clause(0), **clause(1, code="")}, "dsa.clauses.1.code"),
        ({"dsa.in_scope": "1", **clause(0, category="STATEMENT_CATEGORY_TASTE")}, "dsa.clauses.0.category"),
        ({"dsa.in_scope": "1", **clause(0, url="rules")}, "dsa.clauses.0.url"),
        ({"dsa.in_scope": "1", **clause(0, translations="de: Abschnitt 1")}, "dsa.clauses.0.translations"),
        ({"dsa.in_scope": "1", **clause(0, translations="German | Abschnitt | Nein")}, "dsa.clauses.0.translations"),
        ({"dsa.in_scope": "1", **clause(0), **clause(1, code="No Code")}, "dsa.clauses.1.code"),
    ],
)
def test_what_cannot_be_used_is_told_at_its_field(fields: dict[str, str], wrong: str) -> None:
    read = policy_form.read(filled(DEFAULT, **fields), DEFAULT, KNOWN)
    assert list(read.problems) == [wrong]
    assert read.policy == DEFAULT


def test_a_form_that_lacks_these_fields_changes_nothing_of_them() -> None:
    form = {name: value for name, value in filled(DEFAULT).items() if not name.startswith(("targets", "gate", "dsa"))}
    read = policy_form.read(form, DEFAULT, KNOWN)
    assert read.problems == {}
    assert (read.policy.targets, read.policy.gate, read.policy.dsa) == (UNSET, UNSET, UNSET)


ENTERED = {
    "targets.max_wrong_approve": "1",
    "targets.confidence": "90",
    "targets.when_broken": "previous",
    "gate.required": "1",
    "gate.held_out": "1",
    "gate.targets": "1",
    "gate.max_group_ratio": "2.5",
    "gate.shadow_days": "3",
    "dsa.in_scope": "1",
    "dsa.territory": "FR\nDE",
    "dsa.complaint_days": "365",
    **clause(0),
    **clause(1, code="insult", illegal="1", category="STATEMENT_CATEGORY_VIOLENCE", translations="de | § 185 | Nein."),
}


async def saved(chief: Any, version: str, policy: Policy = DEFAULT, **entered: str) -> Any:
    fields = {name: values[0] for name, values in filled(policy, **entered).items()}
    return await chief.post("/console/policy", version=version, **fields)


async def test_all_three_are_set_on_the_page_listed_and_turned_back(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    page = await saved(chief, "1", **ENTERED)
    assert page.status == 303, page.text
    policy = (await admin.get("/v1/policies/default")).body
    assert policy["targets"] == {"max_wrong_approve": 0.01, "confidence": 0.9, "when_broken": "previous"}
    assert msgspec.convert(policy["gate"], Gate) == Gate(shadow_days=3, max_group_ratio=2.5)
    assert policy["dsa"]["territory"] == ["FR", "DE"]
    assert policy["dsa"]["clauses"]["insult"] == {
        "clause": "Section 1",
        "explanation": "Keep to our rules.",
        "ground": "illegal",
        "category": "STATEMENT_CATEGORY_VIOLENCE",
        "translations": {"de": {"clause": "§ 185", "explanation": "Nein."}},
    }
    shown = (await chief.get("/console/policy")).text
    assert "<code>dsa.clauses.insult.category</code>" in shown, "what the version changed"
    assert 'name="targets.max_wrong_approve" id="f-targets.max_wrong_approve" value="1"' in shown
    assert 'name="dsa.clauses.2.code"' in shown, "a row for one more"
    page = await chief.post("/console/policy/restore", version="2", restored="1")
    assert "The version is brought back" in (await chief.get(page.location)).text
    after = (await admin.get("/v1/policies/default")).body
    assert (after["version"], "targets" in after, "gate" in after, "dsa" in after) == (3, False, False, False)
    actors = [each["details"]["actor"] for each in (await admin.get("/v1/audit")).body["entries"]]
    assert actors[:2] == ["admin", "admin"]


async def test_a_clause_is_removed_by_its_box_and_targets_by_emptying_them(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    assert (await saved(chief, "1", **ENTERED)).status == 303
    emptied = {**ENTERED, "targets.max_wrong_approve": "", "gate.required": "", "dsa.clauses.1.remove": "1"}
    assert (await saved(chief, "2", **emptied)).status == 303
    policy = (await admin.get("/v1/policies/default")).body
    assert ("targets" in policy, "gate" in policy) == (False, False)
    assert list(policy["dsa"]["clauses"]) == ["other"]


async def test_what_was_entered_comes_back_with_the_problem_at_its_field(as_role: Any) -> None:
    chief = await as_role()
    page = await saved(chief, "1", **{**ENTERED, "dsa.clauses.1.url": "our rules"})
    assert page.status == 400
    field = re.search(r'<input name="dsa.clauses.1.url"[^>]*>', page.text)
    assert field
    assert 'value="our rules"' in field[0]
    assert 'aria-describedby="p-dsa.clauses.1.url"' in field[0]
    assert "must begin with https://" in page.text
    assert page.text.count('<details class="clause" open>') == 1, "its clause is opened"


async def test_a_version_that_came_meanwhile_is_not_replaced_by_an_older_one(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    for n in (0.5, 0.6):
        await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"reject_at": n}}})
    page = await chief.post("/console/policy/restore", version="2", restored="1")
    assert page.status == 409
    assert "Nothing was brought back: version 3 was saved meanwhile." in page.text
    assert (await admin.get("/v1/policies/default")).body["version"] == 3
    assert (await chief.post("/console/policy/restore", version="3", restored="9")).status == 404
    assert (await chief.post("/console/policy/restore", version="3", restored="x")).status == 400


async def test_only_administrators_change_and_overseers_see(as_role: Any) -> None:
    lead = await as_role(Role.SUPERVISOR)
    text = (await lead.get("/console/policy")).text
    assert "Of automatic approvals, at most this share" in text
    assert "Bring back" not in text
    assert (await lead.post("/console/policy/restore", version="1", restored="1")).status == 403


async def test_the_state_of_the_targets_stands_beside_them(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    assert "so nothing is promised" in (await chief.get("/console/policy")).text
    policy = {"thresholds": {"toxicity": {"reject_at": 0.9}}, "targets": {"max_wrong_approve": 0.01}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    text = (await chief.get("/console/policy")).text
    assert "Of automatic approvals, at most 1% break the rules" in text
    assert "There is no certificate." in text


async def test_the_statement_is_shown_as_the_form_says_it_before_it_is_saved(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    assert "Nothing: the site is not in scope" in (await chief.get("/console/policy")).text
    entered = {**ENTERED, **clause(0, clause="Section <7>")}
    fields = {name: values[0] for name, values in filled(DEFAULT, **entered).items()}
    page = await chief.post("/console/policy/preview", version="1", **fields)
    assert page.status == 200
    assert "Why your comment was rejected" in page.text
    assert "Section 1. Keep to our rules." in page.text, "the clause of the attribute"
    assert (await admin.get("/v1/policies/default")).body["version"] == 1


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR])
async def test_the_gate_in_the_form_is_asked_of_the_challenger(
    as_role: Any, admin: Any, settings: Any, role: Role
) -> None:
    somebody = await as_role(role)
    assert "No model is in shadow here" in (await somebody.get("/console/policy")).text
    folder = settings.data_path / "models" / "m-2"
    shutil.copytree(classifier.SHIPPED, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"version": "m-2"}))
    assert (await admin("PUT", "/v1/models/m-2/shadow", {"share": 0.5})).status == 200
    assert "Check m-2" in (await somebody.get("/console/policy")).text
    fields: dict[str, Any] = {"csrf": somebody.token, "version": "1"}
    if role is Role.ADMIN:
        entered = {"gate.required": "1", "gate.least_audits": "7"}
        fields |= {name: values[0] for name, values in filled(DEFAULT, **entered).items()}
    page = await somebody("POST", "/console/policy/gate", data=fields)
    assert page.status == 200
    assert "Does not pass" in page.text
    needed = 7 if role is Role.ADMIN else 1
    assert f"0 audits are answered, and {needed} are needed" in page.text
    assert (await admin.get("/v1/policies/default")).body["version"] == 1
    assert (await admin.post("/v1/models/m-2:promote")).status == 200
    assert "No model is in shadow here" in (await somebody.get("/console/policy")).text
