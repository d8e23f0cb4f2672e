"""Work on other machines: a Dask cluster, through joblib's backend (decision 33).

Every worker must have the same software as this machine, and a model folder at the same path with the same content.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, closing, contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

from distributed import Client, Future, KilledWorker, get_worker
from joblib import Parallel, delayed, parallel_config
from threadpoolctl import threadpool_limits

import classifier
from training.bulk import Judging, ScoredChunks, judge
from training.cluster_backend import ClusterBackend
from training.errors import ClusterUnusable
from training.machines import threads_of_each
from training.scored_files import Chunk, ScoredRows
from training.software import difference, installed

# How long to wait for a scheduler, and for the first worker or another one after the last is lost.
CONNECT_S = 10.0
PATIENCE_S = 60.0
LOOK_EACH_S = 1.0
ANSWER_S = 10.0
# Chunks in memory for each thread of the workers; more than two only while the first of them is late.
CHUNKS_PER_THREAD = 8
# How often inputs are sent again that a lost worker took with it.
ATTEMPTS = 3

Result = TypeVar("Result")
Tell = Callable[[str], None]


@contextmanager
def connected(address: str, tell: Tell) -> Iterator["Cluster"]:
    """`address`: of the scheduler, tcp://HOST:PORT or tls://HOST:PORT. `tell` is called with what a user should know.

    Raises ClusterUnusable if there is no scheduler or worker, or other software on one than here.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it says in many lines what we say in one
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterUnusable(
            f"no Dask scheduler answers at {address}; start one there with 'dask scheduler', and workers with "
            f"'dask worker {address}'"
        ) from error
    with client:
        cluster = Cluster(client, address, tell)
        cluster.check_software()
        yield cluster


class Cluster:
    """Implements training.machines.Machines."""

    def __init__(self, client: Client, address: str, tell: Tell) -> None:
        self._client = client
        self._address = address
        self._tell = tell
        self._sent: Sequence[Future] = ()

    def check_software(self) -> None:
        """Raises ClusterUnusable for the first worker that differs."""
        self._wait_for_a_worker()
        for worker, found in self._client.run(installed, on_error="return").items():
            if isinstance(found, BaseException):
                raise ClusterUnusable(_unable(worker, found))
            _check(worker, found, installed())

    def judging(self, model: classifier.Model, folder: Path | None) -> Judging:
        """`folder`: of the model; None: the shipped one."""
        for worker, found in self._client.run(_digest, folder, on_error="return").items():
            _check_model(worker, found, model.digest)
        return partial(self._judged, model.digest, folder)

    def spread(self) -> AbstractContextManager[object]:
        return self._backend()

    def each(self, works: "Sequence[partial[Result]]", jobs: int) -> list[Result]:
        """Sends the inputs to every worker, so that the loss of one loses none; all again if all are lost."""
        threads = threads_of_each(len(works), jobs)
        for left in reversed(range(ATTEMPTS)):
            try:
                return self._each(works, threads)
            except CancelledError as error:
                if self._client.status != "running":
                    raise self._without_scheduler() from error
                if not left:
                    said = f"{self._address}: workers were lost with their data {ATTEMPTS} times"
                    raise ClusterUnusable(said) from error
                self._tell("a worker was lost with its data, which is sent again")
        raise AssertionError("the last attempt returns or raises")

    def _each(self, works: "Sequence[partial[Result]]", threads: int) -> list[Result]:
        inputs = {id(each): each for work in works for each in work.args}
        self._sent = self._client.scatter(list(inputs.values()), broadcast=True, hash=False)
        sent = dict(zip(inputs, self._sent, strict=True))
        try:
            with self._backend():
                found: list[Result] = Parallel(batch_size=1)(
                    delayed(_work)(installed(), threads, work.func, *(sent[id(each)] for each in work.args))
                    for work in works
                )
        finally:
            self._sent = ()  # the workers need not keep these inputs until the next ones are there
        return found

    def _judged(self, digest: str, folder: Path | None, chunks: Iterable[Chunk]) -> ScoredChunks:
        """In rounds, each of which ends early if its results come so late that too many chunks wait for them."""
        rest = iter(chunks)
        feed = _Feed(rest, 0)
        with self._backend():
            while feed.has_more:
                feed = _Feed(rest, CHUNKS_PER_THREAD * max(1, sum(self._client.ncores().values())))
                tasks = (delayed(_judge)(installed(), digest, folder, chunk.texts, chunk.tags) for chunk in feed)
                try:
                    with closing(Parallel(batch_size=1, return_as="generator")(tasks)) as found:
                        for scored in found:
                            yield feed.waiting.popleft(), scored
                except CancelledError as error:  # the texts are in the tasks, so only the scheduler can lose them
                    raise self._without_scheduler() from error
        if feed.error is not None:
            raise feed.error

    @contextmanager
    def _backend(self) -> Iterator[None]:
        """Parallel of joblib runs on the cluster. Raises ClusterUnusable when that is lost."""
        self._wait_for_a_worker()
        backend, is_over = ClusterBackend(self._client), threading.Event()
        watch = threading.Thread(target=self._watch, args=(backend, is_over), daemon=True)
        watch.start()
        try:
            with parallel_config(backend=backend):
                yield
        except TimeoutError as error:
            raise self._without_workers() from error
        except OSError as error:
            raise self._without_scheduler() from error
        except KilledWorker as error:
            raise ClusterUnusable(
                f"{self._address}: each worker that took the same work ended, {error.allowed_failures + 1} in all; "
                f"see their logs, and whether they had enough memory"
            ) from error
        finally:
            is_over.set()
            watch.join(LOOK_EACH_S)

    def _watch(self, backend: ClusterBackend, is_over: threading.Event) -> None:
        """Tells of lost workers. Gives up if there are none for PATIENCE_S; Dask itself would wait for ever."""
        before, since = self._workers() or set(), time.monotonic()
        while not is_over.wait(LOOK_EACH_S):
            workers = self._workers()
            if workers is None:
                continue
            for lost in sorted(before - workers):
                self._tell(f"worker {lost} was lost; others do its work")
            before = workers
            if any(each.status in {"lost", "cancelled"} for each in self._sent):
                backend.give_up(CancelledError("inputs were lost"))
            if workers:
                since = time.monotonic()
            elif time.monotonic() - since >= PATIENCE_S:
                backend.give_up(self._without_workers())

    def _workers(self) -> set[str] | None:
        """None if the scheduler does not answer in time: it may be busy, and the client itself notices its loss."""
        try:
            return set(self._client.sync(self._client.scheduler.ncores, callback_timeout=ANSWER_S))
        except (OSError, TimeoutError, ValueError):
            return None

    def _without_scheduler(self) -> ClusterUnusable:
        return ClusterUnusable(f"{self._address}: the scheduler was lost")

    def _without_workers(self) -> ClusterUnusable:
        return ClusterUnusable(f"{self._address}: all workers were lost, and none came")

    def _wait_for_a_worker(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE_S)
        except (OSError, TimeoutError) as error:
            raise ClusterUnusable(
                f"{self._address}: the scheduler has no worker; start one with 'dask worker {self._address}'"
            ) from error


