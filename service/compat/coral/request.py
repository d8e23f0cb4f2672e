"""Coral's request, and its conversion to a comment (coral-external-moderation.md, A1)."""

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from service.compat import markup
from service.http import bodies
from service.values.domain import MAX_TEXT_BYTES, Article, Author, Comment, Id, Parent

# Enough of a 256-bit hash that no two comments share an id.
ID_CHARS = 40
# The maximum length of each metadata field, so that no field exceeds the limit of the metadata.
MOST_KEPT = 256

Url = Annotated[str, Meta(max_length=2048)]


class Body(Struct, frozen=True):
    """`body`: HTML or plain text, by a setting in Coral that the request does not include; blank for a mere rating."""

    body: str
    parent_id: str | None = msgspec.field(default=None, name="parentID")


class Person(Struct, frozen=True):
    id: str | None = None
    role: str | None = None


class Story(Struct, frozen=True):
    id: str | None = None
    url: str | None = None


class CoralSite(Struct, frozen=True):
    id: str | None = None


class CoralRequest(Struct, frozen=True):
    """Unknown fields are ignored: Coral may add some."""

    comment: Body
    action: str = "NEW"
    author: Person = Person()
    story: Story = Story()
    site: CoralSite = CoralSite()
    tenant_id: str = msgspec.field(default="", name="tenantID")
    tenant_domain: str = msgspec.field(default="", name="tenantDomain")


def asked(raw: bytes) -> CoralRequest:
    """Raises BadRequest with the name of the field."""
    return bodies.shape(bodies.parse(bodies.decoded(raw)), CoralRequest)


class CoralComment(Struct, frozen=True):
    """`comment`: None if there is no text to judge. `is_cut`: the text was too long; only its start is kept."""

    comment: Comment | None
    is_cut: bool = False


def read(asked: CoralRequest, pseudonym: Callable[[str], str]) -> CoralComment:
    """The comment in `asked`, with an id that stays the same when Coral sends it again."""
    body = markup.read(asked.comment.body)
    text = body.text
    if not text:
        return CoralComment(None)
    kept = _cut(text)
    digest = text_digest(body.visible)
    # Coral sends no comment id. These fields identify a comment; an edit counts as a new one.
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
    return CoralComment(comment, is_cut=kept != text)


def text_digest(text: str) -> str:
    """The digest of the visible text, ignoring white space. Both of Coral's interfaces produce the same one."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def _fitting(value: str | None, kind: Any) -> Any:  # noqa: ANN401 - what `kind` is
    """None if `value` does not fit `kind`: Coral's ids must not prevent a comment from being judged."""
    try:
        return None if value is None else msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


def _cut(text: str) -> str:
    raw = text.encode()
    return text if len(raw) <= MAX_TEXT_BYTES else raw[:MAX_TEXT_BYTES].decode(errors="ignore").rstrip()
