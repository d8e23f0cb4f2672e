"""Discovery, batches and browsers (specs: perspective, sections 7 to 9)."""

import json
import re
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from service.compat.perspective import messages
from service.settings import Settings

ANALYZE, SUGGEST = "/v1alpha1/comments:analyze", "/v1alpha1/comments:suggestscore"
DISCOVERY = "/$discovery/rest"


async def test_the_document_names_methods_and_messages_and_every_reference_resolves(perspective: Any) -> None:
    reply = await perspective.send("GET", DISCOVERY, {"version": "v1alpha1"})
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json; charset=UTF-8")
    document = reply.body
    assert {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": "commentanalyzer:v1alpha1",
        "name": "commentanalyzer",
        "version": "v1alpha1",
        "protocol": "rest",
        "servicePath": "",
        "basePath": "",
        "batchPath": "batch",
    }.items() <= document.items()
    assert set(re.findall(r'"\$ref": "(\w+)"', reply.raw.decode())) <= document["schemas"].keys()
    methods = document["resources"]["comments"]["methods"]
    assert methods.keys() == {"analyze", "suggestscore"}
    for name, method in methods.items():
        assert (method["id"], method["httpMethod"]) == (f"commentanalyzer.comments.{name}", "POST")
        assert method["path"] == method["flatPath"] == f"v1alpha1/comments:{name}"
    assert list(document["auth"]["oauth2"]["scopes"]) == ["https://www.googleapis.com/auth/userinfo.email"]
    named = {"key", "access_token", "oauth_token", "alt", "fields", "prettyPrint", "quotaUser", "callback"}
    assert document["parameters"].keys() == named | {"uploadType", "upload_protocol", "$.xgafv"}


async def test_the_document_describes_the_messages_that_are_read(perspective: Any) -> None:
    schemas = (await perspective.send("GET", DISCOVERY)).body["schemas"]
    for schema in schemas.values():
        kind = getattr(messages, schema["id"], None)
        if kind is not None:
            fields = {field.encode_name for field in msgspec.structs.fields(kind)}
            assert schema["properties"].keys() == fields, schema["id"]
    assert len(schemas) == 11


async def test_the_document_leads_back_to_the_host_that_was_asked(perspective: Any) -> None:
    for path, host, root in (
        (DISCOVERY, "moderation.example", "http://moderation.example/"),
        (DISCOVERY, "moderation.example:8443", "http://moderation.example:8443/"),
        ("/prefix" + DISCOVERY, "moderation.example", "http://moderation.example/prefix/"),
        (DISCOVERY, "evil.example/@x", "http://localhost/"),
    ):
        document = (await perspective.send("GET", path, headers={"Host": host})).body
        assert (document["rootUrl"], document["baseUrl"]) == (root, root)


async def test_the_document_leads_to_the_public_address_where_one_is_set(
    settings: Settings, run: Any, key_for: Any, perspective_of: Any
) -> None:
    async with run(msgspec.structs.replace(settings, public_url="https://moderation.example")) as client:
        caller = perspective_of(await key_for(client))
        assert (await caller.send("GET", DISCOVERY)).body["rootUrl"] == "https://moderation.example/"


async def test_a_wrong_key_is_told_with_the_document(perspective: Any, refusal: Any) -> None:
    for key in ("AIzaSyWrong", perspective.key[:-1]):
        error = refusal(await perspective.send("GET", DISCOVERY, {"version": "v1alpha1", "key": key}), 400)
        assert error["message"] == "API key not valid. Please pass a valid API key."
    reply = await perspective.send("GET", DISCOVERY, {"version": "v1alpha1", "key": perspective.key})
    assert reply.status == 200
    assert perspective.key.encode() not in reply.raw
    refusal(await perspective.send("GET", DISCOVERY, {"version": "v2"}), 404, "NOT_FOUND")


def multipart(*parts: str, newline: str = "\n") -> bytes:
    """As Google's Python client writes it: lines of a part end in a line feed alone."""
    lines = []
    for number, part in enumerate(parts):
        head = "Content-Type: application/http\nMIME-Version: 1.0\nContent-Transfer-Encoding: binary\n"
        lines.append(f"--==b\n{head}Content-ID: <6a7f-1 + {number}>\n\n{part}\n")
    return ("".join(lines) + "--==b--\n").replace("\n", newline).encode()


def call(body: Any, key: str, path: str = ANALYZE, query: str = "&alt=json") -> str:
    given = f"?key={key}{query}" if key else ""
    head = "Content-Type: application/json\nMIME-Version: 1.0\nHost: a\ncontent-length: 1\n"
    return f"POST {path}{given} HTTP/1.1\n{head}\n{json.dumps(body)}"


def analysis(text: str) -> dict[str, Any]:
    return {"comment": {"text": text}, "requestedAttributes": {"TOXICITY": {}}, "languages": ["en"]}


