"""comment-check: what is spam, and what is said beside it (akismet.md sections 3, 4 and 10)."""

import re
from typing import Any

import msgspec
import pytest
from redis import Redis

import classifier
from service.settings import Settings
from service.values.domain import MAX_TEXT_BYTES

FINNISH = "Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä."
SPAM_FOR_CERTAIN = {"spam": {"reject_at": 0.0}}


async def test_ham_and_spam_are_bare_words(blog: Any, say: Any) -> None:
    ham, spam = await blog.check(say.civil), await blog.check(say.spam)
    assert (ham.status, ham.raw, ham.headers["Content-Length"]) == (200, b"false", "5")
    assert (spam.status, spam.raw, spam.headers["Content-Length"]) == (200, b"true", "4")


async def test_what_the_site_rejects_is_spam_whatever_it_is_rejected_for(blog: Any, say: Any, set_policy: Any) -> None:
    reply = await blog.check(say.insult)
    assert reply.raw == b"true"
    assert reply.headers["X-Moderation-Decision"] == "reject"
    assert "X-akismet-pro-tip" not in reply.headers, "an insult is never thrown away unseen"
    await set_policy({"spam": {"review_at": 0.5, "reject_at": 0.95}})
    assert (await blog.check(say.insult)).raw == b"false", "a site that asks for spam only gets that"


@pytest.mark.parametrize(("wish", "word"), [({}, b"true"), ({"doubtful_is_spam": False}, b"false")])
async def test_the_doubtful_is_what_the_site_wants_it_to_be(blog: Any, set_policy: Any, wish: Any, word: bytes) -> None:
    await set_policy({"toxicity": {"review_at": 0.0}}, **wish)
    reply = await blog.check()
    assert (reply.raw, reply.headers["X-Moderation-Decision"]) == (word, "review")
    assert "X-akismet-pro-tip" not in reply.headers


PROMOTION = "Cheap loans without a credit check, apply now at http://loans.example"


@pytest.mark.parametrize(
    ("text", "thresholds", "discard_at", "is_thrown_away"),
    [
        (PROMOTION, SPAM_FOR_CERTAIN, 0.0, True),
        ("I subscribe to that view.", SPAM_FOR_CERTAIN | {"toxicity": {"reject_at": 0.0}}, 0.0, False),  # no evidence
        (PROMOTION, SPAM_FOR_CERTAIN, None, False),
        (PROMOTION, SPAM_FOR_CERTAIN, 1.0, False),
        (PROMOTION, {"spam": {"review_at": 0.0}}, 0.0, False),
        (PROMOTION, {"toxicity": {"reject_at": 0.0}}, 1.0, False),
    ],
)
async def test_only_what_is_rejected_and_spam_for_certain_may_be_thrown_away(
    blog: Any, set_policy: Any, text: str, thresholds: Any, discard_at: float | None, is_thrown_away: bool
) -> None:
    await set_policy(thresholds, discard_at=discard_at)
    reply = await blog.check(text)
    assert reply.raw == b"true"
    assert (reply.headers.get("X-akismet-pro-tip") == "discard") is is_thrown_away


async def test_headers_of_ours_name_the_check_and_its_scores(blog: Any, say: Any, site: Any) -> None:
    one, other = await blog.check(say.insult), await blog.check(say.insult)
    assert re.fullmatch(r"[0-9a-f]{32}", one.headers["X-akismet-guid"])
    assert one.headers["X-Moderation-Id"] == one.headers["X-akismet-guid"] != other.headers["X-akismet-guid"]
    shown = dict(part.split("=") for part in one.headers["X-Moderation-Score"].split(", "))
    native = (await site.post("/v1/score", {"text": say.insult})).body["results"][0]["scores"]
    assert {name: float(p) for name, p in shown.items()} == {name: round(p, 3) for name, p in native.items()}


async def test_a_comment_in_a_language_that_is_not_judged_is_doubtful(blog: Any, set_policy: Any) -> None:
    reply = await blog.check(FINNISH)
    assert (reply.raw, reply.headers["X-Moderation-Score"]) == (b"true", "")
    assert "X-akismet-error" not in reply.headers
    await set_policy({"toxicity": {"review_at": 0.5}}, doubtful_is_spam=False)
    assert (await blog.check(FINNISH)).raw == b"false"


