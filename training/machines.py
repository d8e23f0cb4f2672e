"""Where the work of a training run is done: on this machine, or on a cluster (training/cluster.py)."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Protocol, TypeVar

from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

Result = TypeVar("Result")


class Machines(Protocol):
    def spread(self) -> AbstractContextManager[object]:
        """Parallel of joblib does its work there; for many small inputs."""

    def each(self, works: "Sequence[partial[Result]]", jobs: int) -> list[Result]:
        """The result of each, in order; for few works with large inputs.

        `jobs`: the processors of one machine, which decide how many threads a matrix product has. The same number gives
        the same result anywhere.
        """


class ThisMachine:
    def spread(self) -> AbstractContextManager[object]:
        return nullcontext()

    def each(self, works: "Sequence[partial[Result]]", jobs: int) -> list[Result]:
        """Runs each in a thread: numpy and scipy release the GIL, and the matrices are too large to copy."""
        with threadpool_limits(threads_of_each(len(works), jobs)):
            found: list[Result] = Parallel(n_jobs=min(jobs, len(works)), prefer="threads")(
                delayed(work)() for work in works
            )
        return found


def threads_of_each(works: int, jobs: int) -> int:
    return max(1, jobs // min(jobs, works))
