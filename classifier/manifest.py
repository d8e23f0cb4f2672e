"""The manifest of a model folder: the model's description, its provenance, and the digest of each of its files."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from classifier.deep.reader import MOST_NETWORKS
from classifier.errors import ModelRefused
from classifier.files import read_plainly

# Incremented on any change that older code would misread: files, features, normalization.
FORMAT = 2
# The format of a model with a deep reader.
DEEP_FORMAT = 3
# The format of a model whose deep reader has several networks.
NETWORKS_FORMAT = 4
# The format of a model in which languages have a bag of their own.
NEWEST_FORMAT = 5
NAME = "manifest.json"
MOST_MANIFEST_BYTES = 1_048_576
MOST_FILE_BYTES = 256 * 1_048_576

# A plain folder name that cannot lead to another folder.
FolderName = Annotated[str, Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$(?!\n)")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


# Part of the names of files.
LanguageCode = Annotated[str, Meta(pattern=r"^[a-z]{2,3}$(?!\n)")]


class File(Struct, frozen=True):
    size: Annotated[int, Meta(ge=0, le=MOST_FILE_BYTES)]
    sha256: Sha256


class Golden(Struct, frozen=True):
    """A text and its expected scores, to detect a change in a library's results when the model is loaded."""

    text: str
    scores: list[float]


class Deep(Struct, frozen=True, kw_only=True):
    """The deep reader. `encoder`: the folder of its frozen part; `encoder_sha256`: the hash of that part's description.

    `languages`: like Manifest.languages, for both readers together. `transferred`: the languages among them without
    measurements, for lack of labeled texts.
    """

    encoder: FolderName
    encoder_sha256: Sha256
    languages: Annotated[dict[str, Annotated[list[str], Meta(min_length=1)]], Meta(min_length=1)]
    transferred: list[str] = []
    # The scores of both readers together for Manifest.golden.
    golden: list[list[float]] = []
    # The logits of the networks are added up.
    networks: Annotated[int, Meta(ge=1, le=MOST_NETWORKS)] = 1
    # By label: slope and intercept of the last calibration step, in the first language (ADR 10).
    adjusted: dict[str, tuple[float, float]] = {}


class LabelsRead(Struct, frozen=True):
    """The labels that a model was trained on: the parts of an archive before `next_part`, which had lost the texts of
    `erasures` erasures by then (training/erasure.py). `pruned`: how many notes of pruned labels there were.
    """

    archive: str
    next_part: int
    erasures: int
    pruned: int = 0


class Manifest(Struct, frozen=True, kw_only=True):
    format: int
    version: FolderName
    created_at: str
    labels: Annotated[list[str], Meta(min_length=1)]
    # Labels that the data could not teach; they have a column in the arrays, but their scores are never shown.
    unjudged: list[str] = []
    # ISO 639-1 code -> labels judged in texts of that language, the model's first language first. Empty: English, all.
    languages: dict[str, Annotated[list[str], Meta(min_length=1)]] = {}
    # The languages with a bag of n-grams of their own (classifier/fast.py).
    own: list[LanguageCode] = []
    deep: Deep | None = None
    files: dict[str, File]
    golden: Annotated[list[Golden], Meta(min_length=1)]
    data: dict[str, Any] = {}
    # Also of the models from which it took a reader.
    labels_read: list[LabelsRead] = []
    metrics: dict[str, Any] = {}
    thresholds: dict[str, dict[str, float]] = {}
    libraries: dict[str, str] = {}
    # SHA-256 of the manifest's bytes: the identity of the model. Set when it is read, never stored.
    digest: str = ""

    @property
    def judged_by_both(self) -> dict[str, tuple[str, ...]]:
        """Like `judged`, for both readers together."""
        found = self.deep.languages if self.deep else {}
        return {language: tuple(labels) for language, labels in found.items()}

    @property
    def judged(self) -> dict[str, tuple[str, ...]]:
        """Language -> labels judged in it; the first language is the default for texts of an undetected language."""
        named = {language: tuple(labels) for language, labels in self.languages.items()}
        return named or {"en": tuple(label for label in self.labels if label not in self.unjudged)}


def format_of(deep: Deep | None, own: Sequence[str] = ()) -> int:
    """The format of a model with this deep reader, or without one; `own`: the languages with a bag of their own."""
    if own:
        return NEWEST_FORMAT
    if deep is None:
        return FORMAT
    return DEEP_FORMAT if deep.networks == 1 else NETWORKS_FORMAT


def read_manifest(folder: Path) -> Manifest:
    """The manifest alone; does not check the files that it lists. Raises ModelRefused."""
    if folder.is_symlink():
        raise ModelRefused(folder, "is a link")
    raw = read_plainly(folder, NAME, MOST_MANIFEST_BYTES)
    try:
        number = msgspec.json.decode(raw, type=_Format).format
        if not FORMAT <= number <= NEWEST_FORMAT:
            raise ModelRefused(folder, f"has format {number}; this version reads formats {FORMAT} to {NEWEST_FORMAT}")
        manifest = msgspec.json.decode(raw, type=Manifest)
        if number != (described := format_of(manifest.deep, manifest.own)):
            raise ModelRefused(folder, f"has format {number}; what it describes has format {described}")
    except (msgspec.DecodeError, RecursionError) as error:
        raise ModelRefused(folder, f"{NAME} is not a manifest: {error}") from error
    return msgspec.structs.replace(manifest, digest=hashlib.sha256(raw).hexdigest())


class _Format(Struct):
    format: int
