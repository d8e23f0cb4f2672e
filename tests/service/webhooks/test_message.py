"""What is sent: thin, small, and named by an id that is safe wherever it stands."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.store.outbox import Event
from service.webhooks.message import MAX_BODY_BYTES, MessageId, body

EVENT = Event(
    comment="c-4711", revision=1, version=2, at=1760000000000, type="decision.created", status="rejected",
    decided_by="moderator", decision="reject", reason="insult",
)  # fmt: skip


def test_a_body_says_what_happened_and_no_more() -> None:
    assert json.loads(body("daily", EVENT, None)) == {
        "type": "decision.created",
        "timestamp": "2025-10-09T08:53:20Z",
        "data": {
            "comment_id": "c-4711",
            "site": "daily",
            "revision": 1,
            "version": 2,
            "status": "rejected",
            "decision": "reject",
            "decided_by": "moderator",
            "reason": "insult",
        },
    }


def test_a_body_has_the_sites_own_words_for_a_reason() -> None:
    told = msgspec.structs.replace(EVENT, reason_texts='{"en":"Insult","de":"Beleidigung"}')
    assert json.loads(body("daily", told, None))["data"]["reason_texts"] == {"en": "Insult", "de": "Beleidigung"}


def test_a_broken_promise_names_the_target_and_the_version_that_follows() -> None:
    broken = Event(
        comment=" promise:default", revision=0, version=8, at=1760000000000, type="promise.broken", status="broken",
        decided_by="", promise="max_wrong_approve", policy="default@8",
    )  # fmt: skip
    assert json.loads(body("daily", broken, None)) == {
        "type": "promise.broken",
        "timestamp": "2025-10-09T08:53:20Z",
        "data": {
            "promise": "max_wrong_approve",
            "site": "daily",
            "version": 8,
            "status": "broken",
            "policy": "default@8",
        },
    }


def test_a_changed_status_names_the_author_and_no_comment() -> None:
    banned = Event(
        comment=" author:f00", revision=0, version=3, at=1760000000000, type="author.status_changed", status="muted",
        decided_by="", author="f00", by="chief", why="spam", ends=1760000060000,
    )  # fmt: skip
    assert json.loads(body("daily", banned, None)) == {
        "type": "author.status_changed",
        "timestamp": "2025-10-09T08:53:20Z",
        "data": {
            "author": "f00",
            "site": "daily",
            "version": 3,
            "status": "muted",
            "by": "chief",
            "why": "spam",
            "until": "2025-10-09T08:54:20Z",
        },
    }


def test_a_changed_status_names_the_article_or_the_section() -> None:
    closed = Event(
        comment=" article:a-1", revision=0, version=3, at=1760000000000, type="article.status_changed", status="closed",
        decided_by="", article="a-1", by="chief", ends=1760000060000,
    )  # fmt: skip
    assert json.loads(body("daily", closed, None)) == {
        "type": "article.status_changed",
        "timestamp": "2025-10-09T08:53:20Z",
        "data": {
            "article": "a-1",
            "site": "daily",
            "version": 3,
            "status": "closed",
            "by": "chief",
            "until": "2025-10-09T08:54:20Z",
        },
    }
    of_section = msgspec.structs.replace(closed, comment=" section:news", article=None, section="news", ends=None)
    data = json.loads(body("daily", of_section, None))["data"]
    assert (data["section"], data.keys() & {"article", "until", "comment_id"}) == ("news", set())


def test_a_text_goes_along_if_there_is_room_for_it() -> None:
    assert json.loads(body("daily", EVENT, "what I wrote"))["data"]["text"] == "what I wrote"
    assert "text" not in json.loads(body("daily", EVENT, "\u0000" * 20_000))["data"]
    assert len(body("daily", EVENT, "x" * 19_000)) <= MAX_BODY_BYTES


IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=256)


@given(IDS, st.integers(1, 2**50))
def test_an_id_is_safe_in_a_header_and_a_path_and_can_be_read_back(comment: str, version: int) -> None:
    made = MessageId("daily-news", comment, version)
    assert set(str(made)) <= set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-~")
    assert MessageId.parse(str(made)) == made


@given(IDS, IDS)
def test_ids_of_different_comments_differ(one: str, other: str) -> None:
    assert (str(MessageId("a", one, 1)) == str(MessageId("a", other, 1))) == (one == other)


@pytest.mark.parametrize(
    "text", ["", "evt_", "evt_daily_c_0", "evt_daily__1", "evt_Daily_c_1", "evt_daily_c.d_1", "c_1"]
)
def test_what_is_no_id_is_none(text: str) -> None:
    assert MessageId.parse(text) is None
