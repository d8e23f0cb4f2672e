"""The examples in /openapi.json: each request is answered, and each answer looks like the one that is shown.

WRITE_EXAMPLES=1 in the environment of the tests writes service/api/examples.json anew, from the real answers.
"""

import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.api.examples import examples
from service.process.app import OPERATIONS
from service.settings import Settings

FILE = Path(__file__).parents[3] / "service" / "api" / "examples.json"
NAMED = {each.name: each for each in OPERATIONS}
# `steward certify` writes certificates; nobody does so by hand.
WITHOUT = {"put_certificate", "delete_certificate"}
ARTICLE = {"id": "a-77", "title": "A night of storms", "url": "https://www.example.com/storms", "section": "world"}
COMMENT = {
    "id": "c-4711",
    "text": "Only a fool would believe this government.",
    "author": {"id": "u-9", "name": "Robin"},
    "article": ARTICLE,
    "parent": {"id": "c-4700", "text": "They promised transformers in March."},
}
DOUBTS = {
    "thresholds": {"toxicity": {"review_at": 0.25, "reject_at": 0.98}},
    "review": {
        "show_scores": True,
        "macros": [{"name": "Shop link", "decision": "reject", "reason": "spam", "note": "Links to a shop"}],
    },
    "dsa": {
        "in_scope": True,
        "clauses": {
            "other": {"clause": "Section 1 of our rules", "explanation": "Comments must keep to our rules."},
            "personal_attack": {"clause": "Section 3 of our rules", "explanation": "The comment attacks a person."},
        },
    },
}
PUBLIC = "https://steward.example.com"
HOOK = "https://www.example.com/hooks/steward"
NDJSON = "application/x-ndjson"
MOST_ITEMS = 2
# What stands in place of the values of fields with these names.
SECRETS = {"secret": "whsec_…", "key": "cmk_live_…"}


class Step(NamedTuple):
    """`$name` in a body or a path is a value of an earlier answer: the first one of that name, anywhere in it."""

    name: str
    path: str
    body: Any = None
    kind: str = "application/json"


