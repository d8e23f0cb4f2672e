"""Puts a model in shadow for all sites or for one, takes it out, and says what it would have done."""

import asyncio
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from service.cases.directory import Directory
from service.cases.model_files import ALL_SITES, ShadowSetting
from service.cases.models import Models
from service.cases.shadow import Shadow
from service.store import Store
from service.store.shadow import KEPT_DAYS
from service.values.audits import ModelPair
from service.values.differing import DifferingAudits, differing_audits
from service.values.errors import StoreUnavailable
from service.values.shadow import ShadowFigures, figures


class ShadowReport(Struct, frozen=True, kw_only=True):
    model: str
    running: Annotated[ShadowSetting | None, Meta(description="null: the model is not in shadow now.")]
    problem: Annotated[str | None, Meta(description="Why it cannot score; null: it can.")]
    figures: Annotated[ShadowFigures, Meta(description="Comments of this site in the last 90 days.")]
    audited: Annotated[
        DifferingAudits,
        Meta(description="Audits of these days, where it and the model in use now differ."),
    ]


class Shadowing:
    """`site` and `actor` name who asks. `own`: the only site that it is about; ALL_SITES for all of them.

    Methods raise NotFound, ModelUnusable, Conflict and StoreUnavailable.
    """

    def __init__(self, shadow: Shadow, models: Models, store: Store, directory: Directory) -> None:
        self._shadow = shadow
        self._models = models
        self._store = store
        self._directory = directory

    async def start(self, site: str, version: str, share: float, actor: str, own: str = ALL_SITES) -> ShadowSetting:
        await self._store.check()

        async def tell(setting: ShadowSetting) -> None:
            await self._audited(site, own, "model_shadow_started", actor, model=setting.model, share=f"{share:g}")

        return await self._shadow.start(version, share, actor, own, tell)

    async def stop(self, site: str, version: str, actor: str, own: str = ALL_SITES) -> None:
        await self._store.check()
        await self._shadow.stop(version, own, lambda setting: self.tell_end(site, [setting], actor))

    def ending(self, digests: Collection[str], own: str = ALL_SITES) -> list[ShadowSetting]:
        """What a promotion takes out of shadow: a rollback must not make models that were in use challengers again."""
        return self._shadow.ending(digests, own)

    async def tell_end(self, site: str, settings: Iterable[ShadowSetting], actor: str) -> None:
        """Write the audit entries, before the settings end."""
        for setting in settings:
            await self._audited(site, setting.site, "model_shadow_stopped", actor, model=setting.model)

    async def end(self, settings: Iterable[ShadowSetting]) -> None:
        await self._shadow.end(settings)

    async def report(self, site: str, version: str) -> ShadowReport:
        setting = self._shadow.setting(site)
        running = setting if setting is not None and setting.model == version else None
        digest = running.digest if running else await self._digest(version)
        by_day = await self._store.shadow.of(site, digest, datetime.now(UTC).date()) if digest else {}
        problem = self._shadow.problem(site) if running else None
        start = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
        models = ModelPair(self._models.digest(site), digest) if digest else None
        draws = await self._store.draws.sampled_since(site, start, models) if models else []
        return ShadowReport(
            model=version,
            running=running,
            problem=problem,
            figures=figures(by_day),
            audited=differing_audits(draws),
        )

    async def _digest(self, version: str) -> str | None:
        return (await asyncio.to_thread(self._models.describe, version)).digest

    async def _audited(self, site: str, own: str, action: str, actor: str, **details: str) -> None:
        sites = [own] if own else sorted({*self._directory.sites, site})
        told = details | ({"only": own} if own else {})
        try:
            await self._store.audit.write_to_all(sites, site, action, actor, **told)
        except StoreUnavailable as error:
            raise StoreUnavailable("nothing was changed: not every audit trail can be written") from error
