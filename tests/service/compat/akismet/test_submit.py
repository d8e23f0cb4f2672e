"""submit-spam and submit-ham: what people say becomes labels of the key's site (akismet.md section 5)."""

import asyncio
import json
from typing import Any

import pytest

from service.settings import Settings
from service.values.domain import MAX_TEXT_BYTES


async def test_the_thanks_are_word_for_word(blog: Any, say: Any) -> None:
    for what in ("spam", "ham"):
        reply = await blog.submit(what)
        assert (reply.status, reply.raw, reply.headers["Content-Length"]) == (200, say.thanks, "41")


async def test_spam_becomes_a_label(blog: Any, labels: Any, say: Any) -> None:
    await blog.submit("spam", say.spam)
    (label,) = await labels()
    assert (label["text"], label["labels"], label["decision"]) == (say.spam, {"spam": True}, "reject")
    assert (label["reason"], label["source"], label["actor"], label["weight"]) == ("spam", "akismet", "wordpress", 0.5)


async def test_ham_becomes_a_label(blog: Any, labels: Any, say: Any) -> None:
    await blog.submit("ham", say.civil)
    (label,) = await labels()
    assert (label["text"], label["labels"], label["decision"]) == (say.civil, {"spam": False}, "approve")


async def test_the_same_said_again_changes_nothing(blog: Any, labels: Any, say: Any) -> None:
    for _ in range(3):
        await blog.submit("spam", say.spam)
    await blog.submit("spam", f"  {say.spam.upper()}\n", comment_author="ANN")
    await blog.submit("spam", f"<p>{say.spam}</p>", user_ip="198.51.100.1", permalink="https://daily.example/2")
    await asyncio.gather(*(blog.submit("spam", say.spam) for _ in range(10)))
    assert len(await labels()) == 1


async def test_of_two_opposite_labels_the_later_one_counts(blog: Any, labels: Any, say: Any) -> None:
    for what in ("spam", "ham", "ham", "spam"):
        await blog.submit(what, say.spam)
    found = await labels()
    assert [label["decision"] for label in found if "retracts" not in label] == ["reject"]
    assert len({label["id"] for label in found}) == 1, "so that training takes the newest only"


async def test_another_author_or_text_is_another_label(blog: Any, labels: Any, say: Any) -> None:
    await blog.submit("spam", say.spam)
    await blog.submit("spam", say.spam, comment_author="Bob")
    await blog.submit("spam", say.spam, comment_author_email="ann@example.com")
    await blog.submit("spam", say.spam + "!")
    assert len({label["id"] for label in await labels()}) == 4


async def test_nothing_of_the_author_is_kept(blog: Any, labels: Any, redis_server: Any) -> None:
    person = {
        "comment_author": "canary-1",
        "comment_author_email": "canary-2@example.com",
        "comment_author_url": "https://canary-3.example",
        "user_ip": "198.51.100.47",
        "user_agent": "canary-4",
        "referrer": "https://canary-5.example",
        "REMOTE_ADDR": "198.51.100.47",
        "HTTP_COOKIE": "canary-6",
    }
    await blog.submit("spam", "buy now", **person)
    (label,) = await labels()
    with redis_server.client() as redis:
        kept = repr([(key, read(redis, key)) for key in redis.scan_iter() if "access" not in key])
    assert "buy now" in kept
    assert "canary" not in kept + str(label)
    assert "198.51" not in kept + str(label)


def read(redis: Any, key: str) -> Any:
    reads = {"hash": redis.hgetall, "string": redis.get, "stream": redis.xrange}
    return reads[redis.type(key)](key)


async def test_an_id_does_not_tell_the_author_to_whoever_knows_the_text(
    blog: Any, client: Any, key_for: Any, blog_of: Any, labels: Any
) -> None:
    other = blog_of(await key_for(client, "comments", site="weekly"))
    chief = await key_for(client, "admin", site="weekly")
    await blog.submit("spam", "buy now")
    await other.submit("spam", "buy now")
    (ours,), theirs = await labels(), (await chief.get("/v1/labels")).raw
    assert ours["id"] != json.loads(theirs)["id"], "the hash is the site's own"


