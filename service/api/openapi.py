"""/openapi.json, generated from the route table."""

import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import msgspec

from service.api.operation import Operation
from service.http.problems import TITLES, Problem
from service.values.domain import Id

_PARAMETER = re.compile(r"{(\w+)}")
_REF = "#/components/schemas/{name}"

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
            "description": "Comment moderation: score, decide, record, review, learn.\n\n"
            "An optional field that is null, blank, or [] in place of an object counts as not sent.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}},
        },
    }


def _scopes(row: Operation) -> str:
    return " or ".join(f"`{scope}`" for scope in row.scopes)


def _operation(row: Operation, named: dict[type, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": row.name,
        "tags": [row.tag],
        "summary": row.summary,
        "description": f"{(row.handler.__doc__ or '').strip()}\n\nNeeds the scope {_scopes(row)}.".strip(),
        "parameters": [*_path_parameters(row.path), *_query_parameters(row.query)],
        "responses": {str(row.status): _answer(row, named)} | {str(s): _problem(s) for s in _statuses(row)},
    }
    if row.body is not None:
        texts = {kind: {"schema": {"type": "string"}} for kind in row.also_takes}
        described["requestBody"] = {"required": True, "content": {row.takes: {"schema": named[row.body]}} | texts}
    return described


def _statuses(row: Operation) -> list[int]:
    of_body = (413, 415) if row.body is not None else ()
    return sorted({400, *_ALWAYS, *of_body, *row.problems})


def _answer(row: Operation, named: dict[type, Any]) -> dict[str, Any]:
    if row.answer is None:
        return {"description": "Done."}
    content = {kind: {"schema": named[row.answer]} for kind in (row.gives, *row.also_gives)}
    return {"description": "The answer.", "content": content}


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    return {"description": TITLES[status], "content": {"application/problem+json": {"schema": schema}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    schema = msgspec.json.schema(Id)
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in _PARAMETER.findall(path)]


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