class _Feed:
    """Some of the chunks, at most `most` of which wait for their scores. `error`: why they cannot be read further.

    joblib takes them in threads of its own, in which an exception would be lost.
    """

    def __init__(self, chunks: Iterator[Chunk], most: int) -> None:
        self._chunks = chunks
        self._most = most
        self.waiting: deque[Chunk] = deque()
        self.has_more = True
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Chunk]:
        while len(self.waiting) < self._most:
            try:
                chunk = next(self._chunks, None)
            except Exception as error:  # noqa: BLE001 - raised again by the reader of `error`
                self.error, chunk = error, None
            if chunk is None:
                self.has_more = False
                return
            self.waiting.append(chunk)
            yield chunk


# What follows runs on the workers.


def _judge(
    expected: Mapping[str, str], digest: str, folder: Path | None, texts: list[str], tags: list[str | None]
) -> ScoredRows:
    """`expected`: what is installed where the command runs; a worker may have come after the check."""
    _check(_here(), installed(), expected)
    try:
        model = _model(folder or classifier.SHIPPED)
    except classifier.ModelRefused as error:
        raise ClusterUnusable(f"worker {_here()}: {error}") from None
    _check_model(_here(), model.digest, digest)
    return judge(model, texts, tags)


def _work(expected: Mapping[str, str], threads: int, function: Callable[..., Result], *inputs: Any) -> Result:  # noqa: ANN401 - of any function
    """One of a few large works. The worker keeps this number of threads, as another work may run beside it."""
    _check(_here(), installed(), expected)
    threadpool_limits(threads)
    with parallel_config(backend="threading"):
        return function(*inputs)


def _digest(folder: Path | None) -> str:
    return classifier.read_manifest(folder or classifier.SHIPPED).digest


_loading = threading.Lock()


def _model(folder: Path) -> classifier.Model:
    """Loads it once, and again if the folder has another one."""
    with _loading:
        return _loaded(folder, _digest(folder))


@lru_cache(maxsize=1)
def _loaded(folder: Path, digest: str) -> classifier.Model:  # noqa: ARG001 - a part of the cache's key
    return classifier.load(folder)


def _here() -> str:
    return str(get_worker().address)


def _check(worker: str, found: Mapping[str, str], expected: Mapping[str, str]) -> None:
    if said := difference(found, expected):
        raise ClusterUnusable(f"worker {worker} {said}; install the same on all machines")


def _check_model(worker: str, found: str | BaseException, digest: str) -> None:
    if isinstance(found, BaseException):
        raise ClusterUnusable(f"worker {worker} cannot read the model: {found}; copy its folder to the same path there")
    if found != digest:
        raise ClusterUnusable(f"worker {worker} has another model ({found[:12]}, not {digest[:12]}) at the same path")


def _unable(worker: str, error: BaseException) -> str:
    cure = "install the same comment-steward there, with its extras: pip install 'comment-steward[train,cluster]'"
    return f"worker {worker} cannot run our code ({error}); {cure}"
