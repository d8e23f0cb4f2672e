"""Byte for byte: charsets, HTTP/1.0, and what curl sees (akismet.md sections 1, 2 and 10)."""

import asyncio
import encodings
import json
import subprocess
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from aiohttp import FormData

from service import app_keys as keys

# The question is what the service reads, so a comment whose label shows it.
TEXT = "Ärger für 5 € «naïve» жёлтый"


async def learned(blog: Any, labels: Any, raw: bytes, content_type: str) -> str:
    fields = f"api_key={blog.key}&blog=https%3A%2F%2Fdaily.example&user_ip=&".encode()
    reply = await blog.send("/1.1/submit-spam", fields + raw, content_type)
    assert reply.raw == b"Thanks for making the web a better place."
    return str((await labels())[-1]["text"])


CANARY = "canary-4711"
FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data; boundary"


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("utf-8", TEXT),
        ("UTF-8", TEXT),
        ("iso-8859-1", "café für Ärger"),
        ("ISO-8859-15", "café 5 €"),
        ("windows-1251", "жёлтый"),
        ("koi8-r", "жёлтый"),
        ("Shift_JIS", "こんにちは"),
        ("EUC-KR", "안녕하세요"),
        ("big5", "你好"),
        ("gb2312", "你好"),
    ],
)
async def test_a_form_is_read_in_its_charset(blog: Any, labels: Any, charset: str, text: str) -> None:
    raw = text.encode(charset)
    for value in (quote_from_bytes(raw).encode(), raw.replace(b" ", b"+")):
        assert await learned(blog, labels, b"comment_content=" + value, f"{FORM}; charset={charset}") == text
        assert (await blog.caller("DELETE", "/v1/comments/" + (await labels())[-1]["id"])).status == 204


@pytest.mark.parametrize("charset", ["x-sjis", "Windows-31J", "SJIS-win", "cp932", "Shift_JIS"])
async def test_japanese_text_is_read_as_browsers_do(blog: Any, labels: Any, charset: str) -> None:
    raw = b"comment_content=" + quote_from_bytes("①が届いた".encode("cp932")).encode()
    assert await learned(blog, labels, raw, f"{FORM}; charset={charset}") == "①が届いた"


async def test_a_form_in_parts_is_read_without_its_files(blog: Any, labels: Any) -> None:
    fields = FormData({"api_key": blog.key, "comment_content": TEXT}, default_to_multipart=True)
    fields.add_field("comment_content", b"a file", filename="a.txt")
    form = fields()
    raw = await form.as_bytes()
    await blog.send("/1.1/submit-spam", raw, form.headers["Content-Type"])
    assert (await labels())[-1]["text"] == TEXT
    bare = raw.replace(b'"comment_content"', b"comment_content").replace(TEXT.encode(), "café".encode("latin-1"))
    await blog.send("/1.1/submit-spam", bare, form.headers["Content-Type"] + "; charset=latin-1")
    assert (await labels())[-1]["text"] == "café"


async def test_what_pages_call_latin_1_is_read_as_browsers_do(blog: Any, labels: Any) -> None:
    raw = b"comment_content=" + quote_from_bytes("“5 €”".encode("cp1252")).encode()
    assert await learned(blog, labels, raw, f"{FORM}; charset=iso-8859-1") == "“5 €”"


async def test_without_a_charset_the_blogs_own_counts_and_then_utf_8(blog: Any, labels: Any) -> None:
    content = quote_from_bytes("café".encode("latin-1")).encode()
    assert await learned(blog, labels, b"comment_content=%s&blog_charset=ISO-8859-1" % content, FORM) == "café"
    assert await learned(blog, labels, b"comment_content=" + quote_from_bytes(TEXT.encode()).encode(), FORM) == TEXT


async def test_bytes_that_are_no_text_in_the_charset_become_replacements(blog: Any, labels: Any) -> None:
    assert await learned(blog, labels, b"comment_content=caf%E9+%00%FF", FORM) == "caf\ufffd \x00\ufffd"


