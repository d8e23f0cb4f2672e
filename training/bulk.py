"""Scores a whole file: streamed, in order, on all cores. The output has a column for each attribute.

A score is empty if the model does not judge the attribute in the language of the text. A column `language` is treated
like the field of that name in the service; the output holds the language that the text was judged in.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa

import classifier
from training.errors import DataUnusable
from training.scored_files import CHUNK, Chunk, ScoredRows, format_of, opened
from training.text_files import FileOptions

DECIMALS = 6
_DEFAULT_OPTIONS = FileOptions()


def score_file(
    model: classifier.Model,
    source: Path,
    target: Path,
    column: str,
    *,
    jobs: int,
    advance: Callable[[int], None],
    options: FileOptions = _DEFAULT_OPTIONS,
) -> int:
    """Score every row of `source` into `target`, which is written atomically. Returns the number of rows.

    Both have the same format, given by the suffix. The kernel releases the GIL, so threads use all cores; a bounded
    number of chunks is in memory at once. `advance` is called with the number of rows of each chunk. Raises
    DataUnusable.
    """
    if format_of(target) != format_of(source):
        raise DataUnusable(f"{target} must have the same ending as {source}")
    rows = opened(source, column, options)
    fresh = target.with_name(f".{os.getpid()}.{target.name}")
    count = 0
    try:
        with ThreadPoolExecutor(jobs) as pool, rows.writing(fresh, model.labels) as write:
            for chunk, scored in _in_order(pool, model, rows.chunks(), 2 * jobs):
                write(chunk, scored)
                count += len(scored.languages)
                advance(len(scored.languages))
        fresh.replace(target)
    except UnicodeEncodeError as error:
        raise DataUnusable(f"{target}: a text cannot be written in {error.encoding}") from error
    except (pa.ArrowException, OSError) as error:
        raise DataUnusable(f"{source}: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)
    return count


def _in_order(
    pool: ThreadPoolExecutor, model: classifier.Model, chunks: Iterable[Chunk], most: int
) -> Iterator[tuple[Chunk, ScoredRows]]:
    under_way: deque[tuple[Chunk, Future[ScoredRows]]] = deque()
    for chunk in chunks:
        under_way.append((chunk, pool.submit(judge, model, chunk.texts, chunk.tags)))
        if len(under_way) >= most:
            done, scored = under_way.popleft()
            yield done, scored.result()
    for chunk, scored in under_way:
        yield chunk, scored.result()


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


__all__ = ["CHUNK", "ScoredRows", "judge", "score_file"]
