"""Which model judges is changed, and that is written down: neither happens without the other being possible."""

from service.errors import StoreUnavailable
from service.models import Generation, Models
from service.store import Store
from service.store.keyspace import Site


async def promote(models: Models, store: Store, site: str, version: str, actor: str) -> Generation:
    """Put a model in use on every replica. It is loaded and checked first; what fails changes nothing.

    Raises NotFound, ModelUnusable and StoreUnavailable.
    """
    await store.check()
    return await _written(store, site, "model_promoted", actor, await models.promote(version, actor))


async def roll_back(models: Models, store: Store, site: str, actor: str) -> Generation:
    """Put the model that was in use before back in use. Raises as `promote` does."""
    await store.check()
    return await _written(store, site, "model_rolled_back", actor, await models.rollback(actor))


async def _written(store: Store, site: str, action: str, actor: str, generation: Generation) -> Generation:
    try:
        await store.audit.write(
            Site(site), action, actor, model=generation.version, generation=str(generation.generation)
        )
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{generation.version} is in use, but the audit trail could not be written") from error
    return generation
