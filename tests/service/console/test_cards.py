"""A card says which rule holds a comment and marks what the rule found, and gives no audit away."""

import re
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.cases import answers
from service.console import cards
from service.console.texts import LANGUAGES, Texts
from service.values.accounts import Preferences
from service.values.domain import Reason
from service.values.policy import DEFAULT, Policy, Thresholds
from service.values.rules import Rule

FOUND = '<mark class="strong" title="house_words">Z-o-r-b-l-a-x</mark>'
WORDS = {"words": {"any": ["zorblax"]}}
HOLDS = {"id": "house_words", "when": WORDS, "then": {"action": "review"}, "note": "Made-up words"}
OTHERS = [
    {"id": "in-shadow", "when": WORDS, "then": {"action": "review"}, "state": "shadow"},
    {"id": "labels", "when": WORDS, "then": {"action": "label", "label": "spam"}},
]
APPROVES, DOUBTS = {"toxicity": {}}, {"toxicity": {"review_at": 0}}


@pytest.fixture
def card_of(admin: Any, signed_in: Any, app: Any) -> Any:
    """Posts a comment under a policy and gives its card, and its line in the list."""

    async def card_of(policy: dict[str, Any] | Policy, *, language: str = "en") -> tuple[str, str]:
        if isinstance(policy, Policy):
            assert await app[keys.STORE].access.keep_policy("daily", policy, "upgrade")
            await app[keys.DIRECTORY].refresh()
        else:
            assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
        sent = {"id": "c-1", "text": "My Z-o-r-b-l-a-x is here.", "author": {"id": "u-1"}}
        assert (await admin.post("/v1/comments", sent)).status == 200
        ann = await signed_in()
        headers = {"Accept-Language": language}
        page, rows = [await ann.get(f"/console/queue{each}", headers=headers) for each in ("/c-1", "?view=list")]
        return page.text.split("<article")[1].split("</article>")[0], rows.text.split('data-id="c-1"')[1]

    return card_of


def said(card: str) -> list[str]:
    listed = re.search(r'<ul class="why">(.*?)</ul>', card, re.DOTALL)
    assert listed
    return re.findall(r"<li>(.*?)</li>", listed[1])


@pytest.mark.parametrize(
    ("language", "want"),
    [
        ("en", "Rule house_words found “zorblax” (Made-up words)"),
        ("de", "Regel house_words fand „zorblax“ (Made-up words)"),
        ("es", "La regla house_words halló «zorblax» (Made-up words)"),
        ("fr", "La règle house_words a trouvé «\u00a0zorblax\u00a0» (Made-up words)"),
        ("pt", "A regra house_words encontrou “zorblax” (Made-up words)"),
        ("uk", "Правило house_words знайшло «zorblax» (Made-up words)"),
    ],
)
async def test_a_card_names_the_rule_that_holds_the_comment_and_marks_what_it_found(
    card_of: Any, language: str, want: str
) -> None:
    card, row = await card_of({"thresholds": APPROVES, "rules": [*OTHERS, HOLDS]}, language=language)
    assert said(card) == [want]
    assert card.count("<mark") == 1
    assert FOUND in card
    assert want in row


async def test_where_the_text_is_hidden_the_reason_does_not_tell_it(card_of: Any, app: Any) -> None:
    await app[keys.STORE].accounts.prefer("ann", Preferences(blur="all"))
    card, row = await card_of({"thresholds": APPROVES, "rules": [HOLDS]})
    assert said(card) == ["Rule house_words (Made-up words)"]
    assert "zorblax" not in row


@pytest.mark.parametrize(
    ("due", "due_s", "is_blurred"),
    [
        ("threat", {}, True),
        ("identity_attack", {}, True),
        ("spam", {}, False),
        ("threat", {"threat": 7200, "other": 36_000}, True),
        ("spam", {"spam": 7200}, False),
    ],
)
async def test_what_a_rule_holds_as_severe_is_blurred(
    card_of: Any, app: Any, due: str, due_s: dict[str, int], *, is_blurred: bool
) -> None:
    await app[keys.STORE].accounts.prefer("ann", Preferences(blur="severe"))
    holds = {**HOLDS, "then": {"action": "review", "due": due}}
    card, _ = await card_of({"thresholds": APPROVES, "rules": [holds], "review": {"due_s": due_s}})
    assert ("Possibly severe" in card) is is_blurred


