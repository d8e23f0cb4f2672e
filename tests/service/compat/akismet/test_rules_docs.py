"""The rules that docs/akismet.md proposes against the spam of blogs do what it says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[4] / "docs" / "akismet.md").read_text()
(RULES,) = (json.loads(block) for block in re.findall(r"```json\n(\[.*?\])\n```", PAGE, re.DOTALL))
THRESHOLDS = {"toxicity": {"review_at": 0.9}}

SPAM = [
    ("Nice read, see https://a.example and https://b.example for more.", "review"),
    ("Great post [url=https://pills.example]here[/url]", "review"),
    ("My friend in SEO wrote something good about this too: https://rank.example", "reject"),
    ("A recovery expert got my coins back: https://expert.example", "reject"),
]


@pytest.fixture
async def with_rules(admin: Any) -> None:
    asked = {"thresholds": THRESHOLDS, "rules": RULES, "protocols": {"akismet": {"doubtful": "pending"}}}
    reply = await admin("PUT", "/v1/policies/default", asked)
    assert reply.status == 200, reply.body


@pytest.mark.usefixtures("with_rules")
@pytest.mark.parametrize(("text", "decision"), SPAM)
async def test_the_spam_of_blogs_is_held(blog: Any, text: str, decision: str) -> None:
    reply = await blog.check(text)
    assert (reply.raw, reply.headers["X-Moderation-Decision"]) == (b"true", decision)
    assert ("X-akismet-error" in reply.headers) is (decision == "review")


@pytest.mark.usefixtures("with_rules")
@pytest.mark.parametrize("text", ["Thank you for this article.", "There is more at https://daily.example/archive."])
async def test_what_people_write_is_not(blog: Any, text: str) -> None:
    assert (await blog.check(text)).raw == b"false"


@pytest.mark.parametrize(("text", "decision"), SPAM)
async def test_without_the_rules_it_would_pass(blog: Any, set_policy: Any, text: str, decision: str) -> None:
    """So that each rule has something to do."""
    assert decision
    await set_policy(THRESHOLDS)
    assert (await blog.check(text)).raw == b"false"
