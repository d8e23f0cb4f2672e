"""The command line of Steward in one process that has imported it: each command, and each service, runs in a fork of
it, as if it had been started by itself.

To start Python and import the service takes longer than most commands do, and these tests run hundreds of them.
Run as a script, this module is that process: a line of JSON comes in for each command, and its process id goes out.
"""

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

import click
from argon2 import PasswordHasher

from service.cli import main, steward
from service.values import accounts

PRELOADED = ("keys", "moderators", "serve")


class Done(NamedTuple):
    code: int
    stdout: str
    stderr: str


class Files(NamedTuple):
    """What a command reads and writes, by path."""

    stdin: str
    stdout: str
    stderr: str


class Process:
    """A command in a fork, as `subprocess.Popen` shows a child of ours."""

    def __init__(self, commands: "Commands", arguments: tuple[str, ...], pid: int) -> None:
        self.args = [sys.executable, "-m", "service", *arguments]
        self.pid = pid
        self.returncode: int | None = None
        self.stdout: IO[str] | None = None
        self._commands = commands
        self._handle = os.pidfd_open(pid)
        self._one_at_a_time = threading.Lock()

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """`timeout` in seconds."""
        with self._one_at_a_time:
            if self.returncode is None:
                end = select.poll()
                end.register(self._handle, select.POLLIN)
                if timeout is not None and not end.poll(timeout * 1000):
                    raise subprocess.TimeoutExpired(self.args, timeout)
                if timeout is None:
                    end.poll()
                self.returncode = self._commands.ask({"ended": self.pid})
                os.close(self._handle)
            return self.returncode

    def send_signal(self, number: int) -> None:
        with self._one_at_a_time:
            if self.returncode is None:
                signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Commands:
    """The process, from the outside. It ends with the process of the tests, whose end it sees."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._one_at_a_time = threading.Lock()

    def start(self, arguments: tuple[str, ...], environment: dict[str, str], files: Files) -> Process:
        pid = self.ask({"arguments": arguments, "environment": environment, "files": files})
        return Process(self, arguments, pid)

    def run(self, arguments: tuple[str, ...], environment: dict[str, str], said: str) -> Done:
        with tempfile.TemporaryDirectory(prefix="steward-command-") as folder:
            Path(folder, "stdin").write_text(said)
            files = Files(*(f"{folder}/{name}" for name in Files._fields))
            process = self.start(arguments, environment, files)
            try:
                code = process.wait()
            except BaseException:
                process.kill()
                process.wait()
                raise
            return Done(code, Path(files.stdout).read_text(), Path(files.stderr).read_text())

    def serve(self, arguments: tuple[str, ...], environment: dict[str, str]) -> Process:
        """A service; `stdout` is what it says."""
        ours, its = os.pipe()
        try:
            # Opened by the fork before its process id comes back.
            said = f"/proc/{os.getpid()}/fd/{its}"
            process = self.start(("serve", *arguments), environment, Files(os.devnull, said, said))
        finally:
            os.close(its)
        process.stdout = os.fdopen(ours, encoding="utf-8")
        return process

    def ask(self, what: dict[str, Any]) -> int:
        with self._one_at_a_time:
            if self._process is None:
                # A service is known by the word `serve` in its command line (service/process/running.py).
                command = [sys.executable, __file__, "serve"]
                self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert self._process.stdin
            assert self._process.stdout
            try:
                self._process.stdin.write(f"{json.dumps(what)}\n")
                self._process.stdin.flush()
                return int(self._process.stdout.readline())
            except BaseException:
                # What it would still answer must not be read for the next question.
                self._process.kill()
                self._process = None
                raise


def fork(arguments: list[str], environment: dict[str, str], files: Files) -> int:
    """Begin a command; its process id, once it has opened its files."""
    seen, told = os.pipe()
    child = os.fork()
    if child:
        os.close(told)
        os.read(seen, 1)
        os.close(seen)
        return child
    code: Any = 1
    try:
        begin(arguments, environment, files)
        os.close(told)
        os.close(seen)
        code = main()
    except SystemExit as end:
        code = end.code
        if isinstance(code, str):
            sys.stderr.write(f"{code}\n")
            code = 1
    except BaseException:  # noqa: BLE001 - as Python itself does at its outermost
        sys.excepthook(*sys.exc_info())
    finally:
        finish(code or 0)


def ended(child: int) -> int:
    """The exit status of a command."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def finish(code: int) -> NoReturn:
    """Do what Python does at its end, but for taking its objects apart, which takes longer than most commands do.

    joblib ends its worker processes then, and removes what it shared with them.
    """
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - what os._exit leaves out
        atexit._run_exitfuncs()  # noqa: SLF001 - what os._exit leaves out
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
    finally:
        os._exit(code)


def begin(arguments: list[str], environment: dict[str, str], files: Files) -> None:
    """Make this process that of a command."""
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["steward", *arguments]
    weaken_passwords(time_cost=2 if arguments[0] == "serve" else 1)
    written = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, (path, how) in enumerate(zip(files, (os.O_RDONLY, written, written), strict=True)):
        opened = os.open(path, how)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - what was read ahead of the old one is not for it


def weaken_passwords(time_cost: int) -> None:
    """Passwords of the tests guard nothing.

    Those that the command line makes are weaker than those of a service, which as ever hashes them again when their
    owners first sign in.
    """
    accounts._hasher = PasswordHasher(time_cost, memory_cost=8, parallelism=1)  # noqa: SLF001 - as in tests/service


def preload() -> None:
    for name in PRELOADED:
        assert steward.get_command(click.Context(steward), name)
    # What a service imports, and compiles, once it runs.
    from service.console import rendering  # noqa: PLC0415 - whoever uses this module needs none of it
    from service.console.assets import Assets  # noqa: PLC0415 - as above
    from service.console.texts import SOURCE, Texts  # noqa: PLC0415 - as above
    from service.process import logs, running, serving, welcome  # noqa: F401, PLC0415 - as above
    from service.redis import embedded  # noqa: F401, PLC0415 - as above

    assets = Assets()
    rendering.Renderer(assets)
    templates = rendering.environment(assets, Texts(SOURCE))
    for name in templates.list_templates():
        templates.get_template(name)
    gc.collect()
    gc.freeze()  # what a fork does not touch it shares with us


def answer() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(f"{ended(asked['ended']) if 'ended' in asked else fork(**asked)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    preload()
    answer()
