"""Scores for a whole file: streamed, in order, on all cores; it comes back with a column for each attribute.

What the model does not judge in the language of a text stays empty. A column `language` is believed as the service
believes the field of that name, and comes back with the language that the text was judged in.
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
from training.reading import Reading
from training.scored import CHUNK, Chunk, Judged, kind_of, opened

DECIMALS = 6
_AS_SAID = Reading()


def score_file(
    model: classifier.Model,
    source: Path,
    target: Path,
    column: str,
    *,
    jobs: int,
    told: Callable[[int], None],
    reading: Reading = _AS_SAID,
) -> int:
    """Score every row of `source` into `target`, which appears whole or not at all. Returns the number of rows.

    Both have the same format, known by the ending. The kernel lets go of the interpreter, so threads use all cores;
    a bounded number of chunks is in memory at once. Raises DataUnusable.
    """
    if kind_of(target) != kind_of(source):
        raise DataUnusable(f"{target} must have the same ending as {source}")
    rows = opened(source, column, reading)
    fresh = target.with_name(f".{os.getpid()}.{target.name}")
    count = 0
    try:
        with ThreadPoolExecutor(jobs) as pool, rows.writing(fresh, model.labels) as write:
            for chunk, judged in _in_order(pool, model, rows.chunks(), 2 * jobs):
                write(chunk, judged)
                count += len(judged.languages)
                told(len(judged.languages))
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
) -> Iterator[tuple[Chunk, Judged]]:
    under_way: deque[tuple[Chunk, Future[Judged]]] = deque()
    for chunk in chunks:
        under_way.append((chunk, pool.submit(judge, model, chunk.texts, chunk.tags)))
        if len(under_way) >= most:
            done, judged = under_way.popleft()
            yield done, judged.result()
    for chunk, judged in under_way:
        yield chunk, judged.result()


def judge(model: classifier.Model, column: Sequence[str], tags: Sequence[str | None]) -> Judged:
    """`tags`: what is said of the language of each text, None where nothing is."""
    languages = [classifier.language_of(text, tag, model.languages) for text, tag in zip(column, tags, strict=True)]
    scores = np.full((len(column), len(model.labels)), np.nan)
    for language, labels in model.languages.items():
        places = [place for place, each in enumerate(languages) if each == language]
        if places:
            found = model.score_many([column[place] for place in places], language=language)
            scores[np.ix_(places, [model.labels.index(label) for label in labels])] = found
    return Judged(languages, np.round(scores, DECIMALS))


__all__ = ["CHUNK", "Judged", "judge", "score_file"]
