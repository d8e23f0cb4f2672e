"""The models in use, of all sites and of each site with one of its own, and how to change them without downtime."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import classifier
from service import metrics
from service.background import Background
from service.cases.model_files import ALL_SITES, MOST, Generation, ModelFiles, Stamp
from service.cases.model_folders import Described, ModelFolders
from service.cases.site_models import SiteModels
from service.values.errors import ModelUnusable, NotFound

log = logging.getLogger(__name__)

# Replicas that share the folder notice a promoted model after at most this long, and then load it.
LOOK_S = 0.5

Told = TypeVar("Told")
# Writes what the audit trail says of a change, right before the change.
Tell = Callable[[Told], Coroutine[Any, Any, None]]


class Models:
    """All model folders, and the models in use. `site`: the site that a call is about, ALL_SITES for all of them.

    A site without a model of its own uses that of all sites. `most`: how many different models are loaded beside it.
    """

    def __init__(self, folder: Path, background: Background, *, both: bool = True, most: int = MOST) -> None:
        self._background = background
        self.files = ModelFiles(folder, most)
        self._folders = ModelFolders(folder, both=both)
        self._sites = SiteModels(self.files, self._folders, background)
        self._current: classifier.Model | None = None
        self._generation = -1
        self._seen: Stamp | None = None
        # A promotion is written and then put in use. Meanwhile no other one is, or an older one could replace a newer.
        self._taking = asyncio.Lock()

    @property
    def current(self) -> classifier.Model:
        """The active model of all sites. Raises ModelUnusable until one is loaded."""
        if self._current is None:
            raise ModelUnusable("no model is loaded")
        return self._current

    def of(self, site: str) -> classifier.Model:
        """The model that judges the comments of a site. One that nobody used yet is loaded now; see `ready`."""
        # Most sites have none of their own, and this is asked for every comment.
        found = self._sites.of(site) if site in self._sites.own else None
        return found or self.current

    def is_waiting(self, site: str) -> bool:
        """Whether nobody used the model of a site yet."""
        return site in self._sites.own and self._sites.is_waiting(site)

    async def ready(self, site: str) -> None:
        """Load the model of a site in a thread, so that its first use does not hold up other requests."""
        await asyncio.to_thread(self._sites.of, site)
        self._count_loaded()

    def digest(self, site: str) -> str:
        """Of the model that judges a site; one that nobody used yet is not loaded for it."""
        return self._sites.meant_digest(site) or self.of(site).digest

    def problem(self, site: str) -> str | None:
        """Why another model judges a site than the one that was promoted for it; None: it does."""
        return self._sites.problem(site)

    def has_own(self, site: str) -> bool:
        return self._sites.in_use(site) is not None

    def list(self, site: str = ALL_SITES) -> list[Described]:
        in_use = self.of(site).version
        newest = {entry.version: entry.generation for entry in self._entries(site) if not entry.follows}
        owners = self._sites.by_version()
        return [
            self._folders.describe(
                version,
                path,
                active=version == in_use,
                generation=newest.get(version),
                sites=tuple(owners.get(version, ())),
            )
            for version, path in sorted(self._folders.paths().items())
        ]

    def _entries(self, site: str) -> Sequence[Generation]:
        if not site:
            return self.files.generations()
        return self._sites.entries(site)

    def describe(self, version: str, site: str = ALL_SITES) -> Described:
        """Raises NotFound."""
        for found in self.list(site):
            if found.version == version:
                return found
        raise NotFound(f"no model '{version}'")

    def has(self, version: str) -> bool:
        """Whether there is a folder of this name."""
        return version in self._folders.paths()

    async def opened(self, version: str, site: str = ALL_SITES) -> classifier.Model:
        """Load any model, active or not. Raises NotFound and ModelUnusable."""
        if not self.is_waiting(site) and version == (in_use := self.of(site)).version:
            return in_use
        return await asyncio.to_thread(self._folders.load, version)

    async def promote(
        self, version: str, actor: str, site: str = ALL_SITES, tell: Tell[Generation] | None = None
    ) -> Generation:
        """Activate a model everywhere. It is loaded and checked first; a failure changes nothing, also one of `tell`.

        `version`: "" for the model of all sites, so that the site has none of its own any more. Raises NotFound,
        ModelUnusable, and Conflict for a model of a site that would be one too many.
        """
        return await self._put_in_use(version, actor, site, tell)

    async def rollback(self, actor: str, site: str = ALL_SITES, tell: Tell[Generation] | None = None) -> Generation:
        """Activate the previous model again, as a new generation.

        Repeated rollbacks go further back: only `promote` activates a model that a rollback removed. Before its first
        own model a site had that of all sites.
        """
        name = self.before(site)
        if name is None:
            raise NotFound("there is no earlier model to go back to")
        return await self._put_in_use(name, actor, site, tell, rolled_back=True)

    def before(self, site: str = ALL_SITES) -> str | None:
        """The model that a rollback would activate; "": that of all sites; None: there is no earlier one."""
        folders = {*self._folders.paths(), *([""] if site else [])}
        current = (self._sites.in_use(site) or "") if site else self.current.version
        first = "" if site else classifier.SHIPPED.name
        earlier = _earlier(self.files.generations(site), current, first)
        return next((name for name in earlier if name != current and name in folders), None)

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Load the active model, and follow promotions by other processes."""
        await asyncio.to_thread(self._start)
        async with (
            self._background.beside("models", self._follow, every_s=LOOK_S),
            self._background.beside("site models", self._follow_sites, every_s=LOOK_S),
        ):
            yield

    def _start(self) -> None:
        """Load the newest generation that still loads, else the shipped model. Models of sites are loaded when used."""
        self._sites.start()
        self._seen = self._stamp()
        try:
            entries = self.files.generations()
        except ModelUnusable as error:
            log.error("serving the shipped model: %s", error)
            entries = ()
        for entry in reversed(entries):
            try:
                self._current, self._generation = self._folders.of(entry), entry.generation
            except ModelUnusable as error:
                log.error("generation %d cannot be served: %s", entry.generation, error)
            else:
                return
        self._current = self._folders.shipped()

    async def _follow(self) -> None:
        """Load a model promoted since the last call. After an unexpected error the next call tries again."""
        async with self._taking:
            stamp = self._stamp()
            if stamp == self._seen:
                return
            try:
                await self._load_newest()
            except ModelUnusable as error:
                log.error("keeping %s: %s", self.current.version, error)
            self._seen = stamp

    async def _follow_sites(self) -> None:
        async with self._taking:
            await self._sites.follow()
        self._count_loaded()

    async def _load_newest(self) -> None:
        entries = self.files.generations()
        if not entries or entries[-1].generation <= self._generation:
            return
        newest = entries[-1]
        model = await asyncio.to_thread(self._folders.of, newest)
        before, self._current, self._generation = self.current.version, model, newest.generation
        log.info("model %s is in use, was %s: another process changed it", newest.version, before)

    async def _put_in_use(
        self, name: str, actor: str, site: str, tell: Tell[Generation] | None, *, rolled_back: bool = False
    ) -> Generation:
        before = (self._sites.in_use(site) or "that of all sites") if site else self._version()
        model = await asyncio.to_thread(self._folders.load, name) if name else self.current

        def entry_of(number: int) -> Generation:
            now, follows = datetime.now(UTC), not name
            return Generation(number, model.version, model.digest, now, actor, rolled_back, site, follows)

        async with self._taking:
            entry = await asyncio.to_thread(self.files.append, site, entry_of, in_thread(tell))
            if site:
                self._sites.put(site, entry, model)
            else:
                self._current, self._generation = model, entry.generation
        self._count_loaded()
        log.info(
            "model %s is in use%s, was %s: %s by %s (generation %d)",
            name or "of all sites",
            f" for {site}" if site else "",
            before,
            "rolled back" if rolled_back else "promoted",
            actor,
            entry.generation,
        )
        return entry

    def _version(self) -> str:
        return self._current.version if self._current else "not loaded yet"

    def _count_loaded(self) -> None:
        metrics.MODELS_LOADED.set(self._folders.loaded)

    def _stamp(self) -> Stamp | None:
        return self.files.stamp()


def in_thread(tell: Tell[Told] | None) -> Callable[[Told], None] | None:
    """For a thread that holds the lock of the files: `tell` runs in the loop of the caller, and the thread waits.

    `tell` must not need a thread itself: all others may be waiting for that lock.
    """
    loop = asyncio.get_running_loop()
    return None if tell is None else lambda told: asyncio.run_coroutine_threadsafe(tell(told), loop).result()


def _earlier(entries: Sequence[Generation], current: str, first: str) -> list[str]:
    """The previously active models, newest first, without those that a rollback removed. `first`: before all."""
    in_turn = [first]
    for entry in entries:
        is_back = in_turn[-2:-1] == [entry.name] if entry.rolled_back is None else entry.rolled_back
        if is_back and entry.name in in_turn:
            while in_turn[-1] != entry.name:
                in_turn.pop()
        elif in_turn[-1] != entry.name:
            in_turn.append(entry.name)
    if current in in_turn:
        while in_turn.pop() != current:
            pass
    return in_turn[::-1]
