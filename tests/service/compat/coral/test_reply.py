"""Our decisions in Coral's words: only what its schema takes."""

import json
from datetime import UTC, datetime
from functools import cache
from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.compat.coral.reply import reply
from service.store.base import Record
from service.store.packing import Content
from service.values.domain import Action, Comment, DecidedBy, Judgement, Reason, State, Status
from service.values.site_settings import Coral

# coral-external-moderation.md, A3: what Coral checks a reply against before it takes any of it.
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "status": {"enum": ["NONE", "APPROVED", "REJECTED", "PREMOD", "SYSTEM_WITHHELD"]},
        "actions": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["actionType", "reason"],
                "properties": {
                    "actionType": {"const": "FLAG"},
                    "reason": {"enum": ["COMMENT_DETECTED_TOXIC", "COMMENT_DETECTED_SPAM"]},
                },
            },
        },
        "moderationAction": {
            "type": "object",
            "additionalProperties": False,
            "required": ["status", "rejectionReason"],
            "properties": {
                "status": {"const": "REJECTED"},
                "rejectionReason": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["code"],
                    "properties": {
                        "code": {
                            "enum": [
                                *("OFFENSIVE", "ABUSIVE", "SPAM", "BANNED_WORD", "AD", "ILLEGAL_CONTENT"),
                                *("HARASSMENT_BULLYING", "MISINFORMATION", "HATE_SPEECH", "IRRELEVANT_CONTENT"),
                                "OTHER",
                            ]
                        }
                    },
                },
            },
        },
    },
}
STATUS = {Action.APPROVE: Status.APPROVED, Action.REVIEW: Status.PENDING, Action.REJECT: Status.REJECTED}
TOXIC = [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"}]
SPAM = [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_SPAM"}]


def recorded(
    decision: Action, *attributes: str, status: Status | None = None, language: str | None = None, **more: Any
) -> Record:
    code = "language_not_supported" if language else "score_in_review_band"
    reasons = tuple(Reason(code, each) for each in attributes) or (Reason(code, language=language),)
    judgement = Judgement(decision, {}, reasons, "m-1", "default@1")
    now = datetime.now(UTC)
    return Record(
        id="c-1",
        revision=1,
        version=1,
        state=State.DECIDED,
        status=status or STATUS[decision],
        decision=decision,
        decided_by=DecidedBy.MODEL,
        created_at=now,
        content=Content(Comment("hello"), judgement),
        **more,
    )


def test_an_approval_says_nothing_unless_it_may_overrule_premoderation() -> None:
    approved = recorded(Action.APPROVE, "toxicity")
    assert reply(approved, Coral()) is None
    assert reply(approved, Coral(may_approve=True)) == {"status": "APPROVED"}


def test_the_doubtful_are_withheld_and_flagged() -> None:
    withheld = {"status": "SYSTEM_WITHHELD", "actions": TOXIC}
    assert reply(recorded(Action.REVIEW, "insult"), Coral()) == withheld
    assert reply(recorded(Action.REVIEW), Coral()) == withheld


def test_a_site_may_publish_the_doubtful_first() -> None:
    assert reply(recorded(Action.REVIEW, "spam"), Coral(publish_first=True)) == {"actions": SPAM}


def test_a_rejection_is_withheld_unless_we_may_reject() -> None:
    rejected = recorded(Action.REJECT, "spam")
    for wishes in (Coral(), Coral(publish_first=True)):
        assert reply(rejected, wishes) == {"status": "SYSTEM_WITHHELD", "actions": SPAM}
    assert reply(rejected, Coral(may_reject=True)) == {
        "status": "REJECTED",
        "actions": SPAM,
        "moderationAction": {"status": "REJECTED", "rejectionReason": {"code": "SPAM"}},
    }


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        (["spam"], "SPAM"),
        (["identity_attack"], "HATE_SPEECH"),
        (["insult"], "HARASSMENT_BULLYING"),
        (["threat"], "ABUSIVE"),
        (["profanity"], "OFFENSIVE"),
        (["obscene"], "OFFENSIVE"),
        (["sexually_explicit"], "OFFENSIVE"),
        (["toxicity"], "OTHER"),
        (["severe_toxicity"], "OTHER"),
        (["something_new"], "OTHER"),
        (["spam", "insult", "toxicity"], "HARASSMENT_BULLYING"),
        (["profanity", "identity_attack", "threat"], "ABUSIVE"),
    ],
)
def test_the_author_is_told_the_gravest_reason(attributes: list[str], code: str) -> None:
    found = reply(recorded(Action.REJECT, *attributes), Coral(may_reject=True))
    assert found is not None
    assert found["moderationAction"]["rejectionReason"] == {"code": code}


def test_spam_and_harm_are_two_flags() -> None:
    assert reply(recorded(Action.REVIEW, "spam", "insult", "threat"), Coral(publish_first=True)) == {
        "actions": SPAM + TOXIC
    }


ANY_WISHES = [
    Coral(*flags)
    for flags in product([False, True], repeat=4)  # may_approve, may_reject, publish_first, shadow
]


def test_in_the_shadow_nothing_is_ever_said() -> None:
    shadows = [wishes for wishes in ANY_WISHES if wishes.shadow]
    assert {reply(recorded(action, "insult"), each) for action in Action for each in shadows} == {None}


@pytest.mark.parametrize("wishes", ANY_WISHES)
def test_of_a_language_that_nobody_judged_nothing_is_said(wishes: Coral) -> None:
    assert reply(recorded(Action.REVIEW, language="fi"), wishes) is None


def test_what_a_person_decided_since_counts() -> None:
    wishes = Coral(may_approve=True, may_reject=True)
    freed = recorded(Action.REVIEW, language="fi", status=Status.APPROVED)
    assert reply(freed, wishes) == {"status": "APPROVED"}
    condemned = recorded(Action.APPROVE, "insult", status=Status.REJECTED, reason="spam")
    found = reply(condemned, wishes)
    assert found is not None
    assert (found["actions"], found["moderationAction"]["rejectionReason"]) == (SPAM, {"code": "SPAM"})
    assert reply(recorded(Action.REJECT, "threat", status=Status.APPROVED), Coral()) is None


def test_a_comment_whose_text_is_gone_still_gets_an_answer() -> None:
    gone = msgspec.structs.replace(recorded(Action.REJECT), content=None)
    assert reply(gone, Coral()) == {"status": "SYSTEM_WITHHELD", "actions": TOXIC}


@cache
def validator() -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - slow, and not wanted by whoever only collects

    Draft202012Validator.check_schema(SCHEMA)
    return Draft202012Validator(SCHEMA)


@given(
    st.sampled_from(Action),
    st.lists(st.sampled_from(["toxicity", "insult", "threat", "spam", "profanity", "identity_attack", "x"])),
    st.sampled_from(Status),
    st.sampled_from(ANY_WISHES),
    st.sampled_from([None, "spam", "", "off_topic"]),
)
def test_whatever_we_say_passes_corals_schema_and_holds_no_null(
    decision: Action, attributes: list[str], status: Status, wishes: Coral, reason: str | None
) -> None:
    said = reply(recorded(decision, *attributes, status=status, reason=reason), wishes)
    if said is None:
        return
    written = msgspec.json.encode(said)
    validator().validate(json.loads(written))
    assert b"null" not in written
    assert ("moderationAction" in said) <= (said.get("status") == "REJECTED"), "it tells the author so"
    assert said, "an empty object says nothing; that is 204"
