"""Keys and policies for tests of the directory, and a store that holds an answer back."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from service.values.access import ApiKey, Scope, mint
from service.values.policy import Policy, Thresholds

STRICT = Policy({"spam": Thresholds(0.1, 0.2)}, version=2)


def made(site: str = "daily") -> tuple[str, ApiKey]:
    """A key that may score, and its record."""
    return mint(site, frozenset({Scope.SCORE}), None, datetime.now(UTC))


class HeldBack:
    """A store of keys and policies. Its first answer about a policy waits until `let_go`.

    So does the first one after `hold_again`.
    """

    def __init__(self, kept: Any) -> None:
        self._kept = kept
        self._is_first = True
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)

    def hold_again(self) -> None:
        self._is_first = True
        self.asked.clear()
        self.let_go.clear()

    async def policy(self, site: str) -> Any:
        is_first, self._is_first = self._is_first, False
        found = await self._kept.policy(site)
        if is_first:
            self.asked.set()
            await self.let_go.wait()
        return found
