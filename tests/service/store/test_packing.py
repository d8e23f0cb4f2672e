"""What is packed comes back the same, takes little, and older content is still read."""

import math
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.store.packing import WORDS, Content, glance, packed, unpacked
from service.values.domain import Action, Article, Author, Comment, Judgement, LanguageSupport, Parent, Reason, Span

texts = st.text(max_size=50)
maybe = st.none() | texts
# Rounded, as what a model says is, and not.
numbers = st.floats(0, 1) | st.floats(0, 1).map(lambda number: round(number, 6)) | st.sampled_from((0.0, 1.0, 2_000.0))
probabilities = st.none() | numbers
words = st.sampled_from(WORDS) | texts
instants = st.none() | st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it
values = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts | st.lists(st.booleans())
metadata = st.dictionaries(texts, values)
comments = st.builds(
    Comment,
    text=texts,
    author=st.none() | st.builds(Author, id=maybe, name=maybe, created_at=instants, trusted=st.booleans()),
    article=st.none() | st.builds(Article, id=maybe, url=maybe, title=maybe, section=maybe),
    parent=st.none() | st.builds(Parent, id=maybe, text=maybe),
    created_at=instants,
    language=maybe,
    callback_url=maybe,
    metadata=metadata,
)
reasons = st.builds(
    Reason,
    code=words,
    attribute=st.none() | words,
    score=probabilities,
    review_at=probabilities,
    reject_at=probabilities,
    language=st.none() | words,
)
judgements = st.builds(
    Judgement,
    decision=st.sampled_from(Action),
    scores=st.dictionaries(words, numbers) | st.just(dict.fromkeys(WORDS[:7], 0.5)),
    reasons=st.lists(reasons, max_size=3).map(tuple),
    model=texts,
    policy=texts,
    spans=st.lists(
        st.builds(Span, start=st.integers(0, 9), end=st.integers(0, 9), attribute=words, weight=numbers)
    ).map(tuple),
    language=st.none() | words,
    language_support=st.none() | st.sampled_from(LanguageSupport),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.builds(Content, comments, judgements))
def test_what_is_packed_comes_back_the_same(content: Content) -> None:
    assert unpacked(packed(content)) == content


def test_what_was_packed_with_floats_is_still_read() -> None:
    judged = (1, [0.5] * 7, [[8, 0, 0.5, 0.3, 0.98]], "m-1", "default@1", [(0, 5, 3, 1.25)], 14)
    data = msgspec.msgpack.encode((("hello",), judged))
    expected = Judgement(
        Action.REVIEW,
        dict.fromkeys(WORDS[:7], 0.5),
        (Reason("score_in_review_band", "toxicity", 0.5, 0.3, 0.98),),
        "m-1",
        "default@1",
        (Span(0, 5, "insult", 1.25),),
        "en",
    )
    assert unpacked(data) == Content(Comment("hello"), expected)
    assert glance(data).scores == expected.scores
    assert len(packed(Content(Comment("hello"), expected))) < len(data) - 28


@pytest.mark.parametrize("value", [10**30, -(10**30), 2**63, 1e300, [[[]]], {"": None}, math.pi])
def test_any_json_of_the_site_comes_back(value: Any) -> None:
    content = Content(Comment("a", metadata={"a": value}), Judgement(Action.REVIEW, {}, (), "m", "p"))
    assert unpacked(packed(content)) == content


def test_content_that_was_kept_as_json_is_still_read() -> None:
    judgement = Judgement(Action.REJECT, {"spam": 0.9}, (Reason("r", "spam", 0.9, 0.4, 0.8),), "m", "p", language="en")
    content = Content(Comment("hello", author=Author("u")), judgement)
    assert unpacked(msgspec.json.encode(content)) == content


def test_a_doubtful_comment_takes_little_more_than_its_text() -> None:
    reason = Reason("score_in_review_band", "toxicity", 0.41, 0.3, 0.98)
    judgement = Judgement(
        Action.REVIEW,
        dict.fromkeys(WORDS[:7], 0.123456),
        (reason,),
        "2026-11-23-3",
        "default@1",
        (Span(4, 10, "toxicity", 0.41),),
        "en",
    )
    content = Content(Comment("x" * 300, article=Article("a-1", section="world")), judgement)
    assert len(packed(content)) < 500 < len(msgspec.json.encode(content))


def test_words_keep_their_numbers() -> None:
    """What is in Redis says only the number: a word may be appended, nothing else."""
    assert WORDS[:14] == (
        *("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat", "spam"),
        *("score_in_reject_band", "score_in_review_band", "score_below_review_band", "unscored"),
        *("toxicity_stands_in", "language_not_supported", "sexually_explicit"),
    )
