"""The pipe to Redis: bounded, in order, and of no harm to others when one caller leaves or Redis does."""

import asyncio
import gc
import ssl
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service.redis.address import parse
from service.redis.connect import Durability, Link
from service.redis.pipe import MOST_IN_ONE_PIPELINE, ServerPipe
from service.redis.wire import Wire
from service.settings import Settings
from service.store import Store, open_store
from service.store.review import Answer, Filter
from service.values.domain import State, Verdict
from service.values.errors import BadRequest, NotFound, Overloaded, StoreUnavailable


@pytest.fixture
async def mortal(own_server: Any, tmp_path: Path) -> AsyncIterator[Store]:
    """A store with a short deadline over a Redis that the test may kill."""
    async with open_store(
        Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=3), own_server.url
    ) as store:
        yield store


@pytest.fixture
async def patient(own_server: Any, tmp_path: Path) -> AsyncIterator[Store]:
    """The same with a deadline that no pipeline misses, however busy the machine."""
    settings = Settings(redis_url=own_server.url, data_dir=tmp_path, store_timeout_s=30)
    async with open_store(settings, own_server.url) as store:
        yield store


@pytest.fixture
async def make_pipe(redis_server: Any) -> AsyncIterator[Callable[..., ServerPipe]]:
    """Pipes with a deadline of 10 s; another server, deadline or bound as asked for."""
    made: list[ServerPipe] = []

    def make(*, url: str = redis_server.url, timeout_s: float = 10, max_pending: int = 10_000) -> ServerPipe:
        link = Link(parse(url), Durability(accept_loss=False), timeout_s)
        made.append(ServerPipe(link, timeout_s, max_pending))
        return made[-1]

    yield make
    for pipe in made:
        await pipe.close()


async def test_answers_go_to_those_who_asked(make_pipe: Any) -> None:
    pipe = make_pipe()
    found = await asyncio.gather(*(pipe.call("ECHO", str(number)) for number in range(3 * MOST_IN_ONE_PIPELINE + 7)))
    assert found == [str(number).encode() for number in range(len(found))]


async def test_callers_that_leave_do_not_disturb_the_replies_of_others(make_pipe: Any) -> None:
    pipe = make_pipe()
    for leave_after in range(6):
        calls = [asyncio.ensure_future(pipe.call("ECHO", str(number))) for number in range(400)]
        for _ in range(leave_after):
            await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        assert [await call for call in calls[1::2]] == [str(number).encode() for number in range(1, 400, 2)]
    assert await pipe.call("ECHO", "after") == b"after"


async def test_a_reply_may_come_in_many_pieces(make_pipe: Any) -> None:
    pipe = make_pipe()
    sizes = (1, 3_000_000, 70_000, 0, 1_000_000)
    found = await asyncio.gather(*(pipe.call("ECHO", "x" * size) for size in sizes))
    assert tuple(map(len, found)) == sizes


async def test_a_reply_that_comes_too_late_is_nobody_elses(own_server: Any, make_pipe: Any) -> None:
    pipe = make_pipe(url=own_server.url, timeout_s=5)  # long enough for the other two calls on a busy machine
    assert await pipe.call("ECHO", "before") == b"before"
    own_server.hang()
    with pytest.raises(StoreUnavailable):
        await pipe.call("ECHO", "too late")
    own_server.resume()
    assert await pipe.call("ECHO", "after") == b"after"


async def test_a_connection_that_ended_while_nobody_asked_is_replaced(own_server: Any, make_pipe: Any) -> None:
    pipe = make_pipe(url=own_server.url)
    for number in range(3):
        wire = pipe._wire  # noqa: SLF001 - nobody else knows when the end of it has arrived
        with own_server.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)
        while wire is not None and wire.is_open:
            await asyncio.sleep(0)
        assert await pipe.call("ECHO", number) == b"%d" % number


