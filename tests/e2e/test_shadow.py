"""A model in shadow survives what a service does not: a kill, and a model folder that is gone."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from steward import Steward, running

import classifier

KIND = "what a lovely morning this is"
LIMIT_S = 60


def test_after_a_kill_the_model_is_in_shadow_again_and_what_was_written_is_kept(data_dir: Path) -> None:
    _challenger(data_dir)
    steward = Steward(data_dir)
    steward.start()
    key = steward.first_key()
    said = steward.command("models", "shadow", "challenger", "--share", "1", key=key)
    assert said == "challenger is in shadow, for a share of 1\n"
    with steward.client(key) as client:
        _post(client, "before", 3)
        _until(lambda: _report(client)["figures"]["comments"] == 3)
    steward.kill()
    with running(data_dir) as again, again.client(key) as client:
        _post(client, "after", 1, until=4)
        assert "in shadow, for a share of 1\n" in again.command("models", "shadow", "challenger", key=key)


def test_a_model_that_is_gone_after_a_kill_keeps_no_comment_from_its_answer(data_dir: Path) -> None:
    folder = _challenger(data_dir)
    steward = Steward(data_dir)
    steward.start()
    key = steward.first_key()
    steward.command("models", "shadow", "challenger", "--share", "1", key=key)
    steward.kill()
    shutil.rmtree(folder)
    with running(data_dir) as again, again.client(key) as client:
        _post(client, "after", 3)
        assert client.get("/readyz").status_code == 200
        _until(lambda: _report(client)["problem"] is not None)
        assert "challenger" in _report(client)["problem"]
        assert again.command("models", "shadow", "challenger", "--stop", key=key).startswith("challenger is no longer")


def _challenger(data_dir: Path) -> Path:
    """The shipped model again, under another name."""
    folder = data_dir / "models" / "challenger"
    shutil.copytree(classifier.SHIPPED, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"version": folder.name}))
    return folder


def _post(client: httpx.Client, name: str, count: int, until: int | None = None) -> None:
    """`until`: go on, while the model is loaded, until so many comments are counted."""
    ends_at = time.monotonic() + LIMIT_S
    number = 0
    while number < count or (until is not None and _report(client)["figures"]["comments"] < until):
        assert time.monotonic() < ends_at
        sent = {"id": f"{name}-{number}", "text": f"{KIND} {number}"}
        assert client.post("/v1/comments", json=sent).status_code == 200
        number += 1


def _until(is_true: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + LIMIT_S
    while not is_true():
        assert time.monotonic() < ends_at
        time.sleep(0.1)


def _report(client: httpx.Client) -> Any:
    reply = client.get("/v1/models/challenger/shadow")
    assert reply.status_code == 200
    return reply.json()
