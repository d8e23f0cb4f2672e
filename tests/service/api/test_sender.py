"""Rules ask for the name, the e-mail address and the network of a sender, who is not stored."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from service import app_keys as keys
from service.settings import Settings

JOE = "joe@pills.example"
FLOOD = {
    "id": "net-flood",
    "when": {"velocity": {"by": "network", "more_than": 2, "s": 60}},
    "then": {"action": "review"},
}
NAMES = {
    "id": "names",
    "when": {"words": {"any": ["pills"], "match": "part", "in": ["name", "email"]}},
    "then": {"action": "reject", "reason": "spam"},
}


@pytest.fixture(params=[1, 3])
async def client(request: pytest.FixtureRequest, run: Any, settings: Settings) -> AsyncIterator[Any]:
    async with run(msgspec.structs.replace(settings, shards=request.param)) as client:
        yield client


@pytest.fixture
async def chief(client: Any, key_for: Any) -> Any:
    return await key_for(client, name="chief")


async def has_rules(chief: Any, *rules: Any) -> Any:
    return await chief("PUT", "/v1/policies/default", {"thresholds": {"toxicity": {}}, "rules": rules})


async def post(chief: Any, comment_id: str, **more: Any) -> Any:
    answer = await chief.post("/v1/comments", {"id": comment_id, "text": f"hello {comment_id}", **more})
    assert answer.status == 200, answer.body
    return answer.body


async def everything(client: Any) -> bytes:
    """All that Redis holds."""
    pipe, found = client.server.app[keys.STORE].pipe, []
    read = {b"string": ("GET",), b"hash": ("HGETALL",), b"list": ("LRANGE", 0, -1), b"set": ("SMEMBERS",)}
    read |= {b"zset": ("ZRANGE", 0, -1), b"stream": ("XRANGE", "-", "+")}
    for key in await pipe.call("KEYS", "*"):
        command, *rest = read[await pipe.call("TYPE", key)]
        found += [key, repr(await pipe.call(command, key, *rest)).encode()]
    return b"\n".join(found)


@pytest.mark.parametrize(
    ("author", "sender", "status"),
    [
        ({"name": "Joe's Pills"}, None, "rejected"),
        ({"name": "Joe"}, {"email": JOE}, "rejected"),
        ({"name": "Joe"}, {"email": "joe@post.example"}, "approved"),
        (None, None, "approved"),
    ],
)
async def test_words_in_a_name_or_an_address(chief: Any, author: Any, sender: Any, status: str) -> None:
    assert (await has_rules(chief, NAMES)).status == 200
    more = {name: value for name, value in (("author", author), ("sender", sender)) if value}
    found = await post(chief, "c-1", **more)
    assert found["status"] == status
    if status == "rejected":
        (reason,) = [each for each in found["reasons"] if each["code"] == "rule"]
        assert (reason["rule"], reason["entry"], reason.get("spans", [])) == ("names", "pills", [])


async def test_words_of_a_name_are_not_looked_for_in_the_text(chief: Any) -> None:
    await has_rules(chief, NAMES)
    assert (await post(chief, "c-1", text="cheap pills"))["status"] == "approved"
    both = {**NAMES, "when": {"words": {**NAMES["when"]["words"], "in": ["text", "name"]}}}  # type: ignore[dict-item,index]
    await has_rules(chief, both)
    found = await post(chief, "c-2", text="cheap pills")
    assert [each["spans"] for each in found["reasons"] if each["code"] == "rule"] == [[[6, 11]]]


@pytest.mark.parametrize(
    "addresses",
    [
        ("192.0.2.1", "192.0.2.77", "::ffff:192.0.2.3"),
        ("2001:db8:7:1::1", "2001:db8:7:2::1", "2001:db8:7:ffff::"),
        ("192.0.2.1:5678", "192.0.2.77, 10.0.0.1", "[::ffff:192.0.2.3]:80"),  # as proxies write them
    ],
)
async def test_a_flood_of_one_network_is_held(chief: Any, addresses: tuple[str, ...]) -> None:
    assert (await has_rules(chief, FLOOD)).status == 200
    for number in range(3):
        await post(chief, f"other-{number}", sender={"ip": f"198.51.{number}.1"})
        await post(chief, f"unknown-{number}")
    found = [await post(chief, f"c-{at}", sender={"ip": each}) for at, each in enumerate(addresses)]
    assert [each["status"] for each in found] == ["approved", "approved", "pending"]


async def test_nothing_of_a_sender_is_stored_but_a_hash_that_expires(chief: Any, client: Any) -> None:
    await has_rules(chief, FLOOD, {**NAMES, "when": {"words": {"any": ["zorblax"], "in": ["email"]}}})
    sent = {"author": {"id": "u-1"}, "sender": {"email": JOE, "ip": "192.0.2.7"}}
    found = await post(chief, "c-1", **sent)
    assert "sender" not in found
    kept = await everything(client)
    assert JOE.encode() not in kept
    assert b"192.0.2" not in kept
    pipe = client.server.app[keys.STORE].pipe
    rates = await pipe.call("KEYS", "*rate:network:*")
    assert len(rates) == 1
    assert 0 < await pipe.call("TTL", rates[0]) <= 60


@pytest.mark.parametrize("address", [" ", "unknown", "Unknown", "-"])
async def test_an_address_that_a_proxy_does_not_know_counts_as_not_sent(chief: Any, address: str) -> None:
    assert (await chief.post("/v1/comments", {"text": "hello", "sender": {"ip": address}})).status == 200


async def test_what_is_no_address_is_refused_with_its_place(chief: Any) -> None:
    answer = await chief.post("/v1/comments", {"text": "hello", "sender": {"ip": "somewhere"}})
    assert (answer.status, answer.body["errors"]) == (
        400, [{"pointer": "/sender/ip", "detail": "not an IP address"}],
    )  # fmt: skip


async def test_akismets_fields_for_name_and_address_count_as_well(client: Any, chief: Any, key_for: Any) -> None:
    await has_rules(chief, NAMES)
    scorer = await key_for(client, name="scorer")
    form = {"api_key": scorer.key, "blog": "https://blog.example", "user_ip": "", "comment_content": "Hello to all."}
    for more, word in (({}, "false"), ({"comment_author": "Pills4U"}, "true"), ({"comment_author_email": JOE}, "true")):
        answer = await client.post("/1.1/comment-check", data={**form, **more})
        assert await answer.text() == word
