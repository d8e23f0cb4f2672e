"""The Python client against the running service: every operation, synchronous and asynchronous."""

import contextlib
import inspect
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from comment_steward_client import (
    Article,
    AsyncSteward,
    Author,
    Comment,
    Judged,
    NotAllowed,
    NotFound,
    Parent,
    Problem,
    Refused,
    Sender,
    Steward,
)
from steward import Steward as Service

CIVIL = "Thank you for this article; I learned a lot about how substations are repaired."
INSULT = "You stupid fucking idiot, shut up, you worthless piece of shit."
FINNISH = "Minä rakastan sinua, sinä olet ihana ihminen ja hyvä ystävä."
ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "clients" / "python" / "src"
PYTHONS = ("3.11", "3.12", "3.13")
EVERY_OPERATION = Path(__file__).parent / "every_operation.py"


@pytest.fixture
def steward(service: Service, key: str) -> Any:
    with Steward(service.url, key) as found:
        yield found


def test_a_text_is_scored_and_not_recorded(steward: Steward) -> None:
    found = steward.score(INSULT, spans=True)
    assert found.scores["insult"] > 0.9
    assert (found.language, found.language_support) == ("en", "measured")
    assert {INSULT[span.start : span.end].lower() for span in found.spans if span.attribute == "insult"}
    assert [each.scores["insult"] > 0.5 for each in steward.score_many([CIVIL, INSULT])] == [False, True]


def test_comments_are_judged(steward: Steward) -> None:
    approved, rejected, pending = (steward.submit(Comment(text)) for text in (CIVIL, INSULT, FINNISH))
    assert (approved.is_approved, rejected.is_rejected, pending.is_pending) == (True, True, True)
    assert pending.reasons[0].code == "language_not_supported"
    assert rejected.scores is not None
    assert rejected.scores["insult"] > 0.9


def test_every_field_of_a_comment_arrives(steward: Steward) -> None:
    now = datetime.now(UTC)
    comment = Comment(
        FINNISH,
        id="full-1",
        author=Author(id="u-1", name="Ann", created_at=now, trusted=True),
        article=Article(id="a-1", url="https://daily.example/1", title="Title", section="news", published_at=now),
        parent=Parent(id="p-1", text="Earlier"),
        sender=Sender(email="ann@example.com", ip="192.0.2.7"),
        created_at=now,
        language="fi",
        metadata={"floor": 3},
    )
    assert steward.submit(comment).id == "full-1"
    again = steward.submit(comment)
    assert (again.id, again.revision) == ("full-1", 1), "sent twice, recorded once"


def test_one_bad_comment_spoils_no_others(steward: Steward) -> None:
    good, bad = steward.submit_many([Comment(CIVIL), Comment("x" * 30_000)])
    assert isinstance(good, Judged)
    assert isinstance(bad, Problem)
    assert (bad.status, bad.errors[0].pointer) == (413, "/comments/1/text") or bad.status in (400, 413)


def test_a_comment_is_followed_reported_appealed_and_erased(steward: Steward) -> None:
    steward.submit(Comment(CIVIL, id="life/1"))
    assert steward.follow("life/1").is_approved
    assert steward.follow("life/1", wait_s=1).is_approved
    assert steward.report("life/1", "reader-1", "rude").id == "life/1"
    steward.submit(Comment(INSULT, id="life/2"))
    assert steward.appeal("life/2", "I was joking").id == "life/2"
    steward.erase("life/1")
    assert steward.follow("life/1").scores is None


def test_decisions_of_a_site_are_labels(steward: Steward, service: Service, chief: str) -> None:
    for reject in (True, False):
        steward.teach("Buy my book", reject=reject, spam=reject, token="c-7")
    with service.client(chief) as client:
        lines = client.get("/v1/labels").raise_for_status().text.splitlines()
    decisions = [label["decision"] for label in map(json.loads, lines) if label["text"] == "Buy my book"]
    assert decisions[-1] == "approve"


def test_lost_comments_are_named(steward: Steward) -> None:
    steward.submit(Comment(CIVIL, id="kept"))
    assert steward.reconcile({"kept": 1, "lost": 1}) == ["lost"]


def test_events_are_read_page_by_page(steward: Steward) -> None:
    start = steward.events(limit=1000).next
    steward.submit(Comment(FINNISH, id="told"))
    page = steward.events(start)
    assert [(each.comment_id, each.status) for each in page.events if each.comment_id == "told"]
    assert page.next is not None
    assert steward.events(page.next).events == ()


