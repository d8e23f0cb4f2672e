"""WordPress with our own plugin (integrations/wordpress), against the running service."""

import base64
import hashlib
import hmac
import json
import re
import time
from typing import Any

import httpx
import pytest
from own_plugin import CIVIL, FINNISH, INSULT, SETTINGS, enter, labels, record, usual
from steward import Steward
from wordpress import WordPress

ARRIVES_S = 120  # beside other work


@pytest.fixture
def blog(own_blog: WordPress) -> WordPress:
    return own_blog


def connection_result(blog: WordPress) -> str:
    page = blog.browser.get(SETTINGS).text
    (nonce,) = re.findall(r'name="_wpnonce" value="(\w+)"', page.split("comment_steward_test")[-1])[:1]
    done = blog.browser.post("/wp-admin/admin-post.php", data={"action": "comment_steward_test", "_wpnonce": nonce})
    return done.text


def is_waiting(blog: WordPress, comment: int) -> bool:
    return "_comment_steward_waiting" in blog.meta(comment)


def until(is_true: Any) -> None:
    end = time.monotonic() + ARRIVES_S
    while not is_true():
        assert time.monotonic() < end, "it did not arrive in time"
        time.sleep(0.2)


def test_the_button_says_whether_address_and_key_are_good(blog: WordPress, service: Steward) -> None:
    assert "Steward answers, and the key is good." in connection_result(blog)
    enter(blog, **usual(service, url="http://127.0.0.1:1"))
    assert "Steward does not answer" in connection_result(blog)
    enter(blog, **usual(service))
    assert "Steward answers, and the key is good." in connection_result(blog), (
        "the key is kept where its field is empty"
    )


def test_the_key_and_the_secret_are_not_shown_again(blog: WordPress, secret: str) -> None:
    page = blog.browser.get(SETTINGS).text
    assert "cmk_live_" not in page
    assert secret not in page
    assert 'placeholder="Stored"' in page


def test_a_friendly_first_comment_is_published(blog: WordPress) -> None:
    comment = blog.comment(CIVIL)
    assert blog.status(comment) == "approved"
    assert record(blog, comment)["decided_by"] == "model"


def test_an_insult_is_rejected_into_the_trash(blog: WordPress) -> None:
    comment = blog.comment(INSULT)
    assert blog.status(comment) == "trash"
    assert record(blog, comment)["scores"]["insult"] > 0.5


def test_a_comment_in_an_unread_language_is_pending(blog: WordPress) -> None:
    comment = blog.comment(FINNISH)
    assert blog.status(comment) == "unapproved"
    assert record(blog, comment)["status"] == "pending"


def test_steward_gets_the_article_the_parent_and_a_pseudonym(blog: WordPress, service: Steward, chief: str) -> None:
    parent = blog.comment(f"{CIVIL} First.")
    comment = blog.comment(
        f"{CIVIL} Second <a href='https://example.org/x'>here</a>.", "Bob", comment_parent=str(parent)
    )
    body = blog.value(f"CommentSteward\\Checks::body(get_comment({comment}))")
    assert body["article"]["id"] == "post-1"
    assert body["article"]["title"] == "Hello world!"
    assert body["parent"] == {"id": f"wp-1-{parent}", "text": f"{CIVIL} First."}
    assert body["text"].endswith("Second here https://example.org/x .")
    assert body["author"]["id"].startswith("guest-")
    assert "bob@example.com" not in json.dumps(body)
    assert "sender" not in body
    blog.run("update_option('comment_steward', ['sender' => true] + get_option('comment_steward'));")
    body = blog.value(f"CommentSteward\\Checks::body(get_comment({comment}))")
    assert body["sender"] == {"email": "bob@example.com", "ip": "127.0.0.1"}
    with service.client(chief) as client:
        client.post("/v1/comments", json=body).raise_for_status()
        found = client.get(f"/v1/comments/wp-1-{comment}").raise_for_status().json()
    assert found["status"] == "approved"