async def test_a_report_can_be_erased_by_its_id(blog: Any, labels: Any, site: Any, say: Any) -> None:
    named = (await blog.submit("spam", say.spam)).headers["X-Moderation-Id"]
    assert [label["id"] for label in await labels()] == [named]
    assert (await site("DELETE", f"/v1/comments/{named}")).status == 204
    (left,) = await labels()
    assert (left["id"], left["text"], left["retracts"], left["source"]) == (named, "", "*", "erased")


async def test_a_site_learns_only_from_its_own_key(client: Any, key_for: Any, blog_of: Any, labels: Any) -> None:
    other = blog_of(await key_for(client, "comments", site="weekly"))
    await other.submit("spam", "buy now", blog="https://daily.example/")
    assert await labels() == []


@pytest.mark.parametrize("value", ["1", "true", "True"])
async def test_a_test_teaches_nothing(blog: Any, labels: Any, say: Any, value: str) -> None:
    assert (await blog.submit("spam", is_test=value)).raw == say.thanks
    assert await labels() == []


@pytest.mark.parametrize("value", ["0", "false", ""])
async def test_what_is_no_test_teaches(blog: Any, labels: Any, value: str) -> None:
    await blog.submit("spam", is_test=value)
    assert len(await labels()) == 1


@pytest.mark.parametrize("text", [None, "", " \n", "<br />"])
async def test_without_a_text_nothing_is_learned(blog: Any, labels: Any, say: Any, text: str | None) -> None:
    assert (await blog.submit("spam", text)).raw == say.thanks
    assert await labels() == []


async def test_of_a_long_text_the_beginning_is_learned(blog: Any, labels: Any, say: Any) -> None:
    await blog.submit("spam", (say.spam + " ") * 600)
    (label,) = await labels()
    assert MAX_TEXT_BYTES - 1100 < len(label["text"]) <= MAX_TEXT_BYTES


async def test_coral_sends_json_without_blog_and_key(blog: Any, labels: Any, say: Any) -> None:
    host = {"Host": f"{blog.label}.{say.domain}"}
    body = {
        "user_ip": "",
        "referrer": "https://daily.example/a",
        "comment_type": "comment",
        "comment_author": "Ann",
        "comment_content": "<div>buy now</div>",
        "is_test": False,
        "honeypot_field_name": None,
        "extra": {"deep": [1]},
    }
    reply = await blog.send("/1.1/submit-spam", json.dumps(body).encode(), "application/json", headers=host)
    assert reply.raw == say.thanks
    (label,) = await labels()
    assert label["text"] == "buy now"
    reply = await blog.send(
        "/1.1/submit-ham",
        json.dumps(body | {"is_test": True}).encode(),
        "application/json; charset=utf-8",
        headers=host,
    )
    assert reply.raw == say.thanks
    assert len(await labels()) == 1


async def test_a_site_that_is_named_wrongly_is_invalid(blog: Any, invalid: Any) -> None:
    invalid(await blog.submit("spam", blog="daily.example"), "blog")


async def test_a_label_that_cannot_be_kept_is_not_thanked_for(
    own_server: Any, tmp_path: Any, run: Any, key_for: Any, blog_of: Any
) -> None:
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30)) as client:
        blog = blog_of(await key_for(client, "comments"))
        own_server.kill()
        reply = await blog.submit("spam")
        assert (reply.status, int(reply.headers["Retry-After"])) == (503, 1)


async def test_labels_are_what_training_pulls(blog: Any, admin: Any, say: Any) -> None:
    await blog.submit("spam", say.spam)
    entry = (await admin.get("/v1/audit")).raw.decode()
    assert "labelled" in entry
    assert say.spam not in entry
