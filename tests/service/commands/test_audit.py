"""steward audit: the trail leaves Redis once, whatever is killed, and only then is it trimmed."""

import csv
import io
import json
import os
import random
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.commands.audit import audit
from service.commands.keys import keys
from service.store.keyspace import Shard
from service.trail import Trail, entries, locked
from service.trail.files import numbered

DAILY = "daily"


class Steward:
    """`steward audit` on the test's Redis, into a folder of the test's."""

    def __init__(self, server: Any, folder: Path) -> None:
        self.folder = folder
        self.server = server
        self.environment = {"STEWARD_REDIS_URL": server.url, "STEWARD_STORE_TIMEOUT_S": "10"}

    def run(self, *arguments: str, folder: Path | None = None, **environment: str) -> Result:
        runner = CliRunner(env=self.environment | environment)
        return runner.invoke(audit, [*arguments, "--folder", str(folder or self.folder)])

    def done(self, *arguments: str, **more: Any) -> str:
        result = self.run(*arguments, **more)
        assert result.exit_code == 0, result.output
        return result.stdout

    def spawn(self, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "service",
                "audit",
                "export",
                "--site",
                "daily",
                "--folder",
                str(self.folder),
                *arguments,
            ],
            env=os.environ | self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def add(self, count: int, *, days_ago: int = 0, site: str = DAILY, shard: int = 0) -> None:
        at_ms = int((datetime.now(UTC) - timedelta(days=days_ago)).timestamp() * 1000)
        with self.server.client() as client, client.pipeline(transaction=False) as pipeline:
            for number in range(count):
                details = {"action": "decided", "actor": "ann", "comment": f"c-{number}", "policy": "default@1"}
                pipeline.xadd(Shard(site, shard).key("audit"), details, id=f"{at_ms}-{number}")
            pipeline.execute()

    def stream(self, site: str = DAILY, shard: int = 0) -> list[tuple[str, dict[str, str]]]:
        with self.server.client() as client:
            found: list[tuple[str, dict[str, str]]] = client.xrange(Shard(site, shard).key("audit"))
            return found

    def exported(self, site: str = DAILY, shard: int = 0) -> list[tuple[str, dict[str, str]]]:
        everything = entries(self.folder / site)
        return [(entry.cursor, entry.details) for entry in everything if entry.shard == shard]


@pytest.fixture
def steward(redis_server: Any, tmp_path: Path) -> Steward:
    return Steward(redis_server, tmp_path / "trails")


def head_of(said: str) -> str:
    found = re.search(r"head ([0-9a-f]{64})", said)
    assert found, said
    return found[1]


def test_every_entry_is_exported_once_in_order(steward: Steward) -> None:
    steward.add(300)
    assert steward.done("export", "--site", "daily").startswith("daily: 300 new, 300 entries, head ")
    steward.add(20)
    assert steward.done("export").startswith("daily: 20 new, 320 entries, head "), "a site with a folder is known"
    assert steward.done("export").startswith("daily: 0 new, 320 entries, head ")
    assert steward.exported() == steward.stream()


def test_every_site_with_a_key_is_exported(steward: Steward) -> None:
    steward.add(3, days_ago=1, site="weekly")
    for site in ("daily", "weekly"):
        made = CliRunner(env=steward.environment).invoke(
            keys, ["create", "--site", site, "--new-site", "--scope", "admin"]
        )
        assert made.exit_code == 0, made.output
    said = steward.done("export").splitlines()
    assert [line.partition(", head")[0] for line in said] == ["daily: 1 new, 1 entries", "weekly: 4 new, 4 entries"]
    assert steward.exported("weekly") == steward.stream("weekly")


def test_all_shards_of_a_site_are_one_chain_in_the_order_of_time(steward: Steward) -> None:
    for days_ago in (5, 3, 1):
        for shard in range(3):
            steward.add(4, days_ago=days_ago, shard=shard)
    assert steward.done("export", "--site", "daily", STEWARD_SHARDS="3").startswith("daily: 36 new, 36 entries")
    steward.add(5, shard=1)
    steward.done("export", STEWARD_SHARDS="3")
    for shard in range(3):
        assert steward.exported(shard=shard) == steward.stream(shard=shard)
    at = [entry.at for entry in entries(steward.folder / "daily")]
    assert at == sorted(at)
    assert "daily: whole, 41 entries" in steward.done("verify")


