"""Moderators in Redis: one change at a time, sessions that end, tickets that are good once, tries that cost time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from service.store import Store
from service.values.accounts import IDLE, LONGEST, Account, Preferences, Role, Session, Ticket, digest

NOW = datetime(2026, 11, 25, tzinfo=UTC)
ANN = Account("ann", {"daily": Role.MODERATOR}, NOW)


def session(**more: Any) -> Session:
    return Session(
        **{
            "account": "ann",
            "epoch": 0,
            "site": "daily",
            "role": Role.MODERATOR,
            "began_at": datetime.now(UTC),
            "via": "password",
        }
        | more
    )


async def test_of_two_changes_of_one_account_the_second_is_refused(store: Store) -> None:
    assert await store.accounts.put(ANN)
    assert not await store.accounts.put(ANN), "made of an account that was not there"
    kept = await store.accounts.get("ann")
    assert kept is not None
    assert await store.accounts.put(msgspec.structs.replace(kept, is_disabled=True))
    assert not await store.accounts.put(msgspec.structs.replace(kept, subject="s")), "would let a disabled account in"
    (now,) = await store.accounts.all()
    assert (now.is_disabled, now.subject, now.revision) == (True, None, 2)


async def test_a_session_is_found_by_its_secret_which_redis_does_not_know(store: Store, redis_server: Any) -> None:
    await store.accounts.put(ANN)
    await store.accounts.prefer("ann", Preferences(theme="dark"))
    secret = await store.accounts.open_session(session())
    found = await store.accounts.visitor(secret, datetime.now(UTC), is_active=True)
    assert found is not None
    assert (found.account.name, found.session.site, found.preferences.theme) == ("ann", "daily", "dark")
    with redis_server.client() as client:
        kept = [key + repr(client.dump(key)) for key in client.scan_iter()]
    assert not any(secret in each for each in kept)
    assert await store.accounts.visitor(digest(secret), datetime.now(UTC), is_active=True) is None


@pytest.mark.parametrize("change", [{"is_disabled": True}, {"epoch": 1}])
async def test_a_session_ends_with_what_it_stands_on(store: Store, change: dict[str, Any]) -> None:
    await store.accounts.put(ANN)
    secret = await store.accounts.open_session(session())
    kept = await store.accounts.get("ann")
    assert kept is not None
    await store.accounts.put(msgspec.structs.replace(kept, **change))
    assert await store.accounts.visitor(secret, datetime.now(UTC), is_active=True) is None
    await store.accounts.put(msgspec.structs.replace(kept, revision=2))
    assert await store.accounts.visitor(secret, datetime.now(UTC), is_active=True) is None, "it does not come back"


async def test_a_session_ends_twelve_hours_after_it_began_however_busy(store: Store) -> None:
    await store.accounts.put(ANN)
    opened = session()
    secret = await store.accounts.open_session(opened)
    just_before = opened.began_at + LONGEST - timedelta(seconds=1)
    assert await store.accounts.visitor(secret, just_before, is_active=True) is not None
    assert await store.accounts.visitor(secret, opened.began_at + LONGEST, is_active=True) is None


async def test_only_what_a_person_does_keeps_an_idle_session_open(store: Store, redis_server: Any) -> None:
    await store.accounts.put(ANN)
    secret = await store.accounts.open_session(session())
    key = f"cm:{{access}}:session:{digest(secret)}"
    with redis_server.client() as client:
        client.pexpire(key, 60_000)
        await store.accounts.visitor(secret, datetime.now(UTC), is_active=False)
        assert client.pttl(key) <= 60_000
        (listed,) = await store.accounts.sessions("ann", datetime.now(UTC))
        assert listed.idle >= IDLE - timedelta(minutes=1)
        await store.accounts.visitor(secret, datetime.now(UTC), is_active=True)
        assert client.pttl(key) > 60_000


async def test_sessions_are_listed_newest_first_and_ended_by_their_owner_only(store: Store) -> None:
    await store.accounts.put(ANN)
    older = await store.accounts.open_session(session(began_at=datetime.now(UTC) - timedelta(hours=1)))
    newer = await store.accounts.open_session(session())
    listed = await store.accounts.sessions("ann", datetime.now(UTC))
    assert [each.id for each in listed] == [digest(newer), digest(older)]
    assert not await store.accounts.end_session("bob", digest(newer))
    assert await store.accounts.end_session("ann", digest(newer))
    assert [each.id for each in await store.accounts.sessions("ann", datetime.now(UTC))] == [digest(older)]


async def test_a_ticket_is_good_once_and_for_its_purpose_only(store: Store) -> None:
    secret = await store.accounts.issue(Ticket("link", "ann"), IDLE)
    assert await store.accounts.redeem("guessed", "link") is None
    assert await store.accounts.redeem(secret, "link") == Ticket("link", "ann")
    assert await store.accounts.redeem(secret, "link") is None
    assert await store.accounts.redeem(await store.accounts.issue(Ticket("code", "ann"), IDLE), "link") is None


async def test_a_ticket_that_was_looked_at_is_still_good(store: Store) -> None:
    secret = await store.accounts.issue(Ticket("code", "ann"), IDLE)
    for _ in range(2):
        assert await store.accounts.look_at(secret, "code") == Ticket("code", "ann")
    assert await store.accounts.look_at(secret, "link") is None
    assert await store.accounts.look_at("guessed", "code") is None
    assert await store.accounts.redeem(secret, "code") == Ticket("code", "ann")


async def test_a_try_that_is_given_back_leaves_those_before_it(store: Store, redis_server: Any) -> None:
    whose = [("ann", 3), ("here", 100)]
    for _ in range(2):
        await store.accounts.delay(whose)
    for _ in range(50):
        assert await store.accounts.delay(whose) == 0
        await store.accounts.give_back("ann", "here")
    with redis_server.client() as client:
        assert [client.hget(f"cm:{{access}}:tries:{who}", "n") for who in ("ann", "here")] == ["2", "2"]
    await store.accounts.succeeded("ann", "here")
    for _ in range(5):  # more often than tries were counted
        await store.accounts.give_back("ann", "here")
    with redis_server.client() as client:
        assert client.hget("cm:{access}:tries:here", "n") == "0"


async def test_wrong_tries_cost_more_and_more_time_and_a_right_one_forgets_them(
    store: Store, redis_server: Any
) -> None:
    waits = []
    for _ in range(14):
        waits.append(await store.accounts.delay([("ann", 3), ("here", 100)]))
        with redis_server.client() as client:  # as if that time had passed
            until = client.hget("cm:{access}:tries:ann", "until")
            waits[-1] = waits[-1] or (int(until) - _redis_ms(client)) / 1000 if until else 0.0
            client.hdel("cm:{access}:tries:ann", "until")
    assert waits[:3] == [0, 0, 0]
    assert [round(wait) for wait in waits[3:]] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]
    await store.accounts.succeeded("ann", "here")
    assert await store.accounts.delay([("ann", 3), ("here", 100)]) == 0


async def test_while_somebody_must_wait_further_tries_are_not_counted_and_others_go_on(store: Store) -> None:
    for _ in range(2):
        assert await store.accounts.delay([("ann", 1), ("here", 100)]) == 0
    refused = [await store.accounts.delay([("ann", 1), ("here", 100)]) for _ in range(5)]
    assert all(0 < wait <= 1 for wait in refused)
    assert await store.accounts.delay([("bob", 1), ("here", 100)]) == 0


async def test_an_address_that_tries_many_names_is_slowed_down_for_all_of_them(store: Store) -> None:
    for number in range(4):
        assert await store.accounts.delay([(f"name-{number}", 5), ("here", 3)]) == 0
    assert await store.accounts.delay([("ann", 5), ("here", 3)]) > 0
    assert await store.accounts.delay([("ann", 5), ("elsewhere", 3)]) == 0


async def test_a_one_time_code_is_good_once(store: Store) -> None:
    assert await store.accounts.use_code("ann", 58_000_000, "secret")
    assert not await store.accounts.use_code("ann", 58_000_000, "secret")
    assert await store.accounts.use_code("ann", 58_000_000, "another app's")
    assert await store.accounts.use_code("bob", 58_000_000, "secret")


async def test_preferences_of_another_release_cost_the_preferences_only(store: Store, redis_server: Any) -> None:
    await store.accounts.put(ANN)
    with redis_server.client() as client:
        client.hset("cm:{access}:preferences", "ann", '{"theme": "sepia"}')
    found = await store.accounts.visitor(
        await store.accounts.open_session(session()), datetime.now(UTC), is_active=True
    )
    assert found is not None
    assert found.preferences == Preferences()


def _redis_ms(client: Any) -> int:
    seconds, micros = client.time()
    return int(seconds * 1000 + micros // 1000)
