"""The available models, the active one, and how to change it without downtime."""

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

import classifier
from classifier.manifest import LabelsRead
from service.background import Background
from service.values.errors import ModelUnusable, NotFound

log = logging.getLogger(__name__)

# Replicas that share the folder notice a promoted model after at most this long, and then load it.
LOOK_S = 0.5


class Generation(Struct, frozen=True):
    """One entry of the history: which model was activated, when and by whom. `generation` only grows.

    `rolled_back`: a rollback activated it again and removed later models; None: written by an earlier release.
    """

    generation: int
    version: str
    digest: str
    at: datetime
    actor: str
    rolled_back: bool | None = None


class _GenerationHistory(Struct, frozen=True):
    entries: tuple[Generation, ...] = ()


class Described(Struct, frozen=True, omit_defaults=True):
    """A model folder as the API shows it; `problem` says why it cannot be served.

    `readers`: which of its readers score comments here. `transferred`: languages in which it was never measured.
    `labels_read`: which archives of labels it was trained on, and how far.
    """

    version: str
    source: str
    active: bool
    generation: int | None = None
    digest: str | None = None
    created_at: str | None = None
    labels: tuple[str, ...] = ()
    languages: dict[str, tuple[str, ...]] = {}
    readers: tuple[str, ...] = ()
    transferred: tuple[str, ...] = ()
    metrics: dict[str, Any] = {}
    labels_read: tuple[LabelsRead, ...] = ()
    problem: str | None = None