def test_the_list_shows_scores_and_reasons(blog: WordPress) -> None:
    comment = blog.comment(f"{INSULT} Shown.")
    page = blog.browser.get("/wp-admin/edit-comments.php?comment_status=trash").text
    (row,) = re.findall(rf"<tr id=['\"]comment-{comment}['\"].*?</tr>", page, re.DOTALL)
    assert "Rejected by the model" in row
    assert re.search(r"toxicity [01]\.\d\d", row)
    assert "Because of" in row


def test_decisions_of_moderators_are_labels(blog: WordPress, service: Steward, chief: str) -> None:
    kind, rude = f"{CIVIL} Yet spam.", f"{FINNISH} Hyvä."
    spam, pending = blog.comment(kind), blog.comment(rude)
    blog.act(spam, "spam")
    blog.act(pending, "approve")
    found = labels(service, chief)
    assert (found[kind]["decision"], found[kind]["labels"]["spam"]) == ("reject", True)
    assert found[rude]["decision"] == "approve"


def test_what_steward_decides_is_no_label(blog: WordPress, service: Steward, chief: str) -> None:
    text = f"{INSULT} Nobody decided."
    blog.comment(text)
    assert text not in labels(service, chief)


def test_a_decision_in_our_console_arrives(blog: WordPress, service: Steward, chief: str) -> None:
    comment = blog.comment(f"{FINNISH} Odota.")
    assert blog.status(comment) == "unapproved"
    decide(service, chief, f"wp-1-{comment}", "approve")
    until(lambda: blog.status(comment) == "approved")
    assert record(blog, comment)["decided_by"] == "moderator"


def decide(service: Steward, chief: str, comment: str, decision: str) -> None:
    """As a moderator does: claim until the comment comes, then decide it."""
    with service.client(chief) as client:
        for _ in range(20):
            items = client.post("/v1/review/claim", json={"count": 10}).raise_for_status().json()["items"]
            assert items, "the comment is not in the queue"
            for item in items:
                if item["id"] == comment:
                    asked = {"decision": decision, "lease": item["lease"]}
                    client.post(f"/v1/review/{comment}/decision", json=asked).raise_for_status()
                    return
    raise AssertionError("the comment never came")


def signed(secret: str, event: dict[str, Any], at: float | None = None) -> tuple[bytes, dict[str, str]]:
    body, moment = json.dumps(event).encode(), str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, f"evt_1.{moment}.".encode() + body, hashlib.sha256)).decode()
    headers = {"webhook-id": "evt_1", "webhook-timestamp": moment, "webhook-signature": f"v1,AAAA v1,{mac}"}
    return body, headers | {"Content-Type": "application/json"}


def hook(blog: WordPress) -> str:
    return f"{blog.url}/index.php?rest_route=/comment-steward/v1/webhook"


def test_a_webhook_without_the_right_signature_changes_nothing(blog: WordPress, secret: str) -> None:
    comment = blog.comment(f"{CIVIL} Signed.")
    event = {
        "type": "decision.created",
        "data": {"comment_id": f"wp-1-{comment}", "version": 9, "status": "rejected", "decided_by": "moderator"},
    }
    body, headers = signed(secret, event)
    other = "whsec_" + base64.b64encode(b"x" * 24).decode()
    for wrong in (
        {},
        {**headers, "webhook-signature": "v1,AAAA"},
        signed(other, event)[1],
        signed(secret, event, 0)[1],
    ):
        assert httpx.post(hook(blog), content=body, headers=wrong, timeout=60).status_code == 401
    assert httpx.post(hook(blog), content=body + b" ", headers=headers, timeout=60).status_code == 401
    assert blog.status(comment) == "approved"
    assert httpx.post(hook(blog), content=body, headers=headers, timeout=60).status_code == 204
    assert blog.status(comment) == "trash"


def test_an_older_or_foreign_event_changes_nothing(blog: WordPress, secret: str) -> None:
    comment = blog.comment(f"{CIVIL} Older.")
    for known_as, version in ((f"wp-1-{comment}", 1), (f"wp-2-{comment}", 9), ("c-1", 9), (f"wp-1-{comment}x", 9)):
        data = {"comment_id": known_as, "version": version, "status": "rejected", "decided_by": "moderator"}
        body, headers = signed(secret, {"type": "decision.created", "data": data})
        assert httpx.post(hook(blog), content=body, headers=headers, timeout=60).status_code == 204
    for event in ({"type": "author.status_changed", "data": {"author": "a", "status": "muted"}}, {}, {"data": 1}):
        body, headers = signed(secret, event)
        assert httpx.post(hook(blog), content=body, headers=headers, timeout=60).status_code == 204
    assert blog.status(comment) == "approved"


