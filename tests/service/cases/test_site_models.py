"""Sites with models of their own: who is judged by which, in every process, and what a bad one does to the others."""

import asyncio
import json
import logging
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from contrary import copied

import classifier
from service.background import Background
from service.cases import model_folders, models, site_models
from service.cases.model_files import ALL_SITES, Generation
from service.cases.models import Models
from service.values.errors import Conflict, ModelUnusable, NotFound

SHIPPED = classifier.SHIPPED.name
DAILY, WEEKLY = "daily", "weekly"


@pytest.fixture
def folder(tmp_path: Path, contrary: Path) -> Path:
    """With the models m-1 to m-3, all different."""
    for version in ("m-1", "m-2", "m-3"):
        copied(contrary, tmp_path, version)
    return tmp_path


def rewrite(path: Path, **changes: str) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").unlink()  # it is a link to the one of the other tests
    (path / "manifest.json").write_text(json.dumps(manifest | changes))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "LOOK_S", 0.02)
    monkeypatch.setattr(site_models, "TRY_AGAIN_S", 0.05)


@pytest.fixture
async def served(folder: Path) -> AsyncIterator[Models]:
    found = Models(folder, Background(), most=2)
    async with found.watched():
        yield found


@pytest.fixture
async def other(folder: Path) -> AsyncIterator[Models]:
    """The same in another process."""
    found = Models(folder, Background(), most=2)
    async with found.watched():
        yield found


def in_use(found: Models, *sites: str) -> list[str]:
    return [found.of(site).version for site in sites or (DAILY, WEEKLY)]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_site_has_a_model_of_its_own_and_the_others_that_of_all(served: Models) -> None:
    assert in_use(served) == [SHIPPED, SHIPPED]
    entry = await served.promote("m-1", "chief", DAILY)
    assert (entry.version, entry.generation, entry.site, entry.follows) == ("m-1", 1, DAILY, False)
    assert in_use(served) == ["m-1", SHIPPED]
    assert served.current.version == SHIPPED
    assert {each.version: each.sites for each in served.list() if each.sites} == {"m-1": (DAILY,)}
    assert [each.version for each in served.list(DAILY) if each.active] == ["m-1"]
    await served.promote("m-2", "chief")
    assert in_use(served) == ["m-1", "m-2"], "what is promoted for all sites leaves alone what a site has of its own"


async def test_a_rollback_of_a_site_goes_further_back_when_repeated_up_to_the_model_of_all_sites(
    served: Models,
) -> None:
    for version in ("m-1", "m-2"):
        await served.promote(version, "chief", DAILY)
    assert (await served.rollback("chief", DAILY)).version == "m-1"
    assert served.before(DAILY) == ""
    back = await served.rollback("chief", DAILY)
    assert (back.version, back.follows) == (SHIPPED, True)
    assert not served.has_own(DAILY)
    with pytest.raises(NotFound):
        await served.rollback("chief", DAILY)
    await served.promote("m-3", "chief")
    assert in_use(served) == ["m-3", "m-3"]


async def test_a_site_that_follows_all_sites_again_can_go_back_to_its_own(served: Models) -> None:
    await served.promote("m-1", "chief", DAILY)
    assert (await served.promote("", "chief", DAILY)).follows
    assert in_use(served) == [SHIPPED, SHIPPED]
    assert (await served.rollback("chief", DAILY)).version == "m-1"
    assert in_use(served) == ["m-1", SHIPPED]


@pytest.mark.parametrize("site", [ALL_SITES, DAILY])
async def test_of_two_promotions_at_once_the_one_that_is_written_last_is_in_use(
    served: Models, monkeypatch: pytest.MonkeyPatch, site: str
) -> None:
    append, written, let_go = served.files.append, threading.Event(), threading.Event()

    def held_back(*given: Any) -> Generation:
        entry = append(*given)
        if entry.generation == 1:
            written.set()
            assert let_go.wait(60)
        return entry

    monkeypatch.setattr(served.files, "append", held_back)
    first = asyncio.create_task(served.promote("m-1", "chief", site))
    assert await asyncio.to_thread(written.wait, 60)
    second = asyncio.create_task(served.promote("m-2", "deputy", site))
    await asyncio.wait([second], timeout=1)  # without order it is answered now
    let_go.set()
    assert [each.generation for each in await asyncio.gather(first, second)] == [1, 2]
    assert served.of(site).version == "m-2"