async def test_the_menu_has_the_sites_own_reasons_in_the_moderators_language(card_of: Any) -> None:
    reasons = [{"key": f"reason_{n}", "titles": {"en": f"Reason {n}", "de": f"Grund {n}"}} for n in range(1, 12)]
    review = {"reasons": reasons, "reason_required": True}
    card, row = await card_of({"thresholds": APPROVES, "rules": [HOLDS], "review": review}, language="de")
    for text in (card, row):
        assert re.findall(r'name="reject" value="(\w*)"', text) in ([each["key"] for each in reasons], [])
    assert '<button name="reject" value="reason_9" data-digit="9"><kbd>9</kbd> Grund 9</button>' in card
    assert '<button name="reject" value="reason_10"> Grund 10</button>' in card
    assert "Hass" not in card


@pytest.mark.parametrize("show_scores", [False, True])
async def test_an_audit_names_no_rule_and_marks_nothing(card_of: Any, show_scores: bool) -> None:
    rejects = {**HOLDS, "then": {"action": "reject"}}
    review = {"audit_rejected": 1.0, "show_scores": show_scores}
    card, row = await card_of({"thresholds": APPROVES, "rules": [*OTHERS, rejects], "review": review})
    assert said(card) == ["Score in the review range"]
    assert "<mark" not in card
    assert "house_words" not in card + row


async def test_an_uncertain_comment_shows_no_rule_without_its_scores(card_of: Any) -> None:
    card, row = await card_of({"thresholds": DOUBTS, "rules": [HOLDS]})
    assert said(card) == ["Score in the review range"]
    assert "<mark" not in card
    assert "house_words" not in card + row


async def test_where_scores_are_shown_the_rules_are_as_well(card_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_draw", lambda *_: 1)
    card, _ = await card_of({"thresholds": DOUBTS, "rules": [*OTHERS, HOLDS], "review": {"show_scores": True}})
    rule, score = said(card)
    assert rule == "Rule house_words found “zorblax” (Made-up words)"
    assert re.fullmatch(r"Toxicity 0\.\d\d \(review from 0\.00\)", score)
    assert FOUND in card


async def test_a_card_names_a_rule_that_cannot_be_evaluated(card_of: Any) -> None:
    stale = msgspec.convert({**HOLDS, "when": {"words": {"list": "gone"}}}, Rule)
    policy = msgspec.structs.replace(DEFAULT, version=2, thresholds={"toxicity": Thresholds()}, rules=(stale,))
    card, _ = await card_of(policy)
    assert said(card) == ["Rule house_words cannot be evaluated"]


async def test_a_card_says_that_its_author_is_premoderated(admin: Any, card_of: Any) -> None:
    assert (await admin("PUT", "/v1/authors/u-1/status", {"status": "premoderated"})).status == 200
    card, _ = await card_of({"thresholds": APPROVES, "rules": []})
    assert said(card) == ["The author is pre-moderated"]


async def test_a_card_does_not_name_a_status_that_holds_nothing(
    admin: Any, card_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_draw", lambda *_: 1)
    assert (await admin("PUT", "/v1/authors/u-1/status", {"status": "trusted"})).status == 200
    card, _ = await card_of({"thresholds": DOUBTS, "rules": [HOLDS], "review": {"show_scores": True}})
    rule, score = said(card)
    assert rule.startswith("Rule house_words")
    assert score.startswith("Toxicity")


async def test_the_label_of_a_rule_marks_no_score(card_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_draw", lambda *_: 1)
    card, _ = await card_of({"thresholds": DOUBTS, "rules": [*OTHERS, HOLDS], "review": {"show_scores": True}})
    zones = re.findall(r'<div class="(\w*)"><dt>([^<]*)</dt>', card)
    assert "spam" in {attribute for _, attribute in zones}
    assert [attribute for zone, attribute in zones if zone] == ["toxicity"]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_reason_without_an_attribute_is_told_in_words(language: str) -> None:
    texts = Texts(language)
    said = cards._reason(texts, Reason("unscored"))  # noqa: SLF001 - no policy of these tests leads to this reason
    assert said == texts("The model could not judge it")
