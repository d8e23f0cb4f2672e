"""The service as processes: several on one port, replaced when killed, and an end in which no request is cut."""

import contextlib
import json
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from steward import READY_S, Steward, posted, running

from service.redis.server import find_server

ALL_TO_REVIEW = {"thresholds": {"toxicity": {"review_at": 0.0, "reject_at": None}}}
LIVE = b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def children(pid: int, module: str) -> set[int]:
    """Processes of that parent that run `module`."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and module in (process / "cmdline").read_text():
                found.add(int(process.name))
    return found


def workers(steward: Steward) -> set[int]:
    return children(steward.process.pid, "service.process.worker")


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(12_000):
        if is_so():
            return
        time.sleep(0.01)  # another process sets no event of ours
    raise AssertionError("it never came to that")


def connected(steward: Steward) -> socket.socket:
    url = urlsplit(steward.url)
    return socket.create_connection((url.hostname, url.port), timeout=READY_S)


def is_refused(steward: Steward) -> bool:
    try:
        connected(steward).close()
    except ConnectionError:
        return True
    return False


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.fixture(scope="module")
def two() -> Iterator[Steward]:
    """A service of two workers, for all tests that leave it with two."""
    folder = Path(tempfile.mkdtemp(prefix="steward-"))
    with running(folder, "--workers", "2") as steward:
        yield steward
    shutil.rmtree(folder, ignore_errors=True)


def test_each_of_two_workers_answers_on_the_one_port(two: Steward) -> None:
    both = workers(two)
    assert len(both) == 2
    for hung in both:
        os.kill(hung, signal.SIGSTOP)
        with contextlib.ExitStack() as stack:
            # The kernel spreads connections over the workers; all of forty to one of them is 2 ** -40.
            asked = [stack.enter_context(connected(two)) for _ in range(40)]
            for connection in asked:
                connection.sendall(LIVE)
            with selectors.DefaultSelector() as answers:
                for connection in asked:
                    answers.register(connection, selectors.EVENT_READ)
                assert answers.select(30), "the other worker answers"
            os.kill(hung, signal.SIGCONT)
            assert all(connection.recv(12) == b"HTTP/1.1 200" for connection in asked)


def test_what_all_workers_counted_is_shown_by_any(two: Steward) -> None:
    key = two.first_key()
    for _ in range(30):  # a new connection for each, so that both workers get some
        with two.client(key) as client:
            posted(client, "/v1/score", {"text": "hello"})
    shown = httpx.get(f"{two.url}/metrics", headers={"Authorization": f"Bearer {key}"}, timeout=60).text
    counted = r'^steward_requests_total\{operation="score",outcome="ok"\} (\S+)'
    (count,) = re.findall(counted, shown, re.MULTILINE)
    assert float(count) == 30


def test_a_killed_worker_is_replaced_while_the_other_answers(two: Steward) -> None:
    before = workers(two)
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    until(lambda: is_gone(killed))
    for _ in range(20):
        assert httpx.get(f"{two.url}/livez", timeout=60).status_code == 200
    until(lambda: len(workers(two)) == 2)
    assert workers(two) - before


@pytest.mark.parametrize("count", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_being_answered_is_answered_before_the_end(data_dir: Path, count: str, number: signal.Signals) -> None:
    with running(data_dir, "--workers", count) as steward:
        key = steward.first_key()
        with steward.client(key) as client:
            assert client.put("/v1/policies/default", json=ALL_TO_REVIEW).status_code == 200
        waits = next(f"c-{n}" for n in range(1_000) if _is_pending(steward, key, f"c-{n}"))
        with connected(steward) as waiting:
            # 100 Continue comes from the handler: the request is being answered, whatever the signal does now.
            waiting.sendall(
                f"GET /v1/comments/{waits}?wait=2 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                f"Authorization: Bearer {key}\r\n\r\n".encode()
            )
            assert waiting.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
            steward.process.send_signal(number)
            until(lambda: is_refused(steward))
            steward.process.send_signal(number)  # an impatient operator does not cut it short
            assert waiting.recv(12) == b"HTTP/1.1 200"
        assert steward.process.wait(READY_S) == 0
        assert not (data_dir / "redis.sock").exists(), "Redis was stopped as well"


def _is_pending(steward: Steward, key: str, comment_id: str) -> bool:
    """Not yet where the worker that answers has not heard of the policy; over a connection of its own each time."""
    with steward.client(key) as client:
        return bool(posted(client, "/v1/comments", {"id": comment_id, "text": "hello"})["status"] == "pending")


def test_workers_whose_parent_was_killed_end_and_the_next_start_finds_all(data_dir: Path) -> None:
    with running(data_dir, "--workers", "2") as steward:
        key = steward.first_key()
        with steward.client(key) as client:
            answer = posted(client, "/v1/comments", {"id": "c-1", "text": "hello"})
        orphans = workers(steward)
        steward.kill()
        until(lambda: all(map(is_gone, orphans)))
    with running(data_dir, "--workers", "2") as again, again.client(key) as client:
        assert client.get("/v1/comments/c-1").json() == answer


def test_a_service_that_is_told_to_stop_while_redis_starts_stops_at_once(data_dir: Path, tmp_path: Path) -> None:
    # A server that is found but never says anything.
    silent = tmp_path / "redis-server"
    silent.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec {find_server()} --version\nexec sleep 600\n')
    silent.chmod(0o700)
    steward = Steward(data_dir)
    steward.environment["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    with steward.spawn() as process:
        until(lambda: bool(children(process.pid, "sleep")))
        (redis,) = children(process.pid, "sleep")
        process.terminate()
        said, _ = process.communicate(timeout=READY_S)
    assert (process.returncode, said) == (0, "")
    assert is_gone(redis)


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_service_that_cannot_start_says_why_in_a_line_and_fails(data_dir: Path, count: str) -> None:
    steward = Steward(data_dir, "--workers", count)
    steward.environment["AIOHTTP_NO_EXTENSIONS"] = "1"
    process = steward.spawn()
    said, _ = process.communicate(timeout=READY_S)
    assert process.returncode == 1
    assert "steward: aiohttp's compiled HTTP parser is missing" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("count", ["1", "2"])
def test_a_port_that_another_service_has_is_refused_not_shared(two: Steward, tmp_path: Path, count: str) -> None:
    other = Steward(tmp_path, "--workers", count, "--port", str(urlsplit(two.url).port))
    other.environment["STEWARD_REDIS_URL"] = f"unix://{two.folder}/redis.sock"
    process = other.spawn()
    said, _ = process.communicate(timeout=READY_S)
    assert process.returncode == 1
    assert "cannot listen on 127.0.0.1" in said


def test_a_service_without_redis_says_so_and_greets_once_it_comes(data_dir: Path) -> None:
    steward = Steward(data_dir)
    data = data_dir / "other"
    data.mkdir()
    steward.environment["STEWARD_REDIS_URL"] = f"unix://{data}/r.sock"
    steward.process = steward.spawn()
    try:
        steward.listen()
        assert steward.line(r"not ready: (.+)")
        options = ["--port", "0", "--unixsocket", str(data / "r.sock"), "--dir", str(data), "--save", ""]
        with subprocess.Popen(
            [find_server(), *options, "--appendonly", "yes", "--maxmemory-policy", "noeviction"],
            stdout=subprocess.DEVNULL,
        ) as redis:
            steward.url = steward.line(r"ready on (http://\S+)")
            with steward.client(steward.first_key()) as client:
                assert posted(client, "/v1/score", {"text": "hello"})
            redis.terminate()
    finally:
        assert steward.stop() == 0


def test_start_and_stop_are_lines_of_json_where_the_log_is_wanted_so(data_dir: Path) -> None:
    steward = Steward(data_dir)
    steward.environment["STEWARD_LOG"] = "json"
    steward.start()
    began = json.loads(steward.line(r"(\{.*serving on.*\})"))
    assert (began["level"], began["logger"]) == ("info", "service.process.serving")
    assert steward.url in began["message"]
    assert steward.stop() == 0
    for said in ("stopping: open requests", "stopped: no request is open"):
        assert json.loads(steward.line(rf"(\{{.*{said}.*\}})"))["level"] == "info"