@pytest.fixture
async def over_tls(own_server: Any, self_signed: Path) -> AsyncIterator[int]:
    """A port at which a Redis of the test's own speaks TLS; not every server is built with it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(self_signed)
    tasks = set[asyncio.Task[None]]()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_unix_connection(own_server.socket)
        tasks.update({asyncio.create_task(copy(reader, behind[1])), asyncio.create_task(copy(behind[0], writer))})

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # the transports hear of their end in the next turn of the loop


async def test_it_speaks_tls_and_goes_on_when_a_connection_is_cut(
    own_server: Any, make_pipe: Any, self_signed: Path, over_tls: int
) -> None:
    pipe = make_pipe(url=f"rediss://127.0.0.1:{over_tls}?ssl_ca_certs={self_signed}")
    for number in range(2):
        sizes = (1, 300_000, 0)
        found = await asyncio.gather(*(pipe.call("ECHO", "x" * size) for size in sizes))
        assert tuple(map(len, found)) == sizes
        with own_server.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)
        wire = pipe._wire  # noqa: SLF001 - nobody else knows when the end of it has arrived
        while wire.is_open:
            await asyncio.sleep(0)
        assert await pipe.call("ECHO", number) == b"%d" % number


async def test_a_write_whose_caller_left_is_whole_or_absent(store: Store, site: str, submit: Any) -> None:
    for turns in range(8):
        task = asyncio.create_task(submit(f"c-{turns}"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        try:
            record = await store.comments.get(site, f"c-{turns}")
        except NotFound:
            continue
        assert record.state is State.QUEUED
        assert record.content is not None
    stats = await store.queue.stats(site, 1)
    assert stats["queued"] == len(await store.queue.items(site, State.QUEUED, 0, 100))


async def test_more_than_may_wait_are_refused_at_once(make_pipe: Any) -> None:
    pipe = make_pipe(max_pending=100)
    found = await asyncio.gather(*(pipe.call("PING") for _ in range(150)), return_exceptions=True)
    assert [isinstance(each, Overloaded) for each in found] == [False] * 100 + [True] * 50
    assert await pipe.call("PING") == b"PONG"


async def test_one_refused_command_does_not_spoil_the_others(make_pipe: Any, caplog: pytest.LogCaptureFixture) -> None:
    pipe = make_pipe()
    good, bad, after = await asyncio.gather(
        pipe.call("ECHO", "a"), pipe.call("NO-SUCH-COMMAND"), pipe.call("ECHO", "b"), return_exceptions=True
    )
    assert (good, after) == (b"a", b"b")
    assert isinstance(bad, StoreUnavailable)
    assert "Redis refused a command" in caplog.text


@pytest.mark.parametrize("bad", ["\ud800", "a\udfffb"])
async def test_an_argument_that_cannot_be_sent_fails_its_own_caller_alone(make_pipe: Any, bad: str) -> None:
    pipe = make_pipe()
    calls = [("ECHO", bad if number % 3 == 0 else str(number)) for number in range(600)]
    found = await asyncio.gather(*(pipe.call(*call) for call in calls), return_exceptions=True)
    for number, each in enumerate(found):
        assert isinstance(each, BadRequest) if number % 3 == 0 else each == str(number).encode()


async def test_a_mistake_of_ours_fails_its_own_caller_alone(make_pipe: Any) -> None:
    pipe = make_pipe()
    found = await asyncio.gather(
        pipe.call("ECHO", "a"), pipe.call("ECHO", None), pipe.call("ECHO", "b"), return_exceptions=True
    )
    assert (found[0], type(found[1]), found[2]) == (b"a", TypeError, b"b")


@pytest.mark.parametrize(
    "error", [LookupError("ours"), asyncio.CancelledError(), OSError("away"), StoreUnavailable("x")]
)
async def test_whatever_ends_a_pipeline_its_callers_are_told_and_the_next_one_goes_on(
    make_pipe: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    pipe = make_pipe()
    asked = Wire.ask

    async def ask(*_: Any) -> list[Any]:
        monkeypatch.setattr(Wire, "ask", asked)
        raise error

    await pipe.call("PING")
    monkeypatch.setattr(Wire, "ask", ask)
    found = await asyncio.gather(*(pipe.call("PING") for _ in range(400)), return_exceptions=True)
    assert {type(each) for each in found} == {StoreUnavailable}
    assert len({id(each) for each in found}) == 400, "each has an exception of its own"
    assert await pipe.call("PING") == b"PONG"


async def test_closing_lets_what_is_in_the_pipe_finish(make_pipe: Any) -> None:
    pipe = make_pipe()
    calls = [asyncio.ensure_future(pipe.call("ECHO", "x")) for _ in range(500)]
    await asyncio.sleep(0)
    await pipe.close()
    assert all(call.done() for call in calls)


async def test_who_calls_after_the_end_is_refused_and_opens_no_connection(make_pipe: Any) -> None:
    pipe = make_pipe()
    await pipe.call("PING")
    await pipe.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await pipe.call("PING")
    assert not pipe._wire.is_open  # noqa: SLF001 - shown to nobody else


async def test_an_end_that_is_cut_short_leaves_no_connection_open(redis_server: Any) -> None:
    """A connection for calls, and one for checks and subscriptions; cut short after each number of turns."""
    for turns in range(1, 12):
        pipe = ServerPipe(Link(parse(redis_server.url), Durability(accept_loss=False), 10), 10, 10)
        await pipe.call("PING")
        await pipe.check()
        closing = asyncio.create_task(pipe.close())
        for _ in range(turns):
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
    del pipe, closing
    gc.collect()  # pytest fails the test for a connection that was never closed


async def test_a_killed_redis_is_said_so_and_comes_back(mortal: Store, site: str, submit: Any, own_server: Any) -> None:
    await submit("c-1", to=mortal)
    own_server.kill()
    async with asyncio.timeout(60):
        with pytest.raises(StoreUnavailable):
            await submit("c-2", to=mortal)
        with pytest.raises(StoreUnavailable):
            await mortal.check()
    own_server.start()
    await mortal.check()
    assert (await mortal.comments.get(site, "c-1")).state is State.QUEUED, "what was acknowledged is there"
    assert (await submit("c-2", to=mortal))[0] == "created"


async def test_redis_killed_under_load_loses_nothing_that_was_acknowledged(
    patient: Store, site: str, submit: Any, own_server: Any
) -> None:
    calls = [asyncio.create_task(submit(f"c-{number}", to=patient)) for number in range(2000)]
    await calls[300]
    own_server.kill()
    found = await asyncio.gather(*calls, return_exceptions=True)
    acknowledged = [number for number, each in enumerate(found) if not isinstance(each, BaseException)]
    assert len(acknowledged) >= 300
    assert {type(each) for each in found if isinstance(each, BaseException)} == {StoreUnavailable}
    own_server.start()
    for number in acknowledged:
        assert (await patient.comments.get(site, f"c-{number}")).state is State.QUEUED
    stats = await patient.queue.stats(site, 1)
    assert stats["queued"] == len(await patient.queue.items(site, State.QUEUED, 0, 5000)) >= len(acknowledged)


async def test_a_hung_redis_is_given_up_by_all_who_wait_and_not_one_after_the_other(
    mortal: Store, make_pipe: Any, own_server: Any
) -> None:
    pipe = make_pipe(url=own_server.url, timeout_s=Settings().store_timeout_s)
    await pipe.call("PING")
    own_server.hang()
    calls = [asyncio.ensure_future(pipe.call("ECHO", str(number))) for number in range(9_000)]
    # One deadline for all: a deadline for each pipeline of 256 would take 16 s.
    async with asyncio.timeout(60):
        found = await asyncio.gather(*calls, mortal.check(), return_exceptions=True)
    assert {type(each) for each in found} == {StoreUnavailable}
    own_server.resume()
    assert await pipe.call("ECHO", "mine") == b"mine", "a late reply must not be taken for ours"
    await mortal.check()


async def test_a_redis_that_was_never_there_is_said_so(tmp_path: Path) -> None:
    url = f"unix://{tmp_path / 'nobody.sock'}"
    async with open_store(Settings(redis_url=url), url) as store:
        with pytest.raises(StoreUnavailable) as caught:
            await store.comments.get("daily", "c-1")
        assert caught.value.retry_after_s >= 1


async def test_a_full_redis_refuses_comments_and_lets_moderators_go_on(own_server: Any, submit: Any, site: str) -> None:
    async with open_store(Settings(redis_url=own_server.url, store_timeout_s=30), own_server.url) as store:
        await submit("c-1", to=store)
        with own_server.client() as client:
            client.config_set("maxmemory", 1)
            with pytest.raises(StoreUnavailable):
                await submit("c-2", to=store)
            (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
            assert (await store.queue.extend(site, "c-1", "ann", held.lease, 60))[0] == "ok"
            assert (await store.queue.release(site, "c-1", "ann", held.lease, skip=False))[0] == "ok"
            (held,) = await store.queue.claim(site, "ann", 1, 60, Filter())
            answer = Answer(Verdict.REJECT, held.lease, digest="d")
            assert (await store.queue.decide(site, "c-1", "ann", answer, may_overrule=False))[0] == "ok"
            with pytest.raises(NotFound):
                await store.comments.get(site, "c-2")
            client.config_set("maxmemory", 0)
        assert (await submit("c-2", to=store))[0] == "created"


async def test_a_primary_that_becomes_a_replica_is_left_at_once(own_server: Any, submit: Any, site: str) -> None:
    async with open_store(Settings(store_timeout_s=30), own_server.url) as store:
        await submit("c-1", to=store)
        with own_server.client() as client:
            for attempt in (partial(submit, "c-2", to=store), partial(store.audit.write, site, "test", "ann")):
                await store.check()
                client.replicaof("127.0.0.1", "1")
                with pytest.raises(StoreUnavailable, match="has become a replica"):
                    await attempt()
                with pytest.raises(StoreUnavailable, match="is a replica"):
                    await attempt()
                client.replicaof("no", "one")
        assert (await submit("c-2", to=store))[0] == "created"
