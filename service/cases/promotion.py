"""Changes the active model for all sites and records it in the audit trail of each."""

from service.cases.directory import Directory
from service.cases.models import Generation, Models
from service.store import Store
from service.values.errors import StoreUnavailable


class ModelPromotion:
    """`site` and `actor` name who changes the model. Methods raise NotFound, ModelUnusable and StoreUnavailable."""

    def __init__(self, models: Models, store: Store, directory: Directory) -> None:
        self._models = models
        self._store = store
        self._directory = directory

    async def promote(self, site: str, version: str, actor: str, **told: str) -> Generation:
        """Activate a model on every replica. It is loaded and checked first; a failure changes nothing.

        `told`: further details of the audit entry.
        """
        await self._store.check()
        return await self._audited(site, "model_promoted", actor, await self._models.promote(version, actor), **told)

    async def roll_back(self, site: str, actor: str) -> Generation:
        """Activate the previous model again."""
        await self._store.check()
        return await self._audited(site, "model_rolled_back", actor, await self._models.rollback(actor))

    async def _audited(self, site: str, action: str, actor: str, generation: Generation, **told: str) -> Generation:
        details = {"model": generation.version, "generation": str(generation.generation), **told}
        try:
            await self._store.audit.write_to_all(sorted({*self._directory.sites, site}), site, action, actor, **details)
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{generation.version} is in use, but not every audit trail says so") from error
        return generation
