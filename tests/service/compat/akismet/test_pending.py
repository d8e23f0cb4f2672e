"""The third outcome: a comment that the client holds for its own moderators, outside of its spam folder."""

from typing import Any

import pytest

FINNISH = "Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä."
WORDPRESS = "WordPress/6.1.9 | Akismet/5.0.2"
ALL_DOUBTFUL = {"toxicity": {"review_at": 0.0}}
ALL_REJECTED = {"toxicity": {"reject_at": 0.0}}
USUAL = {"toxicity": {"review_at": 0.9}}


@pytest.fixture
def outcome(blog: Any) -> Any:
    """The word, and whether the client is asked to hold the comment."""

    async def outcome(text: str, agent: str = "other", **fields: str) -> tuple[str, bool]:
        sent = {"api_key": blog.key, "blog": "https://daily.example/", "user_ip": "", "comment_content": text, **fields}
        body = "&".join(f"{name}={value}" for name, value in sent.items()).encode()
        headers = {"User-Agent": agent}
        form = "application/x-www-form-urlencoded"
        reply = await blog.caller.send("/1.1/comment-check", body, form, headers=headers)
        assert "X-akismet-debug-help" not in reply.headers
        return reply.raw.decode(), "X-akismet-error" in reply.headers

    return outcome


@pytest.mark.parametrize(
    ("wish", "told"), [("spam", ("true", False)), ("ham", ("false", False)), ("pending", ("true", True))]
)
async def test_a_doubtful_comment_gets_the_answer_that_the_policy_names(
    outcome: Any, set_policy: Any, wish: str, told: Any
) -> None:
    await set_policy(ALL_DOUBTFUL, doubtful=wish)
    assert await outcome("Hello there") == told


@pytest.mark.parametrize(
    ("wishes", "agent", "told"),
    [
        ({}, "other", ("true", False)),
        ({}, WORDPRESS, ("true", True)),
        ({"doubtful": "ham"}, WORDPRESS, ("false", False)),
        ({"doubtful": "pending"}, "other", ("true", True)),
        ({"unread": "spam"}, WORDPRESS, ("true", False)),
        ({"unread": "ham"}, "other", ("false", False)),
        ({"unread": "pending", "doubtful": "ham"}, "other", ("true", True)),
    ],
)
async def test_an_unread_language_has_an_answer_of_its_own(
    outcome: Any, set_policy: Any, wishes: Any, agent: str, told: Any
) -> None:
    await set_policy(USUAL, **wishes)
    assert await outcome(FINNISH, agent) == told


async def test_what_is_rejected_can_be_held_and_is_then_never_thrown_away(
    outcome: Any, set_policy: Any, blog: Any
) -> None:
    await set_policy(ALL_REJECTED)
    assert await outcome("Hello there", WORDPRESS) == ("true", False)
    await set_policy({"spam": {"reject_at": 0.0}}, spam="pending", discard_at=0.0)
    reply = await blog.check("Cheap loans without a credit check, apply now at http://loans.example")
    assert reply.raw == b"true"
    assert "X-akismet-error" in reply.headers
    assert "X-akismet-pro-tip" not in reply.headers


@pytest.mark.parametrize("reason", ["recheck_queue", "retry"])
async def test_when_wordpress_checks_again_a_held_comment_stays_where_it_is(
    outcome: Any, set_policy: Any, reason: str
) -> None:
    await set_policy(ALL_DOUBTFUL, doubtful="pending")
    assert await outcome("Hello there", WORDPRESS, recheck_reason=reason) == ("pending", True)
    assert await outcome("Hello there", recheck_reason=reason) == ("true", True)
    await set_policy(USUAL)
    assert await outcome("Hello there", WORDPRESS, recheck_reason=reason) == ("false", False)


async def test_an_answer_that_does_not_exist_is_refused_by_name(admin: Any) -> None:
    wishes = {"doubtful": "perhaps"}
    asked = {"thresholds": USUAL, "protocols": {"akismet": wishes}}
    refused = await admin("PUT", "/v1/policies/default", asked)
    assert refused.status == 400
    assert "/protocols/akismet/doubtful" in str(refused.body)
