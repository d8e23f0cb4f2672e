"""Models: listed, promoted, rolled back."""

import asyncio

from msgspec import Struct

from service import keys
from service.access import Scope
from service.api.operation import Call, Operation
from service.errors import StoreUnavailable
from service.models import Described, Generation
from service.store.keyspace import Site


class ModelsAnswer(Struct, frozen=True):
    active: str
    models: list[Described]


async def list_models(call: Call) -> ModelsAnswer:
    """Every model folder that this service sees; one with a `problem` cannot be promoted."""
    models = call.request.app[keys.MODELS]
    return ModelsAnswer(models.current.version, await asyncio.to_thread(models.list))


async def show_model(call: Call) -> Described:
    return await asyncio.to_thread(call.request.app[keys.MODELS].describe, call.request.match_info["version"])


async def promote_model(call: Call) -> Generation:
    """Put a model in use on every replica. It is loaded and checked first; what fails changes nothing."""
    await _can_audit(call)
    generation = await call.request.app[keys.MODELS].promote(call.request.match_info["version"], call.key.name)
    return await _audited(call, "model_promoted", generation)


async def roll_back_model(call: Call) -> Generation:
    """Put the model that was in use before back in use."""
    await _can_audit(call)
    generation = await call.request.app[keys.MODELS].rollback(call.key.name)
    return await _audited(call, "model_rolled_back", generation)


async def _can_audit(call: Call) -> None:
    """A change of model is refused while it could not be written down."""
    await call.request.app[keys.STORE].check()


async def _audited(call: Call, action: str, generation: Generation) -> Generation:
    try:
        await call.request.app[keys.STORE].audit.write(
            Site(call.key.site), action, call.key.name, model=generation.version, generation=str(generation.generation)
        )
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{generation.version} is in use, but the audit trail could not be written") from error
    return generation


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/models",
        handler=list_models,
        scope=Scope.ADMIN,
        tag="Models",
        summary="Which models there are and which is in use.",
        answer=ModelsAnswer,
    ),
    Operation(
        method="GET",
        path="/v1/models/{version}",
        handler=show_model,
        scope=Scope.ADMIN,
        tag="Models",
        summary="One model.",
        answer=Described,
        problems=(404,),
    ),
    Operation(
        method="POST",
        path="/v1/models/{version}:promote",
        handler=promote_model,
        scope=Scope.ADMIN,
        tag="Models",
        summary="Put a model in use on every replica.",
        answer=Generation,
        problems=(404, 409, 503),
    ),
    Operation(
        method="POST",
        path="/v1/models:rollback",
        handler=roll_back_model,
        scope=Scope.ADMIN,
        tag="Models",
        summary="Put the model that was in use before back in use.",
        answer=Generation,
        problems=(404, 409, 503),
    ),
)
