"""The policy's page: what a form says is what is stored, tried before, and never over somebody else's change."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from service.console import policy_form
from service.console.policy import changes
from service.console.policy_groups import FIELDS
from service.values.accounts import Role
from service.values.approvals import TwoPeople
from service.values.domain import Verdict
from service.values.policy import DEFAULT, InLanguage, Policy, Thresholds
from service.values.review_settings import Expiry, Macro, Reviewing, SiteReason
from service.values.site_settings import Akismet, Coral, Perspective, Protocols
from service.values.strikes import Strikes, StrikeStep, Trust

KNOWN = tuple(DEFAULT.thresholds)


def filled(policy: Policy, **fields: str) -> dict[str, list[str]]:
    """A form as a browser sends it: boxes that are not ticked are not there."""
    values = {**policy_form.of(policy).values, **fields}
    flags = {field.path for field in FIELDS if field.kind == "flag"}
    return {name: [value] for name, value in values.items() if value or name not in flags}


TITLES = st.text("abc:;=, \u00e4\u0436", min_size=1, max_size=20).map(str.strip).filter(bool)
SHARE = st.integers(0, 100).map(lambda n: n / 100)
POLICIES = st.builds(
    Policy,
    thresholds=st.dictionaries(
        st.sampled_from(KNOWN),
        st.tuples(st.none() | SHARE, st.none() | SHARE).map(
            lambda two: Thresholds(*(sorted(two) if None not in two else two))
        ),
        min_size=1,
    ),
    version=st.integers(1, 50),
    review=st.builds(
        Reviewing,
        audit_approved=st.none() | SHARE,
        audits_per_day=st.none() | st.integers(1, 10_000),
        audit_differing=st.none() | SHARE,
        differing_per_day=st.integers(1, 10_000),
        learning_share=st.none() | SHARE,
        learning_per_day=st.integers(1, 10_000),
        double_review=SHARE,
        audit_overturns=st.booleans(),
        reports_needed=st.integers(1, 1000),
        reports_discount=st.booleans(),
        heated_factor=st.integers(1, 99).map(lambda percent: percent / 100),
        urgent_sections=st.frozensets(st.text("abc-", min_size=1, max_size=5), max_size=5),
        show_scores=st.booleans(),
        reasons=st.dictionaries(
            st.sampled_from(["advertising", "house_rules"]),
            st.dictionaries(st.sampled_from(["en", "de"]), TITLES, min_size=1),
        ).map(lambda found: tuple(SiteReason(key, titles, "spam") for key, titles in found.items())),
        reason_required=st.booleans(),
        macros=st.dictionaries(
            st.sampled_from(["Shop link", "Ärger"]),
            st.tuples(st.none() | TITLES, st.dictionaries(st.sampled_from(["spam", "insult"]), st.booleans())),
        ).map(lambda found: tuple(Macro(name, Verdict.APPROVE, None, *more) for name, more in found.items())),
        due_s=st.dictionaries(st.sampled_from(["threat", "other", "soon"]), st.integers(60, 86_400)),
        expiry=st.none()
        | st.builds(Expiry, after_s=st.integers(1, 90).map(lambda d: d * 86_400), decision=st.just("reject")),
    ),
    protocols=st.builds(
        Protocols,
        perspective=st.builds(
            Perspective,
            trust_languages=st.booleans(),
            attributes=st.dictionaries(st.just("TOXICITY_X"), st.sampled_from(KNOWN)),
            score_maps=st.just({"TOXICITY": [(0.0, 0.0), (1.0, 1.0)]}),
        ),
        coral=st.builds(Coral, shadow=st.booleans(), budget_ms=st.integers(20, 10_000)),
        akismet=st.builds(Akismet, discard_at=st.none() | SHARE),
    ),
    languages=st.dictionaries(st.sampled_from(["fi", "sv"]), st.builds(InLanguage, reject=st.booleans())),
    strikes=st.none()
    | st.builds(
        Strikes,
        at=st.just((StrikeStep(2, "premoderated"), StrikeStep(3, "muted", 7), StrikeStep(9, "banned"))),
        weights=st.dictionaries(st.sampled_from(["spam", "threat"]), st.integers(0, 10)),
        expire_days=st.integers(1, 365),
    ),
    trust=st.none() | st.builds(Trust, st.integers(1, 10_000), st.integers(0, 365)),
    keep_ban_on_erase=st.booleans(),
    two_people=st.just(UNSET) | st.builds(TwoPeople, st.integers(1, 200), st.booleans()),
)


@given(POLICIES)
def test_a_form_that_nobody_touched_says_the_policy_again(policy: Policy) -> None:
    as_role = policy_form.read(filled(policy), policy, KNOWN)
    assert as_role.problems == {}
    assert msgspec.structs.replace(as_role.policy, version=policy.version) == policy
    assert changes(policy, as_role.policy) == []


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"review_at.insult": "1.5"}, "review_at.insult"),
        ({"review_at.insult": "nan"}, "review_at.insult"),
        ({"review_at.insult": "0.9", "reject_at.insult": "0.8"}, "review_at.insult"),
        ({"review.double_review": ""}, "review.double_review"),
        ({"review.audit_approved": "120"}, "review.audit_approved"),
        ({"review.reports_needed": "2.5"}, "review.reports_needed"),
        ({"review.reports_needed": "0"}, "review.reports_needed"),
        ({"review.expiry": "approve", "review.expiry.after": ""}, "review.expiry.after"),
        ({"review.expiry": "nonsense", "review.expiry.after": "5"}, "review.expiry"),
        ({"review.urgent_sections": "\n".join(map(str, range(70)))}, "review.urgent_sections"),
        ({"protocols.perspective.attributes": "no equals sign"}, "protocols.perspective.attributes"),
        ({"protocols.perspective.attributes": "TASTE = taste"}, "protocols.perspective.attributes"),
        ({"protocols.perspective.attributes": "INSULT = threat"}, "protocols.perspective.attributes"),
        ({"review.reasons": "advertising"}, "review.reasons"),
        ({"review.reasons": "a b | en: Advertising"}, "review.reasons"),
        ({"review.reasons": "ad | en: One\nad | en: Two"}, "review.reasons"),
        ({"review.reasons": "ad | rudeness | en: One"}, "review.reasons"),
        ({"review.macros": "Shop link"}, "review.macros"),
        ({"review.macros": "Shop link | review"}, "review.macros"),
        ({"review.macros": "Shop link | reject | why: x"}, "review.macros"),
        ({"review.macros": "Shop link | reject | note: x | note: y"}, "review.macros"),
        ({"review.macros": "Shop link | reject | labels: very rude"}, "review.macros"),
        ({"review.macros": "Shop link | reject | labels: rudeness"}, "review.macros"),
        ({"review.macros": "A | approve\na | approve"}, "review.macros"),
        ({"review.macros": "A | approve | reason: spam"}, "review.macros"),
        ({"review.due_s": "threat = soon"}, "review.due_s"),
        ({"review.due_s": "rudeness = 600"}, "review.due_s"),
        ({"review.due_s": "threat = 5"}, "review.due_s"),
        ({"strikes.at": "three banned"}, "strikes.at"),
        ({"strikes.at": "3 muted"}, "strikes.at"),
        ({"strikes.at": "3 trusted 7"}, "strikes.at"),
        ({"strikes.weights": "spam = 2"}, "strikes.at"),
        ({"strikes.at": "3 banned", "strikes.weights": "spam = 99"}, "strikes.weights"),
        ({"strikes.expire_days": "0"}, "strikes.expire_days"),
        ({"trust.approvals": "0"}, "trust.approvals"),
        ({"two_people.bulk": "201"}, "two_people.bulk"),
        ({"protocols.coral.budget_ms": "19"}, "protocols.coral.budget_ms"),
        ({f"counts.{attribute}": "" for attribute in KNOWN}, "thresholds"),
    ],
)
def test_what_cannot_be_used_is_told_at_its_field(fields: dict[str, str], wrong: str) -> None:
    as_role = policy_form.read(filled(DEFAULT, **fields), DEFAULT, KNOWN)
    assert list(as_role.problems) == [wrong]
    assert as_role.policy == DEFAULT


def test_a_decimal_comma_is_one_and_an_attribute_of_another_model_is_refused() -> None:
    as_role = policy_form.read(filled(DEFAULT, **{"review_at.insult": "0,25"}), DEFAULT, KNOWN)
    assert as_role.policy.thresholds["insult"].review_at == 0.25
    other = policy_form.read(filled(DEFAULT), DEFAULT, KNOWN[1:])
    assert list(other.problems) == [f"review_at.{KNOWN[0]}"]


async def test_a_change_is_saved_as_the_next_version_and_decides(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    fields = {name: values[0] for name, values in filled(DEFAULT, **{"reject_at.insult": "0.4"}).items()}
    page = await chief.post("/console/policy", version="1", **fields)
    assert page.location == "/console/policy?said=saved"
    page = await chief.get(page.location)
    assert "default@2" in page.text
    assert "<code>thresholds.insult.reject_at</code> 0.98 → 0.4" in page.text
    assert re.search(r'<th scope="row">2</th><td><bdi>admin</bdi><br><span class="small">[^<]*20\d\d', page.text)
    policy = (await admin.get("/v1/policies/default")).body
    assert (policy["version"], policy["thresholds"]["insult"]) == (
        2,
        {"review_at": DEFAULT.thresholds["insult"].review_at, "reject_at": 0.4},
    )
    (entry,) = [e for e in (await admin.get("/v1/audit")).body["entries"] if e["details"]["action"] == "policy_changed"]
    assert entry["details"]["actor"] == "admin"


async def test_somebody_elses_version_is_not_replaced_unseen(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    fields = {name: values[0] for name, values in filled(DEFAULT, **{"reject_at.insult": "0.4"}).items()}
    await admin("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"reject_at": 0.5}}})
    page = await chief.post("/console/policy", version="1", **fields)
    assert page.status == 409
    assert "Somebody else saved version 2 meanwhile." in page.text
    assert 'name="reject_at.insult" id="f-reject_at.insult" value="0.4"' in page.text
    assert (await admin.get("/v1/policies/default")).body["version"] == 2
    assert '<input type="hidden" name="version" value="2">' in page.text
    assert (await chief.post("/console/policy", version="2", **fields)).status == 303


async def test_wrong_fields_come_back_as_they_were_entered_each_with_its_problem(as_role: Any) -> None:
    chief = await as_role()
    fields = {name: values[0] for name, values in filled(DEFAULT, **{"review_at.insult": "7"}).items()}
    page = await chief.post("/console/policy", version="1", **fields)
    assert page.status == 400
    field = re.search(r'<input type="number" name="review_at.insult"[^>]*>', page.text)
    assert field
    assert 'value="7"' in field[0]
    assert 'aria-describedby="p-review_at.insult"' in field[0]
    assert "Enter a number from 0 to 1." in page.text


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPERVISOR])
async def test_the_preview_says_what_would_have_been_and_changes_nothing(as_role: Any, admin: Any, role: Role) -> None:
    for n in range(3):
        await admin.post("/v1/comments", {"id": f"c-{n}", "text": "You are an idiot."})
    somebody = await as_role(role)
    never = {f"{name}.{attribute}": "" for attribute in KNOWN for name in ("review_at", "reject_at")}
    fields = {name: values[0] for name, values in filled(DEFAULT, **never).items()}
    page = await somebody.post("/console/policy/preview", version="1", **fields)
    assert page.status == 200
    assert "3 comments" in page.text
    assert re.search(r"<strong>3</strong> (Review|Reject) → Approve", page.text)
    assert '<a href="/console/comment?id=c-1"' in page.text
    part = await somebody(
        "POST", "/console/policy/preview", data={"csrf": somebody.token, **fields}, headers={"X-Part": "preview"}
    )
    assert "<h1" not in part.text
    assert "3 comments" in part.text
    assert (await admin.get("/v1/policies/default")).body["version"] == 1


async def test_a_supervisor_whose_fields_are_disabled_sees_what_the_current_policy_does(
    as_role: Any, admin: Any
) -> None:
    await admin.post("/v1/comments", {"id": "c-1", "text": "You are an idiot."})
    lead = await as_role(Role.SUPERVISOR)
    await lead.get("/console/policy")
    part = await lead(
        "POST", "/console/policy/preview", data={"csrf": lead.token, "version": "1"}, headers={"X-Part": "preview"}
    )
    assert "Fix the errors" not in part.text
    assert "1 comment" in part.text


async def test_what_the_form_does_not_show_is_kept(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    asked = {"thresholds": {"toxicity": {"reject_at": 0.5}}, "keep_ban_on_erase": True}
    assert (await admin("PUT", "/v1/policies/default", asked)).status == 200
    fields = {name: values[0] for name, values in filled(DEFAULT, **{"reject_at.insult": "0.4"}).items()}
    assert (await chief.post("/console/policy", version="2", **fields)).status == 303
    policy = (await admin.get("/v1/policies/default")).body
    assert (policy["version"], policy["keep_ban_on_erase"]) == (3, True)


async def test_reasons_and_strikes_are_set_on_the_page(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    entered = {
        "review.reasons": "advertising | spam | en: Advertising | de: Werbung\nhouse_rules | en: House rules",
        "review.macros": "Shop link | reject | reason: advertising | labels: insult, not spam | note: a shop: big",
        "review.due_s": "threat = 300",
        "strikes.at": "3 premoderated 7\n9 banned",
        "strikes.weights": "advertising = 2",
        "strikes.expire_days": "60",
        "trust.approvals": "50",
    }
    fields = {name: values[0] for name, values in filled(DEFAULT, **entered).items()}
    page = await chief.post("/console/policy", version="1", **fields)
    assert page.status == 303, page.text
    policy = (await admin.get("/v1/policies/default")).body
    assert policy["review"]["reasons"] == [
        {"key": "advertising", "titles": {"en": "Advertising", "de": "Werbung"}, "label": "spam"},
        {"key": "house_rules", "titles": {"en": "House rules"}},
    ]
    said = {"reason": "advertising", "note": "a shop: big", "labels": {"insult": True, "spam": False}}
    assert policy["review"]["macros"] == [{"name": "Shop link", "decision": "reject", **said}]
    steps = [{"strikes": 3, "status": "premoderated", "days": 7}, {"strikes": 9, "status": "banned"}]
    assert policy["strikes"] == {"at": steps, "weights": {"advertising": 2}, "expire_days": 60}
    assert (policy["trust"], policy["review"]["due_s"]) == ({"approvals": 50}, {"threat": 300})
    shown = (await chief.get("/console/policy")).text
    assert "strikes.weights.advertising" in shown
    assert "advertising | spam | en: Advertising | de: Werbung\nhouse_rules | en: House rules</textarea>" in shown


async def test_the_languages_a_policy_names_are_kept_by_the_api_and_by_the_form(as_role: Any, admin: Any) -> None:
    chief = await as_role()
    languages = {"fi": {"reject": True}}
    answer = await admin(
        "PUT", "/v1/policies/default", {"thresholds": {"toxicity": {"reject_at": 0.5}}, "languages": languages}
    )
    assert answer.status == 200, answer.body
    assert answer.body["languages"] == languages
    fields = {name: values[0] for name, values in filled(DEFAULT, **{"reject_at.insult": "0.4"}).items()}
    assert (await chief.post("/console/policy", version="2", **fields)).status == 303
    policy = (await admin.get("/v1/policies/default")).body
    assert (policy["version"], policy["languages"]) == (3, languages)
