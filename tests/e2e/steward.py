"""The real service as a process of its own, and its command line, for the tests in this folder."""

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from commands import Commands, Process

READY_S = 120  # beside other work
# To read the certificates of the machine takes longer than a request; a client reads them, though it needs none here.
CERTIFICATES = httpx.create_ssl_context()
COMMANDS = Commands()


class Steward:
    """`steward serve` in a data folder; everything is asked over HTTP or the command line."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("STEWARD_")},
            "STEWARD_DATA_DIR": str(folder),
            "STEWARD_PORT": "0",
            "STEWARD_AUDIT_NEW_SITES": "false",  # what a test sends must not wait by chance
            "STEWARD_STORE_TIMEOUT_S": "30",  # the disk below Redis is shared with other tests
        }
        # Another installation has its own command, and must not find the source in the working directory.
        self.command_line = [sys.executable, "-m", "service"]
        self.directory: Path | None = None
        self._arguments = arguments
        self._said: queue.Queue[str] = queue.Queue()
        self._passed_over: list[str] = []
        self.process: subprocess.Popen[str] | Process
        self.url = ""

    def start(self) -> None:
        if self._arguments or self.command_line[0] != sys.executable:
            self.process = self.spawn()
        else:
            self.process = COMMANDS.serve((), self.environment)
        self.listen()
        self.url = self.line(r"ready on (http://\S+)")

    def spawn(self) -> "subprocess.Popen[str]":
        """The service in a Python of its own."""
        return subprocess.Popen(
            [*self.command_line, "serve", *self._arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            cwd=self.directory,
        )

    def listen(self) -> None:
        # A pipe that nobody reads would in the end block the service.
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def line(self, pattern: str) -> str:
        """Wait until the service says something that matches; its first group.

        Lines that were passed over on the way to another one are looked at first.
        """
        for place, line in enumerate(self._passed_over):
            if found := re.search(pattern, line):
                del self._passed_over[place]
                return found[1]
        said: list[str] = []
        while True:
            try:
                said.append(self._said.get(timeout=READY_S))
            except queue.Empty:
                raise AssertionError(f"the service did not say {pattern!r} but: {''.join(said)}") from None
            found = re.search(pattern, said[-1])
            if found:
                return found[1]
            self._passed_over.append(said[-1])

    def first_key(self) -> str:
        return self.line(r"export STEWARD_KEY=(cmk_live_\S+)")

    def client(self, key: str) -> httpx.Client:
        bearer = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=bearer, timeout=READY_S, verify=CERTIFICATES)

    def command(self, *arguments: str, key: str | None = None, said: str = "", **variables: str) -> str:
        """Run a subcommand beside the running service; what it prints."""
        environment = self.environment | {"STEWARD_URL": self.url, **variables}
        if key is not None:
            environment["STEWARD_KEY"] = key
        done = COMMANDS.run(arguments, environment, said)
        assert done.code == 0, done.stdout + done.stderr
        return done.stdout

    def key(self, site: str, name: str, *scopes: str) -> str:
        options = [part for scope in scopes for part in ("--scope", scope)]
        return self.command("keys", "create", "--site", site, "--new-site", "--name", name, *options).strip()

    def kill(self) -> None:
        """As a power cut would: nothing is tidied up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(READY_S)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(READY_S)

    def _read(self, process: "subprocess.Popen[str] | Process") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._said.put(line)


@contextlib.contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Steward]:
    steward = Steward(folder, *arguments)
    steward.start()
    try:
        yield steward
    finally:
        if steward.process.poll() is None:
            steward.stop()


def posted(client: httpx.Client, path: str, body: Any) -> Any:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()
