"""`steward status` and `steward doctor`: what runs, and a cure for each thing that is wrong."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from service import app_keys as keys
from service.commands import asked
from service.commands.doctor import Diagnosis, doctor, of_sites
from service.commands.status import status
from service.process.serving import bound, serving, url
from service.settings import Settings
from service.store.server import ServerFacts


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other service of this machine is found, and no proxy is asked."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


def run(command: Any, *arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(command, arguments)


def findings(result: Result) -> dict[str, list[str]]:
    """What was found, by level; everything that is not well has a cure."""
    found = [msgspec.convert(each, Diagnosis) for each in json.loads(result.stdout)]
    assert all(bool(each.cure) == (each.level != "ok") for each in found)
    return {level: [each.what for each in found if each.level == level] for level in ("ok", "warning", "problem")}


def test_a_wrong_setting_is_a_finding_and_no_traceback() -> None:
    done = run(doctor, "--json", STEWARD_LEASE_S="1")
    assert done.exit_code == 1
    assert "STEWARD_LEASE_S" in findings(done)["problem"][0]


def test_without_a_service_the_cure_is_to_start_it_and_no_redis_is_started(tmp_path: Path) -> None:
    done = run(doctor, "--json", STEWARD_URL="http://127.0.0.1:9")
    found = findings(done)
    assert done.exit_code == 1
    assert "no service answers" in found["problem"][0]
    assert any("so it was not examined" in each for each in found["warning"])
    assert not (tmp_path / "home").exists()
    shown = run(status, STEWARD_URL="http://127.0.0.1:9")
    assert shown.exit_code == 1
    assert "no service answers" in shown.stdout


async def test_a_service_that_is_well_has_no_problem_and_its_sites_are_listed(
    settings: Settings, tmp_path: Path
) -> None:
    listening = bound("127.0.0.1", 0, shared=False)
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    async with serving(settings, listening) as app:
        await app[keys.STORE].access.first_key("daily")
        known = {"STEWARD_URL": url(listening), "STEWARD_REDIS_URL": settings.redis_url or ""}
        known["STEWARD_DATA_DIR"] = str(folder)
        examined = await asyncio.to_thread(run, doctor, "--json", **known)
        shown = await asyncio.to_thread(run, status, **known)
        as_json = await asyncio.to_thread(run, status, "--json", **known)
    found = findings(examined)
    assert found["problem"] == [], found
    assert any(each.startswith("clock: agrees with Redis") for each in found["ok"])
    assert "access: nobody can sign in at the console with a password or OpenID" in found["warning"]
    assert shown.exit_code == 0, shown.output
    assert ": ready" in shown.stdout
    assert "daily" in shown.stdout
    assert json.loads(as_json.stdout)["store"]["sites"][0]["site"] == "daily"


def state(**changed: Any) -> asked.SiteState:
    calm = asked.SiteState("daily", 0, 0, 0, 0, None, 0, 0, None, is_disabled=False)
    return msgspec.structs.replace(calm, **changed)


@pytest.mark.parametrize(
    ("changed", "level", "said"),
    [
        ({"overdue": 1}, "warning", "daily: 1 comment overdue"),
        ({"overdue": 3}, "warning", "daily: 3 comments overdue"),
        ({"dead": 2}, "warning", "daily: 2 dead letters"),
        ({"late_s": 3600.0}, "warning", "daily: webhooks are 60 minutes late"),
        ({"is_disabled": True}, "problem", "daily: the webhook is disabled, because the receiver answered 410"),
        ({"waiting": 190_000}, "problem", "daily: 190000 comments wait, the queue is nearly full"),
    ],
)
def test_each_trouble_of_a_site_is_named_with_a_cure(changed: dict[str, Any], level: str, said: str) -> None:
    at = msgspec.convert("2026-11-29T06:05:00Z", type=asked.datetime)
    whole = asked.StoreState("here", "strict", ServerFacts("8.0", 1, 0, at), [state(**changed)], 1, 1)
    found = [each for each in of_sites(whole, Settings()) if each.level != "ok"]
    assert [(each.level, each.what) for each in found] == [(level, said)]
    assert found[0].cure