@pytest.mark.parametrize("said", ["fi", "fi_FI", "fr_FR", "en", "en, fr_ca", "?"])
async def test_the_language_of_a_site_never_outweighs_that_of_the_text(blog: Any, say: Any, said: str) -> None:
    assert (await blog.check(say.civil, blog_lang=said)).headers["X-Moderation-Decision"] == "approve"
    finnish = (await blog.check(FINNISH, blog_lang="en_US")).headers
    assert (finnish["X-Moderation-Decision"], finnish["X-Moderation-Score"]) == ("review", "")


@pytest.mark.parametrize(
    ("said", "decision"), [("fi", "review"), ("fi_FI", "review"), ("en", "approve"), ("fi, sv", "approve")]
)
async def test_the_language_of_a_site_that_has_one_counts_where_the_text_shows_none(
    blog: Any, said: str, decision: str
) -> None:
    assert classifier.detect("Ok!") is None
    assert (await blog.check("Ok!", blog_lang=said)).headers["X-Moderation-Decision"] == decision


@pytest.mark.parametrize("text", [None, "", " \n ", "<p> </p>"])
async def test_without_a_text_there_is_nothing_to_judge_and_it_is_doubtful(
    blog: Any, set_policy: Any, text: str | None
) -> None:
    reply = await blog.check(text)
    assert reply.raw == b"true"
    assert "X-Moderation-Score" not in reply.headers
    await set_policy({"toxicity": {"review_at": 0.5}}, doubtful_is_spam=False)
    assert (await blog.check(text)).raw == b"false"


