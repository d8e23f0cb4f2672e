"""Scores a whole file: streamed, in order, on all cores. The output has a column for each attribute.

A score is empty if the model does not judge the attribute in the language of the text. A column `language` is treated
like the field of that name in the service; the output holds the language that the text was judged in.

A run that was interrupted leaves what it has scored (training/parts.py), and the next one goes on from there.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

import classifier
from training.errors import DataUnusable
from training.parts import Parts
from training.scored_files import CHUNK, LANGUAGE, Chunk, ScoredRows, format_of, opened
from training.text_files import FileOptions, check_output

DECIMALS = 6
_DEFAULT_OPTIONS = FileOptions()

ScoredChunks = Generator[tuple[Chunk, ScoredRows], None, None]
# Scores chunks and yields them in their order, while others are under way.
Judging = Callable[[Iterable[Chunk]], ScoredChunks]


def score_file(
    model: classifier.Model,
    source: Path,
    target: Path,
    column: str,
    *,
    judging: Judging,
    advance: Callable[[int], None],
    options: FileOptions = _DEFAULT_OPTIONS,
    tell: Callable[[str], None] = lambda _: None,
) -> int:
    """Score every row of `source` into `target`, which is written atomically. Returns the number of rows.

    Both have the same format, given by the suffix. A bounded number of chunks is in memory at once. `judging`:
    `on_cores` of this machine, or of a cluster. `advance` is called with the number of rows of each chunk, `tell` with
    how many rows an interrupted run has scored. Raises DataUnusable.
    """
    check_output(target, source)
    target = target.resolve()  # where the name is a link, it stays one
    if target.exists() and not target.is_file():
        raise DataUnusable(f"{target} is no file")
    if format_of(target) != format_of(source):
        raise DataUnusable(f"{target} must have the same ending as {source}")
    if column in (LANGUAGE, *model.labels):
        raise DataUnusable(f"{source}: rename the column '{column}': the output has a column of our own of that name")
    rows, parts, count, is_complete = opened(source, column, options), Parts(target, model), 0, False
    try:
        parts.open()
        chunks = _resumed(rows.chunks(), parts, judging, tell)
        with closing(chunks), rows.writing(parts.fresh, model.labels) as write:
            for chunk, scored in chunks:
                write(chunk, scored)
                count += len(scored.languages)
                advance(len(scored.languages))
        parts.fresh.replace(target)
        is_complete = True
    except UnicodeEncodeError as error:
        raise DataUnusable(f"{target}: a text cannot be written in {error.encoding}") from error
    except (pa.ArrowException, OSError) as error:  # the errors of reading have been translated
        raise DataUnusable(f"{target} cannot be written: {error}") from error
    finally:
        parts.close(is_complete=is_complete)
    return count


def on_cores(model: classifier.Model, jobs: int) -> Judging:
    """In `jobs` threads of this process: the kernel releases the GIL."""
    return partial(_in_order, model, jobs)


def _resumed(chunks: Iterator[Chunk], parts: Parts, judging: Judging, tell: Callable[[str], None]) -> ScoredChunks:
    """Chunks are saved in their order, so those of an interrupted run come first."""
    before, first = 0, None
    for chunk in chunks:
        saved = parts.read(chunk)
        if saved is None:
            first = chunk
            break
        yield chunk, saved
        before += len(chunk.texts)
    if before:
        tell(f"went on after {before:,} rows that an interrupted run had scored")
    if first is None:
        return
    with closing(judging(chain([first], chunks))) as fresh:
        for judged, scored in fresh:
            parts.save(judged, scored)
            yield judged, scored


def _in_order(model: classifier.Model, jobs: int, chunks: Iterable[Chunk]) -> ScoredChunks:
    under_way: deque[tuple[Chunk, Future[ScoredRows]]] = deque()
    pool = ThreadPoolExecutor(jobs)
    try:
        for chunk in chunks:
            under_way.append((chunk, pool.submit(judge, model, chunk.texts, chunk.tags)))
            if len(under_way) >= 2 * jobs:
                done, scored = under_way.popleft()
                yield done, scored.result()
        for chunk, scored in under_way:
            yield chunk, scored.result()
    finally:
        pool.shutdown(cancel_futures=True)


def judge(model: classifier.Model, column: Sequence[str], tags: Sequence[str | None]) -> ScoredRows:
    """`tags`: the declared language of each text; None if there is none."""
    languages = [classifier.language_of(text, tag, model.languages) for text, tag in zip(column, tags, strict=True)]
    scores = np.full((len(column), len(model.labels)), np.nan)
    for language, labels in model.languages.items():
        places = [place for place, each in enumerate(languages) if each == language]
        if places:
            found = model.score_many([column[place] for place in places], language=language)
            scores[np.ix_(places, [model.labels.index(label) for label in labels])] = found
    return ScoredRows(languages, np.round(scores, DECIMALS))


__all__ = ["CHUNK", "ScoredRows", "judge", "on_cores", "score_file"]