async def test_a_charset_of_no_page_is_invalid(blog: Any, invalid: Any) -> None:
    fields = f"api_key={blog.key}&comment_content=a".encode()
    others = ("zlib", "rot13", "idna", "punycode", "undefined", "unicode_escape", "utf-7", "utf-16")
    others += ("klingon", "ucs2", "x-utf-7", "cp1251_general_ci", "utf80", "my-utf8", "iso8859-12", "utf-8-utf-16")
    for charset in ("ü", *others):
        invalid(await blog.send("/1.1/submit-spam", fields, f"{FORM}; charset={charset}"), "charset")
    known = dict(vars(encodings)["_cache"])
    invalid(await blog.send("/1.1/submit-spam", fields + b"&blog_charset=" + b"x" * 100_000, FORM), "charset")
    assert vars(encodings)["_cache"] == known, "a name that Python does not know would be kept for good"


@pytest.mark.parametrize("charset", [b"utf8mb4", b"UTF8MB3", b"utf8_general_ci", b"utf-8mb4"])
async def test_utf_8_is_read_under_the_names_that_mysql_gives_it(blog: Any, labels: Any, charset: bytes) -> None:
    content = quote_from_bytes(TEXT.encode()).encode()
    assert await learned(blog, labels, b"comment_content=%s&blog_charset=%s" % (content, charset), FORM) == TEXT
    assert await learned(blog, labels, b"comment_content=caf%%E9&blog_charset=%s" % charset, FORM) == "caf\ufffd"


@pytest.mark.parametrize(
    ("raw", "content_type", "why"),
    [
        (b"api_key=a", "multipart/form-data", "no boundary"),
        (b"api_key=a", "multipart/form-data; boundary=x", "no fields"),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' * 1001 + b"--x--",
            f"{PARTS}=x",
            "1000 fields",
        ),
        (b'{"comment_content": {"a": 1}}', "application/json", "comment_content: must be text"),
        (b"api_key=a", "text/plain", "send application/x-www-form-urlencoded"),
        (b"&".join([b"a=b"] * 1001), FORM, "1000 fields"),
        (b"a" * (256 * 1024 + 1), FORM, "larger"),
        (b"{", "application/json", "not valid JSON"),
        (b"[]", "application/json", "JSON object"),
        (b"\xff", "application/json", "UTF-8"),
        (json.dumps({str(n): 1 for n in range(1001)}).encode(), "application/json", "1000 fields"),
    ],
    ids=["multipart", "unlike", "parts", "content", "text", "fields", "size", "half", "array", "bytes", "names"],
)
async def test_a_body_that_cannot_be_read_is_invalid(
    blog: Any, invalid: Any, raw: bytes, content_type: str, why: str
) -> None:
    for path in ("/1.1/comment-check", "/1.1/submit-ham", "/1.1/verify-key", "/1.2/key-sites"):
        invalid(await blog.send(path, raw, content_type), why)


async def test_json_is_read_everywhere(blog: Any, say: Any) -> None:
    body = {"api_key": blog.key, "blog": say.blog, "user_ip": "", "comment_content": say.spam, "comment_parent": 7}
    reply = await blog.send("/1.1/comment-check", json.dumps(body).encode(), "application/json")
    assert reply.raw == b"true"


