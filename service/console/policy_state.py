"""How targets, gate and statements of reasons of a policy stand, beside their fields on the policy's page."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from service import app_keys as keys
from service.cases import promises
from service.cases.gate import GateResult
from service.cases.statements import dsa_of
from service.console.promises import STATES, TAGS, TITLES, WHYS
from service.console.texts import N_
from service.console.visit import Visit
from service.values.domain import Action, DecidedBy
from service.values.dsa import OTHER, Restriction
from service.values.errors import ModelUnusable, NotFound
from service.values.gate import CheckName
from service.values.policy import Policy
from service.values.statement_words import LANGUAGES, SOURCE_LANGUAGE, worded

CHECKS: Mapping[CheckName, str] = {
    "held_out": N_("Held-out texts"),
    "golden": N_("Golden texts"),
    "coverage": N_("Automatic decisions"),
    "audits": N_("Paired audits"),
    "max_wrong_approve": N_("Wrong approvals"),
    "max_wrong_reject": N_("Wrong rejections"),
    "max_missed": N_("Missed violations"),
    "shadow": N_("Days in shadow"),
    "groups": N_("Identity groups"),
    "differing": N_("Comments on which both differ"),
}


class GateFound(NamedTuple):
    """What the gate says of a model. `problem`: why it says nothing."""

    result: GateResult | None
    problem: str = ""


async def state_of(visit: Visit, now: Policy, entered: Policy, gate: GateFound | None) -> dict[str, Any]:
    """For the page's template. `now`: the policy in force; `entered`: as the form says it, or `now`."""
    _, watched = await visit.console.store.watches.read(visit.site)
    models = visit.request.app[keys.MODELS]
    return {
        "promised": promises.seen(now, models.digest(visit.site), watched),
        "promise_titles": TITLES,
        "promise_states": STATES,
        "promise_tags": TAGS,
        "promise_whys": WHYS,
        "challenger": challenger_of(visit),
        "gate": gate,
        "gate_checks": CHECKS,
        "statement": example_of(visit, entered),
    }


def challenger_of(visit: Visit) -> str | None:
    """The model that judges live comments of the site in shadow."""
    return visit.request.app[keys.ROLES].challenger(visit.site)


async def gate_of(visit: Visit, policy: Policy, version: str, own: str) -> GateFound:
    """`own`: the site for which it would be promoted; ALL_SITES for all of them."""
    try:
        return GateFound(await visit.request.app[keys.GATE].check(visit.site, policy, version, own))
    except (ModelUnusable, NotFound) as error:
        return GateFound(None, str(error))


def example_of(visit: Visit, policy: Policy) -> list[str]:
    """A statement as an author would get it for what the model rejects, in paragraphs; [] out of scope."""
    dsa = dsa_of(policy)
    if dsa is None or OTHER not in dsa.clauses:
        return []
    attributes = [name for name in policy.thresholds if name in dsa.clauses] or [*policy.thresholds]
    restriction = Restriction(
        site=visit.site,
        comment="example",
        revision=1,
        version=1,
        at=datetime.now(UTC),
        decided_by=DecidedBy.MODEL,
        automatic=Action.REJECT,
        attributes=tuple(attributes[:1]),
    )
    language = visit.texts.language if visit.texts.language in LANGUAGES else SOURCE_LANGUAGE
    return worded(restriction, dsa).texts[language].split("\n\n")
