"""The command line of Steward in one process that has imported it: each command runs in a fork of it, as if it had been
started by itself.

To start Python and import the service takes longer than most commands do, and these tests run a hundred of them.
Run as a script, this module is that process: a line of JSON comes in for each command, and its exit status goes out.
"""

import atexit
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from argon2 import PasswordHasher

from service.cli import GROUP, main
from service.values import accounts

PRELOADED = {"keys", "moderators"}


class Done(NamedTuple):
    code: int
    stdout: str
    stderr: str


class Commands:
    """The process, from the outside. It ends with the process of the tests, whose end it sees."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._one_at_a_time = threading.Lock()

    def run(self, arguments: tuple[str, ...], environment: dict[str, str], said: str) -> Done:
        with self._one_at_a_time, tempfile.TemporaryDirectory(prefix="steward-command-") as folder:
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            assert self._process.stdin
            assert self._process.stdout
            Path(folder, "stdin").write_text(said)
            asked = {"arguments": arguments, "environment": environment, "folder": folder}
            self._process.stdin.write(f"{json.dumps(asked)}\n")
            self._process.stdin.flush()
            try:
                code = int(self._process.stdout.readline())
            except BaseException:
                # What it would still say is of this command, and must not be read for the next one.
                self._process.kill()
                self._process = None
                raise
            return Done(code, *(Path(folder, name).read_text() for name in ("stdout", "stderr")))


def fork(arguments: list[str], environment: dict[str, str], folder: str) -> int:
    """Run a command; its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code: Any = 1
    try:
        begin(arguments, environment, folder)
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


def begin(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Make this process that of a command; the folder has the files that it reads and writes."""
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["steward", *arguments]
    written = os.O_WRONLY | os.O_CREAT
    for number, (name, how) in enumerate({"stdin": os.O_RDONLY, "stdout": written, "stderr": written}.items()):
        os.dup2(os.open(f"{folder}/{name}", how), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - what was read ahead of the old one is not for it


def serve() -> None:
    # Passwords of the tests guard nothing. The service itself hashes them as ever when their owners first sign in.
    accounts._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # noqa: SLF001 - as in tests/service
    for entry in entry_points(group=GROUP):
        if entry.name in PRELOADED:
            entry.load()
    for line in sys.stdin:
        sys.stdout.write(f"{fork(**json.loads(line))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
