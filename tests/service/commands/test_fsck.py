"""steward fsck: what it prints, and how it ends."""

import asyncio
from typing import Any

from click.testing import CliRunner

from service.commands.fsck import fsck
from service.settings import Settings
from service.store import open_store
from service.store.keyspace import Shard
from service.values.domain import Action, Comment, Judgement, Urgency, Why

ODD = "c[/]:smile:"


async def _submit(settings: Settings) -> None:
    assert settings.redis_url is not None
    async with open_store(settings, settings.redis_url) as store:
        urgency = Urgency(Why.UNCERTAIN, 0.5, 60_000)
        judgement = Judgement(Action.REVIEW, {}, (), "m", "p@1")
        await store.comments.submit("daily", ODD, Comment("hello"), judgement, urgency=urgency, actor="key")


def test_a_comment_is_named_as_the_site_names_it(settings: Settings, redis_server: Any) -> None:
    asyncio.run(_submit(settings))
    with redis_server.client() as client:
        client.zrem(Shard("daily").key("ready"), ODD)
    environment = {"STEWARD_REDIS_URL": redis_server.url, "COLUMNS": "200"}
    found = CliRunner(env=environment).invoke(fsck, ["--site", "daily"])
    assert (found.exit_code, ODD in found.output) == (1, True), found.output
    mended = CliRunner(env=environment).invoke(fsck, ["--site", "daily", "--repair"])
    assert (mended.exit_code, "1 comment: 1 problem found, 1 mended" in mended.output) == (0, True), mended.output
    assert CliRunner(env=environment).invoke(fsck, ["--site", "daily"]).stdout == "1 comment: no problems found\n"
    with redis_server.client() as client:
        client.flushall()