BATCH = {"Content-Type": 'multipart/mixed; boundary="==b"'}


async def batched(perspective: Any, raw: bytes, path: str = "/batch", **more: Any) -> list[tuple[str, int, Any]]:
    """Content-ID, status and body of each part."""
    reply = await perspective.send("POST", path, data=raw, headers={**BATCH, **more.pop("headers", {})}, **more)
    assert reply.status == 200, reply.raw
    assert reply.headers["Content-Type"].startswith("multipart/mixed; boundary=")
    head = f"Content-Type: {reply.headers['Content-Type']}\r\n\r\n".encode()
    found = []
    for part in BytesParser().parsebytes(head + reply.raw).get_payload():
        assert part.get_content_type() == "application/http"
        first, _, body = part.get_payload().partition("\r\n\r\n")
        found.append((part["Content-ID"], int(first.split(" ")[1]), json.loads(body)))
    return found


async def test_a_batch_is_answered_part_by_part_and_one_that_fails_spoils_none(perspective: Any) -> None:
    key = perspective.key
    parts = [call(analysis("Good morning."), key), call(analysis(""), key), call(analysis("You idiot."), key)]
    for newline in ("\n", "\r\n"):
        for path in ("/batch", "/batch/commentanalyzer/v1alpha1", "/prefix/batch"):
            found = await batched(perspective, multipart(*parts, newline=newline), path)
            assert [each[:2] for each in found] == [
                ("<response-6a7f-1 + 0>", 200),
                ("<response-6a7f-1 + 1>", 400),
                ("<response-6a7f-1 + 2>", 200),
            ]
            assert found[1][2]["error"]["details"][0]["errorType"] == "COMMENT_EMPTY"
            assert found[2][2] == (await perspective.post(ANALYZE, analysis("You idiot."))).body


async def test_each_part_has_its_own_method_key_and_parameters(perspective: Any, admin: Any) -> None:
    key = perspective.key
    suggestion = {"comment": {"text": "a"}, "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0}}}}
    in_header = call(analysis("a"), "").replace("Host: a", f"Host: a\nX-Goog-Api-Key: {key}")
    parts = [
        call(suggestion | {"clientToken": "t"}, key, SUGGEST),
        call(analysis("a"), "wrong"),
        call(analysis("a"), ""),
        in_header,
        call(analysis("a"), key, query="&fields=languages"),
        call(analysis("a"), key, query="&alt=proto"),
        call(analysis("a"), key, "/v1alpha1/comments:delete"),
        call(analysis("a"), key, f"https://commentanalyzer.googleapis.com{ANALYZE}"),
        call(analysis("a"), key, ANALYZE.replace(":", "%3A")),
        call(analysis("a"), key).replace("POST", "GET"),
        "nonsense",
    ]
    found = await batched(perspective, multipart(*parts))
    assert [status for _, status, _ in found] == [200, 400, 403, 200, 200, 400, 404, 200, 200, 404, 400]
    assert found[0][2] == {"clientToken": "t"}
    assert found[4][2] == {"languages": ["en"]}
    assert len((await admin.get("/v1/labels")).raw.splitlines()) == 1


async def test_a_part_without_a_key_has_that_of_the_batch(perspective: Any) -> None:
    raw = multipart(call(analysis("a"), ""), call(analysis("a"), "wrong"))
    for more in (
        {"query": {"key": perspective.key}},
        {"headers": {"X-Goog-Api-Key": perspective.key}},
        {"headers": {"Authorization": f"Bearer {perspective.key}"}},
    ):
        assert [status for _, status, _ in await batched(perspective, raw, **more)] == [200, 400]


async def test_each_part_counts_against_the_quota(client: Any, key_for: Any, perspective_of: Any) -> None:
    caller = perspective_of(await key_for(client, "score", rate_per_s=3))
    found = await batched(caller, multipart(*[call(analysis("a"), caller.key)] * 10))
    assert {status for _, status, _ in found} == {200, 429}
    assert 3 <= [status for _, status, _ in found].count(200) <= 4


async def test_a_batch_has_a_hundred_parts_at_most(perspective: Any, refusal: Any) -> None:
    part = call(analysis("a"), perspective.key)
    assert len(await batched(perspective, multipart(*[part] * 100))) == 100
    reply = await perspective.send("POST", "/batch", data=multipart(*[part] * 101), headers=BATCH)
    assert "at most 100" in refusal(reply, 400, kind="INVALID_REQUEST")["message"]


async def test_what_is_no_batch_is_told(perspective: Any, refusal: Any) -> None:
    for kind, raw in (
        ("application/json", b"{}"),
        ("multipart/mixed", b"--b\n\n--b--"),
        ("multipart/mixed; boundary=b", b""),
        ("multipart/mixed; boundary=b", b"--b--"),
        ("multipart/mixed; boundary=" + "b" * 200, b""),
        ("multipart/mixed; boundary*=utf-8''%ff", b"x"),
        ("", b""),
    ):
        reply = await perspective.send("POST", "/batch", data=raw, headers={"Content-Type": kind})
        error = refusal(reply, 400, kind="INVALID_REQUEST")
        assert error["message"].startswith("Failed to parse batch request, error:"), kind


async def test_a_content_id_cannot_write_headers(perspective: Any) -> None:
    raw = multipart(call(analysis("a"), perspective.key)).replace(
        b"<6a7f-1 + 0>", b"<a\x0b\x85\r\n \x00Evil: 1 + 0>", 1
    )
    reply = await perspective.send("POST", "/batch", data=raw, headers=BATCH)
    assert reply.status == 200
    assert not re.search(rb"^Evil", reply.raw, re.MULTILINE)


ORIGIN = "https://pages.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "X-Extra, Content-Type",
}


