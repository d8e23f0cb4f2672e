"""A site's settings for the APIs of other services, as a part of its policy."""

from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from service.values.domain import Action, Probability

# The Perspective attribute that stands for the whole policy instead of one attribute of the model.
LIKELY_TO_REJECT = "LIKELY_TO_REJECT"


class Perspective(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    queue_doubtful: Annotated[
        bool, Meta(description="Analyzed comments in the review band go to the queue, unless sent with doNotStore.")
    ] = False
    trust_languages: Annotated[
        bool,
        Meta(
            description="Believe `languages`; false: detect the language, because Coral sends English for most locales."
        ),
    ] = True
    accept_html: Annotated[bool, Meta(description="Judge the text between the tags; false: HTML is refused.")] = False
    omit_unknown: Annotated[
        bool, Meta(description="Leave attributes that are not served out of the answer; false: refuse the request.")
    ] = False
    attributes: Annotated[
        dict[str, str],
        Meta(
            max_length=64,
            description="Additional Perspective attributes, each with the model's attribute that it serves.",
        ),
    ] = {}
    score_maps: Annotated[
        dict[str, list[tuple[Probability, Probability]]],
        Meta(
            max_length=64,
            description="By Perspective attribute: rising pairs of our score and the one answered, straight lines "
            "between them. `steward migrate perspective` makes them.",
        ),
    ] = {}


class Coral(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    may_approve: Annotated[
        bool, Meta(description="Answer APPROVED, which overrules Coral's pre-moderation; false: say nothing (204).")
    ] = False
    may_reject: Annotated[bool, Meta(description="Answer REJECTED; false: withhold, as Coral's own phases do.")] = False
    publish_first: Annotated[bool, Meta(description="Doubtful comments are flagged and published, not withheld.")] = (
        False
    )
    shadow: Annotated[bool, Meta(description="Judge and record, and always say nothing.")] = False
    budget_ms: Annotated[
        int, Meta(ge=20, le=10_000, description="Milliseconds until we say nothing; below the time-out of the phase.")
    ] = 150


class OpenAi(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    ignore_images: Annotated[bool, Meta(description="Judge the texts beside an image; false: images are refused.")] = (
        False
    )
    doubtful_is_flagged: Annotated[
        bool, Meta(description="Flag what a person should see; false: only what is rejected.")
    ] = True


# `pending`: the client should hold the comment for its own moderators, outside of its spam folder.
AkismetAnswer = Literal["spam", "ham", "pending"]


class Akismet(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    doubtful_is_spam: Annotated[
        bool,
        Meta(description="What `doubtful` is if it is null: true for `spam`, false for `ham`. Set `doubtful` instead."),
    ] = True
    doubtful: Annotated[
        AkismetAnswer | None,
        Meta(
            description="For a comment that a person should see: `spam` answers true, without `discard`; `ham` answers "
            "false; `pending` makes WordPress and Discourse hold it for their moderators."
        ),
    ] = None
    unread: Annotated[
        AkismetAnswer | None,
        Meta(
            description="For a comment in a language that the model does not judge. Null: as `doubtful`, but `pending` "
            "instead of `spam` for WordPress's plugin, whose spam folder is emptied after 15 days."
        ),
    ] = None
    spam: Annotated[
        Literal["spam", "pending"],
        Meta(description="For a comment that the policy rejects; only `spam` may carry `discard`."),
    ] = "spam"
    discard_at: Annotated[
        Probability | None,
        Meta(description="From this spam score on a rejected comment may be thrown away; null: never."),
    ] = 0.99

    def answer(self, action: Action, *, is_unread: bool, is_wordpress: bool) -> AkismetAnswer:
        """What a client is told. `is_unread`: the model does not judge the language."""
        if action is Action.APPROVE:
            return "ham"
        if action is Action.REJECT:
            return self.spam
        if not is_unread:
            return self.doubtful_answer
        if self.unread is not None:
            return self.unread
        return "pending" if is_wordpress and self.doubtful_answer == "spam" else self.doubtful_answer

    @property
    def doubtful_answer(self) -> AkismetAnswer:
        return self.doubtful or ("spam" if self.doubtful_is_spam else "ham")


class Protocols(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    perspective: Perspective = Perspective()
    coral: Coral = Coral()
    openai: OpenAi = OpenAi()
    akismet: Akismet = Akismet()


class ProtocolFault(NamedTuple):
    """An impossible setting: the path to it in `Protocols`, and why."""

    steps: tuple[str, ...]
    why: str


def perspective_names(attributes: Collection[str]) -> dict[str, str]:
    """The model's attributes by their Perspective names: in upper case; profanity also by its older name."""
    names = {attribute.upper(): attribute for attribute in attributes}
    if "profanity" in attributes:
        names.setdefault("OBSCENE", "profanity")
    return names


def faults(protocols: Protocols, attributes: Collection[str]) -> Iterator[ProtocolFault]:
    """Settings that have the right type but are impossible. `attributes`: those of the model."""
    at, asked = ("perspective",), protocols.perspective
    served = {*perspective_names(attributes), LIKELY_TO_REJECT}
    for name, attribute in asked.attributes.items():
        if name in served:
            yield ProtocolFault((*at, "attributes", name), "served already, and cannot be another attribute")
        elif not name or not set(name) <= _NAME or name[0] not in _LETTERS:
            yield ProtocolFault((*at, "attributes", name), "not a name of an attribute: A to Z, 0 to 9 and _")
        elif attribute not in attributes:
            yield ProtocolFault((*at, "attributes", name), f"'{attribute}' is not an attribute of this model")
    for name, pairs in asked.score_maps.items():
        if name not in served | set(asked.attributes):
            yield ProtocolFault((*at, "score_maps", name), "not an attribute that is served")
        yield from _not_rising((*at, "score_maps", name), pairs)


_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NAME = _LETTERS | frozenset("0123456789_")


def _not_rising(at: tuple[str, ...], pairs: list[tuple[float, float]]) -> Iterator[ProtocolFault]:
    if not pairs:
        yield ProtocolFault(at, "holds no pairs")
    for number, (before, after) in enumerate(pairwise(pairs), 1):
        if after[0] <= before[0]:
            yield ProtocolFault((*at, str(number), "0"), "our score must be above that of the pair before")
        if after[1] < before[1]:
            yield ProtocolFault((*at, str(number), "1"), "the score answered must not be below that of the pair before")


def mapped(score: float, pairs: list[tuple[float, float]]) -> float:
    """Linear interpolation of `score` between `pairs`, from (0, 0) to (1, 1) unless `pairs` contains other ends."""
    x, y = 0.0, 0.0
    for next_x, next_y in (*pairs, (1.0, 1.0)):
        if score <= next_x:
            # Divide first: the quotient is 1 at the end, where a product of tiny numbers would be 0.
            return y + (next_y - y) * ((score - x) / (next_x - x)) if next_x > x else next_y
        x, y = next_x, next_y
    return y
