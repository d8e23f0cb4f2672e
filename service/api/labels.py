"""Export and import of labels, as NDJSON."""

import asyncio
import hashlib
from collections import defaultdict
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import NDJSON, Call, Operation
from service.http import bodies
from service.http.cursors import Cursor, checked
from service.http.shapes import pointer
from service.store.base import Label
from service.store.labels import Imported
from service.values.access import Scope
from service.values.domain import A_CODE, MAX_COMMUNITY, WORDS, YES_FROM, Answers, Id
from service.values.errors import BadRequest, Fault

# Labels that are written to Redis together: enough to share its syncs, few enough not to delay other requests.
AT_ONCE = 200


_IGNORED = "As in an export; ignored."


class LabelsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    after: Annotated[Cursor, Meta(description="Steward-Next-Cursor of the answer before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=5000)] = 1000


class LabelRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A label made elsewhere: a decision, labels by attribute, or both."""

    text: str
    id: Annotated[Id, Meta(description="Another label of the same id takes the place of this one.")] | None = None
    labels: Annotated[
        Answers, Meta(description="True or false, or the share of people who would say yes; 0.5 and more says yes.")
    ] = {}
    decision: (
        Annotated[
            str,
            Meta(
                pattern=r"^(approve|reject)?$(?!\n)",
                description="Empty or left out: nothing was decided, and only what `labels` say is taught.",
                extra={WORDS: "must be approve, reject or empty"},
            ),
        ]
        | None
    ) = None
    reason: Annotated[str, Meta(max_length=64, pattern=r"^[a-z0-9_]*$(?!\n)", extra={WORDS: A_CODE})] = ""
    source: Annotated[
        str,
        Meta(
            max_length=64,
            pattern=r"^[\x21-\x7e]+$(?!\n)",
            extra={WORDS: "must be printable ASCII characters without spaces"},
        ),
    ] = "import"
    weight: Annotated[float, Meta(gt=0, le=100)] = 1.0
    community: (
        Annotated[str, Meta(min_length=1, max_length=MAX_COMMUNITY, description="Whose people say so.")] | None
    ) = None
    cursor: Annotated[str, Meta(description="As in an export, where `retracts` names it; otherwise ignored.")] = ""
    retracts: (
        Annotated[
            str,
            Meta(
                description="As in an export: the line with this `cursor`, or with * each earlier one of this `id`, is "
                "left out. It must be in the same body."
            ),
        ]
        | None
    ) = None
    revision: Annotated[int | None, Meta(description=_IGNORED)] = None
    actor: Annotated[str, Meta(description=_IGNORED)] = ""
    at: Annotated[str, Meta(description=_IGNORED)] = ""
    language: Annotated[str | None, Meta(description=_IGNORED)] = None
    inclusion: Annotated[float | None, Meta(description=_IGNORED)] = None
    learning_inclusion: Annotated[float | None, Meta(description=_IGNORED)] = None


class LabelsResponse(Struct, frozen=True):
    added: int
    known: int


async def list_labels(call: Call) -> web.Response:
    """Every human decision after the cursor, oldest first; an empty answer says that there are no more.

    Texts leave by it, so the audit trail says who read how many, and from where on.

    The header Steward-Next-Cursor is where to go on; erased texts are passed over, so it can lie behind
    the last line. While STEWARD_SHARDS is 1, the `cursor` of a label is one to go on at as well.
    """
    labels, site = call.request.app[keys.STORE].labels, call.key.site
    began = after = checked(call.request, call.query.after)
    found = list[Label]()
    while not found:
        found, last = await labels.page(site, after, call.query.limit)
        if last is None:
            break
        after = last
    if found:
        count = str(len(found))
        await call.request.app[keys.STORE].audit.write(site, "labels_read", call.key.name, labels=count, after=began)
    body = b"".join(msgspec.json.encode(label) + b"\n" for label in found)
    return web.Response(body=body, content_type=NDJSON, headers={"Steward-Next-Cursor": after})


async def add_labels(call: Call) -> LabelsResponse:
    """Take in labels made elsewhere, also what `GET /v1/labels` of another installation gave.

    All lines are checked before the first is kept; known ones change nothing.
    """
    site, known = call.key.site, call.request.app[keys.MODERATION].attributes(call.key.site)
    lines = [_label(line, number, known) for number, line in _without_retracted(call.body)]
    kept, added = call.request.app[keys.STORE].labels, 0
    for start in range(0, len(lines), AT_ONCE):
        some = lines[start : start + AT_ONCE]
        added += sum(await asyncio.gather(*(kept.add(site, label, call.key.name) for label in some)))
    return LabelsResponse(added, len(lines) - added)


def _without_retracted(body: str) -> list[tuple[int, LabelRequest]]:
    """The lines, counted from 0, that a later line does not retract. Raises BadRequest."""
    kept = dict[int, LabelRequest]()
    by_cursor, by_id = dict[str, int](), defaultdict[str | None, list[int]](list)
    for number, line in enumerate(body.split("\n")):
        if not line or line.isspace():
            continue
        at = f"/{number}"
        value = _parsed(line, number)
        if isinstance(value, dict) and value.get("retracts"):
            value = value | {"weight": 1}  # that of such a line is 0
        label = bodies.shape(value, LabelRequest, at)
        if not label.retracts:
            kept[number] = label
            by_cursor[label.cursor] = number
            by_id[label.id].append(number)
        elif label.retracts == _ALL:
            for earlier in by_id.pop(label.id, ()):
                kept.pop(earlier, None)
        elif label.retracts in by_cursor:
            kept.pop(by_cursor[label.retracts], None)
        else:
            detail = "names a label that is not in this body: send both, or neither"
            raise BadRequest(f"{at}/retracts: {detail}", [Fault(f"{at}/retracts", detail)])
    return list(kept.items())


# What an erasure retracts.
_ALL = "*"


def _label(label: LabelRequest, number: int, known: tuple[str, ...]) -> Imported:
    at = f"/{number}"
    bodies.check_text(label.text, f"{at}/text")
    for name in label.labels:
        if name not in known:
            where = pointer(at, "labels", name)
            raise BadRequest(f"{where}: not an attribute", [Fault(where, "not an attribute")])
    if not label.labels and not label.decision:
        raise BadRequest(f"{at}: neither labels nor a decision", [Fault(at, "send labels, a decision, or both")])
    decision = label.decision or ""
    said = [label.text, sorted(label.labels.items()), decision, label.reason, label.source, label.weight]
    if label.community is not None:
        said.append(label.community)
    # Without an id, a hash of the content is the id, so that importing a file twice changes nothing. Earlier releases
    # made up a decision from the labels: a label that is imported again has the same id and replaces that one.
    is_yes = any(value >= YES_FROM for value in label.labels.values())
    known_as = [*said[:2], decision or ("reject" if is_yes else "approve"), *said[3:]]
    return Imported(
        label.id or f"label-{_digest(known_as)}",
        _digest(said),
        label.text,
        label.labels,
        decision,
        label.reason,
        label.source,
        label.weight,
        label.community,
    )


def _parsed(line: str, number: int) -> object:
    """The JSON value of a line, counted from 0. Raises BadRequest, which names the line."""
    try:
        return bodies.parse(line)
    except BadRequest as error:
        at = f"/{number}"
        told = [fault.detail.replace("line 1,", f"line {number + 1},") for fault in error.faults]
        raise BadRequest(f"{at}: not valid JSON: {told[0]}", [Fault(at, each) for each in told]) from error


def _digest(said: list[object]) -> str:
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=16).hexdigest()


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/labels",
        handler=list_labels,
        scope=Scope.ADMIN,
        tag="Labels",
        summary="What people decided, for training (NDJSON).",
        query=LabelsQuery,
        answer=Label,
        gives=NDJSON,
        problems=(503,),
    ),
    Operation(
        method="POST",
        path="/v1/labels",
        handler=add_labels,
        scope=Scope.ADMIN,
        tag="Labels",
        summary="Take in labels made elsewhere (NDJSON).",
        body=LabelRequest,
        takes=NDJSON,
        answer=LabelsResponse,
        limit=bodies.MAX_BATCH_BYTES,
        problems=(503,),
    ),
)