def test_an_export_that_would_pass_over_shards_refuses(steward: Steward) -> None:
    steward.done("export", "--site", "daily", STEWARD_SHARDS="3")
    result = steward.run("export", "--site", "daily")
    assert result.exit_code == 1
    assert result.stderr == "Error: STEWARD_SHARDS is 1, but this Redis was first used with 3\n"


def test_only_what_is_exported_and_older_than_the_window_leaves_redis(steward: Steward) -> None:
    steward.add(500, days_ago=40)
    steward.add(300, days_ago=20)
    before = steward.stream()
    assert "trimmed" not in steward.done("export", "--site", "daily")
    assert steward.stream() == before
    assert steward.done("export", "--trim").endswith("; 500 trimmed from Redis\n")
    assert steward.stream() == before[500:]
    assert steward.exported() == before
    assert steward.done("export", "--trim", "--keep-days", "50").endswith("; 0 trimmed from Redis\n")
    steward.done("export", "--trim", "--keep-days", "0")
    steward.add(10)
    steward.done("export")
    assert steward.exported() == before + steward.stream()[-10:]


def test_an_export_that_cannot_be_complete_refuses_and_the_other_sites_go_on(steward: Steward, tmp_path: Path) -> None:
    steward.add(500, days_ago=40)
    steward.done("export", "--site", "daily", "--trim")
    steward.add(2, site="weekly")
    elsewhere = tmp_path / "elsewhere"
    steward.done("export", "--site", "weekly", folder=elsewhere)
    (elsewhere / "daily").mkdir()
    (elsewhere / "daily" / "audit-00000001.jsonl").touch()
    result = steward.run("export", folder=elsewhere)
    assert result.exit_code == 1
    assert result.stderr.startswith("daily: Redis no longer holds what follows")
    assert result.stdout.startswith("weekly: 0 new, 2 entries")


def test_lines_that_were_cut_off_come_again_while_redis_holds_them(steward: Steward) -> None:
    steward.add(300)
    head = head_of(steward.done("export", "--site", "daily"))
    path = numbered(steward.folder / "daily")[1]
    path.write_bytes(path.read_bytes()[:-5000])
    assert steward.run("verify").exit_code == 1
    assert head_of(steward.done("export")) == head
    assert steward.exported() == steward.stream()


def test_of_two_exports_at_once_one_gives_up(steward: Steward) -> None:
    steward.add(3)
    with locked(steward.folder):
        result = steward.run("export", "--site", "daily")
    assert result.exit_code == 1
    assert result.stderr == f"Error: {steward.folder}: another export writes here; one at a time\n"


def test_a_redis_that_is_away_is_one_line(steward: Steward) -> None:
    result = steward.run("export", STEWARD_REDIS_URL="unix:///nowhere/redis.sock")
    said = result.stderr.splitlines()
    assert (result.exit_code, len(said)) == (1, 2)
    assert said[0] == "store: Redis at unix:///nowhere/redis.sock"


def test_an_export_killed_at_any_point_leaves_nothing_out_and_nothing_twice(steward: Steward) -> None:
    steward.add(60_000)
    everything = steward.stream()
    chance = random.Random(4)  # noqa: S311 - when to kill
    kill_at_bytes = sorted(chance.randrange(60_000 * 300) for _ in range(8))
    assert sum(_killed_at(steward, each) for each in kill_at_bytes) >= 4
    assert steward.done("export", "--trim", "--keep-days", "0").startswith("daily: ")
    assert len(steward.stream()) < 200
    assert "daily: whole, 60000 entries" in steward.done("verify")
    assert steward.exported() == everything


def _killed_at(steward: Steward, written_bytes: int) -> bool:
    """Start an export and kill it as soon as so much is written; False when it was through before."""
    process = steward.spawn("--trim", "--keep-days", "0")
    folder = steward.folder / "daily"
    while process.poll() is None:
        if sum(path.stat().st_size for path in numbered(folder).values()) >= written_bytes:
            process.kill()
            break
        time.sleep(0.001)
    return process.wait() != 0


def test_verify_names_the_place_and_fails(steward: Steward) -> None:
    steward.add(30)
    head = head_of(steward.done("export", "--site", "daily"))
    assert steward.done("verify").startswith(
        f"daily: whole, 30 entries in 1 file, head {head}\ndaily: the end is unchecked"
    )
    path = numbered(steward.folder / "daily")[1]
    path.write_bytes(path.read_bytes().replace(b'"c-7"', b'"c-8"'))
    result = steward.run("verify")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{path}, line 9: changed, or put in, or the line before it was removed",
        f"daily: DAMAGED, 1 finding, 30 entries in 1 file, head {head}",
    ]


