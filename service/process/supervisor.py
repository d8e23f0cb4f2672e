"""Several processes on one port: the parent holds Redis and the port, and replaces a worker that dies."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping

import msgspec

from service import metrics
from service.background import Background, Loop
from service.process import serving
from service.process.running import noted
from service.process.welcome import welcome
from service.settings import PREFIX, Settings
from service.store import open_store
from service.values.errors import SettingsError

log = logging.getLogger(__name__)

READY = b"ready\n"
READY_S = 60.0
# A worker drains for serving.DRAIN_S and closes its connections; one that takes longer than this hangs.
STOP_S = 25.0
# A worker that dies sooner than this after its start is not restarted at once.
LEAST_LIFE_S = 1.0
LONGEST_PAUSE_S = 5.0


async def supervise(settings: Settings) -> None:
    """Run `settings.workers` workers until told to stop. Raises SettingsError when one cannot start at all."""
    # Sharing a port would also share it with another service, each answering some of the requests.
    serving.bound(settings.host, settings.port, shared=False).close()
    with serving.bound(settings.host, settings.port, shared=True) as reserved:
        # Bound but not listening: the port is ours, and connections go to the workers only.
        port = reserved.getsockname()[1]
        environment = _environment(msgspec.structs.replace(settings, port=port))
        background = Background()
        workers = [_Worker(environment, background) for _ in range(settings.workers)]
        async with contextlib.AsyncExitStack() as running:
            for worker in workers:
                await running.enter_async_context(worker.running())
            try:
                await asyncio.gather(*(worker.ready() for worker in workers))
                await running.enter_async_context(serving.serving_metrics(settings))
                address = serving.url(reserved)
                async with open_store(settings, settings.redis_url or "") as store:
                    await welcome(address, store, settings)
                with noted(settings, address):
                    await serving.forever()
            finally:
                for worker in workers:  # stop all before waiting for the first
                    worker.stop()


class _Worker:
    """One serving process, started again whenever it ends."""

    def __init__(self, environment: Mapping[str, str], background: Background) -> None:
        self._environment = environment
        self._background = background
        self._process: asyncio.subprocess.Process | None = None
        self._first_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_stopping = False
        self._keeper: Loop | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        # One that cannot be started, as when there is no memory for it, is tried again.
        keeper = self._keeper = self._background.start("workers", self._live, longest_pause_s=LONGEST_PAUSE_S)
        try:
            yield
        finally:
            self.stop()
            keeper.finish()
            await asyncio.wait({keeper.task}, timeout=STOP_S)
            if not keeper.task.done() and self._process is not None:
                log.error("worker %d did not stop within %g s; killing it", self._process.pid, STOP_S)
                self._process.kill()
                await self._process.wait()
            await self._background.stop([keeper])

    def stop(self) -> None:
        """Ask it to drain and to end, and start it no more."""
        self._is_stopping = True
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)

    async def ready(self) -> None:
        try:
            async with asyncio.timeout(READY_S):
                await asyncio.shield(self._first_ready)
        except TimeoutError as error:
            raise SettingsError(f"a worker was not ready within {READY_S:g} s") from error

    async def _live(self) -> None:
        """One life of the process."""
        started = time.monotonic()
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "service.process.worker",
                stdin=asyncio.subprocess.PIPE,  # ends with us, however we end
                stdout=asyncio.subprocess.PIPE,
                env=self._environment,
            )
        if self._is_stopping:  # told while it was being started
            self.stop()
        status = await self._watched(self._process)
        if self._is_stopping:
            return
        if not self._first_ready.done():
            self._first_ready.set_exception(SettingsError(f"a worker ended with status {status} at its start"))
            if self._keeper is not None:
                self._keeper.finish()
            return
        log.error("worker %d ended with status %d; starting another", self._process.pid, status)
        await asyncio.sleep(max(0.0, LEAST_LIFE_S - (time.monotonic() - started)))

    async def _watched(self, process: asyncio.subprocess.Process) -> int:
        """Until the process ends; its status. The one thing that it says is that it is ready."""
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        if await process.stdout.readline() == READY and not self._first_ready.done():
            self._first_ready.set_result(None)
        return await process.wait()


def _environment(settings: Settings) -> dict[str, str]:
    """The settings of the workers, as environment variables."""
    folder = settings.data_path / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    given = msgspec.to_builtins(settings, enc_hook=str)
    ours = {f"{PREFIX}{name.upper()}": str(value) for name, value in given.items() if value is not None}
    metrics.share(folder)
    return {**os.environ, **ours, f"{PREFIX}WORKERS": "1"}
