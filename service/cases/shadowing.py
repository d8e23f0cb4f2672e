"""Puts a model in shadow for all sites, takes it out, and says what it would have done."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct

from service.cases.directory import Directory
from service.cases.models import Models
from service.cases.shadow import Shadow, ShadowSetting
from service.store import Store
from service.values.errors import StoreUnavailable
from service.values.shadow import ShadowFigures, figures


class ShadowReport(Struct, frozen=True, kw_only=True):
    model: str
    running: Annotated[ShadowSetting | None, Meta(description="null: the model is not in shadow now.")]
    problem: Annotated[str | None, Meta(description="Why it cannot score; null: it can.")]
    figures: Annotated[ShadowFigures, Meta(description="Comments of this site in the last 90 days.")]


class Shadowing:
    """`site` and `actor` name who asks. Methods raise NotFound, ModelUnusable and StoreUnavailable."""

    def __init__(self, shadow: Shadow, models: Models, store: Store, directory: Directory) -> None:
        self._shadow = shadow
        self._models = models
        self._store = store
        self._directory = directory

    async def start(self, site: str, version: str, share: float, actor: str) -> ShadowSetting:
        await self._store.check()
        setting = await self._shadow.start(version, share, actor)
        await self._audited(site, "model_shadow_started", actor, model=version, share=f"{share:g}")
        return setting

    async def stop(self, site: str, version: str, actor: str) -> None:
        await self._store.check()
        await self._shadow.stop(version)
        await self._audited(site, "model_shadow_stopped", actor, model=version)

    async def report(self, site: str, version: str) -> ShadowReport:
        setting = self._shadow.setting
        running = setting if setting is not None and setting.model == version else None
        digest = running.digest if running else await self._digest(version)
        by_day = await self._store.shadow.of(site, digest, datetime.now(UTC).date()) if digest else {}
        problem = self._shadow.problem if running else None
        return ShadowReport(model=version, running=running, problem=problem, figures=figures(by_day))

    async def _digest(self, version: str) -> str | None:
        return (await asyncio.to_thread(self._models.describe, version)).digest

    async def _audited(self, site: str, action: str, actor: str, **details: str) -> None:
        try:
            await self._store.audit.write_to_all(sorted({*self._directory.sites, site}), site, action, actor, **details)
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{action} is done, but not every audit trail says so") from error
