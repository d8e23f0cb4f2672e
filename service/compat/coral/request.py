"""What Coral asks, and the comment that it is to us (coral-external-moderation.md, A1)."""

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from service.compat import markup
from service.http import bodies
from service.values.domain import MAX_TEXT_BYTES, Article, Author, Comment, Id, Parent

# Of a hash with 256 bits: enough that no two comments share an id.
ID_CHARS = 40
# Of what is kept beside the text, so that no field of Coral's can push it over the limit of metadata.
MOST_KEPT = 256

Url = Annotated[str, Meta(max_length=2048)]


class Body(Struct, frozen=True):
    """`body`: HTML or plain text, as the phase is set in Coral, which does not say; blank for a mere rating."""

    body: str
    parent_id: str | None = msgspec.field(default=None, name="parentID")


class Person(Struct, frozen=True):
    id: str | None = None
    role: str | None = None


class Story(Struct, frozen=True):
    id: str | None = None
    url: str | None = None


class Place(Struct, frozen=True):
    id: str | None = None


class Asked(Struct, frozen=True):
    """Unknown fields are ignored: Coral may add some."""

    comment: Body
    action: str = "NEW"
    author: Person = Person()
    story: Story = Story()
    site: Place = Place()
    tenant_id: str = msgspec.field(default="", name="tenantID")
    tenant_domain: str = msgspec.field(default="", name="tenantDomain")


def asked(raw: bytes) -> Asked:
    """Raises BadRequest, which names the field."""
    return bodies.shape(bodies.parse(bodies.decoded(raw)), Asked)


class Read(Struct, frozen=True):
    """`comment`: None when there is no text to judge. `is_cut`: the text is longer than we judge; its start is kept."""

    comment: Comment | None
    is_cut: bool = False


def read(asked: Asked, pseudonym: Callable[[str], str]) -> Read:
    """The comment that `asked` is about, under an id that is the same whenever it comes again."""
    body = markup.read(asked.comment.body)
    text = body.text
    if not text:
        return Read(None)
    kept = _cut(text)
    digest = text_digest(body.visible)
    # Coral names no comment here. These tell it from all others but one: an edit is a comment of its own.
    place = (asked.tenant_id, asked.author.id or "", asked.story.id or "", asked.comment.parent_id or "")
    comment = Comment(
        text=kept,
        id=f"coral-{pseudonym(json.dumps((*place, digest)))[:ID_CHARS]}",
        author=Author(id=_fitting(asked.author.id, Id)),
        article=Article(id=_fitting(asked.story.id, Id), url=_fitting(asked.story.url, Url)),
        parent=Parent(id=_fitting(asked.comment.parent_id, Id)) if asked.comment.parent_id else None,
        metadata={
            "protocol": "coral",
            "action": asked.action[:MOST_KEPT],
            "role": (asked.author.role or "")[:MOST_KEPT],
            "site": (asked.site.id or "")[:MOST_KEPT],
            "tenant": asked.tenant_id[:MOST_KEPT],
            "tenant_domain": asked.tenant_domain[:MOST_KEPT],
            "text_sha256": digest,
        },
    )
    return Read(comment, is_cut=kept != text)


def text_digest(text: str) -> str:
    """Of a text as readers see it, however its words are spaced: what Coral's two doors have in common."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def _fitting(value: str | None, kind: Any) -> Any:  # noqa: ANN401 - what `kind` is
    """None where it is not of the kind: what Coral calls things must not keep a comment from being judged."""
    try:
        return None if value is None else msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


def _cut(text: str) -> str:
    raw = text.encode()
    return text if len(raw) <= MAX_TEXT_BYTES else raw[:MAX_TEXT_BYTES].decode(errors="ignore").rstrip()
