"""joblib's backend for Dask, with an end also for work that fails outside of our code."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from distributed import Client
from joblib._dask import DaskDistributedBackend

Callback = Callable[[object], None]


class ClusterBackend(DaskDistributedBackend):  # type: ignore[misc]
    """joblib calls back only for results: after a task that Dask gave up, `Parallel` would wait for ever.

    It also hands over the error of a cancelled task as if it were a result. Here both raise.
    """

    def __init__(self, client: Client) -> None:
        super().__init__(client=client)
        self._lock = threading.Lock()
        self._under_way: dict[Future[Any], Callback] = {}
        self._error: BaseException | None = None

    def effective_n_jobs(self, n_jobs: int) -> int:
        """At least 2: with 1 joblib would do the work itself, and not on the only thread of the cluster."""
        return max(2, int(super().effective_n_jobs(n_jobs)))

    def submit(self, func: Any, callback: Callback) -> "Future[Any]":  # noqa: ANN401 - joblib's
        future: Future[Any] = super().submit(func, callback)
        with self._lock:
            self._under_way[future] = callback
            error = self._error
        future.add_done_callback(self._done)
        if error is not None:
            callback(error)
        return future

    def retrieve_result_callback(self, out: object) -> Any:  # noqa: ANN401 - of any task
        if isinstance(out, BaseException):
            raise out
        return super().retrieve_result_callback(out)

    def give_up(self, error: BaseException) -> None:
        """What is under way, and what is submitted from now on, fails with this error."""
        with self._lock:
            self._error = error
            callbacks = list(self._under_way.values())
        for callback in callbacks:
            callback(error)

    def _done(self, future: "Future[Any]") -> None:
        with self._lock:
            callback = self._under_way.pop(future)
        if error := future.exception():
            callback(error)
