"""The model folders: described, and loaded so that places with equal models share one in memory."""

import contextlib
import threading
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from msgspec import Struct

import classifier
from classifier.manifest import LabelsRead
from service.cases.model_files import Generation
from service.values.errors import ModelUnusable, NotFound


class Described(Struct, frozen=True, omit_defaults=True):
    """A model folder as the API shows it; `problem` says why it cannot be served.

    `readers`: which of its readers score comments here. `transferred`: languages in which it was never measured.
    `labels_read`: which archives of labels it was trained on, and how far. `sites`: those that have it as a model of
    their own.
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
    sites: tuple[str, ...] = ()


class ModelFolders:
    """`both`: load both readers of a model."""

    def __init__(self, folder: Path, *, both: bool) -> None:
        self._folder = folder
        self._both = both
        self._changing = threading.Lock()
        # One load at a time: it bounds the memory, and numpy parses headers with `ast`, which fails at times in
        # several threads at once (SystemError in CPython 3.11).
        self._loading = threading.Lock()
        # By digest, as long as somebody uses them.
        self._loaded: WeakValueDictionary[str, classifier.Model] = WeakValueDictionary()

    @property
    def loaded(self) -> int:
        """How many different models are in memory."""
        return len(self._loaded)

    def paths(self) -> dict[str, Path]:
        with contextlib.suppress(FileNotFoundError):
            local = {
                path.name: path for path in self._folder.iterdir() if path.is_dir() and not path.name.startswith(".")
            }
            return local | {classifier.SHIPPED.name: classifier.SHIPPED}
        return {classifier.SHIPPED.name: classifier.SHIPPED}

    def load(self, version: str) -> classifier.Model:
        """Read and check a folder, also if the model is in memory. Raises NotFound and ModelUnusable."""
        path = self.paths().get(version)
        if path is None:
            raise NotFound(f"no model '{version}'")
        return self._shared(self._load(path))

    def shipped(self) -> classifier.Model:
        return self._shared(self._load(classifier.SHIPPED))

    def of(self, entry: Generation) -> classifier.Model:
        """The model that was promoted. Raises ModelUnusable, also for another model in its folder."""
        with self._changing:
            found = self._loaded.get(entry.digest)
        if found is not None:
            return found
        path = self.paths().get(entry.version)
        if path is None:
            raise ModelUnusable(f"the folder of model '{entry.version}' is gone")
        model = self._load(path)
        if model.digest != entry.digest:
            raise ModelUnusable(f"model '{entry.version}' is not the one that was promoted: its files were swapped")
        return self._shared(model)

    def _load(self, path: Path) -> classifier.Model:
        with self._loading:
            return _load(path, both=self._both)

    def _shared(self, model: classifier.Model) -> classifier.Model:
        with self._changing:
            return self._loaded.setdefault(model.digest, model)

    def describe(
        self, version: str, path: Path, *, active: bool, generation: int | None, sites: tuple[str, ...]
    ) -> Described:
        source = "shipped" if path == classifier.SHIPPED else "local"
        try:
            manifest = classifier.read_manifest(path)
        except classifier.ModelRefused as error:
            return Described(version, source, active, generation, problem=str(error), sites=sites)
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
            sites=sites,
        )


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
