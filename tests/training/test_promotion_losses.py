"""Which model is in use, according to the service's folder."""

import json
import shutil
from pathlib import Path

import pytest

import classifier
from training.promotion_losses import in_use, of_service


def put(models: Path, version: str) -> None:
    folder = models / version
    folder.mkdir(parents=True)
    manifest = json.loads((classifier.SHIPPED / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"version": version}))


def promoted(models: Path, *versions: str) -> None:
    """As the service writes it (service/cases/models.py)."""
    entries = [
        {"generation": n, "version": version, "digest": "d", "at": "2026-11-29T12:00:00Z", "actor": "chief"}
        for n, version in enumerate(versions, 1)
    ]
    (models / "active.json").write_text(json.dumps({"entries": entries}))


def test_the_model_in_use_is_the_last_one_that_was_promoted(tmp_path: Path) -> None:
    for version in ("m-1", "m-2"):
        put(tmp_path, version)
    assert in_use(tmp_path).version == classifier.SHIPPED.name
    promoted(tmp_path, "m-1", "m-2", "m-1")
    assert in_use(tmp_path).version == "m-1"
    promoted(tmp_path, "m-1", classifier.SHIPPED.name)
    assert in_use(tmp_path).version == classifier.SHIPPED.name
    promoted(tmp_path, "m-1", "m-2")
    shutil.rmtree(tmp_path / "m-2")
    assert in_use(tmp_path).version == "m-1"


def test_the_model_in_use_at_a_site_is_its_own_until_it_takes_that_of_all_sites(tmp_path: Path) -> None:
    for version in ("m-1", "m-2", "m-3"):
        put(tmp_path, version)
    promoted(tmp_path, "m-3")
    assert in_use(tmp_path, "daily").version == "m-3"
    own = [{"version": "m-1"}, {"version": "m-2"}]
    (tmp_path / "active.daily.json").write_text(json.dumps({"entries": own}))
    assert [in_use(tmp_path, site).version for site in ("daily", "weekly", None)] == ["m-2", "m-3", "m-3"]
    shutil.rmtree(tmp_path / "m-2")
    assert in_use(tmp_path, "daily").version == "m-1"
    (tmp_path / "active.daily.json").write_text(json.dumps({"entries": [*own, {"version": "m-3", "follows": True}]}))
    promoted(tmp_path, classifier.SHIPPED.name)
    assert in_use(tmp_path, "daily").version == classifier.SHIPPED.name


@pytest.mark.parametrize("history", ["", "{", "[]", '{"entries": 3}'])
def test_a_damaged_history_stops_no_training(tmp_path: Path, history: str) -> None:
    (tmp_path / "active.json").write_text(history)
    assert in_use(tmp_path).version == classifier.SHIPPED.name


def test_of_a_service_that_says_little_nothing_is_known_to_be_lost() -> None:
    assert of_service([], "new") == []
    assert of_service([{"version": "new"}], "new") == []
    assert of_service([{"version": "old", "active": True}, {"version": "new", "active": False}], "new") == []