STEPS = (
    Step("replace_policy", "/v1/policies/default", DOUBTS),
    Step("show_policy", "/v1/policies/default"),
    Step("score", "/v1/score", {"text": "You are a fool.", "attributes": ["toxicity", "insult"], "spans": True}),
    Step("submit_comment", "/v1/comments", COMMENT),
    Step(
        "submit_comments",
        "/v1/comments:batch",
        {"comments": [{**COMMENT, "id": "c-4712"}, {"id": "c-4713", "text": "Thank you for this article."}]},
    ),
    Step("follow_comment", "/v1/comments/c-4711"),
    Step("search_comments", "/v1/comments?text=fool"),
    Step("list_items", "/v1/review/items"),
    Step("list_copies", "/v1/review/c-4711/copies"),
    Step("claim", "/v1/review/claim", {"count": 1, "lease_seconds": 120, "wait": 0}),
    Step("extend", "/v1/review/$id/extend", {"lease": "$lease", "lease_seconds": 120}),
    Step(
        "decide",
        "/v1/review/$id/decision",
        {"decision": "reject", "lease": "$lease", "reason": "personal_attack", "labels": {"insult": True}},
    ),
    Step("show_statement", "/v1/comments/$id/statement"),
    Step("undo", "/v1/review/$id/undo", {"lease_seconds": 120}),
    Step("add_note", "/v1/review/c-4711/notes", {"text": "The author quotes the minister; see the video."}),
    Step("list_notes", "/v1/review/c-4711/notes"),
    Step("list_mentions", "/v1/review/mentions"),
    Step("drop_mention", "/v1/review/mentions/$id"),
    Step("remove_note", "/v1/review/c-4711/notes/$id"),
    Step("assign", "/v1/review/c-4711/assign", {"to": "chief"}),
    Step("release", "/v1/review/c-4711/release", {"lease": "$lease", "skip": False}),
    Step("claim", "/v1/review/claim", {"count": 1, "lease_seconds": 120, "wait": 0}),
    Step(
        "decide_many",
        "/v1/review/decisions",
        {"decisions": [{"id": "$id", "decision": "reject", "lease": "$lease", "reason": "personal_attack"}]},
    ),
    Step("undo_many", "/v1/review/undo", {"decisions": [{"id": "$id"}]}),
    Step(
        "decide_many", "/v1/review/decisions", {"decisions": [{"id": "$id", "decision": "reject", "lease": "$lease"}]}
    ),
    Step("appeal_comment", "/v1/comments/$id/appeal", {"reason": "I quoted the minister."}),
    Step("show_complaint", "/v1/comments/$id/complaint"),
    Step("report_comment", "/v1/comments/c-4713/report", {"reporter": "reader-5", "reason": "This is advertising."}),
    Step("show_reports", "/v1/comments/c-4713/reports"),
    Step(
        "give_notice",
        "/v1/comments/c-4712/notices",
        {"reporter": "reader-7", "kind": "fraud", "explanation": "The link leads to a copy of my bank's page."},
    ),
    Step("show_notice", "/v1/comments/c-4712/notices/$id"),
    Step("list_notices", "/v1/comments/c-4712/notices"),
    Step("list_open_notices", "/v1/notices"),
    Step("reopen", "/v1/review/c-4713/reopen", {}),
    Step("queue_stats", "/v1/review/stats"),
    Step("show_stuck", "/v1/review/stuck"),
    Step("show_audits", "/v1/review/audits"),
    Step("list_draws", "/v1/review/draws"),
    Step("reconcile", "/v1/reconcile", {"comments": [{"id": "c-4711", "revision": 1}, {"id": "c-4799"}]}),
    Step("read_events", "/v1/events"),
    Step("show_author", "/v1/authors/u-9"),
    Step("export_author", "/v1/authors/u-9/export"),
    Step("set_author_status", "/v1/authors/u-9/status", {"status": "premoderated", "note": "New here, and loud."}),
    Step("show_author_status", "/v1/authors/u-9/status"),
    Step("undo_author_status", "/v1/authors/u-9/status:undo", {}),
    Step("reject_waiting", "/v1/authors/u-9:reject-waiting", {"reason": "spam"}),
    Step("undo_rejected", "/v1/authors:undo-rejected", {"batch": "$batch"}),
    Step("set_article", "/v1/articles/a-77", {"status": "premoderated", "note": "Shared on a large forum."}),
    Step("show_article", "/v1/articles/a-77"),
    Step("list_articles", "/v1/articles"),
    Step("open_article", "/v1/articles/a-77"),
    Step("set_section", "/v1/sections/world", {"status": "premoderated"}),
    Step("show_section", "/v1/sections/world"),
    Step("open_section", "/v1/sections/world"),
    Step(
        "replace_list",
        "/v1/lists/own-words",
        {"entries": [{"text": "clown"}, {"text": "class clown", "exception": True}]},
    ),
    Step("patch_list", "/v1/lists/own-words", {"add": [{"text": "troll"}], "remove": ["clown"]}),
    Step("show_lists", "/v1/lists"),
    Step("show_list", "/v1/lists/own-words"),
    Step("show_list_versions", "/v1/lists/own-words/versions"),
    Step("compare_list_versions", "/v1/lists/own-words:diff"),
    Step("export_list", "/v1/lists/own-words:export"),
    Step("restore_list", "/v1/lists/own-words:restore", {"version": 1}),
    Step("try_rules", "/v1/policies/default:try", {"comment": COMMENT}),
    Step(
        "simulate_policy",
        "/v1/policies/default:simulate",
        {"thresholds": {"toxicity": {"review_at": 0.5}}, "last": 1000},
    ),
    Step("restore_policy", "/v1/policies/default:restore", {"version": 1}),
    Step("show_promises", "/v1/policies/default/promises"),
    Step("show_certifiable", "/v1/policies/default/certifiable"),
    Step("list_sample", "/v1/policies/default/sample"),
    Step(
        "add_labels",
        "/v1/labels",
        {"text": "You are a clown.", "labels": {"insult": True}, "source": "archive"},
        NDJSON,
    ),
    Step("list_labels", "/v1/labels"),
    Step("recheck", "/v1/review/c-4711/recheck", {"label": "1796000000000-0"}),
    Step("list_models", "/v1/models"),
    Step("show_model", "/v1/models/$version"),
    Step("promote_model", "/v1/models/$version:promote"),
    Step("compare_models", "/v1/models/$version/comparison"),
    Step("show_gate", "/v1/models/$version/gate"),
    Step("start_shadow", "/v1/models/$version/shadow", {"share": 0.1}),
    Step("show_shadow", "/v1/models/$version/shadow"),
    Step("stop_shadow", "/v1/models/$version/shadow"),
    Step("roll_back_model", "/v1/models:rollback"),
    Step("list_site_models", "/v1/sites/daily/models"),
    Step("show_site_model", "/v1/sites/daily/models/$version"),
    Step("promote_site_model", "/v1/sites/daily/models/$version:promote"),
    Step("compare_site_models", "/v1/sites/daily/models/$version/comparison"),
    Step("show_site_gate", "/v1/sites/daily/models/$version/gate"),
    Step("start_site_shadow", "/v1/sites/daily/models/$version/shadow", {"share": 0.1}),
    Step("show_site_shadow", "/v1/sites/daily/models/$version/shadow"),
    Step("stop_site_shadow", "/v1/sites/daily/models/$version/shadow"),
    Step("roll_back_site_model", "/v1/sites/daily/models:rollback"),
    Step("replace_endpoint", "/v1/webhooks", {"url": "$hook", "include_text": False}),
    Step("show_endpoint", "/v1/webhooks"),
    Step("test_endpoint", "/v1/webhooks:test"),
    Step("rotate_secret", "/v1/webhooks:rotate"),
    Step("list_dead", "/v1/webhooks/dead"),
    Step("retry_dead", "/v1/webhooks/dead/1-1:retry"),
    Step("retry_all_dead", "/v1/webhooks/dead:retry"),
    Step("remove_endpoint", "/v1/webhooks"),
    Step("list_keys", "/v1/keys"),
    Step("rotate_key", "/v1/keys/$id:rotate", {"keep_hours": 24}),
    Step("read_audit", "/v1/audit"),
    Step("delete_list", "/v1/lists/own-words"),
    Step("propose", "/v1/approvals", {"deed": {"kind": "erase_author", "author": "u-9"}}),
    Step("list_approvals", "/v1/approvals"),
    Step("show_approval", "/v1/approvals/$id"),
    Step("approve", "/v1/approvals/$id:approve"),
    Step("refuse", "/v1/approvals/$id:refuse"),
    Step("erase_author", "/v1/authors/u-9"),
    Step("erase_comment", "/v1/comments/c-4713"),
)
# What a service that has one model, one person, and no letter to send again, refuses; the example shows the request
# alone.
REFUSED = {
    "roll_back_model",
    "compare_models",
    "start_shadow",
    "stop_shadow",
    "compare_site_models",
    "start_site_shadow",
    "stop_site_shadow",
    "retry_dead",
    "undo_author_status",
    "approve",
}


