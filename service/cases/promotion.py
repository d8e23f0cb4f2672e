"""Changes the active model, of all sites or of one, and records it in the audit trail of each site that it is about.

A model that is in use now is taken out of shadow. So is the one that was in use before: if it is still in shadow, a
process was killed here, or an earlier release promoted it.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from service.cases.directory import Directory
from service.cases.model_files import ALL_SITES, Generation, ShadowSetting
from service.cases.models import Models, Tell
from service.cases.shadowing import Shadowing
from service.store import Store
from service.values.errors import StoreUnavailable


class ModelPromotion:
    """`site` and `actor` name who changes the model. `own`: the site whose own model it is; ALL_SITES for all of them.

    Methods raise NotFound, ModelUnusable, Conflict and StoreUnavailable; then the model in use is the one before.
    """

    def __init__(self, models: Models, shadowing: Shadowing, store: Store, directory: Directory) -> None:
        self._models = models
        self._shadowing = shadowing
        self._store = store
        self._directory = directory

    async def promote(self, site: str, version: str, actor: str, own: str = ALL_SITES, **told: str) -> Generation:
        """Activate a model on every replica. It is loaded and checked first; a failure changes nothing.

        `version`: "" for that of all sites in place of the site's own. `told`: further details of the audit entry.
        """
        change = partial(self._models.promote, version, actor, own)
        return await self._recorded(change, site, "model_promoted", actor, own, **told)

    async def roll_back(self, site: str, actor: str, own: str = ALL_SITES) -> Generation:
        """Activate the previous model again."""
        return await self._recorded(partial(self._models.rollback, actor, own), site, "model_rolled_back", actor, own)

    async def _recorded(
        self,
        change: Callable[[Tell[Generation]], Awaitable[Generation]],
        site: str,
        action: str,
        actor: str,
        own: str,
        **told: str,
    ) -> Generation:
        """Make the change. The audit entries come first: what cannot be recorded is not done."""
        await self._store.check()
        before, ending = self._models.digest(own), list[ShadowSetting]()

        async def tell(found: Generation) -> None:
            ending.extend(self._shadowing.ending({before, found.digest}, own))
            await self._audited(site, action, actor, found, **told)
            await self._shadowing.tell_end(site, ending, actor)

        found = await change(tell)
        await self._shadowing.end(ending)
        return found

    async def _audited(self, site: str, action: str, actor: str, generation: Generation, **told: str) -> None:
        details = {"model": generation.version, "generation": str(generation.generation), **told}
        if generation.site:
            details |= {"only": generation.site} | ({"follows": "all sites"} if generation.follows else {})
        sites = [generation.site] if generation.site else sorted({*self._directory.sites, site})
        try:
            await self._store.audit.write_to_all(sites, site, action, actor, **details)
        except StoreUnavailable as error:
            raise StoreUnavailable("nothing was changed: not every audit trail can be written") from error