async def test_every_process_follows_the_model_of_a_site(served: Models, other: Models) -> None:
    assert in_use(other) == [SHIPPED, SHIPPED]
    await served.promote("m-1", "chief", DAILY)
    await until(lambda: in_use(other) == ["m-1", SHIPPED])
    await other.promote("m-2", "deputy", DAILY)
    await until(lambda: in_use(served) == ["m-2", SHIPPED])
    await served.promote("", "chief", DAILY)
    await until(lambda: in_use(other) == [SHIPPED, SHIPPED])


async def test_after_a_start_a_model_of_a_site_is_loaded_when_the_site_first_uses_it(
    folder: Path, served: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    for site, version in ((DAILY, "m-1"), (WEEKLY, "m-2")):
        await served.promote(version, "chief", site)
    loaded: list[str] = []
    load = model_folders._load  # noqa: SLF001 - counted

    def counting(path: Path, *, both: bool) -> classifier.Model:
        loaded.append(path.name)
        return load(path, both=both)

    monkeypatch.setattr(model_folders, "_load", counting)
    again = Models(folder, Background(), most=2)
    async with again.watched():
        digest = classifier.read_manifest(folder / "m-1").digest
        assert (again.digest(DAILY), again.is_waiting(DAILY)) == (digest, True), "known without loading it"
        assert loaded == [SHIPPED]
        await asyncio.gather(*(again.ready(DAILY) for _ in range(4)))
        assert loaded == [SHIPPED, "m-1"]
        assert not again.is_waiting(DAILY)
        assert in_use(again) == ["m-1", "m-2"], "whoever has not waited is not judged by another model"


async def test_equal_models_of_several_sites_are_one_in_memory(folder: Path, served: Models) -> None:
    for site in (DAILY, WEEKLY, ""):
        await served.promote("m-1", "chief", site)
    assert served.of(DAILY) is served.of(WEEKLY) is served.current
    again = Models(folder, Background(), most=2)
    async with again.watched():
        assert again.of(DAILY) is again.of(WEEKLY) is again.current


async def test_a_model_too_many_is_refused_with_what_to_do_and_changes_nothing(served: Models) -> None:
    for site, version in ((DAILY, "m-1"), (WEEKLY, "m-2"), ("monthly", "m-2")):
        await served.promote(version, "chief", site)
    with pytest.raises(Conflict, match=r"STEWARD_MAX_MODELS allows 2 different models") as refused:
        await served.promote("m-3", "chief", "yearly")
    assert (refused.value.reason, refused.value.current) == ("too_many_models", {"limit": 2, "models": ["m-1", "m-2"]})
    assert not served.has_own("yearly")
    await served.promote("m-3", "chief", DAILY)
    assert in_use(served) == ["m-3", "m-2"], "in place of another one there is room"
    await served.promote("m-1", "chief")
    assert served.current.version == "m-1", "the model of all sites does not count"


async def test_a_lower_limit_keeps_the_oldest_and_the_others_take_the_model_of_all_sites(
    folder: Path, served: Models
) -> None:
    for site, version in (("yearly", "m-1"), (DAILY, "m-2")):
        await served.promote(version, "chief", site)
    for _ in range(2):
        fewer = Models(folder, Background(), most=1)
        async with fewer.watched():
            assert in_use(fewer, "yearly", DAILY) == ["m-1", SHIPPED]
            assert "STEWARD_MAX_MODELS allows 1" in (fewer.problem(DAILY) or "")


def truncated(path: Path) -> None:
    data = (path / "rows.npy").read_bytes()
    (path / "rows.npy").unlink()
    (path / "rows.npy").write_bytes(data[:1000])


def exchanged(path: Path) -> None:
    rewrite(path, created_at="2020-01-01")


@pytest.mark.parametrize("spoil", [truncated, exchanged, shutil.rmtree])
async def test_a_site_whose_model_is_unusable_goes_on_with_its_last_good_one_and_the_others_do_not_notice(
    folder: Path, served: Models, spoil: Callable[[Path], None]
) -> None:
    for version in ("m-1", "m-2"):
        await served.promote(version, "chief", DAILY)
    await served.promote("m-3", "chief", WEEKLY)
    spoil(folder / "m-2")
    again = Models(folder, Background(), most=2)
    async with again.watched():
        assert in_use(again) == ["m-1", "m-3"]
        assert "m-2" in (again.problem(DAILY) or "")
        assert again.problem(WEEKLY) is None
        assert again.current.version == SHIPPED


async def test_a_site_without_any_usable_model_takes_that_of_all_and_its_own_as_soon_as_it_is_back(
    folder: Path, served: Models
) -> None:
    await served.promote("m-1", "chief", DAILY)
    (folder / "m-1").rename(folder / ".away")
    again = Models(folder, Background(), most=2)
    async with again.watched():
        assert in_use(again) == [SHIPPED, SHIPPED]
        assert "m-1" in (again.problem(DAILY) or "")
        (folder / ".away").rename(folder / "m-1")
        await until(lambda: in_use(again) == ["m-1", SHIPPED])
        assert again.problem(DAILY) is None


@pytest.mark.parametrize("spoil", ["damaged", "a folder"])
async def test_a_history_of_a_site_that_cannot_be_read_leaves_everything_as_it_was_and_is_mended(
    folder: Path, served: Models, spoil: str, caplog: pytest.LogCaptureFixture
) -> None:
    await served.promote("m-1", "chief", DAILY)
    await served.promote("m-2", "chief", WEEKLY)
    path = folder / "active.daily.json"
    good = path.read_bytes()
    path.unlink()
    path.write_bytes(b"{") if spoil == "damaged" else path.mkdir()
    await until(lambda: served.problem(DAILY) is not None)
    assert in_use(served) == ["m-1", "m-2"]
    with pytest.raises(ModelUnusable, match=r"active\.daily\.json"):
        await served.promote("m-3", "chief", DAILY)
    await served.promote("m-3", "chief", WEEKLY)
    again = Models(folder, Background(), most=2)
    async with again.watched():
        assert in_use(again) == [SHIPPED, "m-3"], "nothing is known of the site's own"
        said = [each for each in caplog.records if each.levelno == logging.ERROR and DAILY in each.getMessage()]
        assert len(said) == 2, "each process says it once, however often it looks"
        path.unlink() if spoil == "damaged" else path.rmdir()
        path.write_bytes(good)
        await until(lambda: in_use(again) == in_use(served) == ["m-1", "m-3"])
        assert (again.problem(DAILY), served.problem(DAILY)) == (None, None)


async def test_promotions_of_a_site_at_once_each_get_a_generation(served: Models, other: Models) -> None:
    promoting: list[Awaitable[Any]] = [each.promote("m-1", "chief", DAILY) for each in (served, other) * 4]
    assert sorted(entry.generation for entry in await asyncio.gather(*promoting)) == list(range(1, 9))


async def test_a_release_that_knows_no_sites_reads_what_this_one_writes_for_all(folder: Path, served: Models) -> None:
    await served.promote("m-1", "chief", DAILY)
    await served.promote("m-2", "chief")
    (entry,) = json.loads((folder / "active.json").read_text())["entries"]
    assert entry.keys() == {"generation", "version", "digest", "at", "actor", "rolled_back"}
    assert datetime.fromisoformat(entry["at"]) <= datetime.now(UTC)
