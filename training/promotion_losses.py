"""Describes what is lost if a new model replaces the one in use, and finds the model in use."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

import classifier
from classifier import Losses, Worth


def describe(lost: Losses, version: str) -> Iterator[str]:
    """A sentence for each thing that the model `version` has and the new one lacks."""
    if lost.languages:
        yield f"it does not judge these languages, which {version} judges: {', '.join(lost.languages)}"
    if lost.attributes:
        named = ", ".join(f"{attribute} ({language})" for language, attribute in lost.attributes)
        yield f"it does not judge these attributes, which {version} judges: {named}"
    for each in lost.fallen:
        yield (
            f"it is significantly worse at {each.attribute} on {each.data_set}: "
            f"ROC AUC {each.after:.4f}, against {each.before:.4f} of {version}"
        )


def of_service(models: list[dict[str, Any]], version: str) -> list[str]:
    """What a service loses by a promotion; `models` is the list of GET /v1/models. Empty if either model is missing."""
    known = {model.get("version"): model for model in models}
    active = next((model for model in models if model.get("active")), None)
    if active is None or version not in known:
        return []
    return list(describe(classifier.losses(_worth(active), _worth(known[version])), str(active["version"])))


def _worth(model: Mapping[str, Any]) -> Worth:
    return Worth(model.get("languages") or {}, model.get("metrics") or {})


def in_use(models: Path, site: str | None = None) -> classifier.Manifest:
    """The manifest of the newest promoted model in the service's folder that can be read; else of the shipped one.

    `site`: the newest one of its own comes first, unless it takes the model of all sites.
    """
    return classifier.read_manifest(in_use_folder(models, site))


def in_use_folder(models: Path, site: str | None = None) -> Path:
    """The folder of the model whose manifest `in_use` returns."""
    own = _promoted(models, f"active.{site}.json") if site else None
    return own or _promoted(models, "active.json") or classifier.SHIPPED


def _promoted(models: Path, name: str) -> Path | None:
    try:
        history = msgspec.json.decode((models / name).read_bytes(), type=_History)
    except (OSError, msgspec.DecodeError):
        history = _History()
    for entry in reversed(history.entries):
        if entry.follows:
            break
        folder = classifier.SHIPPED if entry.version == classifier.SHIPPED.name else models / entry.version
        try:
            classifier.read_manifest(folder)
        except classifier.ModelRefused:
            continue
        return folder
    return None


class _Entry(Struct, frozen=True):
    """`follows`: of a site that has no model of its own from here on."""

    version: str
    follows: bool = False


class _History(Struct, frozen=True):
    """The promotion history as the service writes it (active.json); other fields of an entry are ignored here."""

    entries: tuple[_Entry, ...] = ()