@pytest.mark.parametrize(
    ("path", "more", "body"),
    [
        ("/1.1/verify-key", {}, b"valid"),
        ("/1.1/verify-key", {"key": "wrong"}, b"invalid"),
        ("/1.1/comment-check", {"comment_content": "Thank you for this article."}, b"false"),
        ("/1.1/comment-check", {"comment_author": "viagra-test-123"}, b"true"),
        ("/1.1/comment-check", {"user_ip": None}, b"invalid"),
        ("/1.1/submit-spam", {}, b"Thanks for making the web a better place."),
        ("/1.1/submit-ham", {}, b"Thanks for making the web a better place."),
    ],
)
async def test_curl_sees_the_bytes_that_clients_compare(
    blog: Any, say: Any, client: Any, path: str, more: Any, body: bytes
) -> None:
    fields = {"key": blog.key, "blog": say.blog, "user_ip": "203.0.113.7", **more}
    data = [
        part for name, value in fields.items() if value is not None for part in ("--data-urlencode", f"{name}={value}")
    ]
    url = str(client.make_url(path))
    for version in ("--http1.1", "--http1.0"):
        command = ["curl", "--silent", "--show-error", "--include", "--max-time", "30", version, *data, url]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True)
        head, _, found = done.stdout.partition(b"\r\n\r\n")
        assert found == body
        lines = head.decode().lower().split("\r\n")
        assert lines[0].split()[1] == "200"
        assert f"content-length: {len(body)}" in lines
        assert "content-type: text/plain; charset=utf-8" in lines
        assert not any(line.startswith("transfer-encoding") for line in lines)
        assert len(body) in (4, 5, 7, 41)


async def raw_answer(client: Any, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
    writer.write(raw)
    async with asyncio.timeout(60):
        found = await reader.read()
    writer.close()
    await writer.wait_closed()
    return found


@pytest.mark.parametrize("host", [b"", b"Host: rest.akismet.com\r\n"])
@pytest.mark.parametrize("keep", [b"", b"Connection: keep-alive\r\n"])
async def test_http_1_0_is_answered_without_chunks(blog: Any, client: Any, host: bytes, keep: bytes) -> None:
    """As old WordPress sends it; with keep-alive the length says where the answer ends."""
    body = f"api_key={blog.key}&blog=https://daily.example&user_ip=&comment_content=hello".encode()
    asked = b"POST /1.1/comment-check HTTP/1.0\r\n%b%bContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"
    once = asked % (host, keep, FORM.encode(), len(body), body)
    closing = asked % (host, b"", FORM.encode(), len(body), body)
    answer = await raw_answer(client, once + closing if keep else once)
    assert answer.count(b"HTTP/1.0 200 OK") == (2 if keep else 1)
    assert b"chunked" not in answer.lower()
    assert answer.endswith(b"\r\n\r\nfalse")


async def test_a_host_with_the_label_is_all_an_old_client_needs(blog: Any, client: Any, say: Any) -> None:
    body = b"blog=https://daily.example&user_ip=127.0.0.1&comment_content=hello"
    head = f"POST /1.1/comment-check HTTP/1.0\r\nHost: {blog.label}.{say.domain}\r\n".encode()
    more = b"Content-Type: %b; charset=UTF-8\r\nContent-Length: %d\r\n\r\n" % (FORM.encode(), len(body))
    assert (await raw_answer(client, head + more + body)).endswith(b"false")


NOT_THERE = [
    ("GET", "/1.1/comment-check", 405),
    ("GET", "/1.1/verify-key", 405),
    ("PUT", "/1.2/usage-limit", 405),
    ("GET", "/1.1/token", 405),
    ("POST", "/1.1/verify-wpcom-key", 404),
    ("GET", "/1.1/", 404),
    ("POST", "/1.3/comment-check", 404),
    ("POST", "/k/1.1/comment-check", 404),
    ("POST", "/k/a/b/1.1/comment-check", 404),
]


async def test_what_is_not_there_is_a_failed_request(blog: Any) -> None:
    for method, path, status in NOT_THERE:
        assert (await blog.caller(method, path)).status == status, (method, path)


async def test_an_error_of_ours_is_a_failed_request_that_tells_nothing(
    blog: Any, client: Any, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(client.server.app[keys.MODERATION], "judge_all", fail, raising=False)
    reply = await blog.check()
    assert (reply.status, reply.raw) == (500, b"the error is ours")
    assert CANARY not in caplog.text
