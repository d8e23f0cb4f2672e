"""The promises of a site: each target of the policy, whether it holds, since when, and the evidence."""

import math
from typing import NamedTuple

from aiohttp import web

from service import app_keys as keys
from service.cases import policies, promises
from service.cases.promises import Promise
from service.console.texts import N_
from service.console.visit import OVERSEERS, Nav, Page, Visit
from service.values.targets import Target
from service.values.watching import PSI_ACT, PSI_LOOK, PromiseState

TITLES = {
    Target.WRONG_APPROVE: N_("Of automatic approvals, at most %(share)s break the rules"),
    Target.WRONG_REJECT: N_("Of automatic rejections, at most %(share)s break no rule"),
    Target.MISSED: N_("Of comments that break the rules, at most %(share)s are approved automatically"),
}
STATES = {
    PromiseState.HOLDING: N_("Holding"),
    PromiseState.AT_RISK: N_("At risk"),
    PromiseState.BROKEN: N_("Broken"),
    PromiseState.UNKNOWN: N_("Unknown"),
}
# The class of the tag that shows the state.
TAGS = {
    PromiseState.HOLDING: "good-tag",
    PromiseState.AT_RISK: "warn-tag",
    PromiseState.BROKEN: "bad-tag",
    PromiseState.UNKNOWN: "",
}
WHYS = {
    "no_certificate": N_("There is no certificate. People look at what would be decided automatically."),
    "other_model": N_("The certificate is of another model. People look at what would be decided automatically."),
    "other_policy": N_(
        "The thresholds, languages or rules are not those of the certificate. People look at what would be decided "
        "automatically."
    ),
    "not_certified": N_(
        "The certificate does not cover this target. People look at what would be decided automatically."
    ),
    "no_audits": N_("No audit has checked it yet."),
    "side_stopped": N_("Audits contradict another target of the same decisions, so they were stopped."),
    "not_watched": N_("It is certified. Single audits cannot check it."),
}

# What training/certify.py writes into certificates; here for its translations.
NOT_PROMISED = (
    N_("anything after the traffic changes: the watch notices that by audits, and so not at once"),
    N_("truth beyond the judgement of the moderators: an error that they share is not counted"),
    N_("the rate in a single language, section or group, except where a language has its own line"),
    N_("that the entries of word lists stay as they were"),
)

# Of the plot, in its own units.
WIDTH, HEIGHT, LEFT, BOTTOM = 640, 200, 44, 22
# The evidence that the plot shows at least, as a power of ten, so that small moves do not look large.
LOWEST_POWER = -1.0


class Tick(NamedTuple):
    """A line across the plot, and what it says."""

    y: float
    text: str


class Plot(NamedTuple):
    """The evidence after so many audits, on a logarithmic scale. `line`: the points of the curve."""

    line: str
    alarm_y: float
    ticks: list[Tick]
    audits: int


def plot(promise: Promise) -> Plot | None:
    """None: there is nothing to draw yet."""
    if not promise.points:
        return None
    powers = [(n, math.log10(max(evidence, 1e-300))) for n, evidence in promise.points]
    alarm = math.log10(promise.alarm_at)
    low = min(LOWEST_POWER, *(power for _, power in powers))
    high = max(alarm, *(power for _, power in powers)) + 0.2
    most = powers[-1][0]

    def y(power: float) -> float:
        return round((HEIGHT - BOTTOM) * (high - power) / (high - low), 1)

    def x(audits: int) -> float:
        return round(LEFT + (WIDTH - LEFT - 4) * audits / max(1, most), 1)

    step = max(1, math.ceil((high - low) / 6))
    ticks = [
        Tick(y(power), f"{10.0**power:g}") for power in range(math.ceil(low), math.floor(high) + 1) if not power % step
    ]
    start = [(0, 0.0), *powers]
    return Plot(" ".join(f"{x(n)},{y(power)}" for n, power in start), y(alarm), ticks, most)


class PromiseShown(NamedTuple):
    promise: Promise
    title: str
    plot: Plot | None


async def show_promises(visit: Visit) -> web.StreamResponse:
    store, site = visit.console.store, visit.site
    policy = await policies.newest(store, site)
    _, state = await store.watches.read(site)
    found = promises.seen(policy, visit.request.app[keys.MODELS].digest(visit.site), state)
    return visit.show(
        "promises.html",
        found=found,
        shown=[PromiseShown(each, TITLES[each.target], plot(each)) for each in found.promises],
        states=STATES,
        tags=TAGS,
        whys=WHYS,
        look_from=PSI_LOOK,
        act_from=PSI_ACT,
        size=(WIDTH, HEIGHT, LEFT, BOTTOM),
    )


PAGES = (Page(path="/promises", view=show_promises, roles=OVERSEERS, nav=Nav(title=N_("Promises"), order=63)),)
