"""Targets of a policy: their certificate, what `steward certify` needs for one, and what they are worth now."""

import asyncio
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.api.operation import NDJSON, Call, Operation
from service.cases import certifying, policies, promises
from service.cases.certifying import Certifiable, SampleLine
from service.cases.promises import Promises
from service.http.cursors import Cursor, checked
from service.values.access import Scope
from service.values.policy import Policy
from service.values.targets import Certificate


class CertifiableQuery(Struct, frozen=True, forbid_unknown_fields=True):
    wait_hours: Annotated[
        int, Meta(ge=0, le=168, description="The newest hours, in which people may still answer, are not counted.")
    ] = 24


class SampleQuery(Struct, frozen=True, forbid_unknown_fields=True):
    after: Annotated[Cursor, Meta(description="Steward-Next-Cursor of the answer before.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 500


async def show_promises(call: Call) -> Promises:
    """Each target of the policy, whether it holds, and the evidence. Workers count audits within seconds."""
    app, site = call.request.app, call.key.site
    policy = await _policy(call)
    _, state = await app[keys.STORE].watches.read(site)
    return promises.seen(policy, app[keys.MODELS].digest(call.key.site), state)


async def put_certificate(call: Call) -> Policy:
    """Decide by a certificate that `steward certify` wrote, as the next version of the policy.

    Refused: one of another model, of other thresholds, languages or rules, or whose figures do not add up. Sides that
    the watch had suspended resume.
    """
    app = call.request.app
    certificate: Certificate = call.body
    await _policy(call)  # raises NotFound for an unknown name
    found = await promises.put_certificate(
        app[keys.STORE], call.key.site, certificate, app[keys.MODELS].digest(call.key.site), call.key.name
    )
    await app[keys.DIRECTORY].refresh()
    return found


async def delete_certificate(call: Call) -> Policy:
    """Decide without a certificate: a person looks at what a target is set for."""
    await _policy(call)  # raises NotFound for an unknown name
    found = await promises.withdraw_certificate(call.request.app[keys.STORE], call.key.site, call.key.name)
    await call.request.app[keys.DIRECTORY].refresh()
    return found


async def show_certifiable(call: Call) -> Certifiable:
    """What a certificate of the policy in force must name, and how far its levels may go."""
    app = call.request.app
    policy = await _policy(call)
    return await certifying.certifiable(
        app[keys.STORE], call.key.site, policy, app[keys.MODELS].of(call.key.site), call.query.wait_hours
    )


async def list_sample(call: Call) -> web.Response:
    """The comments that a certificate can be made from, oldest answer first; an empty answer says: no more.

    Only those that the model in use and the rules in force judged, and that were drawn for an audit or are all
    reviewed. No text and no author leaves. The header Steward-Next-Cursor is where to go on.
    """
    app, site = call.request.app, call.key.site
    policy, model, store = await _policy(call), app[keys.MODELS].of(call.key.site), app[keys.STORE]
    versions = await certifying.same_rules(store, site, policy)
    after = checked(call.request, call.query.after)
    found = list[SampleLine]()
    while not found:
        labels, following = await store.labels.judged(site, after, call.query.limit)
        if following is None:
            break
        after = following
        found = await asyncio.to_thread(certifying.sample, labels, policy, model, versions)
    body = b"".join(msgspec.json.encode(line) + b"\n" for line in found)
    return web.Response(body=body, content_type=NDJSON, headers={"Steward-Next-Cursor": after})


async def _policy(call: Call) -> Policy:
    return await policies.newest(call.request.app[keys.STORE], call.key.site, call.request.match_info["name"])


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/policies/{name}/promises",
        handler=show_promises,
        scope=Scope.ADMIN,
        tag="Policies",
        summary="Whether the policy's targets hold.",
        answer=Promises,
        problems=(404, 409, 503),
    ),
    Operation(
        method="PUT",
        path="/v1/policies/{name}/certificate",
        handler=put_certificate,
        scope=Scope.ADMIN,
        tag="Policies",
        summary="Decide by a certificate.",
        body=Certificate,
        answer=Policy,
        problems=(404, 409, 503),
    ),
    Operation(
        method="DELETE",
        path="/v1/policies/{name}/certificate",
        handler=delete_certificate,
        scope=Scope.ADMIN,
        tag="Policies",
        summary="Decide without a certificate.",
        answer=Policy,
        problems=(404, 409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/policies/{name}/certifiable",
        handler=show_certifiable,
        scope=Scope.ADMIN,
        tag="Policies",
        summary="What a certificate must name.",
        query=CertifiableQuery,
        answer=Certifiable,
        problems=(404, 409, 503),
    ),
    Operation(
        method="GET",
        path="/v1/policies/{name}/sample",
        handler=list_sample,
        scope=Scope.ADMIN,
        tag="Policies",
        summary="The judged comments that a certificate can be made from (NDJSON).",
        query=SampleQuery,
        answer=SampleLine,
        gives=NDJSON,
        problems=(404, 409, 503),
    ),
)