@pytest.fixture
async def of_origins(settings: Settings, run: Any, key_for: Any, perspective_of: Any) -> Any:
    given = msgspec.structs.replace(settings, cors_origins=f"https://other.example, {ORIGIN}/")
    async with run(given) as client:
        yield perspective_of(await key_for(client))


async def test_a_page_of_a_listed_origin_may_ask(of_origins: Any) -> None:
    for path in (ANALYZE, SUGGEST, "/batch", DISCOVERY, "/p/v1alpha1/comments:analyze"):
        reply = await of_origins.send("OPTIONS", path, headers=PREFLIGHT)
        assert (reply.status, reply.raw) == (204, b"")
        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert reply.headers["Access-Control-Allow-Methods"] == "POST, GET, OPTIONS"
        allowed = reply.headers["Access-Control-Allow-Headers"].split(", ")
        wanted = {"content-type", "x-goog-api-key", "x-goog-api-client", "authorization", "x-requested-with"}
        assert wanted | {"x-extra"} == set(allowed)
        assert int(reply.headers["Access-Control-Max-Age"]) > 0
        assert "Origin" in reply.headers["Vary"]


async def test_a_page_may_read_answers_and_errors(of_origins: Any) -> None:
    headers, query = {"Origin": ORIGIN}, {"key": of_origins.key}
    for status, body in ((200, analysis("a")), (400, {}), (400, "{")):
        reply = await of_origins.send("POST", ANALYZE, query, json=body, headers=headers)
        assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (status, ORIGIN)
        assert "Retry-After" in reply.headers["Access-Control-Expose-Headers"]
    for path in ("/v1alpha1/nowhere", DISCOVERY, "/batch"):
        reply = await of_origins.send("GET", path, headers=headers)
        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN, path


async def test_a_page_of_another_origin_is_told_nothing(of_origins: Any, perspective: Any) -> None:
    for caller, origin in ((of_origins, "https://evil.example"), (of_origins, "null"), (perspective, ORIGIN)):
        reply = await caller.send("OPTIONS", ANALYZE, headers=PREFLIGHT | {"Origin": origin})
        assert not [name for name in reply.headers if name.startswith("Access-Control")]
        reply = await caller.send("POST", ANALYZE, {"key": caller.key}, json=analysis("a"), headers={"Origin": origin})
        assert reply.status == 200
        assert not [name for name in reply.headers if name.startswith("Access-Control")]


async def test_any_page_may_ask_where_the_setting_says_so(
    settings: Settings, run: Any, key_for: Any, perspective_of: Any
) -> None:
    async with run(msgspec.structs.replace(settings, cors_origins="*")) as client:
        caller = perspective_of(await key_for(client))
        odd = PREFLIGHT | {"Access-Control-Request-Headers": "x\u00e9, <script>"}
        for headers in (PREFLIGHT, odd):
            reply = await caller.send("OPTIONS", ANALYZE, headers=headers)
            assert reply.headers["Access-Control-Allow-Origin"] == "*"
        assert "script" not in reply.headers["Access-Control-Allow-Headers"]


def test_the_document_is_json_of_its_own() -> None:
    folder = Path(messages.__file__).parent
    assert json.loads((folder / "discovery.json").read_text())["kind"] == "discovery#restDescription"


def test_every_field_of_the_messages_has_its_row_in_the_table() -> None:
    page = (Path(__file__).parents[4] / "docs" / "compatibility.md").read_text()
    table = page[page.index("\n## Perspective\n") :]
    kinds = [
        kind for kind in vars(messages).values() if isinstance(kind, type) and issubclass(kind, messages.ProtoMessage)
    ]
    named = {field.encode_name for kind in kinds for field in msgspec.structs.fields(kind)}
    assert len(named) > 20
    assert sorted(name for name in named if not re.search(rf"\b{name}\b", table)) == []