def test_a_cut_off_end_is_found_against_a_kept_head(steward: Steward) -> None:
    steward.add(30)
    older = head_of(steward.done("export", "--site", "daily"))
    steward.add(5)
    newest = head_of(steward.done("export"))
    assert "(the kept head is that of entry 30)" in steward.done("verify", "--head", older)
    path = numbered(steward.folder / "daily")[1]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert steward.run("verify").exit_code == 0
    result = steward.run("verify", "--head", newest)
    assert result.exit_code == 1
    assert "its end was cut off, or all of it was written anew" in result.stdout
    assert steward.run("verify", "--head", "abc").exit_code == 2


def test_nothing_to_verify_is_no_success(steward: Steward) -> None:
    result = steward.run("verify")
    assert result.exit_code == 1
    assert "no exported trail in" in result.stderr


def test_entries_are_shown_as_json_lines_and_as_csv(steward: Steward) -> None:
    steward.add(12)
    steward.done("export", "--site", "daily")
    shown = [json.loads(line) for line in steward.done("show").splitlines()]
    assert [(each["cursor"], each["details"]) for each in shown] == steward.stream()
    rows = list(csv.DictReader(io.StringIO(steward.done("show", "--csv", "--comment", "c-3"))))
    assert [(row["n"], row["comment"], row["actor"]) for row in rows] == [("4", "c-3", "ann")]
    assert len(steward.done("show", "--actor", "ann", "--policy", "default@1").splitlines()) == 12
    assert steward.done("show", "--actor", "bob") == ""


def test_what_one_request_did_is_shown(steward: Steward) -> None:
    steward.add(2)
    with steward.server.client() as client:
        client.xadd(
            Shard(DAILY).key("audit"), {"action": "claimed", "actor": "ann", "comment": "c-1", "request": "edge-7"}
        )
    steward.done("export", "--site", "daily")
    (shown,) = steward.done("show", "--request", "edge-7").splitlines()
    assert json.loads(shown)["details"]["comment"] == "c-1"


def test_old_files_are_removed_and_the_rest_is_still_checked(tmp_path: Path) -> None:
    folder = tmp_path / "daily"
    start = datetime.now(UTC) - timedelta(days=400)
    with locked(tmp_path):
        trail = Trail(folder, DAILY)
        for number in range(5):
            at = start + timedelta(days=93 * number)
            trail.append(0, f"{number + 1}-0", at, {"action": "decided", "actor": "ann"})
            trail.append(0, f"{number + 1}-1", at, {"action": "undone", "actor": "ann"})
        trail.sync()
        trail.close()
    assert len(numbered(folder)) == 5, "a file begins anew after three months"

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(audit, [*arguments, "--folder", str(tmp_path)])

    done = run("prune", "--keep-days", "200")
    assert done.exit_code == 0, done.output
    assert re.search(r"daily: 6 entries removed, 6 in all; the rest follows the hash [0-9a-f]{64}", done.output)
    assert sorted(numbered(folder)) == [4, 5]
    assert "0 entries removed, 6 in all" in run("prune", "--keep-days", "200").output
    checked = run("verify")
    assert checked.exit_code == 0, checked.output
    assert "whole, 10 entries in 2 files" in checked.output
    assert "0 entries removed" in run("prune", "--keep-days", "1").output.replace("2 entries", "0 entries")
    assert sorted(numbered(folder)) == [5], "the newest file stays"
    with locked(tmp_path):
        trail = Trail(folder, DAILY)
        trail.append(0, "9-0", datetime.now(UTC), {"action": "decided", "actor": "ann"})
        trail.close()
    assert run("verify").exit_code == 0, "an export goes on behind it"
    newest = numbered(folder)[5]
    newest.write_bytes(newest.read_bytes().replace(b"undone", b"edited"))
    assert run("verify").exit_code == 1


def test_a_trail_whose_old_files_were_removed_without_a_note_is_damaged(tmp_path: Path) -> None:
    with locked(tmp_path):
        trail = Trail(tmp_path / DAILY, DAILY)
        for number in range(3):
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=100 * number)
            trail.append(0, f"{number + 1}-0", at, {"action": "decided", "actor": "ann"})
        trail.close()
    numbered(tmp_path / DAILY)[1].unlink()
    assert CliRunner().invoke(audit, ["verify", "--folder", str(tmp_path)]).exit_code == 1
