"""What no page shows: raw codes, numbers with six digits, "1 comments", or a time without its zone."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from service.console.assets import Assets
from service.console.rendering import Renderer
from service.console.texts import LANGUAGES
from service.console.words import detail
from service.values.accounts import Role

NOW = datetime(2026, 11, 29, 6, 5, 20, tzinfo=UTC)
PAGES = (
    "/queue?view=list", "/scores", "/queue/c-2", "/appeals", "/appeals?kind=appeal", "/search?text=idiot",
    "/comment?id=c-1", "/comment?id=c-2", "/author?id=u-1", "/dashboard", "/policy", "/rules", "/lists", "/models",
    "/promises", "/approvals", "/webhooks", "/keys", "/moderators", "/account",
)  # fmt: skip
# Our own codes, as they stand in the API; in words on every page. Ids of policies and models are shown as they are.
CODES = re.compile(
    r"\b(severe_toxicity|identity_attack|personal_attack|language_not_supported|score_in_\w+|score_below_\w+"
    r"|handling_ms|decided_by|audit_disagreed|key_made|already_\w+|lease_\w+)\b"
)


def visible(page: str) -> str:
    """The text between the tags, without scripts, what inputs hold, and addresses."""
    body = re.sub(r"<(script|style|code|kbd|textarea)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


@pytest.fixture
async def busy(admin: Any, ann: Any, as_role: Any) -> Any:
    """A site with one of each: a waiting comment, a decided one, an escalated one, and one that is reported."""
    policy = {"thresholds": {"toxicity": {"review_at": 0}}, "review": {"show_scores": True}}
    assert (await admin("PUT", "/v1/policies/default", policy)).status == 200
    for number in range(1, 4):
        body = {"id": f"c-{number}", "text": "You are an idiot.", "author": {"id": "u-1", "name": "Reader"}}
        assert (await admin.post("/v1/comments", body)).status == 200
    answers = iter(({"decision": "reject", "reason": "personal_attack"}, {"decision": "escalate"}))
    for item in (await ann.post("/v1/review/claim", {"count": 2})).body["items"]:
        said = {**next(answers), "lease": item["lease"]}
        assert (await ann.post(f"/v1/review/{item['id']}/decision", said)).status == 200
    return await as_role(Role.ADMIN)


async def test_no_page_shows_codes_or_long_numbers_or_a_wrong_plural(busy: Any) -> None:
    for path in PAGES:
        page = await busy.get(f"/console{path}")
        assert page.status == 200, (path, page.text[:500])
        said = visible(page.text)
        assert CODES.findall(said) == [], path
        assert re.findall(r"\b\d+\.\d{4,}", said) == [], path
        assert re.findall(r"\b1 (?:comments|reports|matches|decisions|entries|moderators|rules)\b", said) == [], path
        assert re.findall(r"\d{4}-\d\d-\d\dT\d\d|\d [AP]M\b", said) == [], path
        assert not re.search(r"\bNone\b(?! *(?:Those|All))", said), path


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "29 Nov 2026, 06:05 UTC"),
        ("de", "29. Nov. 2026, 06:05 UTC"),
        ("es", "29 nov 2026, 06:05 UTC"),
        ("fr", "29 nov. 2026, 06:05 UTC"),
        ("pl", "29 lis 2026, 06:05 UTC"),
        ("pt", "29 nov. 2026, 06:05 UTC"),
        ("uk", "29 лист. 2026, 06:05 UTC"),
    ],
)
async def test_a_moment_has_one_form_and_names_its_zone(language: str, expected: str) -> None:
    renderer = Renderer(Assets())
    assert (await renderer.filters(language))["moment"](NOW) == expected


async def test_the_first_of_a_month_is_counted_in_french() -> None:
    filters = await Renderer(Assets()).filters("fr")
    first = NOW + timedelta(days=2)
    assert (filters["moment"](first), filters["day"](first)) == ("1er déc. 2026, 06:05 UTC", "1er déc. 2026")
    assert filters["day"](first.date()) == "1er déc. 2026"


@pytest.mark.parametrize(
    ("language", "ago", "ahead"),
    [
        ("en", "21 minutes ago", "in 51 minutes"),
        ("de", "vor 21 Minuten", "in 51 Minuten"),
        ("es", "hace 21 minutos", "dentro de 51 minutos"),
        ("fr", "il y a 21 minutes", "dans 51 minutes"),
        ("pl", "21 minut temu", "za 51 minut"),
        ("pt", "há 21 minutos", "em 51 minutos"),
        ("uk", "21 хвилину тому", "через 51 хвилину"),
    ],
)
async def test_a_time_stands_in_the_case_that_the_language_asks_for(language: str, ago: str, ahead: str) -> None:
    filters = await Renderer(Assets()).filters(language)
    assert filters["ago"](NOW - timedelta(minutes=21), NOW) == ago
    assert filters["when"](NOW + timedelta(minutes=51), NOW) == ahead
    assert filters["ago"](NOW, NOW) not in {"", ago}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
async def test_details_of_the_audit_trail_are_words(language: str) -> None:
    texts = await Renderer(Assets()).texts(language)
    point = "." if language == "en" else ","
    assert detail(texts, "score", "toxicity 0.579766")[1].endswith(f" 0{point}58")
    assert f"4{point}8" in detail(texts, "handling_ms", "4848")[1]
    assert "handling" not in detail(texts, "handling_ms", "4848")[1]
    assert detail(texts, "inclusion", "0.05")[1].startswith("5")