def _values(found: Any) -> dict[str, Any]:
    """The first value of each name in an answer."""
    values: dict[str, Any] = {}
    if isinstance(found, dict):
        for name, value in found.items():
            if isinstance(value, str | int):
                values.setdefault(name, value)
        for value in found.values():
            values = {**_values(value), **values}
    elif isinstance(found, list) and found:
        values = _values(found[0])
    return values


def _filled(said: Any, values: dict[str, Any]) -> Any:
    if isinstance(said, dict):
        return {name: _filled(each, values) for name, each in said.items()}
    if isinstance(said, list):
        return [_filled(each, values) for each in said]
    return re.sub(r"\$(\w+)", lambda found: str(values[found[1]]), said) if isinstance(said, str) else said


def _short(found: Any) -> Any:
    """Long lists are cut, and secrets are not shown."""
    if isinstance(found, dict):
        return {name: SECRETS.get(name) or _short(each) for name, each in found.items()}
    return [_short(each) for each in found[:MOST_ITEMS]] if isinstance(found, list) else found


@pytest.fixture
async def hook() -> AsyncIterator[str]:
    """The address of a receiver of webhooks."""

    async def take(_: web.Request) -> web.Response:
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook", take)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook"))


@pytest.fixture
async def chief(settings: Settings, run: Any, key_for: Any) -> AsyncIterator[Any]:
    """An administrator of a service that may send webhooks to the receiver."""
    async with run(
        msgspec.structs.replace(settings, webhook_allow_private=True, undo_hold_s=0, public_url=PUBLIC)
    ) as client:
        yield await key_for(client, name="chief")


