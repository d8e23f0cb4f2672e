"""The very first start: its key is printed, for it is stored and shown nowhere else."""

import asyncio
import re
from typing import Any

import msgspec
import pytest
from lost_redis import away_after

from service.process.welcome import welcome
from service.settings import Settings
from service.store import Store
from service.values.access import opens

ADDRESS = "http://127.0.0.1:8000"


async def printed_key(store: Store, said: str) -> None:
    (record,) = (await store.access.keys()).values()
    (text,) = re.findall("export STEWARD_KEY=(.+)", said)
    assert opens(text, record, record.created_at)


async def test_it_prints_the_key_and_a_link(
    store: Store, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await welcome(ADDRESS, store, settings)
    said = capsys.readouterr().out
    await printed_key(store, said)
    (ticket,) = re.findall(rf"{ADDRESS}/console/sign-in/link\?ticket=(\S+)", said)
    assert await store.accounts.look_at(ticket, "link")


@pytest.mark.parametrize("is_demo", [False, True])
@pytest.mark.parametrize("after", ["first_key", "put_account", "issue_ticket"])
async def test_it_prints_the_key_though_redis_goes_away(
    store: Store, settings: Any, capsys: pytest.CaptureFixture[str], after: str, is_demo: bool
) -> None:
    with away_after(store, after):
        async with asyncio.timeout(20):
            await welcome(ADDRESS, store, msgspec.structs.replace(settings, demo=is_demo))
    said = capsys.readouterr().out
    await printed_key(store, said)
    assert ("steward moderators add admin --site" in said) == (after != "issue_ticket")
