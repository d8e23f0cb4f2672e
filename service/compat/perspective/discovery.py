"""The discovery document, from which Google's clients build their methods and URLs."""

import json
from importlib.resources import files
from typing import Any

from aiohttp import web

from service.compat.perspective.answers import good, respond
from service.compat.perspective.calls import known
from service.compat.perspective.parameters import check, key_of, query_of
from service.http.admission import take_as_stranger
from service.http.origin import own_origin
from service.values.errors import NotFound

VERSION = "v1alpha1"
_DOCUMENT: dict[str, Any] = json.loads(files(__package__).joinpath("discovery.json").read_text())


async def describe(request: web.Request) -> web.StreamResponse:
    """No key is needed, but an invalid one is refused, so that the client learns of it here."""
    query = query_of(request.rel_url.raw_query_string)
    check({name: value for name, value in query.items() if name != "fields"})
    if text := key_of(query, request.headers):
        await known(request, text)
    else:
        take_as_stranger(request)
    if query.get("version", VERSION) != VERSION:
        raise NotFound("The requested version is not served: ask for version=v1alpha1.")
    # The host that the client used: with another one, it would send its comments elsewhere.
    root = f"{own_origin(request)}/{request.match_info.get('before', '')}"
    document = _DOCUMENT | {"rootUrl": root, "baseUrl": root}
    return respond(request, good(document, {name: value for name, value in query.items() if name == "prettyPrint"}))
