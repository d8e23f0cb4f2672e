"""/openapi.json, generated from the route table."""

import inspect
import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import msgspec

from service.api.examples import examples
from service.api.operation import JSON, Operation
from service.http.problems import TITLES, Problem
from service.values.domain import Id

_PARAMETER = re.compile(r"{(\w+)}")
_REF = "#/components/schemas/{name}"

# In the order in which somebody new needs them.
TAGS = {
    "Comments": "Post comments and learn what was decided: in the answer, later by id, as a feed, or by a webhook.",
    "Score": "Score texts without storing anything.",
    "Review": "What moderators do: claim comments, decide them, take decisions back; the queue and its figures.",
    "Webhooks": "The address to which Steward posts each change, its secret, and what could not be delivered.",
    "Authors": "One author: statistics, export, erasure; trusted, pre-moderated, muted or banned.",
    "Approvals": "What takes two people: proposed with one key, approved with another.",
    "Articles": "Close, pre-moderate or calm an article or a section for a time.",
    "Policies": "Thresholds and rules: read, try on past comments, change, restore.",
    "Lists": "Word lists for rules, with versions.",
    "Labels": "Moderators' decisions as training data, and labels from elsewhere.",
    "Models": "The models: compare, promote, roll back.",
    "Audit": "Who did what when.",
    "Keys": "The API keys of the site.",
    "Operations": "Health checks and counters.",
}
_START = """Comment moderation: score, decide, record, review, learn.

**Start here.** Press *Authorize* and paste an API key (the first start of the service prints one; `steward keys create`
makes others). Then open *Comments*, `POST /v1/comments`, and press *Try it out*: the answer says `approve`, `review` or
`reject`. A comment with `review` waits for a moderator; `GET /v1/comments/{id}` shows what became of it, and webhooks
(`PUT /v1/webhooks`) tell your site at once.

Every example is a request that was made, with its real answer. Errors are problem documents (RFC 9457): `detail` says
what is wrong, `errors` names the fields, `code` is stable.

An optional field that is null, blank, or [] in place of an object counts as not sent."""

# Errors that any operation with a key may answer.
_ALWAYS = (401, 403, 429)


def describe(operations: Iterable[Operation]) -> dict[str, Any]:
    """An OpenAPI 3.1 description."""
    rows = list(operations)
    kinds = [kind for row in rows for kind in (row.body, row.answer) if kind is not None]
    schemas, components = msgspec.json.schema_components([*kinds, Problem], ref_template=_REF)
    named = dict(zip([*kinds, Problem], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, named)
    paths |= _OPERATIONS
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Steward",
            "version": version("comment-steward"),
            "description": _START,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": name, "description": said} for name, said in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}},
        },
    }


def _scopes(row: Operation) -> str:
    return " or ".join(f"`{scope}`" for scope in row.scopes)


def _operation(row: Operation, named: dict[type, Any]) -> dict[str, Any]:
    shown = examples().get(row.name, {})
    described: dict[str, Any] = {
        "operationId": row.name,
        "tags": [row.tag],
        "summary": row.summary,
        "description": f"{inspect.cleandoc(row.handler.__doc__ or '')}\n\nNeeds the scope {_scopes(row)}.".strip(),
        "parameters": [*_path_parameters(row.path, shown.get("path", {})), *_query_parameters(row.query)],
        "responses": {str(row.status): _answer(row, named, shown)} | {str(s): _problem(s) for s in _statuses(row)},
    }
    if row.body is not None:
        texts = {kind: {"schema": {"type": "string"}} for kind in row.also_takes}
        body = {"schema": named[row.body]} | ({"example": shown["body"]} if "body" in shown else {})
        described["requestBody"] = {"required": True, "content": {row.takes: body} | texts}
    return described


def _statuses(row: Operation) -> list[int]:
    of_body = (413, 415) if row.body is not None else ()
    return sorted({400, *_ALWAYS, *of_body, *row.problems})


def _answer(row: Operation, named: dict[type, Any], shown: dict[str, Any]) -> dict[str, Any]:
    if row.answer is None:
        return {"description": "Done."}
    content = {kind: {"schema": named[row.answer]} for kind in (row.gives, *row.also_gives)}
    if "answer" in shown and row.gives == JSON:
        content[row.gives]["example"] = shown["answer"]
    return {"description": "The answer.", "content": content}


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    return {"description": TITLES[status], "content": {"application/problem+json": {"schema": schema}}}


def _path_parameters(path: str, shown: dict[str, str]) -> list[dict[str, Any]]:
    schema = msgspec.json.schema(Id)
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        | ({"example": shown[name]} if name in shown else {})
        for name in _PARAMETER.findall(path)
    ]


def _query_parameters(query: type) -> list[dict[str, Any]]:
    described = msgspec.json.schema(query)
    properties = described["$defs"][query.__name__]["properties"]
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in properties.items()]


def _public(summary: str, kind: str, *statuses: int) -> dict[str, Any]:
    content: dict[str, Any] = {kind: {"schema": {}}}
    return {
        "get": {
            "tags": ["Operations"],
            "summary": summary,
            "security": [],
            "responses": {str(status): {"description": summary, "content": content} for status in statuses},
        }
    }


def _counters() -> dict[str, Any]:
    described = _public("Prometheus text; needs the scope `admin`, on a port of its own nothing.", "text/plain", 200)
    del described["get"]["security"]
    described["get"]["responses"] |= {str(status): _problem(status) for status in _ALWAYS}
    return described


_OPERATIONS = {
    "/livez": _public("The process runs.", "application/json", 200),
    "/readyz": _public(
        "Whether model, store and background work are well, or which is not.",
        "application/json",
        200,
        503,
    ),
    "/metrics": _counters(),
}
