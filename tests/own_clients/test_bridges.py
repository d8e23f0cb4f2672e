"""integrations/bridges against the running service, with stand-ins for the engines' APIs (engine_apis.py)."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from comment_steward_client import Steward, Unreachable
from engine_apis import EngineApi, FediverseApi, GhostApi, LemmyApi, RemarkApi, served
from steward import Steward as Service
from steward_bridge.core import Bridge, Platform, cut, plain
from steward_bridge.fediverse import Fediverse
from steward_bridge.ghost import Ghost
from steward_bridge.lemmy import Lemmy
from steward_bridge.remark42 import Remark42

ROOT = Path(__file__).parents[2]
CIVIL = "Thank you for this article; I learned a lot about how substations are repaired."
FINNISH = "Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä."
ENGINES: dict[str, tuple[type[EngineApi], Callable[[str], Platform]]] = {
    "fediverse": (FediverseApi, lambda url: Fediverse(url, "secret")),
    "lemmy": (LemmyApi, lambda url: Lemmy(url, "secret")),
    "remark42": (RemarkApi, lambda url: Remark42(url, "remark", "secret")),
    "ghost": (GhostApi, lambda url: Ghost(url, "key:5ec2e7")),
}
HIDES_DOUBTFUL, REPORTS_DOUBTFUL = {"ghost"}, {"fediverse", "lemmy"}
HIDES_REJECTED = {"ghost", "lemmy", "remark42"}


class Connected:
    """A stand-in and its bridge, on a site of its own."""

    def __init__(self, kind: str, api: EngineApi, service: Service, state: Path) -> None:
        self.kind, self.api, self.service, self.state = kind, api, service, state
        self.site = f"{kind}-{uuid4().hex[:8]}"
        self.key = service.key(self.site, "bridge", "comments")
        self.chief = service.key(self.site, "chief", "admin", "review", "comments")
        self.opened = ExitStack()
        self.bridge = self.fresh()

    def fresh(self, url: str | None = None) -> Bridge:
        """As after a restart."""
        steward = Steward(url or self.service.url, self.key, timeout_s=20)
        return self.opened.enter_context(Bridge(ENGINES[self.kind][1](self.api.url), steward, self.state))

    def decide(self, posting: str, decision: str) -> None:
        name = f"{self.kind}-{posting}"
        with self.service.client(self.chief) as client:
            version = client.get(f"/v1/comments/{name}").raise_for_status().json()["version"]
            told = {"decision": decision, "version": version} | (
                {"reason": "off_topic"} if decision == "reject" else {}
            )
            answer = client.post(f"/v1/review/{name}/decision", json=told)
            assert answer.status_code == 200, answer.text


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, service: Service, tmp_path: Path) -> Iterator[Connected]:
    with served(ENGINES[request.param][0]()) as api:
        connected = Connected(request.param, api, service, tmp_path / "state.json")
        with connected.opened:
            yield connected


def test_a_civil_comment_stays_and_a_doubtful_one_comes_to_a_moderator(engine: Connected) -> None:
    engine.api.write(CIVIL)
    doubtful = engine.api.write(FINNISH)
    assert engine.bridge.round() == 2
    assert engine.api.shown() == ([CIVIL] if engine.kind in HIDES_DOUBTFUL else [CIVIL, FINNISH])
    reported = [(each["id"], each["why"].startswith("Steward: pending")) for each in engine.api.reports]
    assert reported == ([(doubtful, True)] if engine.kind in REPORTS_DOUBTFUL else [])
    assert engine.bridge.round() == 0


def test_a_moderators_decision_in_steward_reaches_the_engine(engine: Connected) -> None:
    engine.bridge.round()
    approved, rejected = engine.api.write(FINNISH), engine.api.write(f"{FINNISH} Toinen.")
    engine.bridge.round()
    engine.decide(approved, "approve")
    engine.decide(rejected, "reject")
    engine.bridge.round()
    assert engine.api.postings[approved]["shown"]
    assert engine.api.postings[rejected]["shown"] == (engine.kind not in HIDES_REJECTED)
    if engine.kind == "fediverse":
        assert engine.api.reports[-1] == {"id": rejected, "why": "a moderator rejected it in Steward"}


def test_a_bridge_that_starts_again_judges_nothing_twice_and_misses_nothing(engine: Connected) -> None:
    for number in range(5):
        engine.api.write(f"{CIVIL} {number}")
    assert engine.bridge.round() == 5
    engine.api.write(f"{CIVIL} 5")
    assert engine.fresh().round() == 1
    assert engine.fresh().round() == 0


def test_while_steward_is_away_nothing_is_passed_over(engine: Connected) -> None:
    engine.bridge.round()
    engine.api.write(CIVIL)
    with pytest.raises(Unreachable):
        engine.fresh("http://127.0.0.1:1").round()
    assert engine.fresh().round() == 1


# remark42 lists the newest 100 only, as its page says.
@pytest.mark.parametrize("engine", sorted(ENGINES.keys() - {"remark42"}), indirect=True)
def test_more_than_a_page_of_comments_is_judged(engine: Connected) -> None:
    engine.api.write(CIVIL)
    engine.bridge.round()
    for _ in range(120):
        engine.api.write("")  # a picture alone is passed over
    last = engine.api.write(f"{CIVIL} At the end.")
    assert engine.bridge.round() == 1
    with engine.service.client(engine.chief) as client:
        assert client.get(f"/v1/comments/{engine.kind}-{last}").status_code == 200


@pytest.mark.parametrize("engine", ["ghost"], indirect=True)
def test_more_than_a_page_of_comments_of_one_second_is_judged(engine: Connected) -> None:
    for _ in range(220):
        engine.api.write("", second=1)
    engine.bridge.round()
    last = engine.api.write(CIVIL, second=1)
    assert engine.bridge.round() == 1
    with engine.service.client(engine.chief) as client:
        assert client.get(f"/v1/comments/{engine.kind}-{last}").status_code == 200


def test_a_page_in_place_of_the_engine_is_an_error_that_passes(engine: Connected) -> None:
    engine.bridge.round()
    engine.api.write(CIVIL)
    engine.api.is_behind_a_page = True
    with pytest.raises(httpx.HTTPError, match="does not answer JSON"):
        engine.bridge.round()
    engine.api.is_behind_a_page = False
    assert engine.bridge.round() == 1


def test_a_comment_that_is_gone_in_the_engine_is_no_error(engine: Connected) -> None:
    posting = engine.api.write(FINNISH)
    engine.bridge.round()
    del engine.api.postings[posting]
    engine.decide(posting, "reject")
    engine.bridge.round()


def test_a_wrong_secret_of_the_engine_is_an_error(engine: Connected) -> None:
    engine.api.secret_changed = True
    with pytest.raises(httpx.HTTPStatusError):
        engine.bridge.round()


def test_the_command_judges_once_and_names_what_is_not_set(service: Service, tmp_path: Path) -> None:
    with served(LemmyApi()) as api:
        api.write(CIVIL)
        given = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}/integrations/bridges:{ROOT}/clients/python/src",
            "PYTHONDONTWRITEBYTECODE": "1",
            "BRIDGE_URL": f"{api.url}/",
            "BRIDGE_SECRET": "secret",
            "BRIDGE_STATE": str(tmp_path / "state.json"),
            "STEWARD_URL": service.url,
        }
        command = [sys.executable, "-m", "steward_bridge", "lemmy", "--once"]
        lacks = subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=60)
        assert (lacks.returncode, lacks.stderr) == (1, "set STEWARD_KEY\n")
        given["STEWARD_KEY"] = service.key("command", "bridge", "comments")
        done = subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout == "1 judged\n", done.stderr


def test_html_becomes_the_text_that_readers_see() -> None:
    html = '<p>One &amp; two<br>three</p><p><a href="https://pills.example">here</a></p>'
    assert plain(html) == "One & two\nthree\nhttps://pills.example here"


def test_a_long_text_is_cut_between_characters() -> None:
    assert cut("ä" * 20_480) == "ä" * 10_240
