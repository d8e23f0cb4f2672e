"""/openapi.json tells the truth: valid, complete, and real answers have its shapes."""

import re
from typing import Any

import pytest

# The description describes neither itself nor the page that leads to it.
OF_THE_DOCUMENTATION = {(path, "get") for path in ("/openapi.json", "/docs", "/docs/{name}", "/", "/favicon.ico")}
# Pages for people, and routes that speak another service's words, which that service describes (docs/compatibility.md).
NOT_NATIVE = re.compile(
    r"/(?:\{(?:before|slashes)\}/?)?(console|demo|v1alpha1|\$discovery|batch|models|moderations|v1/moderations|1\.[12]|k|coral|"
    r"v1/models/(?:omni|text)-moderation)\b"
)


@pytest.fixture
async def description(admin: Any) -> Any:
    return (await type(admin)(admin.client, None).get("/openapi.json")).body


@pytest.fixture(scope="module")
def json_schema() -> Any:
    """Makes a validator of a schema."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - slow, and not wanted by whoever only collects

    return Draft202012Validator


@pytest.fixture
def fits(description: Any, json_schema: Any) -> Any:
    """Checks a real answer against what is said of it."""

    def fits(reply: Any, path: str, method: str = "post") -> None:
        responses = description["paths"][path][method]["responses"]
        assert str(reply.status) in responses, f"{method} {path} does not say that it may answer {reply.status}"
        content = responses[str(reply.status)].get("content")
        if content is None:
            assert reply.raw == b""
            return
        (kind,) = content
        assert reply.headers["Content-Type"].split(";")[0] == kind
        schema = {**content[kind]["schema"], "components": description["components"]}
        json_schema(schema, format_checker=json_schema.FORMAT_CHECKER).validate(reply.body)

    return fits


async def test_the_description_is_valid(description: Any) -> None:
    from openapi_spec_validator import OpenAPIV31SpecValidator  # noqa: PLC0415 - it imports jsonschema

    OpenAPIV31SpecValidator(description).validate()


async def test_every_route_is_described_and_every_description_has_a_route(description: Any, app: Any) -> None:
    served = {
        (re.sub(r":\[\^/\]\+}", "}", route.resource.canonical), route.method.lower())
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD" and not NOT_NATIVE.match(route.resource.canonical)
    }
    described = {(path, method) for path, found in description["paths"].items() for method in found}
    assert served - OF_THE_DOCUMENTATION == described


async def test_operations_have_a_name_of_their_own(description: Any) -> None:
    named = [found[method].get("operationId") for found in description["paths"].values() for method in found]
    ids = [name for name in named if name]
    assert len(set(ids)) == len(ids)


async def test_examples_of_the_contract_fit_the_bodies(description: Any, json_schema: Any) -> None:
    schema = {"$ref": "#/components/schemas/Comment", "components": description["components"]}
    validator = json_schema(schema)
    validator.validate({"text": "a", "id": "c-1", "author": {"id": "u-9"}, "metadata": {}})
    for bad in ({}, {"text": 1}, {"text": "a", "id": "a\nb"}, {"text": "a", "colour": 1}):
        assert not validator.is_valid(bad)


async def test_real_answers_have_the_described_shapes(admin: Any, decide_always: Any, fits: Any) -> None:
    await decide_always("review")
    fits(await admin.post("/v1/score", {"text": "you idiot", "spans": True}), "/v1/score")
    fits(await admin.post("/v1/score", {}), "/v1/score")
    comment = {"id": "c-1", "text": "you idiot", "author": {"id": "u-1"}, "article": {"id": "a-1"}}
    fits(await admin.post("/v1/comments", comment), "/v1/comments")
    fits(await admin.post("/v1/comments:batch", {"comments": [{"text": "a"}, {}]}), "/v1/comments:batch")
    fits(await admin.get("/v1/comments/c-1"), "/v1/comments/{id}", "get")
    fits(await admin.get("/v1/comments/none"), "/v1/comments/{id}", "get")
    fits(await admin.get("/v1/review/items"), "/v1/review/items", "get")
    claimed = await admin.post("/v1/review/claim", {"count": 2})
    fits(claimed, "/v1/review/claim")
    lease = claimed.body["items"][0]["lease"]
    fits(await admin.post("/v1/review/c-1/extend", {"lease": lease}), "/v1/review/{id}/extend")
    fits(await admin.post("/v1/review/c-1/extend", {"lease": "1.9"}), "/v1/review/{id}/extend")
    decision = {"decision": "reject", "lease": lease, "labels": {"insult": True}}
    fits(await admin.post("/v1/review/c-1/decision", decision), "/v1/review/{id}/decision")
    fits(await admin.post("/v1/review/c-1/decision", {**decision, "note": "x"}), "/v1/review/{id}/decision")
    many = {"decisions": [{"id": "c-1", **decision}, {}]}
    fits(await admin.post("/v1/review/decisions", many), "/v1/review/decisions")
    fits(await admin.post("/v1/review/c-1/release", {"lease": "1.1"}), "/v1/review/{id}/release")
    fits(await admin.get("/v1/review/stats"), "/v1/review/stats", "get")
    fits(await admin.get("/v1/comments/c-1/statement"), "/v1/comments/{id}/statement", "get")
    fits(await admin.get("/v1/review/audits"), "/v1/review/audits", "get")
    fits(await admin.get("/v1/review/draws"), "/v1/review/draws", "get")
    fits(await admin.get("/v1/audit"), "/v1/audit", "get")
    fits(await admin.get("/v1/models"), "/v1/models", "get")
    fits(await admin.get("/v1/models/none"), "/v1/models/{version}", "get")
    fits(await admin.post("/v1/models:rollback"), "/v1/models:rollback")
    fits(await admin.get("/v1/policies/default"), "/v1/policies/{name}", "get")
    fits(await admin("DELETE", "/v1/comments/c-1"), "/v1/comments/{id}", "delete")
    fits(await admin.get("/v1/comments/c-1"), "/v1/comments/{id}", "get")
    fits(await admin.post("/v1/comments", comment), "/v1/comments")
    fits(await admin.send("/v1/labels", b'{"text": "a", "decision": "reject"}', "application/x-ndjson"), "/v1/labels")
    fits(await admin.get("/livez"), "/livez", "get")
    fits(await admin.get("/readyz"), "/readyz", "get")


async def test_a_promoted_model_is_described(admin: Any, fits: Any) -> None:
    active = (await admin.get("/v1/models")).body["active"]
    fits(await admin.get(f"/v1/models/{active}"), "/v1/models/{version}", "get")
    fits(await admin.post(f"/v1/models/{active}:promote"), "/v1/models/{version}:promote")


async def test_an_escalated_comment_answers_as_described(admin: Any, ann: Any, decide_always: Any, fits: Any) -> None:
    await decide_always("review")
    await admin.post("/v1/comments", {"id": "c-1", "text": "hello"})
    lease = (await ann.post("/v1/review/claim", {})).body["items"][0]["lease"]
    await ann.post("/v1/review/c-1/decision", {"decision": "escalate", "lease": lease})
    reply = await ann.post("/v1/review/c-1/decision", {"decision": "approve", "lease": lease})
    assert (reply.status, reply.body["code"]) == (409, "already_escalated")
    fits(reply, "/v1/review/{id}/decision")


async def test_word_lists_answer_as_described(admin: Any, description: Any, fits: Any) -> None:
    path = "/v1/lists/{name}"
    fits(await admin("PUT", "/v1/lists/words", {"entries": [{"text": "idiot", "until": "2030-01-31"}]}), path, "put")
    fits(await admin("PUT", "/v1/lists/words?dry_run=true", {"entries": [{"text": "fool"}]}), path, "put")
    fits(await admin("PUT", "/v1/lists/words", {"entries": [{}]}), path, "put")
    fits(await admin("PATCH", "/v1/lists/words", {"add": [{"text": "fool", "exception": True}]}), path, "patch")
    fits(await admin.get("/v1/lists"), "/v1/lists", "get")
    fits(await admin.get("/v1/lists/words"), path, "get")
    fits(await admin.get("/v1/lists/words/versions"), f"{path}/versions", "get")
    fits(await admin.get("/v1/lists/words:diff"), f"{path}:diff", "get")
    fits(await admin.post("/v1/lists/words:restore", {"version": 1}), f"{path}:restore")
    fits(await admin("DELETE", "/v1/lists/words"), path, "delete")
    fits(await admin("DELETE", "/v1/lists/words"), path, "delete")
    body = description["paths"][path]["put"]["requestBody"]["content"]
    assert body.keys() == {"application/json", "text/csv", "text/plain"}
    answer = description["paths"][f"{path}:export"]["get"]["responses"]["200"]["content"]
    assert answer.keys() == {"text/csv", "text/plain"}


async def test_every_group_is_explained_and_no_description_is_indented_like_code(description: Any) -> None:
    explained = {tag["name"] for tag in description["tags"] if tag["description"]}
    operations = [each for found in description["paths"].values() for each in found.values()]
    assert {tag for each in operations for tag in each["tags"]} == explained
    assert not [
        each["operationId"] for each in operations if re.search(r"^ {4}", each.get("description", ""), re.MULTILINE)
    ]
