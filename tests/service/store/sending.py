"""Comments that are sent with rules, and what became of them."""

from collections.abc import Awaitable, Callable
from typing import Any

from service.store import Store
from service.store.asked import PossibleOutcome, RulesAsked, UndecidedRule
from service.store.base import Record
from service.values.domain import Action, Article, Author, Comment, DecidedBy, Judgement, Reason, Status, Urgency, Why
from service.values.rules import FiredRule, RuleAction, RuleState

OUTCOMES = {
    Action.APPROVE: PossibleOutcome(None, 0.0, ""),
    Action.REVIEW: PossibleOutcome(Urgency(Why.RULE, 0.5, 3_600_000), 0.0, "spam"),
    Action.REJECT: PossibleOutcome(None, 0.0, ""),
}
Send = Callable[..., Awaitable[Record | None]]


def open_rule(action: RuleAction, *expression: Any, state: RuleState = RuleState.ON, **more: Any) -> UndecidedRule:
    return UndecidedRule(FiredRule(f"{action}-rule", action, state, **more), expression, 60_000)


PRINTS = {"near:site": ("n1", "n2", "n3")}
THREE_ALIKE = open_rule(RuleAction.REVIEW, "duplicate", "near", "site", 3, 3600)


def send_to(store: Store, site: str) -> Send:
    """Submits a comment that the model judges as `model` says; by default it approves."""

    async def send(
        comment_id: str,
        *rules: UndecidedRule,
        fired: tuple[FiredRule, ...] = (),
        model: Action = Action.APPROVE,
        author: str | None = "ann",
        text: str = "hello",
        article: str | None = None,
        section: str | None = None,
        **asked: Any,
    ) -> Record | None:
        comment = Comment(
            text,
            author=None if author is None else Author(author),
            article=Article(article, section=section) if article or section else None,
        )
        judgement = Judgement(model, {"toxicity": 0.5}, (Reason("r", "toxicity", 0.5, 0.4, 0.9),), "m-1", "default@1")
        _, record = await store.comments.submit(
            site,
            comment_id,
            comment,
            judgement,
            urgency=OUTCOMES[model].urgency,
            actor="site-key",
            rules=RulesAsked(
                **{
                    "model": model,
                    "outcomes": OUTCOMES,
                    "open": rules,
                    "fired": fired,
                    "author_sla_ms": 60_000,
                    **asked,
                }
            ),
        )
        return record

    return send


def of(record: Record | None) -> tuple[Action, Status, DecidedBy]:
    assert record is not None
    return record.decision, record.status, record.decided_by


def rules_of(record: Record | None) -> list[str | None]:
    assert record is not None
    assert record.content is not None
    return [each.rule for each in record.content.judgement.reasons if each.code == "rule"]
