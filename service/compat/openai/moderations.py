"""POST /v1/moderations: OpenAI's categories and scores. Stores nothing, needs no Redis, fetches no URL."""

import logging
import time
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import msgspec
import uuid_utils
from aiohttp import web

from service import app_keys as keys
from service.compat.openai import errors
from service.compat.openai.asked import ModerationsRequest, asked
from service.compat.openai.categories import UNJUDGED, Result, WindowScores, nothing, result, unsupported
from service.http import bodies, cors
from service.http.admission import admitted, bearer
from service.http.handling import speaking
from service.values import access
from service.values.access import ApiKey, Scope
from service.values.errors import BadRequest
from service.values.openai_models import MODELS, OpenAiModel, openai_models
from service.values.policy import reached
from service.values.windows import windows

log = logging.getLogger(__name__)


class Moderated(msgspec.Struct, frozen=True):
    id: str
    model: str
    results: Sequence[Result]


async def moderate(request: web.Request) -> web.Response:
    """One result for each input, in order. The parts of one input are joined."""
    request[errors.STARTED] = time.perf_counter()
    _refuse_a_key_in_the_query(request)
    key = await admitted(request, bearer(request), Scope.SCORE)
    request[errors.KEY] = key
    raw = await bodies.read(request, "application/json", bodies.MAX_BATCH_BYTES)
    version = request.app[keys.MODELS].of(key.site).version
    wishes = request.app[keys.DIRECTORY].policy(key.site).protocols.openai
    said = asked(raw, version, ignore_images=wishes.ignore_images)
    answer = Moderated(f"modr-{uuid_utils.uuid7().hex}", said.model, await _results(request, key, said))
    # Never empty: none of our attributes covers self-harm.
    lacking = ",".join(unsupported(request.app[keys.MODERATION].attributes(key.site)))
    told = {"X-Moderation-Unsupported": lacking, "X-Moderation-Model": version}
    return errors.answer(request, 200, answer, told)


async def list_models(request: web.Request) -> web.Response:
    """As `GET /v1/models` for clients whose base URL has no /v1. OpenAI's SDKs and credential tests call it."""
    return errors.answer(request, 200, _ModelList(await _models(request)))


async def show_model(request: web.Request) -> web.Response:
    """One of OpenAI's names, which all mean the model in use."""
    name = request.path.rpartition("/")[2]
    (found,) = (each for each in await _models(request) if each.id == name)
    return errors.answer(request, 200, found)


async def _models(request: web.Request) -> list[OpenAiModel]:
    request[errors.STARTED] = time.perf_counter()
    _refuse_a_key_in_the_query(request)
    key = await admitted(request, bearer(request), Scope.SCORE, Scope.ADMIN, Scope.OPERATE)
    request[errors.KEY] = key
    in_use = request.app[keys.MODELS].of(key.site)
    return openai_models(in_use.version, in_use.manifest.created_at)


class _ModelList(msgspec.Struct, frozen=True):
    data: list[OpenAiModel]
    object: Literal["list"] = "list"


def _refuse_a_key_in_the_query(request: web.Request) -> None:
    """Ignore other parameters: some proxies add a version."""
    if (
        "key" in request.query
        or "api_key" in request.query
        or access.masked(request.query_string) != (request.query_string)
    ):
        raise BadRequest("Send the key in the header Authorization, not in the address, where others can read it.")


async def _results(request: web.Request, key: ApiKey, said: ModerationsRequest) -> list[Result]:
    """Judge a long text in windows, so that all of it is judged."""
    moderation = request.app[keys.MODERATION]
    warn_once(frozenset(moderation.attributes(key.site)))
    policy = request.app[keys.DIRECTORY].policy(key.site)
    doubtful = policy.protocols.openai.doubtful_is_flagged
    pieces = [windows(text) if text and not text.isspace() else [] for text in said.texts]
    _, scored = await moderation.score(key.site, [each for some in pieces for each in some], spans=False, language=None)
    found = iter([WindowScores(each.scores, reached(each.scores, policy, doubtful=doubtful)) for each in scored])
    empty = nothing(moderation.attributes(key.site))
    return [
        result([next(found) for _ in some] or [UNJUDGED if text is None else empty])
        for text, some in zip(said.texts, pieces, strict=True)
    ]


async def refuse_method(request: web.Request) -> web.Response:
    if allowed := cors.preflight(request, ("POST",)):
        return allowed
    said = f"Not allowed: {request.method} here. Send a POST request."
    return errors.failure(request, 405, errors.Failure(said, errors.INVALID), {"Allow": "POST"})


async def refuse_path(request: web.Request) -> web.Response:
    return errors.failure(request, 404, errors.Failure("There is nothing at this address.", errors.INVALID))


@cache
def warn_once(attributes: frozenset[str]) -> None:
    """Log the unsupported categories when a client first asks: some of them are important."""
    lacking = ", ".join(unsupported(attributes))
    log.warning("the OpenAI routes cannot judge %s: the model has no such attributes (docs/openai.md)", lacking)


def _handled(name: str, handle: Any) -> Any:  # noqa: ANN401 - one handler for another
    return speaking(errors.render, name, handle)


def _routes(path: str) -> list[web.AbstractRouteDef]:
    return [
        web.post(path, _handled("openai_moderations", moderate)),
        web.route("*", path, _handled("openai_method", refuse_method)),
        web.route("*", path + "/{rest:.*}", _handled("openai_path", refuse_path)),
    ]


# The second path is the one of LiteLLM's proxy (BerriAI/litellm#1974). The last is what a base URL with a slash at its
# end, or with a /v1 that the client adds too, becomes.
ROUTES = (
    *_routes("/v1/moderations"),
    *_routes("/moderations"),
    *_routes("/{before:(?:/|v1/)+}moderations"),
    web.get("/models", _handled("openai_models", list_models)),
    *(web.get(f"{at}/models/{name}", _handled("openai_model", show_model)) for at in ("/v1", "") for name in MODELS),
)
