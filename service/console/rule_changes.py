"""What the pages of the rules share: find a rule, its faults, try a policy, and store the next version."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from service import app_keys as keys
from service.cases import policies
from service.cases.policies import Simulation
from service.console import policy
from service.console.policy_kinds import FieldProblem
from service.console.rule_form import Fault
from service.console.texts import N_
from service.console.visit import Visit
from service.rules.faults import faults, never_in_force
from service.values.errors import Conflict, NotFound
from service.values.policy import Policy
from service.values.rules import Rule

LAST = policy.LAST
OUTRUN = N_("Somebody else changed the policy meanwhile. This is how it is now; do it again if you still want to.")


def find_rule(now: Policy, name: str) -> Rule:
    """Raises NotFound."""
    found = next((rule for rule in now.rules if rule.id == name), None)
    if found is None:
        raise NotFound(N_("There is no such rule any more."))
    return found


async def faults_of(visit: Visit, now: Policy, rules: Sequence[Rule], name: str) -> list[Fault]:
    """The faults of the rule `name`, with the steps within it, and of all rules together. Faults of other rules do not
    count: an attribute may have gone with the model, and that must not keep anybody from changing this rule.
    """
    lists = await lists_of(visit)
    at = next(number for number, rule in enumerate(rules) if rule.id == name)
    found = faults(rules, now.lists, lists, attributes_of(visit))
    wrong = {steps[1] for steps, _ in found if steps[:1] == ("rules",) and len(steps) > 1}
    ours = [(steps[2:], detail) for steps, detail in found if steps[:2] == ("rules", str(at))]
    ours += [((), detail) for steps, detail in found if steps == ("rules",)]
    over = never_in_force(rules, now.rules, datetime.now(UTC).date())
    ours += [(steps[2:], detail) for steps, detail in over if steps[:2] == ("rules", str(at))]
    if ours or not found:
        return ours
    # Patterns are only checked together if nothing else is wrong.
    sound = [rule for number, rule in enumerate(rules) if str(number) not in wrong]
    at = next(number for number, rule in enumerate(sound) if rule.id == name)
    return [
        (steps[2:] if steps[:2] == ("rules", str(at)) else (), detail)
        for steps, detail in faults(sound, {}, lists, attributes_of(visit))
    ]


async def keep(visit: Visit, now: Policy, after: Policy) -> FieldProblem | None:
    """Store the next version. Returns why not: somebody else has changed the policy since the page was shown, or the
    rules name a list that was deleted.
    """
    if visit.field("version") != str(now.version):
        return FieldProblem(OUTRUN, {})
    try:
        await policies.replace(visit.console.store, visit.site, now, after, visit.account.name)
    except Conflict as error:
        return policy.lists_gone(error) or FieldProblem(OUTRUN, {})
    await visit.request.app[keys.DIRECTORY].refresh()
    return None


async def simulated(visit: Visit, tried: Policy) -> Simulation:
    rules = await visit.request.app[keys.RULEBOOK].compiled(visit.site, tried)
    return await policies.simulate(visit.console.store, visit.site, tried, attributes_of(visit), LAST, rules)


async def lists_of(visit: Visit) -> Collection[str]:
    return sorted(await visit.console.store.lists.versions(visit.site))


def attributes_of(visit: Visit) -> tuple[str, ...]:
    return visit.request.app[keys.MODERATION].attributes(visit.site)
