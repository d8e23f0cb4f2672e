"""Where the key may stand, and what is said of it (akismet.md sections 2, 6 and 10)."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from service import app_keys as keys
from service.settings import Settings
from service.values.access import label_of, mint

WRONG = mint("daily", frozenset(), None, datetime.now(UTC))[0]


def host_of(label: str, domain: str = "akismet.example") -> str:
    return f"{label}.{domain}"


async def test_a_key_may_stand_in_any_of_its_places(blog: Any, say: Any) -> None:
    assert (await blog.check()).raw == b"false"
    assert (await blog.check(api_key=blog.label)).raw == b"false"
    assert (await blog.check(api_key=None, key=blog.key)).raw == b"false"
    assert (await blog.check(api_key="", key=blog.label)).raw == b"false"
    assert (await blog.check(api_key=None, host=host_of(blog.label))).raw == b"false"
    fields = {"blog": say.blog, "user_ip": "", "comment_content": say.spam}
    for key in (blog.key, blog.label):
        assert (await blog.post(f"/k/{key}/1.1/comment-check", **fields)).raw == b"true"
        assert (await blog.post(f"/k/{key}/1.1/submit-spam", **fields)).raw == say.thanks
        assert (await blog.post(f"/k/{key}/1.1/submit-ham", **fields)).raw == say.thanks
        assert (await blog.get(f"/k/{key}/1.2/usage-limit")).status == 200
        assert (await blog.get(f"/1.2/usage-limit?api_key={key}")).raw.startswith(b"{")


@pytest.mark.parametrize("before", ["//", "///", "/k/KEY//"])
async def test_a_base_url_may_end_in_a_slash(blog: Any, client: Any, say: Any, before: str) -> None:
    async def said(path: str, **fields: str) -> bytes:
        asked = client.server.make_url("/").with_path(before.replace("KEY", blog.key) + path, encoded=True)
        async with client.session.post(asked, data={"blog": say.blog, "user_ip": ""} | fields) as reply:
            return bytes(await reply.read())

    key = {} if "KEY" in before else {"api_key": blog.key}
    assert await said("1.1/comment-check", comment_content=say.spam, **key) == b"true"
    assert await said("1.1/comment-check", comment_content=say.spam, api_key=WRONG) == b"invalid"
    assert await said("1.1/test") == b"connected"


def basic(user: str, password: str = "") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def test_a_key_may_stand_in_the_header_as_the_user_name_of_an_address(blog: Any, invalid: Any) -> None:
    async def asked(header: str, key: str = "") -> Any:
        raw = urlencode({"blog": "https://daily.example", "user_ip": "", "api_key": key}).encode()
        return await blog.send("/1.2/usage-limit", raw, headers={"Authorization": header})

    for header in (basic(blog.key), basic(blog.label, "x"), f"Bearer {blog.key}", f"bearer {blog.label}"):
        assert (await asked(header)).raw.startswith(b"{"), header
    for header in (basic("", blog.key), basic(WRONG), "Basic", "Basic !", "Basic \xe9", f"Digest {blog.key}"):
        invalid(await asked(header), "no key")
    assert (await asked(basic(WRONG), blog.key)).raw.startswith(b"{"), "every other place counts before it"
    invalid(await asked(basic(blog.key), WRONG), "field api_key, which counts before the header Authorization")


async def test_if_the_first_of_two_keys_is_wrong_the_answer_names_both_places(
    blog: Any, invalid: Any, say: Any
) -> None:
    fields = {"api_key": WRONG, "blog": say.blog, "user_ip": "", "comment_content": say.civil}
    reply = await blog.post(f"/k/{blog.key}/1.1/comment-check", **fields)
    invalid(reply, "no key that is known here came in the field api_key, which counts before the path")
    again = await blog.post(f"/k/{WRONG}/1.1/comment-check", **fields)
    invalid(again, "no key came with the request")


NPM = "Generic Node.js/1.0.0 | Akismet/3.1.7"


@pytest.mark.parametrize(
    ("agent", "host", "header", "is_valid"),
    [
        (NPM, "127.0.0.1:8080", False, False),
        (NPM, "other.example", False, False),
        (NPM, "akismet.example", False, True),
        (NPM, "Akismet.Example:80", False, True),
        (NPM, "127.0.0.1:8080", True, True),
        ("WordPress/6.1.9 | Akismet/5.0.2", "127.0.0.1:8080", False, True),
        ("", "127.0.0.1:8080", False, True),
    ],
)
async def test_a_key_is_not_verified_for_a_client_that_will_send_none_with_checks(
    blog: Any, invalid: Any, say: Any, agent: str, host: str, header: bool, is_valid: bool
) -> None:
    headers = {"User-Agent": agent, "Host": host} | ({"Authorization": basic(blog.label)} if header else {})
    raw = urlencode({"key": blog.label, "blog": say.blog}).encode()
    reply = await blog.send("/1.1/verify-key", raw, headers=headers)
    if is_valid:
        assert reply.raw == b"valid"
    else:
        invalid(reply, "STEWARD_AKISMET_DOMAIN")


@pytest.mark.parametrize("change", [str.upper, str.title])
async def test_the_case_of_a_host_name_means_nothing(blog: Any, change: Any) -> None:
    assert (await blog.check(api_key=None, host=change(host_of(blog.label)) + ":8080")).raw == b"false"


@pytest.mark.parametrize(
    "host", ["akismet.example", "x.{}.akismet.example", "{}.other.example", "{}.akismet.example.org"]
)
async def test_a_label_elsewhere_in_the_host_is_none(blog: Any, invalid: Any, host: str) -> None:
    invalid(await blog.check(api_key=None, host=host.format(blog.label)), "no key")


async def test_a_field_wins_over_the_host(blog: Any, invalid: Any) -> None:
    assert (await blog.check(api_key=blog.key, host=host_of(label_of(WRONG)))).raw == b"false"
    invalid(await blog.check(api_key=WRONG, host=host_of(blog.label)), "no key")


async def test_the_host_wins_over_the_field_key(blog: Any, invalid: Any) -> None:
    assert (await blog.check(api_key=None, key=WRONG, host=host_of(blog.label))).raw == b"false"
    invalid(await blog.check(api_key=None, key=blog.key, host=host_of(label_of(WRONG))), "no key")


async def test_without_a_domain_no_host_holds_a_key(
    redis_server: Any, tmp_path: Any, run: Any, key_for: Any, blog_of: Any, invalid: Any
) -> None:
    async with run(Settings(redis_url=redis_server.url, data_dir=tmp_path, store_timeout_s=30)) as client:
        blog = blog_of(await key_for(client, "score"))
        invalid(await blog.check(api_key=None, host=host_of(blog.label)), "no key")


@pytest.mark.parametrize(
    "path", ["/1.1/comment-check", "/1.1/submit-spam", "/1.1/submit-ham", "/1.2/usage-limit", "/1.2/key-sites"]
)
async def test_no_key_or_a_wrong_one_is_invalid(blog: Any, invalid: Any, say: Any, path: str) -> None:
    for key in (None, "", "x", WRONG, label_of(WRONG), "\x00", "é" * 44, "c0de" + "0" * 40):
        invalid(await blog.post(path, api_key=key, blog=say.blog, user_ip="", comment_content="hello"), "no key")


async def test_key_sites_without_a_key_as_a_client_has_it_is_invalid(blog: Any, invalid: Any) -> None:
    invalid(await blog.get("/1.2/key-sites"), "no key")


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("comments", "/1.1/comment-check"),
        ("score", "/1.1/submit-spam"),
        ("score", "/1.1/submit-ham"),
        ("review", "/1.2/usage-limit"),
        ("review", "/1.2/key-sites"),
        ("review", "/1.1/verify-key"),
    ],
)
async def test_a_key_without_the_scope_is_invalid(
    client: Any, key_for: Any, blog_of: Any, invalid: Any, say: Any, scope: str, path: str
) -> None:
    blog = blog_of(await key_for(client, scope))
    invalid(await blog.post(path, api_key=blog.key, blog=say.blog, user_ip="", comment_content="hello"), "open")


async def test_a_revoked_or_expired_label_opens_nothing(
    blog: Any, blog_of: Any, client: Any, key_for: Any, invalid: Any
) -> None:
    assert (await blog.check(api_key=blog.label)).raw == b"false"
    app = client.server.app
    await app[keys.STORE].access.revoke(blog.key.split("_")[2])
    await app[keys.DIRECTORY].refresh()
    invalid(await blog.check(api_key=blog.label), "no key")
    gone = blog_of(await key_for(client, "score", expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    invalid(await gone.check(api_key=gone.label), "no key")


@pytest.mark.parametrize("name", ["api_key", "key", "other"])
async def test_a_key_in_the_address_of_a_post_is_refused(blog: Any, invalid: Any, say: Any, name: str) -> None:
    for key in (blog.key, blog.label):
        fields = {"api_key": blog.key, "blog": say.blog, "user_ip": ""}
        invalid(await blog.post(f"/1.1/comment-check?{name}={key}", **fields), "address")


async def test_a_label_opens_nothing_of_our_own_api(blog: Any, site: Any, problem: Any) -> None:
    problem(await type(site)(site.client, blog.label).post("/v1/score", {"text": "hello"}), 401)


async def test_a_key_is_verified(blog: Any, invalid: Any, say: Any) -> None:
    reply = await blog.post("/1.1/verify-key", key=blog.key, blog=say.blog)
    assert (reply.status, reply.raw, reply.headers["Content-Length"]) == (200, b"valid", "5")
    assert (await blog.post("/1.1/verify-key", key=blog.label, blog=say.blog)).raw == b"valid"
    both = {"api_key": blog.key, "key": blog.key, "blog": say.blog}
    assert (await blog.post("/1.1/verify-key", **both)).raw == b"valid", "as the PHP SDK sends it"
    invalid(await blog.post("/1.1/verify-key", key=WRONG, blog=say.blog), "no key")
    invalid(await blog.post("/1.1/verify-key", blog=say.blog), "no key")
    invalid(await blog.post("/1.1/verify-key", key=blog.key), "blog")
    invalid(await blog.post("/1.1/verify-key", key=blog.key, blog="daily.example"), "blog")


@pytest.mark.parametrize("as_label", [False, True])
async def test_a_key_is_verified_without_redis_and_without_a_model(
    own_server: Any, tmp_path: Any, run: Any, key_for: Any, blog_of: Any, say: Any, monkeypatch: Any, as_label: bool
) -> None:
    mortal = Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30)
    async with run(mortal) as client:
        blog = blog_of(await key_for(client, "score"))
    own_server.kill()
    async with run(mortal) as client:
        monkeypatch.setattr(client.server.app[keys.MODELS], "_current", None)
        again = blog_of(type(blog.caller)(client, blog.key))
        key = blog.label if as_label else blog.key
        assert (await again.post("/1.1/verify-key", key=key, blog=say.blog)).raw == b"valid"
        assert (await again.post("/1.1/verify-key", key=WRONG, blog=say.blog)).raw == b"invalid"
        monkeypatch.undo()
        assert (await again.check(api_key=key)).raw == b"false"


async def test_while_keys_were_never_seen_none_is_called_invalid(
    own_server: Any, tmp_path: Any, run: Any, blog: Any, blog_of: Any, say: Any
) -> None:
    own_server.kill()
    async with run(Settings(redis_url=own_server.url, data_dir=tmp_path / "empty", store_timeout_s=30)) as client:
        again = blog_of(type(blog.caller)(client, blog.key))
        reply = await again.post("/1.1/verify-key", key=blog.key, blog=say.blog)
        assert (reply.status, int(reply.headers["Retry-After"])) == (503, 1)


async def test_a_key_over_its_rate_is_429_but_still_verified(client: Any, key_for: Any, blog_of: Any, say: Any) -> None:
    blog = blog_of(await key_for(client, "score", rate_per_s=0.01))
    assert (await blog.check()).raw == b"false"
    reply = await blog.check()
    assert (reply.status, 1 <= int(reply.headers["Retry-After"]) <= 100) == (429, True)
    assert (await blog.post("/1.1/verify-key", key=blog.key, blog=say.blog)).raw == b"valid"


async def test_a_proxy_that_is_trusted_says_which_host_was_asked(
    redis_server: Any, tmp_path: Any, run: Any, key_for: Any, blog_of: Any, say: Any
) -> None:
    for trusted in ("", "127.0.0.1"):
        settings = Settings(
            redis_url=redis_server.url,
            data_dir=tmp_path,
            store_timeout_s=30,
            akismet_domain=say.domain,
            trusted_proxies=trusted,
        )
        async with run(settings) as client:
            blog = blog_of(await key_for(client, "score"))
            fields = f"blog={say.blog}&user_ip=&comment_content=hello".encode()
            headers = {"X-Forwarded-Host": host_of(blog.label)}
            reply = await blog.send("/1.1/comment-check", fields, headers=headers)
            assert reply.raw == (b"false" if trusted else b"invalid")
