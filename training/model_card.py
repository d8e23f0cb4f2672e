"""A model card (Mitchell et al. 2019, arXiv 1810.03993): what a model is for, how good it is, and where it fails."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier import Manifest
from classifier.deep.encoder import SHIPPED as ENCODERS
from training.datasets import DATA_SETS
from training.page import verdict
from training.templates import NONE, environment, estimate

Plain = Mapping[str, Any]
MEGABYTE = 1_000_000
# The data sets of comments under news articles.
NEWS = ("civil_comments_toxic_spans", "fox_news_comments")


@dataclass(frozen=True, slots=True)
class DataSetLine:
    """One line about a data set; `texts` is None if the manifest has no count."""

    name: str
    part: str
    language: str
    teaches: str
    texts: int | None


@dataclass(frozen=True, slots=True)
class LanguageLine:
    """A language that the model judges. `written`: the AUC of toxicity on our own held-out sentences."""

    language: str
    tier: str
    attributes: str
    tests: str
    written: Plain | None


def card(figures: Plain, manifest: Manifest) -> str:
    """Markdown for docs/; its links are relative to that folder.

    `figures` as `steward evaluate` writes them to JSON; sections that are absent or null are left out. Every number
    comes from them or from the manifest. Raises ValueError if they are of another model.
    """
    if figures["model"]["digest"] != manifest.digest:
        raise ValueError(f"the figures are of model {figures['model']['version']}, the manifest of {manifest.version}")
    taught = [_data_set_line(name, "training", count) for name, count in manifest.data.items()]
    evaluated = list(_evaluated(figures))
    spoken = list(_language_lines(figures, manifest))
    text = (
        environment()
        .get_template("card.md")
        .render(
            figures=figures,
            manifest=manifest,
            megabytes=sum(file.size for file in manifest.files.values()) / MEGABYTE,
            encoder_megabytes=_size(ENCODERS / manifest.deep.encoder) / MEGABYTE if manifest.deep else 0,
            spoken=spoken,
            looks=_looks(manifest.metrics.get("looks")),
            libraries=", ".join(f"{name} {version}" for name, version in manifest.libraries.items()),
            languages=", ".join(
                sorted(
                    {language for each in evaluated for language in each.language.split(", ")}
                    & {each.language for each in spoken}
                )
            )
            or "none",
            summary=[(row, verdict(row)) for row in figures.get("summary") or ()],
            evaluated=evaluated,
            taught=taught,
            total=sum(each.texts or 0 for each in taught),
            news="; ".join(_on_news(figures)),
        )
    )
    return "\n".join(_single_blanks(text.strip().split("\n"))) + "\n"


def _evaluated(figures: Plain) -> Iterator[DataSetLine]:
    """The number of texts of a data set is the largest number that any attribute is labeled for."""
    for each in figures["data_sets"]:
        texts = max((found["texts"] for found in each["attributes"].values()), default=None)
        yield _data_set_line(each["data_set"], each["part"], texts)


def _language_lines(figures: Plain, manifest: Manifest) -> Iterator[LanguageLine]:
    """The languages of both readers if the model has both, else of the fast one."""
    transferred = manifest.deep.transferred if manifest.deep else ()
    written = (figures.get("written") or {}).get("auc") or {}
    for language, labels in (manifest.judged_by_both or manifest.judged).items():
        found = [
            f"{each['data_set']}, {each['attribute']} {estimate(each['auc'])}"
            for each in figures.get("tests") or ()
            if each["language"] == language
        ]
        tier = "transferred" if language in transferred else "measured"
        yield LanguageLine(language, tier, ", ".join(labels), "; ".join(found) or NONE, written.get(language))


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _looks(found: object) -> str:
    """`found`: how often each evaluation set was consulted during development, by name, if the manifest says so."""
    return ", ".join(f"{name}: {times}" for name, times in found.items()) if isinstance(found, dict) else ""


def _data_set_line(name: str, part: str, count: object) -> DataSetLine:
    known = DATA_SETS.get(name)
    return DataSetLine(
        name=name,
        part=part,
        language=", ".join(known.languages) if known else "",
        teaches=known.teaches if known else "not one of the public data sets",
        texts=count if isinstance(count, int) else None,
    )


def _on_news(figures: Plain) -> Iterator[str]:
    for each in figures["data_sets"]:
        for attribute, found in each["attributes"].items() if each["data_set"] in NEWS else ():
            yield f"{attribute} on {each['data_set']} {estimate(found['auc'])}"


def _single_blanks(lines: list[str]) -> Iterator[str]:
    """Collapses blank lines, so that omitted sections leave no gaps."""
    before = ""
    for line in lines:
        if line or before:
            yield line
        before = line
