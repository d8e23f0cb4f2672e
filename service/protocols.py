"""What a site wants where it speaks to us in another service's words; a part of its policy."""

from typing import Annotated

from msgspec import Meta, Struct

from service.domain import Probability


class Perspective(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    queue_doubtful: Annotated[
        bool, Meta(description="Analyzed comments in the review band go to the queue, unless sent with doNotStore.")
    ] = False
    trust_languages: Annotated[
        bool,
        Meta(
            description="Believe `languages`; false: the text tells, for Coral names English for most of its locales."
        ),
    ] = True
    accept_html: Annotated[bool, Meta(description="Judge the text between the tags; false: HTML is refused.")] = False
    attributes: Annotated[
        dict[str, str],
        Meta(
            max_length=64, description="Further names that are served: a Perspective attribute to one of the model's."
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


class Akismet(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    doubtful_is_spam: Annotated[
        bool, Meta(description="Answer true, without `discard`, for a comment that a person should see.")
    ] = True
    discard_at: Annotated[
        Probability | None,
        Meta(description="From this spam score on a rejected comment may be thrown away; null: never."),
    ] = 0.99


class Protocols(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    perspective: Perspective = Perspective()
    coral: Coral = Coral()
    openai: OpenAi = OpenAi()
    akismet: Akismet = Akismet()