async def _run(admin: Any, hook: str) -> dict[str, Any]:
    """Make every request; the examples, by the name of the operation."""
    found: dict[str, Any] = {}
    values: dict[str, Any] = {"hook": hook}
    for step in STEPS:
        row, path, body = NAMED[step.name], _filled(step.path, values), _filled(step.body, values)
        if step.kind == NDJSON:
            reply = await admin.send(path, msgspec.json.encode(body), NDJSON)
        else:
            reply = await admin(row.method, path, body)
        assert reply.status < 300 or step.name in REFUSED, (step.name, reply.status, reply.body)
        given = {"path": dict(_parameters(row.path, path)), "body": body}
        if reply.status < 300 and row.answer is not None:
            text = reply.raw.decode()
            given["answer"] = _short(json.loads(text)) if row.gives == "application/json" else text.splitlines()[:1]
            values |= _values(reply.body) if row.gives == "application/json" else {}
        found.setdefault(step.name, {name: each for name, each in given.items() if each not in (None, {}, [])})
    return found


def _parameters(pattern: str, path: str) -> Any:
    names = re.findall(r"{(\w+)}", pattern)
    match = re.fullmatch(re.sub(r"{\w+}", "([^/:]+)", pattern), path.partition("?")[0])
    return zip(names, match.groups(), strict=True) if match else ()


def _outline(found: Any) -> Any:
    return sorted(found) if isinstance(found, dict) else type(found).__name__


async def test_every_example_is_a_request_that_the_service_answers_as_shown(chief: Any, hook: str) -> None:
    found = json.loads(json.dumps(await _run(chief, hook)).replace(hook, HOOK))
    if os.environ.get("WRITE_EXAMPLES"):
        # One comment in five is shown without scores, drawn with a key of the installation.
        assert found["list_items"]["answer"]["items"][0]["scores"], (
            "the draw took the scores of the example: write them again"
        )
        FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    examples.cache_clear()
    shown = examples()
    assert shown.keys() == found.keys(), "write them anew: WRITE_EXAMPLES=1 pytest tests/service/api/test_examples.py"
    for name, real in found.items():
        assert real.keys() == shown[name].keys(), name
        for part, value in real.items():
            assert _outline(value) == _outline(shown[name][part]), (name, part)


def test_every_operation_has_an_example() -> None:
    assert NAMED.keys() - WITHOUT == examples().keys()


@pytest.mark.parametrize("name", sorted(set(NAMED) - WITHOUT))
def test_an_example_has_the_shape_of_its_body(name: str) -> None:
    row, body = NAMED[name], examples()[name].get("body")
    if row.body is not None and body is not None:
        msgspec.convert(body, row.body)
