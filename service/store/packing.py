"""Packs the content of a revision for Redis, whose memory may have to hold a million of them.

The format is MessagePack of lists: fields in order, without names and without unset ones at the end; known words are
numbers. Scores and weights, which have six decimals, are whole numbers of millionths, which takes half the space.
Fields and WORDS may only be appended: later releases read what earlier ones wrote, so no position may change.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from service.background import log_failure
from service.values.domain import Action, Article, Author, Comment, Judgement, LanguageSupport, Parent, Reason, Span

Unpacked = TypeVar("Unpacked")

# A word is packed as its position here. Other words are packed as they are.
WORDS = (
    *("toxicity", "severe_toxicity", "identity_attack", "insult", "profanity", "threat", "spam"),
    *("score_in_reject_band", "score_in_review_band", "score_below_review_band", "unscored"),
    *("toxicity_stands_in", "language_not_supported", "sexually_explicit"),
    *("en", "de", "fr", "pt", "es", "it", "nl", "pl", "uk", "ru"),
    *("language_not_measured", "ar", "cs", "da", "id", "ja", "ko", "ro", "sv", "tr", "zh"),
    "spam_not_evident",
)
_NUMBERS = {word: number for number, word in enumerate(WORDS)}
# Scores of exactly these attributes, in this order, are packed without names.
_USUAL = WORDS[:7]
_SUPPORTS = tuple(LanguageSupport)  # append only
_ACTIONS = tuple(Action)
# Millionths below this number take at most five bytes, a float takes nine.
MOST_SHORT = 2_000

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Content(Struct, frozen=True):
    """The comment as sent, with its automatic decision."""

    comment: Comment
    judgement: Judgement


_from_json = msgspec.json.Decoder(Content).decode


class Packed(NamedTuple):
    """The bytes of a content, and the position of the byte in it that says the decision."""

    data: bytes
    decision_at: int


def packed(content: Content) -> bytes:
    return packed_with_place(content).data


def packed_with_place(content: Content) -> Packed:
    """Without reasons of rules: the script that records a comment adds those behind the end."""
    comment, judgement = content.comment, content.judgement
    scores, spans = judgement.scores, judgement.spans
    shortened, weights = _millionths(scores.values()), _millionths([span.weight for span in spans])
    of_comment = _encode(
        _short(
            comment.text,
            comment.author and _fields(comment.author),
            comment.article and _fields(comment.article),
            comment.parent and _fields(comment.parent),
            comment.created_at,
            comment.language,
            comment.callback_url,
            # As JSON: its numbers may be larger than MessagePack's.
            msgspec.json.encode(comment.metadata) if comment.metadata else None,
        )
    )
    of_judgement = _encode(
        (
            _ACTIONS.index(judgement.decision),
            shortened if tuple(scores) == _USUAL else dict(zip(scores, shortened, strict=True)),
            [_packed_reason(reason) for reason in judgement.reasons],
            judgement.model,
            judgement.policy,
            [
                (span.start, span.end, _number(span.attribute), weight)
                for span, weight in zip(spans, weights, strict=True)
            ],
            _number(judgement.language),
            *(() if judgement.language_support is None else (_SUPPORTS.index(judgement.language_support),)),
        ),
    )
    # Each array of these has at most 15 items, so its header takes one byte.
    return Packed(b"\x92" + of_comment + of_judgement, len(of_comment) + 3)


def packed_rule(reason: Reason) -> bytes:
    """A reason of a rule, or of a status, as the script adds it."""
    return _encode(
        _short(
            reason.code,
            reason.attribute,
            reason.rule,
            reason.action,
            reason.shadow or None,
            reason.reason,
            reason.list,
            reason.entry,
            reason.spans or None,
            reason.score,
            reason.review_at,
            reason.reject_at,
        )
    )


def _rule_reason(  # noqa: PLR0917 - as packed
    code: str,
    attribute: str | None = None,
    rule: str | None = None,
    action: str | None = None,
    shadow: Any = None,  # noqa: ANN401 - true, or not there
    reason: str | None = None,
    list_: str | None = None,
    entry: str | None = None,
    spans: Any = None,  # noqa: ANN401 - pairs, or not there
    *numbers: float | None,
) -> Reason:
    score, review_at, reject_at = (*numbers, None, None, None)[:3]
    return Reason(
        code,
        attribute,
        score,
        review_at,
        reject_at,
        rule=rule,
        action=action,
        shadow=bool(shadow),
        reason=reason,
        list=list_,
        entry=entry,
        spans=tuple((start, end) for start, end in spans or ()),
    )


class Glance(Struct, frozen=True):
    """The fields needed to search or simulate many comments, unpacked in a tenth of the time of the whole content.

    `is_measured`: whether the model that made the scores was measured in the language. `sent`: author and article, as
    they are packed. `model`: the version of that model.
    """

    text: str
    author: str | None
    article: str | None
    decision: Action
    scores: Mapping[str, float]
    language: str | None
    is_measured: bool
    sent: tuple[Any, Any] = (None, None)
    model: str = ""

    def author_sent(self) -> Author | None:
        return Author(*self.sent[0]) if isinstance(self.sent[0], list) else self.sent[0]

    def article_sent(self) -> Article | None:
        return Article(*self.sent[1]) if isinstance(self.sent[1], list) else self.sent[1]


class _Comment(Struct, array_like=True):
    text: str
    author: Any = None
    article: Any = None


class _Judgement(Struct, array_like=True):
    decision: int
    scores: Any
    reasons: msgspec.Raw
    model: Any
    policy: msgspec.Raw
    spans: msgspec.Raw
    language: Any
    support: int | None = None


class _Content(Struct, array_like=True):
    comment: _Comment
    judgement: _Judgement


_glance = msgspec.msgpack.Decoder(_Content).decode


def glance(data: bytes) -> Glance:
    if data.startswith(b"{"):
        content = _from_json(data)
        sent, said = content.comment, content.judgement
        author, article = sent.author and sent.author.id, sent.article and sent.article.id
        is_measured = said.language_support is not LanguageSupport.TRANSFERRED
        return Glance(
            sent.text,
            author or None,
            article or None,
            said.decision,
            said.scores,
            said.language,
            is_measured,
            (sent.author, sent.article),
            said.model,
        )
    found = _glance(data)
    comment, judgement = found.comment, found.judgement
    return Glance(
        comment.text,
        comment.author[0] if comment.author else None,
        comment.article[0] if comment.article else None,
        _ACTIONS[judgement.decision],
        _scores(judgement.scores),
        _word(judgement.language),
        judgement.support is None or _SUPPORTS[judgement.support] is not LanguageSupport.TRANSFERRED,
        (comment.author, comment.article),
        judgement.model,
    )


def glanced(data: bytes) -> Glance | None:
    """As `glance`; None if it is unreadable, as for `readable`."""
    return _or_none(glance, data)


def readable(data: bytes) -> Content | None:
    """As `unpacked`. Unreadable content is logged and counted, and gives None, so that others can still be returned."""
    return _or_none(unpacked, data)


def _or_none(unpack: Callable[[bytes], Unpacked], data: bytes) -> Unpacked | None:
    try:
        return unpack(data)
    except Exception as error:  # noqa: BLE001 - bytes can be wrong in any way
        log_failure("texts", error)
        return None


def unpacked(data: bytes) -> Content:
    """Also reads content that early releases stored as JSON."""
    if data.startswith(b"{"):
        return _from_json(data)
    comment, (action, scores, reasons, model, policy, spans, language, *support), *of_rules = _decode(data)
    applied, facts = of_rules[0] if of_rules else ((), {})
    return Content(
        _comment(*comment),
        Judgement(
            decision=_ACTIONS[action],
            scores=_scores(scores),
            reasons=(*(_reason(*reason) for reason in reasons), *(_rule_reason(*each) for each in applied)),
            model=model,
            policy=policy,
            spans=tuple(
                Span(start, end, _word(attribute), _decimal(weight)) for start, end, attribute, weight in spans
            ),
            language=_word(language),
            language_support=_SUPPORTS[support[0]] if support else None,
            facts=dict(facts),
        ),
    )


def _comment(  # noqa: PLR0917 - as packed
    text: str,
    author: list[Any] | None = None,
    article: list[Any] | None = None,
    parent: list[Any] | None = None,
    created_at: Any = None,  # noqa: ANN401 - the Comment's own types
    language: Any = None,  # noqa: ANN401 - unpacked, not yet checked
    callback_url: Any = None,  # noqa: ANN401 - unpacked, not yet checked
    metadata: Any = None,  # noqa: ANN401 - unpacked, not yet checked
) -> Comment:
    return Comment(
        text=text,
        author=None if author is None else Author(*author),
        article=None if article is None else Article(*article),
        parent=None if parent is None else Parent(*parent),
        created_at=created_at,
        language=language,
        callback_url=callback_url,
        metadata=msgspec.json.decode(metadata) if metadata else {},
    )


def _packed_reason(reason: Reason) -> tuple[Any, ...]:
    numbers = (reason.score, reason.review_at, reason.reject_at)
    return _short(_number(reason.code), _number(reason.attribute), *numbers, _number(reason.language))


def _reason(code: Any, attribute: Any = None, *numbers: Any) -> Reason:  # noqa: ANN401 - unpacked, not yet checked
    score, review_at, reject_at, language, *_ = (*numbers, None, None, None, None)
    return Reason(_word(code), _word(attribute), score, review_at, reject_at, _word(language))


def _fields(struct: Struct) -> tuple[Any, ...]:
    return _short(*msgspec.structs.astuple(struct))


def _short(*fields: Any) -> tuple[Any, ...]:  # noqa: ANN401 - unpacked, not yet checked
    """Drops None and False at the end, which are the defaults of these fields."""
    last = len(fields)
    while last and (fields[last - 1] is None or fields[last - 1] is False):
        last -= 1
    return fields[:last]


def _number(word: str | None) -> int | str | None:
    return _NUMBERS.get(word, word) if word is not None else None


def _word(packed: Any) -> Any:  # noqa: ANN401 - a number, a word that is not in WORDS, or None
    return WORDS[packed] if isinstance(packed, int) else packed


def _scores(packed: Any) -> dict[str, float]:  # noqa: ANN401 - a list of the usual ones, or by name
    if isinstance(packed, dict):
        return {name: _decimal(score) for name, score in packed.items()}
    return dict(zip(_USUAL, map(_decimal, packed), strict=True))


def _millionths(numbers: Iterable[float]) -> list[float]:
    """Whole numbers of millionths where that is exact; all others, NaN included, stay floats."""
    return [
        whole if 0 <= number < MOST_SHORT and (whole := int(number * 1e6 + 0.5)) / 1e6 == number else number
        for number in numbers
    ]


def _decimal(packed: Any) -> Any:  # noqa: ANN401 - millionths, a float, or None
    return packed / 1_000_000 if isinstance(packed, int) else packed
