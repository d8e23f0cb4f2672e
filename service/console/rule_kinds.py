"""The kinds of guided forms of a rule, and their fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.console.policy_form import HOUR_S
from service.console.texts import N_
from service.values.rules import MAX_WINDOW_S

JSON = "json"

# whole: an integer. score: 0 to 1. share: percent. hours: seconds, shown as hours. lines: one entry a line. flag: true
# or not set; unset: ticked if it is not set, else false. choice, list, attribute: one of several.
FieldKind = Literal["whole", "score", "share", "hours", "lines", "flag", "unset", "choice", "list", "attribute"]


@dataclass(frozen=True, slots=True)
class RuleField:
    """`path`: a condition and its field, and the name in the form. `least` and `most`: in the unit of the form."""

    path: str
    kind: FieldKind
    label: str
    hint: str = ""
    least: float = 1
    most: float = 1_000
    is_needed: bool = False
    choices: Mapping[str, str] | None = None
    standard: str = ""

    @property
    def leaf(self) -> str:
        return self.path.partition(".")[0]

    @property
    def name(self) -> str:
        return self.path.partition(".")[2]


@dataclass(frozen=True, slots=True)
class RuleKind:
    """`fields`: those of the first condition, which the rule always has, and then those of others, which it may have.

    `is_any_needed`: at least one field must be filled in.
    """

    title: str
    hint: str
    fields: tuple[RuleField, ...]
    is_any_needed: bool = False


_NEW_AUTHORS = RuleField(
    "author.approved_below",
    "whole",
    N_("Only of authors with fewer approved comments than"),
    N_("Empty: of all authors. 1: only of authors of whom nothing was approved yet."),
)

KINDS: Mapping[str, RuleKind] = {
    "words": RuleKind(
        N_("Words"),
        N_("Words that you write here, or those of a list."),
        (
            RuleField("words.list", "list", N_("List")),
            RuleField("words.any", "lines", N_("Or these words"), N_("One word or phrase a line.")),
            RuleField(
                "words.match",
                "choice",
                N_("Where they are found"),
                choices={
                    "": N_("As the list says, else as whole words"),
                    "word": N_("As whole words"),
                    "stem": N_("Also at the beginning of longer words"),
                    "part": N_("Also inside other words"),
                },
            ),
            RuleField("words.unmask", "unset", N_("Also find disguised words"), N_("Such as w-o-r-d.")),
            RuleField(
                "words.case", "flag", N_("Tell capitals from small letters"), N_("Then disguises are not found.")
            ),
        ),
        is_any_needed=True,
    ),
    "links": RuleKind(
        N_("Links"),
        N_("How many links, and to where; also only of new authors."),
        (
            RuleField("links.at_least", "whole", N_("At least this many links"), N_("Empty: one.")),
            RuleField(
                "links.domains",
                "lines",
                N_("Only links to these domains"),
                N_("One a line, such as example.org. Subdomains count, too."),
            ),
            RuleField("links.not_domains", "lines", N_("Links to these domains do not count"), N_("One a line.")),
            RuleField("links.shortener", "flag", N_("Only links through a link shortener")),
            _NEW_AUTHORS,
        ),
    ),
    "repetition": RuleKind(
        N_("Repetition"),
        N_("The same text, a similar one, or the same link again."),
        (
            RuleField(
                "duplicate.match",
                "choice",
                N_("What comes again"),
                choices={
                    "exact": N_("The same text"),
                    "near": N_("A similar text"),
                    "links": N_("A link to the same page"),
                },
                standard="exact",
            ),
            RuleField(
                "duplicate.of",
                "choice",
                N_("From whom"),
                choices={"author": N_("From the same author"), "site": N_("From anybody")},
                standard="author",
            ),
            RuleField(
                "duplicate.at_least",
                "whole",
                N_("How many times, this one included"),
                least=2,
                is_needed=True,
                standard="3",
            ),
            RuleField(
                "duplicate.s",
                "hours",
                N_("Within hours"),
                least=0.01,
                most=MAX_WINDOW_S / HOUR_S,
                is_needed=True,
                standard="24",
            ),
            _NEW_AUTHORS,
        ),
    ),
    "flood": RuleKind(
        N_("Too many comments in a short time"),
        N_("Of one author, under one article or on the whole site."),
        (
            RuleField(
                "velocity.by",
                "choice",
                N_("Which comments are counted"),
                choices={
                    "author": N_("Those of one author"),
                    "article": N_("Those under one article"),
                    "site": N_("All of the site"),
                    "network": N_("Those from one network"),
                },
                standard="author",
            ),
            RuleField("velocity.more_than", "whole", N_("More than"), most=10_000, is_needed=True, standard="20"),
            RuleField("velocity.s", "whole", N_("Within seconds"), most=MAX_WINDOW_S, is_needed=True, standard="60"),
        ),
    ),
    "new_author": RuleKind(
        N_("New authors"),
        N_("By how many of their comments were approved, or since when they write here."),
        (
            RuleField("author.approved_below", "whole", N_("Fewer approved comments than")),
            RuleField(
                "author.new", "hours", N_("First comment less than this many hours ago"), least=0.01, most=365 * 24
            ),
        ),
        is_any_needed=True,
    ),
    "score": RuleKind(
        N_("Score"),
        N_("A score of the model within a range."),
        (
            RuleField("score.attribute", "attribute", N_("Attribute")),
            RuleField("score.at_least", "score", N_("At least"), N_("From 0 to 1. Empty: no limit."), 0, 1),
            RuleField("score.below", "score", N_("Below"), N_("From 0 to 1. Empty: no limit."), 0, 1),
        ),
        is_any_needed=True,
    ),
    "text": RuleKind(
        N_("Language, capitals or length"),
        N_("The rule applies if all that you fill in is so."),
        (
            RuleField("text.language", "lines", N_("Languages"), N_("Their codes, one a line: de, en, uk.")),
            RuleField(
                "text.capitals_above", "share", N_("More than this share of the letters are capitals, %"), least=0
            ),
            RuleField("text.shorter_than", "whole", N_("Fewer characters than"), most=20_480),
            RuleField("text.longer_than", "whole", N_("More characters than"), least=0, most=20_480),
        ),
        is_any_needed=True,
    ),
    "article": RuleKind(
        N_("Section or article"),
        N_("All comments of a section or under an article."),
        (
            RuleField("article.section", "lines", N_("Sections"), N_("One a line, as the site names them.")),
            RuleField("article.ids", "lines", N_("Ids of articles"), N_("One a line.")),
        ),
        is_any_needed=True,
    ),
}
JSON_TITLE, JSON_HINT = N_("Anything else"), N_("Patterns, times, and conditions combined, as JSON.")


def fields_of(kind: str) -> Sequence[RuleField]:
    """The fields of a guided form; none for JSON."""
    return () if kind == JSON else KINDS[kind].fields
