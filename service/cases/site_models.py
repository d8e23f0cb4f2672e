"""The models that sites have of their own: loaded at their first use, and followed when other processes change them.

If the model of a site cannot be read, the site goes on with its last one that could be, else with that of all sites.
"""

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import classifier
from service import metrics
from service.background import Background
from service.cases.model_files import Generation, ModelFiles, Stamp
from service.cases.model_folders import ModelFolders
from service.values.errors import ModelUnusable

log = logging.getLogger(__name__)

# A model that cannot be loaded is tried again after this long.
TRY_AGAIN_S = 60.0


class _OwnModel:
    """The history of one site, oldest first, and what came of it. `model`: None until it is used, or if none loads."""

    def __init__(self, entries: Sequence[Generation], model: classifier.Model | None = None) -> None:
        self.entries = entries
        self.model = model
        self.generation = entries[-1].generation if model else 0
        self.is_tried = model is not None
        self.problem: str | None = None
        self.try_at = 0.0

    @property
    def newest(self) -> Generation | None:
        return self.entries[-1] if self.entries else None

    def fail(self, problem: str) -> None:
        self.problem, self.try_at = problem, time.monotonic() + TRY_AGAIN_S


class SiteModels:
    def __init__(self, files: ModelFiles, folders: ModelFolders, background: Background) -> None:
        self._files = files
        self._folders = folders
        self._background = background
        # By site; those that take the model of all sites are missing.
        self.own: dict[str, _OwnModel] = {}
        self._seen: dict[str, Stamp] = {}
        self._loading = threading.Lock()

    def of(self, site: str) -> classifier.Model | None:
        """The model of the site's own; None: it takes that of all sites."""
        own = self.own.get(site)
        if own is None:
            return None
        if not own.is_tried:
            self._load(site, own)
        return own.model

    def is_waiting(self, site: str) -> bool:
        """Whether the model of the site is not loaded because nobody used it yet."""
        own = self.own.get(site)
        return own is not None and not own.is_tried

    def meant_digest(self, site: str) -> str | None:
        """Of a model that is not loaded yet."""
        own = self.own.get(site)
        return None if own is None or own.is_tried or own.newest is None else own.newest.digest

    def problem(self, site: str) -> str | None:
        own = self.own.get(site)
        return own.problem if own else None

    def entries(self, site: str) -> Sequence[Generation]:
        own = self.own.get(site)
        return own.entries if own else ()

    def in_use(self, site: str) -> str | None:
        """The version of the site's own model; None: it takes that of all sites."""
        own = self.own.get(site)
        if own is None or own.newest is None:
            return None
        return own.model.version if own.model else own.newest.version

    def by_version(self) -> dict[str, list[str]]:
        """The sites with a model of their own, by its version."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for site in sorted(self.own):
            if (version := self.in_use(site)) is not None:
                found[version].append(site)
        return found

    def put(self, site: str, entry: Generation, model: classifier.Model) -> None:
        """What this process promoted. The next round reads the whole history."""
        own = self.own.get(site)
        if own is not None and own.newest is not None and own.newest.generation > entry.generation:
            return  # another promotion was faster
        if entry.follows:
            self.own.pop(site, None)
        else:
            self.own[site] = _OwnModel((*self.entries(site), entry), model)
        self._show(site)

    def start(self) -> None:
        """Read the histories; no model is loaded."""
        for site, stamp in self._files.stamps("active").items():
            with self._background.sparing("site models", site):
                self._read(site)
                self._seen[site] = stamp

    async def follow(self) -> None:
        """Read the histories that changed, and load what is in use. One site does not hold up another."""
        stamps = self._files.stamps("active")
        for site in [*stamps, *(self._seen.keys() - stamps.keys())]:
            own = self.own.get(site)
            is_due = own is not None and own.problem is not None and time.monotonic() >= own.try_at
            if stamps.get(site) != self._seen.get(site) or is_due:
                with self._background.sparing("site models", site):
                    await self._follow(site)
                    self._note_seen(site, stamps.get(site))

    async def _follow(self, site: str) -> None:
        before = self.own.get(site)
        if before is None or not before.is_tried or not self._files.stamp(site):
            self._read(site)  # loaded when it is used
            return
        try:
            entries = self._files.generations(site)
            newest = entries[-1] if entries else None
            if newest is None or newest.follows or newest.generation <= before.generation:
                self._read(site, before)
                return
            model = await asyncio.to_thread(self._opened, site, newest, newest.at)
        except ModelUnusable as error:
            self._fail(site, before, str(error))
            return
        if self.own.get(site) is before:  # this process may have promoted another one meanwhile
            self.own[site] = _OwnModel(entries, model)
            self._show(site)
            log.info("model %s is in use for %s: another process changed it", newest.version, site)

    def _read(self, site: str, before: _OwnModel | None = None) -> None:
        """The history as the file says it. `before`: what is in use stays in use."""
        try:
            entries = self._files.generations(site)
        except ModelUnusable as error:
            own = self.own.setdefault(site, _OwnModel(()))
            own.is_tried = own.is_tried or not own.entries
            self._fail(site, own, str(error))
            return
        if not entries or entries[-1].follows:
            self.own.pop(site, None)
        elif before is not None and before.model is not None:
            before.entries, before.problem = entries, None
        else:
            self.own[site] = _OwnModel(entries)
        self._show(site)

    def _load(self, site: str, own: _OwnModel) -> None:
        """The newest generation that still loads, as far back as the site had models of its own."""
        with self._loading:
            if own.is_tried or own.newest is None:
                return
            problem = None
            for entry in reversed(own.entries):
                if entry.follows:
                    break
                try:
                    own.model, own.generation = self._opened(site, entry, own.newest.at), entry.generation
                    break
                except ModelUnusable as error:
                    problem = problem or str(error)
            own.is_tried = True
            if problem is not None:
                self._fail(site, own, problem)
            self._show(site)

    def _opened(self, site: str, entry: Generation, since: datetime) -> classifier.Model:
        """Raises ModelUnusable."""
        if not self._files.has_room(entry.digest, since, site):
            raise ModelUnusable(self._files.too_many(entry.version))
        try:
            return self._folders.of(entry)
        except OSError as error:
            raise ModelUnusable(f"model '{entry.version}' cannot be read: {error.strerror}") from error

    def _fail(self, site: str, own: _OwnModel, problem: str) -> None:
        if own.problem != problem:
            kept = own.model.version if own.model else "the model of all sites"
            log.error("%s goes on with %s: %s", site, kept, problem)
        own.fail(problem)
        self._show(site)

    def _note_seen(self, site: str, stamp: Stamp | None) -> None:
        if stamp is None:
            self._seen.pop(site, None)
        else:
            self._seen[site] = stamp

    def _show(self, site: str) -> None:
        metrics.SITE_MODEL_PROBLEM.labels(site).set(1 if self.problem(site) else 0)