class Models:
    """The active model and all model folders.

    The history file is stored with the folders, so that the active model is known without Redis.
    """

    def __init__(self, folder: Path, background: Background, *, both: bool = True) -> None:
        self._both = both
        self._background = background
        self._folder = folder
        self._history_file = folder / "active.json"
        self._current: classifier.Model | None = None
        self._generation = -1
        self._seen: tuple[int, int] | None = None

    @property
    def current(self) -> classifier.Model:
        """The active model. Raises ModelUnusable until one is loaded."""
        if self._current is None:
            raise ModelUnusable("no model is loaded")
        return self._current

    def list(self) -> list[Described]:
        in_use = self.current.version
        newest = {entry.version: entry.generation for entry in self._history().entries}
        return [
            self._describe(version, path, active=version == in_use, generation=newest.get(version))
            for version, path in sorted(self._folders().items())
        ]

    def describe(self, version: str) -> Described:
        """Raises NotFound."""
        for found in self.list():
            if found.version == version:
                return found
        raise NotFound(f"no model '{version}'")

    async def opened(self, version: str) -> classifier.Model:
        """Load any model, active or not. Raises NotFound and ModelUnusable."""
        if version == self.current.version:
            return self.current
        path = self._folders().get(version)
        if path is None:
            raise NotFound(f"no model '{version}'")
        return await asyncio.to_thread(_load, path, both=self._both)

    async def promote(self, version: str, actor: str) -> Generation:
        """Activate a model everywhere. It is loaded and checked first; a failure changes nothing."""
        return await self._put_in_use(version, actor)

    async def rollback(self, actor: str) -> Generation:
        """Activate the previous model again, as a new generation.

        Repeated rollbacks go further back: only `promote` activates a model that a rollback removed.
        """
        version = self.before()
        if version is None:
            raise NotFound("there is no earlier model to go back to")
        return await self._put_in_use(version, actor, rolled_back=True)

    def before(self) -> str | None:
        """The model that a rollback would activate; None: there is no earlier one."""
        current, folders = self.current.version, self._folders()
        earlier = _earlier(self._history().entries, current)
        return next((version for version in earlier if version != current and version in folders), None)

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Load the active model, and follow promotions by other processes."""
        await asyncio.to_thread(self._start)
        async with self._background.beside("models", self._follow, every_s=LOOK_S):
            yield

    def _start(self) -> None:
        """Load the newest generation that still loads, else the shipped model."""
        self._seen = self._stamp()
        try:
            entries = self._history().entries
        except ModelUnusable as error:
            log.error("serving the shipped model: %s", error)
            entries = ()
        for entry in reversed(entries):
            try:
                self._current, self._generation = self._load(entry), entry.generation
            except ModelUnusable as error:
                log.error("generation %d cannot be served: %s", entry.generation, error)
            else:
                return
        self._current = _load(classifier.SHIPPED, both=self._both)

    async def _follow(self) -> None:
        """Load a model promoted since the last call. After an unexpected error the next call tries again."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        try:
            await self._load_newest()
        except ModelUnusable as error:
            log.error("keeping %s: %s", self.current.version, error)
        self._seen = stamp

    async def _load_newest(self) -> None:
        entries = self._history().entries
        if not entries or entries[-1].generation <= self._generation:
            return
        newest = entries[-1]
        model = await asyncio.to_thread(self._load, newest)
        if newest.generation > self._generation:  # this process may have promoted another one meanwhile
            before, self._current, self._generation = self.current.version, model, newest.generation
            log.info("model %s is in use, was %s: another process changed it", newest.version, before)

    async def _put_in_use(self, version: str, actor: str, *, rolled_back: bool = False) -> Generation:
        path = self._folders().get(version)
        if path is None:
            raise NotFound(f"no model '{version}'")
        model = await asyncio.to_thread(_load, path, both=self._both)
        entry = await asyncio.to_thread(self._append, model, actor, rolled_back)
        before = self._current.version if self._current else "not loaded yet"
        self._current, self._generation = model, entry.generation
        log.info(
            "model %s is in use, was %s: %s by %s (generation %d)",
            version,
            before,
            "rolled back" if rolled_back else "promoted",
            actor,
            entry.generation,
        )
        return entry

    def _append(self, model: classifier.Model, actor: str, rolled_back: bool) -> Generation:
        with self.locked():
            entries = self._history().entries
            number = entries[-1].generation + 1 if entries else 1
            entry = Generation(number, model.version, model.digest, datetime.now(UTC), actor, rolled_back)
            replace_file(
                self._history_file, msgspec.json.format(msgspec.json.encode(_GenerationHistory((*entries, entry))))
            )
        return entry

    def _load(self, entry: Generation) -> classifier.Model:
        path = self._folders().get(entry.version)
        if path is None:
            raise ModelUnusable(f"the folder of model '{entry.version}' is gone")
        model = _load(path, both=self._both)
        if model.digest != entry.digest:
            raise ModelUnusable(f"model '{entry.version}' is not the one that was promoted: its files were swapped")
        return model

    def _folders(self) -> dict[str, Path]:
        with contextlib.suppress(FileNotFoundError):
            local = {
                path.name: path for path in self._folder.iterdir() if path.is_dir() and not path.name.startswith(".")
            }
            return local | {classifier.SHIPPED.name: classifier.SHIPPED}
        return {classifier.SHIPPED.name: classifier.SHIPPED}

    def _describe(self, version: str, path: Path, *, active: bool, generation: int | None) -> Described:
        source = "shipped" if path == classifier.SHIPPED else "local"
        try:
            manifest = classifier.read_manifest(path)
        except classifier.ModelRefused as error:
            return Described(version, source, active, generation, problem=str(error))
        reads_deep = self._both and manifest.deep is not None
        return Described(
            version=version,
            source=source,
            active=active,
            generation=generation,
            digest=manifest.digest,
            created_at=manifest.created_at,
            labels=tuple(label for label in manifest.labels if label not in manifest.unjudged),
            languages=manifest.judged_by_both if reads_deep else manifest.judged,
            readers=("fast", "deep") if reads_deep else ("fast",),
            transferred=tuple(manifest.deep.transferred) if manifest.deep and reads_deep else (),
            metrics=manifest.metrics,
            labels_read=tuple(manifest.labels_read),
        )

    def _history(self) -> _GenerationHistory:
        try:
            return msgspec.json.decode(self._history_file.read_bytes(), type=_GenerationHistory)
        except FileNotFoundError:
            return _GenerationHistory()
        except msgspec.DecodeError as error:
            raise ModelUnusable(f"{self._history_file} is damaged: {error}") from error

    def _stamp(self) -> tuple[int, int] | None:
        return stamp_of(self._history_file)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process at a time changes what is written beside the model folders."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _earlier(entries: Sequence[Generation], current: str) -> list[str]:
    """The previously active models, newest first, without those that a rollback removed."""
    in_turn = [classifier.SHIPPED.name]
    for entry in entries:
        is_back = in_turn[-2:-1] == [entry.version] if entry.rolled_back is None else entry.rolled_back
        if is_back and entry.version in in_turn:
            while in_turn[-1] != entry.version:
                in_turn.pop()
        elif in_turn[-1] != entry.version:
            in_turn.append(entry.version)
    if current in in_turn:
        while in_turn.pop() != current:
            pass
    return in_turn[::-1]


def _load(path: Path, *, both: bool) -> classifier.Model:
    try:
        model = classifier.load(path, both=both)
    except classifier.ModelRefused as error:
        raise ModelUnusable(str(error)) from error
    # Replicas find a model by the version that the history names.
    if model.version != path.name:
        raise ModelUnusable(
            f"the folder '{path.name}' holds model '{model.version}'; the folder must have the name of its model"
        )
    # Load the language detector from disk now, so that the first comment does not wait for it.
    for golden in model.manifest.golden:
        classifier.language_of(golden.text, None, model.languages)
    return model


def stamp_of(path: Path) -> tuple[int, int] | None:
    """Changes when the file is replaced; None: there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_mtime_ns, stat.st_ino


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file atomically, and durably in case of a power loss."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
