"""What is written beside the model folders: which model is in use or in shadow, for all sites or for one of them."""

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct

from service.values.domain import SITE_PATTERN
from service.values.errors import Conflict, ModelUnusable, NotFound

# In place of the name of a site.
ALL_SITES = ""
# Models beside the one of all sites, if nothing else is set.
MOST = 8

Stamp = tuple[int, int]
Kind = TypeVar("Kind")

_OF_SITE = re.compile(rf"(active|shadow)\.({SITE_PATTERN[1:-1]})\.json")


class Generation(Struct, frozen=True, omit_defaults=True):
    """One entry of a history: which model was activated, when and by whom. `generation` only grows.

    `rolled_back`: a rollback activated it again and removed later models; None: written by an earlier release.
    `site`: the only site that it is about; "": all. `follows`: from here on the site has no model of its own and takes
    that of all sites, of which `version` is the one at that time.
    """

    generation: int
    version: str
    digest: str
    at: datetime
    actor: str
    rolled_back: bool | None = None
    site: str = ALL_SITES
    follows: bool = False

    @property
    def name(self) -> str:
        """The version; "" for the model of all sites."""
        return "" if self.follows else self.version


class ShadowSetting(Struct, frozen=True, omit_defaults=True):
    """Which model is in shadow. `digest`: so that a model with exchanged files is not taken for it.

    `site`: the only site that it is about; "": all that have none of their own.
    """

    model: str
    digest: str
    share: Annotated[float, Meta(description="Of the comments that come to POST /v1/comments.")]
    since: datetime
    actor: str
    site: str = ALL_SITES


class _GenerationHistory(Struct, frozen=True):
    entries: tuple[Generation, ...] = ()


class _Beside(NamedTuple):
    """A model beside the one of all sites, and since when."""

    at: datetime
    digest: str
    version: str


class ModelFiles:
    """The files are stored with the model folders, so that the active models are known without Redis.

    A site has files of its own: `active.SITE.json` and `shadow.SITE.json`. `most`: how many different models there may
    be beside the one of all sites: those of sites, and those in shadow.
    """

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self._folder = folder
        self._most = most

    def generations(self, site: str = ALL_SITES) -> tuple[Generation, ...]:
        """The history, oldest first. Raises ModelUnusable if the file is damaged."""
        found = _read(self._active(site), _GenerationHistory)
        return found.entries if found else ()

    def append(
        self, site: str, make: Callable[[int], Generation], tell: Callable[[Generation], None] | None = None
    ) -> Generation:
        """Write the next generation, which `make` makes from its number. Raises ModelUnusable and Conflict.

        `tell` is called right before, when nothing else can refuse it; if that raises an error, nothing is written.
        """
        path = self._active(site)
        with self._locked():
            entries = self.generations(site)
            entry = make(entries[-1].generation + 1 if entries else 1)
            if site and not entry.follows:
                self._check_room(entry.digest, entry.version, path)
            if tell is not None:
                tell(entry)
            _write(path, _GenerationHistory((*entries, entry)))
        return entry

    def stamp(self, site: str = ALL_SITES) -> Stamp | None:
        """Changes when the history is replaced; None: there is none."""
        return stamp_of(self._active(site))

    def stamps(self, kind: str) -> dict[str, Stamp]:
        """The same for each site that has a file of its own. `kind`: active or shadow."""
        found = ((match[2], stamp_of(path)) for match, path in self._of_sites() if match[1] == kind)
        return {site: stamp for site, stamp in found if stamp is not None}

    def shadow(self, site: str = ALL_SITES) -> ShadowSetting | None:
        """Raises ModelUnusable if the file is damaged."""
        return _read(self._shadow(site), ShadowSetting)

    def shadow_stamp(self, site: str = ALL_SITES) -> Stamp | None:
        return stamp_of(self._shadow(site))

    def put_shadow(self, setting: ShadowSetting, tell: Callable[[ShadowSetting], None] | None = None) -> None:
        """Raises Conflict. `tell`: as for `append`."""
        path = self._shadow(setting.site)
        with self._locked():
            self._check_room(setting.digest, setting.model, path)
            if tell is not None:
                tell(setting)
            _write(path, setting)

    def remove_shadow(self, site: str, version: str, tell: Callable[[ShadowSetting], None] | None = None) -> None:
        """Raises NotFound if the model is not in shadow there. `tell`: as for `append`."""
        with self._locked():
            found = self.shadow(site)
            if found is None or found.model != version:
                raise NotFound(f"model '{version}' is not in shadow")
            if tell is not None:
                tell(found)
            self._shadow(site).unlink(missing_ok=True)

    def has_room(self, digest: str, since: datetime, site: str, *, in_shadow: bool = False) -> bool:
        """Whether a model that a site has had since then may be loaded: the settings may allow fewer than before.

        All processes answer alike, and who has its model longer keeps it.
        """
        path = self._shadow(site) if in_shadow else self._active(site)
        known = {each.digest for each in self._beside(path) if each.at < since}
        return digest in known or len(known) < self._most

    def too_many(self, version: str) -> str:
        return (
            f"{version} would be one too many: STEWARD_MAX_MODELS allows {self._most} different models in memory "
            "beside the one of all sites; take a model out of use or out of shadow, or raise the setting"
        )

    def _check_room(self, digest: str, version: str, path: Path) -> None:
        """Whether the file may name the model from now on. Raises Conflict."""
        known = {each.digest: each.version for each in self._beside(path)}
        if digest not in known and len(known) >= self._most:
            current = {"limit": self._most, "models": sorted(known.values())}
            raise Conflict("too_many_models", self.too_many(version), current)

    def _beside(self, but: Path) -> list[_Beside]:
        """What sites have of their own and what is in shadow, without what the file `but` says."""
        found: list[_Beside] = []
        for match, path in self._of_sites():
            if match[1] == "active" and path != but:
                with contextlib.suppress(ModelUnusable):
                    newest = self.generations(match[2])[-1:]
                    found += [_Beside(each.at, each.digest, each.version) for each in newest if not each.follows]
        for path in (self._shadow(ALL_SITES), *(path for match, path in self._of_sites() if match[1] == "shadow")):
            if path != but:
                with contextlib.suppress(ModelUnusable):
                    setting = _read(path, ShadowSetting)
                    found += [_Beside(setting.since, setting.digest, setting.model)] if setting else []
        return found

    def _of_sites(self) -> list[tuple[re.Match[str], Path]]:
        with contextlib.suppress(FileNotFoundError):
            named = ((_OF_SITE.fullmatch(path.name), path) for path in self._folder.iterdir())
            return [(match, path) for match, path in named if match]
        return []

    def _active(self, site: str) -> Path:
        return self._folder / (f"active.{site}.json" if site else "active.json")

    def _shadow(self, site: str) -> Path:
        return self._folder / (f"shadow.{site}.json" if site else "shadow.json")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Only one process at a time changes what is written beside the model folders."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _read(path: Path, kind: type[Kind]) -> Kind | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelUnusable(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read: {error.strerror}") from error


def _write(path: Path, value: Struct) -> None:
    replace_file(path, msgspec.json.format(msgspec.json.encode(value)))


def stamp_of(path: Path) -> Stamp | None:
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