def tell(blog: WordPress, secret: str, comment: int, version: int, status: str, by: str) -> None:
    data = {"comment_id": f"wp-1-{comment}", "version": version, "status": status, "decided_by": by}
    body, headers = signed(secret, {"type": "decision.created", "data": data})
    assert httpx.post(hook(blog), content=body, headers=headers, timeout=60).status_code == 204


def test_what_a_moderator_removed_here_no_model_or_deadline_publishes(blog: WordPress, secret: str) -> None:
    comment = blog.comment(f"{FINNISH} Poista.", "Cat")
    blog.act(comment, "trash")
    for version, by in enumerate(("expiry", "model", "rule"), 5):
        tell(blog, secret, comment, version, "approved", by)
        assert blog.status(comment) == "trash", by
    tell(blog, secret, comment, 9, "approved", "moderator")
    assert blog.status(comment) == "approved"
    published = blog.comment(f"{FINNISH} Julkaise.", "Cat")
    blog.act(published, "approve")
    tell(blog, secret, published, 9, "rejected", "expiry")
    assert blog.status(published) == "approved"


def test_what_nobody_touched_here_follows_the_deadline(blog: WordPress, secret: str) -> None:
    comment = blog.comment(f"{FINNISH} Aika.", "Cat")
    tell(blog, secret, comment, 9, "rejected", "expiry")
    assert blog.status(comment) == "trash"


QUIET = "The library opens at nine on weekdays, and its new reading room is very pleasant."
OTHER = "We took the early train to the lake and had a lovely picnic under the old trees."
BETWEEN = """<?php
add_filter('pre_http_request', function ($answer) {
    $status = (int) get_option('test_between');
    $page = ['headers' => [], 'body' => '<html>', 'cookies' => [], 'filename' => null];
    return $status ? $page + ['response' => ['code' => $status, 'message' => '']] : $answer;
});
"""


@pytest.mark.parametrize("status", [200, 301])
def test_a_page_or_redirect_in_between_loses_neither_comments_nor_decisions(blog: WordPress, status: int) -> None:
    decided = blog.comment(f"{QUIET} Decided {status}.", "Bea")
    blog.must_use("between.php", BETWEEN)
    blog.run(f"update_option('test_between', {status});")
    comment = blog.comment(f"{OTHER} Between {status}.", "Bea")
    blog.act(decided, "trash")
    assert is_waiting(blog, comment)
    assert "_comment_steward_decision" in blog.meta(decided)
    blog.run("delete_option('test_between');")
    blog.run("do_action('comment_steward_retry');")
    assert blog.status(comment) == "approved", record(blog, comment)["reasons"]
    assert "_comment_steward_decision" not in blog.meta(decided)


def test_the_service_down_loses_neither_comments_nor_decisions(blog: WordPress, service: Steward, chief: str) -> None:
    published = blog.comment(f"{CIVIL} Before.")
    service.stop()
    kind, rude = [blog.comment(f"{text} While it was away.") for text in (CIVIL, INSULT)]
    assert [blog.status(each) for each in (kind, rude)] == ["unapproved"] * 2
    assert is_waiting(blog, kind)
    assert "Not checked yet" in blog.browser.get("/wp-admin/edit-comments.php?comment_status=moderated").text
    blog.act(published, "spam")
    assert blog.run("CommentSteward\\Retries::run();") == ""
    assert blog.status(kind) == "unapproved"
    service.start()
    blog.run("do_action('comment_steward_retry');")
    assert (blog.status(kind), blog.status(rude)) == ("approved", "trash")
    assert not is_waiting(blog, kind)
    assert labels(service, chief)[f"{CIVIL} Before."]["decision"] == "reject"


