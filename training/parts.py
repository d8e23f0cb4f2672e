"""Scores of a run that was interrupted, so that the next one goes on where it stopped.

They are in a folder beside the target: a file for each chunk, with its scores and languages and without its texts. The
name of a file is a hash of the texts, the model and the software, so a part is only used for what it was made of.
"""

import hashlib
import os
import shutil
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

import classifier
from training.scored_files import Chunk, ScoredRows
from training.software import installed


def folder_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.parts")


class Parts:
    def __init__(self, target: Path, model: classifier.Model) -> None:
        self.folder = folder_of(target)
        self._made_by = f"{model.digest} {model.has_deep_reader} {sorted(installed().items())}".encode()

    @property
    def fresh(self) -> Path:
        """Where this process writes the target until it is complete."""
        return self.folder / f"{os.getpid()}.writing"

    def open(self) -> None:
        self.folder.mkdir(exist_ok=True)

    def close(self, *, is_complete: bool) -> None:
        """Keeps the parts of a target that is not complete, and no empty folder."""
        if is_complete:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        self.fresh.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def read(self, chunk: Chunk) -> ScoredRows | None:
        """None if there is none, or only a damaged one."""
        try:
            with self._path(chunk).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                languages, scores = file["languages"].tolist(), file["scores"]
        except (OSError, EOFError, KeyError, ValueError, BadZipFile):
            return None
        return ScoredRows(languages, scores) if len(languages) == len(scores) == len(chunk.texts) else None

    def save(self, chunk: Chunk, scored: ScoredRows) -> None:
        """The file is there with all of its content, or not at all."""
        path = self._path(chunk)
        fresh = path.with_suffix(f".{os.getpid()}")
        with fresh.open("wb") as file:
            np.savez(file, allow_pickle=False, languages=np.array(scored.languages, np.str_), scores=scored.scores)
        fresh.replace(path)

    def _path(self, chunk: Chunk) -> Path:
        found = hashlib.sha256(self._made_by)
        for text in (*chunk.texts, *(tag or "" for tag in chunk.tags)):
            encoded = text.encode("utf-8", "surrogatepass")
            found.update(len(encoded).to_bytes(8, "little") + encoded)
        return self.folder / f"{found.hexdigest()}.npz"
