"""Statements of reasons say what really happened, in the fields that the law and the database ask for."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.values.domain import Action, DecidedBy, Why
from service.values.dsa import (
    Automation,
    Clause,
    ClauseTexts,
    Dsa,
    Restriction,
    Source,
    clause_of,
    countries,
    faults_of,
    for_database,
    personal_data,
    personal_data_in,
    statement_of,
)
from service.values.dsa_trail import year_figures
from service.values.statement_schema import categories, problems, schema
from service.values.statement_words import LANGUAGES, facts, templates, worded

AT = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
DSA = Dsa(
    in_scope=True,
    clauses={
        "other": Clause("Section 1 of our rules", "Comments must keep to our rules."),
        "insult": Clause(
            "Section 3 of our rules", "It insults somebody.", category="STATEMENT_CATEGORY_CYBER_VIOLENCE"
        ),
        "threat": Clause("Section 241 of the criminal code", "It threatens somebody.", ground="illegal"),
        "hatred": Clause("Section 4", "It incites hatred.", "illegal", "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH"),
    },
    territory=("AT", "EU"),
    complaint_url="https://site.example/complain",
    dispute_url="https://site.example/disputes",
)


def rejected(**more: Any) -> Restriction:
    fields: dict[str, Any] = {
        "site": "daily",
        "comment": "c-1",
        "revision": 1,
        "version": 3,
        "at": AT,
        "decided_by": DecidedBy.MODEL,
        "automatic": Action.REJECT,
        "attributes": ("insult",),
        "sent_at": AT - timedelta(days=1),
        "language": "de",
    }
    return Restriction(**(fields | more))


BY_PERSON = {"decided_by": DecidedBy.MODERATOR, "why": Why.UNCERTAIN, "automatic": Action.REVIEW}
APPROVED = BY_PERSON | {"automatic": Action.APPROVE}


@pytest.mark.parametrize(
    ("how", "detected", "automation", "source"),
    [
        ({}, True, Automation.FULLY, Source.OWN_INITIATIVE),
        ({"decided_by": DecidedBy.RULE}, True, Automation.FULLY, Source.OWN_INITIATIVE),
        ({"decided_by": DecidedBy.EXPIRY, "automatic": Action.REVIEW}, True, Automation.FULLY, Source.OWN_INITIATIVE),
        (BY_PERSON, True, Automation.NOT, Source.OWN_INITIATIVE),
        (BY_PERSON | {"scores_shown": True}, True, Automation.PARTIALLY, Source.OWN_INITIATIVE),
        (BY_PERSON | {"reports": 2}, True, Automation.NOT, Source.OWN_INITIATIVE),
        (BY_PERSON | {"why": Why.UNSCORED}, False, Automation.NOT, Source.OWN_INITIATIVE),
        (BY_PERSON | {"why": Why.LANGUAGE_NOT_SUPPORTED}, False, Automation.NOT, Source.OWN_INITIATIVE),
        (APPROVED | {"why": Why.REPORTED, "reports": 3}, False, Automation.NOT, Source.NOTICE),
        (APPROVED | {"why": Why.APPEAL, "reports": 3}, False, Automation.NOT, Source.NOTICE),
        (APPROVED | {"why": Why.AUDIT}, False, Automation.NOT, Source.OWN_INITIATIVE),
        (APPROVED | {"why": Why.REOPENED}, False, Automation.NOT, Source.OWN_INITIATIVE),
    ],
)
def test_automation_and_source_are_as_it_really_happened(
    how: dict[str, Any], detected: bool, automation: Automation, source: Source
) -> None:
    found = statement_of(rejected(**how), DSA, "facts")
    assert (found.automated_detection, found.automated_decision, found.source) == (detected, automation, source)


def test_the_moderators_reason_chooses_the_clause_else_the_attribute_else_other() -> None:
    assert clause_of(rejected(**BY_PERSON, reason="hatred"), DSA).clause == "Section 4"
    assert clause_of(rejected(), DSA).clause == "Section 3 of our rules"
    assert clause_of(rejected(attributes=("spam", "threat")), DSA).ground == "illegal"
    assert clause_of(rejected(attributes=()), DSA).clause == "Section 1 of our rules"
    assert clause_of(rejected(**BY_PERSON, reason="unknown"), DSA).clause == "Section 1 of our rules"
    assert clause_of(rejected(**BY_PERSON), DSA).clause == "Section 3 of our rules"


def test_a_rejection_keeps_its_puid_and_each_has_its_own() -> None:
    first = rejected().puid
    assert first == rejected(reports=9).puid
    assert first == rejected(version=4).puid, "an audit or an appeal upheld it"
    others = {rejected(revision=2).puid, rejected(comment="c-2").puid, rejected(site="weekly").puid}
    by_people = {rejected(**BY_PERSON, rejected_version=version).puid for version in (2, 5)}
    assert len({first, *others, *by_people}) == 6
    assert "c-1" not in first


RESTRICTIONS = st.builds(
    rejected,
    decided_by=st.sampled_from(DecidedBy),
    automatic=st.sampled_from(Action),
    attributes=st.lists(st.sampled_from(["insult", "spam", "own"]), max_size=3, unique=True).map(tuple),
    reason=st.sampled_from(["", "insult", "hatred", "unknown"]),
    why=st.sampled_from(["", *Why]),
    reports=st.integers(0, 3),
    scores_shown=st.booleans(),
    sent_at=st.none() | st.just(AT),
    language=st.sampled_from([None, "de", "zh", "fil"]),
)


@pytest.fixture(scope="module")
def validator() -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - slow, and not wanted by whoever only collects

    return Draft202012Validator(schema())


@given(restriction=RESTRICTIONS)
def test_every_statement_fits_the_schema_and_names_neither_comment_nor_author(
    validator: Any, restriction: Restriction
) -> None:
    found = for_database(statement_of(restriction, DSA, facts(restriction)))
    validator.validate(found)
    assert list(problems(found, schema())) == []
    assert personal_data_in(found) is None
    assert "c-1" not in msgspec.json.encode(found).decode()


BROKEN: list[tuple[str, Any]] = [
    ("category", "STATEMENT_CATEGORY_MADE_UP"),
    ("decision_facts", ""),
    ("decision_facts", "x" * 5001),
    ("decision_facts", None),
    ("puid", "with spaces"),
    ("puid", "line\n"),
    ("application_date", "30.11.2026"),
    ("territorial_scope", []),
    ("territorial_scope", ["AT", "AT"]),
    ("territorial_scope", ["US"]),
    ("decision_visibility", "DECISION_VISIBILITY_CONTENT_REMOVED"),
    ("automated_detection", True),
    ("decision_ground", "DECISION_GROUND_ILLEGAL_CONTENT"),
    ("author", "somebody"),
]


@pytest.mark.parametrize(("field", "value"), BROKEN)
def test_our_check_refuses_what_the_library_refuses(validator: Any, field: str, value: Any) -> None:
    found = for_database(statement_of(rejected(), DSA, "facts")) | {field: value}
    assert not validator.is_valid(found) or value == "line\n"
    assert list(problems(found, schema()))


@pytest.mark.parametrize("field", schema()["required"])
def test_a_statement_without_a_required_field_is_refused(field: str) -> None:
    found = for_database(statement_of(rejected(), DSA, "facts"))
    del found[field]
    assert any(problem.startswith(f"/{field}: is missing") for problem in problems(found, schema()))


def test_areas_are_named_by_their_countries() -> None:
    assert countries(["EU"]) == countries(["AT", "EU"])
    assert len(countries(["EU"])) == 27
    assert set(countries(["EEA"])) - set(countries(["EU"])) == {"IS", "LI", "NO"}
    assert set(countries(["EEA"])) == set(countries(["EEA_NO_IS"])) | {"IS"}


@pytest.mark.parametrize(
    "text",
    ["write to Jo.Doe@site.example", "call +43 664 1234567", "as @somebody said", "from 192.168.17.5"],
)
def test_what_looks_like_personal_data_is_found(text: str) -> None:
    assert personal_data(text) is not None
    dsa = Dsa(in_scope=True, clauses={"other": Clause("Section 1", text)})
    assert [steps for steps, _ in faults_of(dsa, categories())] == [("clauses", "other", "explanation")]
    assert personal_data_in(for_database(statement_of(rejected(), dsa, "facts"))) is not None


@pytest.mark.parametrize("text", ["Section 3.1 of 2026-11-30", "§ 283 StGB, BGBl. 60/1974", "Rule 12 (a) 1"])
def test_a_clause_with_numbers_is_no_personal_data(text: str) -> None:
    assert personal_data(text) is None


def test_a_site_in_scope_needs_a_clause_for_everything_else_and_known_categories() -> None:
    assert list(faults_of(Dsa(), categories())) == []
    assert [steps for steps, _ in faults_of(Dsa(in_scope=True), categories())] == [("clauses",)]
    odd = Dsa(clauses={"other": Clause("a", "b", category="STATEMENT_CATEGORY_MADE_UP")})
    assert [steps for steps, _ in faults_of(odd, categories())] == [("clauses", "other", "category")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_template_and_tells_the_author_all_that_article_17_asks_for(language: str) -> None:
    english = templates("en")
    assert templates(language).keys() == english.keys()
    for group in ("attributes", "areas"):
        assert templates(language)[group].keys() == english[group].keys()
    for restriction in (rejected(), rejected(**BY_PERSON), rejected(**APPROVED, reports=3), rejected(attributes=())):
        text = worded(restriction, DSA).texts[language]
        assert "{" not in text
        for said in ("https://site.example/complain", "https://site.example/disputes", "2026", "2027"):
            assert said in text
        assert clause_of(restriction, DSA).explanation in text
    assert len(set(worded(rejected(), DSA).texts.values())) == len(LANGUAGES)


def test_a_clause_with_braces_is_shown_as_it_is() -> None:
    dsa = Dsa(in_scope=True, clauses={"other": Clause("{clause} {0}", "{until}")})
    assert "{clause} {0}. {until}" in worded(rejected(), dsa).texts["en"]


def test_the_page_shows_all_that_a_site_may_say() -> None:
    page = (Path(__file__).parents[3] / "docs" / "dsa.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page.split("| in `dsa` |")[1].split("\n\n")[0], re.MULTILINE)
    defaults = msgspec.json.decode(msgspec.json.encode(msgspec.structs.asdict(Dsa())))
    assert {name: msgspec.json.decode(value) for name, value in rows} == defaults


def test_a_clause_is_translated_where_the_site_has_translated_it() -> None:
    german = {"de": ClauseTexts("Punkt 1 der Regeln", "Kommentare m\u00fcssen die Regeln einhalten.")}
    clause = msgspec.structs.replace(DSA.clauses["other"], translations=german)
    found = worded(rejected(attributes=()), msgspec.structs.replace(DSA, clauses={"other": clause}))
    assert "Punkt 1 der Regeln. Kommentare" in found.texts["de"]
    assert "Section 1 of our rules" in found.texts["uk"]
    assert found.clause == "Section 1 of our rules"
    careless = msgspec.structs.replace(clause, translations={"de": ClauseTexts("a", "an jo@site.example")})
    (fault,) = faults_of(Dsa(in_scope=True, clauses={"other": careless}), categories())
    assert fault[0] == ("clauses", "other", "translations", "de", "explanation")


def test_a_rejection_that_was_drawn_to_learn_from_is_a_restriction_and_no_audit() -> None:
    """The more doubtful, the likelier it was drawn, so it says nothing of how often rejections are wrong."""
    at = datetime(2026, 11, 23, tzinfo=UTC)
    one = {"comment": "c-1", "revision": "1", "version": "1", "to": "queued", "decision": "reject"}
    other = one | {"comment": "c-2"}
    entries = [
        (at, {"action": "submitted", "learning_inclusion": "0.5"} | one),
        (at, {"action": "submitted", "inclusion": "0.5"} | other),
        *((at, each | {"action": "decided", "to": "decided", "version": "2"}) for each in (one, other)),
    ]
    found = year_figures("daily", 2026, entries, lambda _: Clause("Section 1", "Comments must keep to our rules."))
    assert (found.audits, found.automatic_decisions) == (1, {"reject": 2})
    both = year_figures("daily", 2026, entries[:2], lambda _: Clause("Section 1", "Comments must keep to our rules."))
    assert both.restrictions == 2