def test_a_retry_is_planned_and_a_sweep_runs_every_15_minutes(blog: WordPress, service: Steward) -> None:
    assert blog.value("wp_next_scheduled('comment_steward_sweep') > 0") is True
    enter(blog, **usual(service, url="http://127.0.0.1:1"))
    comment = blog.comment(f"{CIVIL} Planned.")
    planned = blog.value("wp_next_scheduled('comment_steward_retry') - time()")
    assert 0 < planned <= 60
    enter(blog, **usual(service))
    blog.run("do_action('comment_steward_sweep');")
    assert blog.status(comment) == "approved"


def test_a_wrong_key_is_told_to_the_administrator(blog: WordPress, service: Steward) -> None:
    good = blog.value("get_option('comment_steward')['key']")
    enter(blog, **usual(service, key="cmk_live_wrong"))
    comment = blog.comment(f"{CIVIL} Refused.")
    assert blog.status(comment) == "unapproved"
    assert "Steward refuses the key" in blog.browser.get("/wp-admin/").text
    enter(blog, **usual(service, key=good))
    blog.run("do_action('comment_steward_retry');")
    assert blog.status(comment) == "approved", record(blog, comment)["reasons"]
    assert "Steward refuses the key" not in blog.browser.get("/wp-admin/").text


def test_without_webhooks_wordpress_asks(blog: WordPress, service: Steward, chief: str) -> None:
    comment = blog.comment(f"{FINNISH} Kysy.")
    blog.run(
        "$kept = get_option('comment_steward'); $kept['secret'] = ''; update_option('comment_steward', $kept);"
        f"update_comment_meta({comment}, '_comment_steward', ['version' => 0] + CommentSteward\\Record::of({comment}));"
    )
    decide(service, chief, f"wp-1-{comment}", "reject")
    blog.run("do_action('comment_steward_sweep');")
    assert blog.status(comment) == "trash"


def test_many_that_wait_do_not_hide_an_older_one_that_was_decided(
    blog: WordPress, service: Steward, chief: str
) -> None:
    old = blog.comment(f"{FINNISH} Vanha.", "Dora")
    many = "$all = []; for ($i = 0; $i < 50; $i++) { $all[] = wp_insert_comment(['comment_post_ID' => 1, "
    made = blog.value(
        "$all",
        f"{many} 'comment_content' => 'Another', 'comment_approved' => 0]);"
        "update_comment_meta(end($all), '_comment_steward', ['status' => 'pending', 'version' => 1]); }"
        "$kept = get_option('comment_steward'); $kept['secret'] = ''; update_option('comment_steward', $kept);"
        f"update_comment_meta({old}, '_comment_steward', ['version' => 0] + CommentSteward\\Record::of({old}));"
        "delete_option('comment_steward_asked');",
    )
    decide(service, chief, f"wp-1-{old}", "reject")
    blog.run("do_action('comment_steward_sweep');")
    assert blog.status(old) == "unapproved", "the 50 newer ones come first"
    blog.run("do_action('comment_steward_sweep');")
    assert blog.status(old) == "trash"
    blog.run(f"foreach ({json.dumps(made)} as $id) wp_delete_comment($id, true);")


def test_what_wordpress_itself_holds_is_not_published_by_the_model(blog: WordPress) -> None:
    blog.run("update_option('moderation_keys', 'zorblax');")
    comment = blog.comment(f"{CIVIL} Zorblax.")
    assert blog.status(comment) == "unapproved"
    assert record(blog, comment)["status"] == "approved", record(blog, comment)["reasons"]
    blog.run("update_option('moderation_keys', '');")


def test_a_comment_without_text_and_one_that_is_too_long_wait_for_a_person(blog: WordPress) -> None:
    long = blog.comment((CIVIL + " ") * 300)
    assert blog.status(long) == "unapproved"
    insert = (
        "echo wp_new_comment(['comment_post_ID' => 1, 'comment_author' => 'A', 'comment_author_email' => 'a@b.example',"
    )
    empty = int(
        blog.run(insert + "'comment_author_url' => '', 'comment_content' => '<b></b>', 'comment_type' => '']);")
    )
    assert blog.status(empty) == "unapproved"
    assert "_comment_steward_refused" in blog.meta(empty)
