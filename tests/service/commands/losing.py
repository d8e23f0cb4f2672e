"""A Redis that is lost with everything in it, and the commands that export its trail and bring back what that tells."""

from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from service.commands.audit import audit
from service.commands.keys import keys
from service.commands.rebuild import rebuild


class Lost:
    """A service's data folder and its Redis, which can be lost."""

    def __init__(self, server: Any, folder: Path) -> None:
        self.server, self.folder, self.trail = server, folder, folder / "audit"

    def run(self, *arguments: str) -> Result:
        return self._invoke(rebuild, "--from-export", str(self.trail), *arguments)

    def export(self) -> None:
        assert self._invoke(audit, "export").exit_code == 0

    def keys(self, *arguments: str) -> Result:
        return self._invoke(keys, *arguments)

    def lose(self) -> None:
        with self.server.client() as client:
            client.flushall()
            client.script_flush()

    def _invoke(self, command: Any, *arguments: str) -> Result:
        environment = {
            "STEWARD_REDIS_URL": self.server.url,
            "STEWARD_DATA_DIR": str(self.folder),
            "STEWARD_STORE_TIMEOUT_S": "10",
        }
        return CliRunner(env=environment).invoke(command, [*arguments])