async def test_a_long_comment_is_judged_to_its_end(blog: Any, say: Any) -> None:
    civil = (say.civil + " ") * (MAX_TEXT_BYTES // len(say.civil))
    insults = (say.insult + " ") * (MAX_TEXT_BYTES // len(say.insult))
    assert (await blog.check(civil * 2)).raw == b"false"
    assert (await blog.check(civil + insults)).raw == b"true"


async def test_markup_hides_nothing(blog: Any, say: Any) -> None:
    hidden = say.insult.replace("stupid", "st<b></b>up<i class='x'></i>id").replace("idiot", "id&#105;ot")
    plain, marked = await blog.check(say.insult), await blog.check(f"<p>{hidden}</p>")
    assert marked.headers["X-Moderation-Score"] == plain.headers["X-Moderation-Score"]


async def test_the_guaranteed_spam_of_the_original_is_spam(blog: Any) -> None:
    author = {"comment_author": "viagra-test-123"}
    email = {"comment_author_email": "akismet-guaranteed-spam@example.com"}
    for fields in (author, email, author | {"is_test": "1"}, email | {"is_test": "1"}):
        reply = await blog.check(**fields)
        assert reply.raw == b"true", fields
        assert "X-akismet-pro-tip" not in reply.headers


async def test_an_administrator_is_always_ham(blog: Any, say: Any) -> None:
    for more in ({}, {"is_test": "1"}, {"comment_author": "viagra-test-123"}):
        for role in ("administrator", "editor,administrator"):
            assert (await blog.check(say.spam, user_role=role, **more)).raw == b"false", (role, more)


async def test_other_roles_are_judged(blog: Any, say: Any) -> None:
    assert (await blog.check(say.spam, user_role="subscriber")).raw == b"true"


async def test_a_filled_honeypot_is_spam(blog: Any) -> None:
    for value, word in (("http://me.example", b"true"), ("", b"false"), (None, b"false")):
        assert (await blog.check(honeypot_field_name="hidden_field", hidden_field=value)).raw == word


@pytest.mark.parametrize(("lacking", "why"), [("blog", "blog"), ("user_ip", "user_ip")])
async def test_a_missing_field_is_invalid_and_named(blog: Any, invalid: Any, lacking: str, why: str) -> None:
    invalid(await blog.check(**{lacking: None}), why)


async def test_an_empty_address_of_the_author_is_no_missing_one(blog: Any) -> None:
    assert (await blog.check(user_ip="")).raw == b"false"


async def test_a_site_without_a_full_address_is_invalid(blog: Any, invalid: Any) -> None:
    for address in ("", "daily.example", "ftp://daily.example", "https://", "https://[::", "x" * 3000):
        invalid(await blog.check(blog=address), "blog")


async def test_all_fields_of_the_original_are_accepted(blog: Any) -> None:
    fields = {
        "user_agent": "Mozilla/5.0",
        "referrer": "https://www.example.com/",
        "referer": "https://www.example.com/",
        "permalink": "https://daily.example/post",
        "comment_type": "forum-post",
        "content_type": "forum-post",
        "comment_author": "Ann",
        "comment_author_email": "ann@example.com",
        "comment_author_url": "https://ann.example",
        "comment_date_gmt": "2026-11-25T10:00:00Z",
        "comment_post_modified_gmt": "2026-11-24T10:00:00Z",
        "comment_parent": "17",
        "blog_lang": "en",
        "blog_charset": "UTF-8",
        "recheck_reason": "edit",
        "comment_context": "cooking",
        "comment_context[]": "recipes",
        "comment_context[0]": "bbq",
        "HTTP_ACCEPT": "*/*",
        "REMOTE_ADDR": "203.0.113.7",
        "SERVER_SOFTWARE": "nginx",
    }
    assert (await blog.check(**fields)).raw == b"false"


async def test_nothing_of_a_check_is_kept_but_figures(blog: Any, redis_server: Any, say: Any) -> None:
    with redis_server.client() as redis:
        await blog.check(
            f"{say.insult} canary-4711",
            comment_author="canary-4712",
            comment_author_email="canary-4713@example.com",
            user_ip="198.51.100.47",
            REMOTE_ADDR="198.51.100.47",
        )
        await blog.get(f"/1.2/usage-limit?api_key={blog.key}")  # the figures are in Redis by now
        kept = b"".join(key.encode() + dumped(redis_server, key) for key in redis.scan_iter())
    assert b"daily.example" in kept, "this is how it would look if it were kept"
    assert not re.search(rb"canary|198\.51|stupid", kept)


def dumped(server: Any, key: str) -> bytes:
    with Redis(unix_socket_path=str(server.socket)) as redis:
        return bytes(redis.dump(key))


async def test_checks_go_on_while_redis_is_away(
    own_server: Any, tmp_path: Any, run: Any, key_for: Any, blog_of: Any
) -> None:
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30)) as client:
        blog = blog_of(await key_for(client, "score"))
        own_server.kill()
        for _ in range(3):
            assert (await blog.check()).raw == b"false"
        away = await blog.get(f"/1.2/usage-limit?api_key={blog.key}")
        assert (away.status, int(away.headers["Retry-After"])) == (503, 1)
        own_server.start()
        found = await blog.get(f"/1.2/usage-limit?api_key={blog.key}")
        assert msgspec.json.decode(found.raw)["usage"] == 3, "they were counted meanwhile"


async def test_rules_on_authors_and_articles_do_not_apply_to_what_is_not_recorded(blog: Any, admin: Any) -> None:
    """Nobody knows here who wrote it: an author without an id would count as new, and as not trusted."""
    rules = [
        {"id": "new", "when": {"author": {"approved_below": 3}}, "then": {"action": "reject"}},
        {"id": "distrusted", "when": {"not": {"author": {"trusted": True}}}, "then": {"action": "reject"}},
        {"id": "elsewhere", "when": {"not": {"article": {"section": ["news"]}}}, "then": {"action": "reject"}},
        {"id": "word", "when": {"words": {"any": ["zorblax"]}}, "then": {"action": "reject"}},
    ]
    asked = {"thresholds": {"toxicity": {"reject_at": 1}}, "rules": rules}
    assert (await admin("PUT", "/v1/policies/default", asked)).status == 200
    assert (await blog.check()).headers["X-Moderation-Decision"] == "approve"
    assert (await blog.check("a zorblax")).headers["X-Moderation-Decision"] == "reject"
