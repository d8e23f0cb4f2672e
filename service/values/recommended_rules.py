"""The rules of the default policy."""

from service.values.rules import (
    AuthorCondition,
    Condition,
    DuplicateCondition,
    LinksCondition,
    Rule,
    RuleAction,
    Then,
    VelocityCondition,
)

_AS_SPAM = Then(RuleAction.REVIEW, due="spam", label="spam")
# What no single text shows. Each only asks a person, so that a popular link or a quotation costs nobody a comment.
RECOMMENDED_RULES = (
    Rule(
        "repeated-text",
        Condition(duplicate=DuplicateCondition("exact", "author", 3)),
        _AS_SPAM,
        note="The same author sends the same text for the third time within a day.",
    ),
    Rule(
        "repeated-links",
        Condition(
            all=(
                Condition(links=LinksCondition(at_least=1)),
                Condition(author=AuthorCondition(approved_below=1)),
                Condition(
                    any=(
                        Condition(duplicate=DuplicateCondition("near", "site", 3)),
                        Condition(duplicate=DuplicateCondition("links", "site", 3)),
                    )
                ),
            )
        ),
        _AS_SPAM,
        note="New authors send similar texts with links, or links to the same place, for the third time within a day.",
    ),
    Rule(
        "flood",
        Condition(velocity=VelocityCondition("author", 20, 60)),
        _AS_SPAM,
        note="An author sends more than 20 comments within a minute.",
    ),
)