def test_refusals_say_what_is_wrong(service: Service, steward: Steward) -> None:
    with pytest.raises(Refused) as refused:
        steward.submit(Comment("a", language="not a tag!"))
    assert refused.value.problem.status == 400
    assert refused.value.problem.errors[0].pointer == "/language"
    with pytest.raises(NotFound):
        steward.follow("nobody-sent-it")
    with Steward(service.url, "cmk_live_wrong") as stranger, pytest.raises(NotAllowed):
        stranger.score("hello")


async def test_the_asynchronous_client_does_the_same(service: Service, key: str) -> None:
    async with AsyncSteward(service.url, key) as steward:
        assert (await steward.score(INSULT)).scores["insult"] > 0.9
        assert len(await steward.score_many([CIVIL, INSULT])) == 2
        judged = await steward.submit(Comment(INSULT, id="async-1"))
        assert judged.is_rejected
        assert isinstance((await steward.submit_many([Comment(CIVIL)]))[0], Judged)
        assert (await steward.follow("async-1")).version == judged.version
        assert (await steward.report("async-1", "reader")).id == "async-1"
        assert (await steward.appeal("async-1")).id == "async-1"
        await steward.teach("Buy it", reject=True, token="c-8")
        assert await steward.reconcile({"none": 1}) == ["none"]
        assert (await steward.events(limit=1)).events
        await steward.erase("async-1")
        assert (await steward.follow("async-1")).scores is None


def test_both_clients_have_the_same_methods() -> None:
    def signatures(kind: type) -> dict[str, str]:
        found = inspect.getmembers(kind, inspect.isfunction)
        return {name: str(inspect.signature(each)) for name, each in found if not name.startswith("_")}

    assert signatures(Steward) == signatures(AsyncSteward)


def operations() -> set[str]:
    return {name for name, _ in inspect.getmembers(Steward, inspect.isfunction) if not name.startswith("_")} - {"close"}


def interpreter(version: str) -> str | None:
    """On the path, or where pyenv keeps its versions; its shims may refuse."""
    of_pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for each in (f"python{version}", *map(str, of_pyenv)):
        with contextlib.suppress(FileNotFoundError):
            if subprocess.run([each, "-c", ""], capture_output=True, check=False, timeout=60).returncode == 0:
                return each
    return None


@pytest.mark.parametrize("python", PYTHONS)
def test_it_works_on_each_python(service: Service, key: str, python: str) -> None:
    """Httpx and what it needs are pure Python, so the packages beside this test serve for all."""
    path = os.pathsep.join([str(SOURCES), str(Path(httpx.__file__).parents[1])])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    found = interpreter(python)
    if found is None:
        pytest.skip(f"no Python {python} here")
    done = subprocess.run(
        [found, EVERY_OPERATION, service.url, key],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["python"] == python
    assert set(said) - {"python"} == operations(), "the script calls all that the client has"
    assert all(each == [True, True] for name, each in said.items() if name != "python"), said


@pytest.mark.parametrize("python", [PYTHONS[0], PYTHONS[-1]])
def test_the_types_hold(tmp_path: Path, python: str) -> None:
    """A caller that mypy reads by the package's own types, with the oldest and the newest of them."""
    caller = tmp_path / "caller.py"
    caller.write_text(
        "from comment_steward_client import Comment, Judged, Problem, Steward\n"
        "with Steward('https://a.example', 'k') as steward:\n"
        "    judged: Judged = steward.submit(Comment('a'))\n"
        "    found: list[Judged | Problem] = steward.submit_many([Comment('a')])\n"
        "    score: float = steward.score('a').scores['insult']\n"
    )
    environment = os.environ | {"MYPYPATH": str(SOURCES)}
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-incremental",
        f"--python-version={python}",
        str(caller),
        str(SOURCES),
    ]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("framework", ["django", "flask", "fastapi"])
def test_the_examples_take_comments_and_webhooks(service: Service, key: str, framework: str) -> None:
    python = ROOT / ".clients" / "frameworks" / "bin" / "python"
    assert python.exists(), f"{python} is missing: run 'make test', which installs the frameworks"
    environment = {
        "PATH": os.environ["PATH"],
        "STEWARD_URL": service.url,
        "STEWARD_KEY": key,
        "STEWARD_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }
    script = ROOT / "tests" / "clients" / "frameworks" / "serve.py"
    command = [python, script, framework]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "kind": "approved",
        "rude": "rejected",
        "forged": 401,
        "unchanged": "rejected",
        "received": 204,
        "changed": "approved",
    }
