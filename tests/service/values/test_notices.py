"""What whoever gave notice is told: the receipt, then the decision and the ways of redress."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.values.dsa import Clause, Dsa
from service.values.notices import Notice, NoticeOutcome, answer_to
from service.values.statement_words import LANGUAGES

AT = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
DSA = Dsa(
    in_scope=True,
    clauses={"other": Clause("Section 1", "Keep to our rules.")},
    complaint_url="https://site.example/complain",
    dispute_url="https://site.example/disputes",
)


def notice(outcome: NoticeOutcome, **more: Any) -> Notice:
    fields: dict[str, Any] = {
        "id": "n-1",
        "comment": "c-1",
        "revision": 1,
        "at": AT,
        "kind": "insult",
        "text": "Jo Doe lives there",
        "outcome": outcome,
        "decided_at": None if outcome is NoticeOutcome.OPEN else AT + timedelta(days=1),
        "is_automatic": False,
    }
    return Notice(**(fields | more))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("outcome", NoticeOutcome)
def test_every_language_tells_of_every_outcome_and_of_redress_once_it_is_decided(
    language: str, outcome: NoticeOutcome
) -> None:
    answer = answer_to(notice(outcome), DSA)
    text = answer.texts[language]
    assert "{" not in text
    assert "Jo Doe" not in text
    assert "2026" in text
    is_decided = outcome in (NoticeOutcome.RESTRICTED, NoticeOutcome.KEPT)
    assert (answer.complaint_until == AT + timedelta(days=184)) is is_decided
    for url in ("https://site.example/complain", "https://site.example/disputes"):
        assert (url in text) is is_decided


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_says_whether_a_person_decided(language: str) -> None:
    texts = [
        answer_to(notice(NoticeOutcome.RESTRICTED, is_automatic=each), DSA).texts[language] for each in (True, False)
    ]
    assert texts[0] != texts[1]


def test_a_site_without_addresses_names_none() -> None:
    answer = answer_to(notice(NoticeOutcome.KEPT), Dsa(in_scope=True))
    assert "http" not in answer.texts["en"]
    assert "free of charge" in answer.texts["en"]
