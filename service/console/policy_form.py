"""The policy form: groups of fields, their text format, parsing, and error messages."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from service.console.texts import N_
from service.http.shapes import fault_of
from service.values.policy import Policy, Thresholds
from service.values.site_settings import faults

HOUR_S = 3600
CENT = 100

# flag: yes or no. share: percent. whole: an integer. score: 0 to 1, or empty. lines: one entry a line.
# pairs: "NAME = attribute" a line. hours: seconds, shown as hours.
# choice: one of `choices`; the empty one stands for null.
Kind = Literal["flag", "share", "whole", "score", "lines", "pairs", "hours", "expiry", "choice"]

A_NUMBER = N_("Enter a number from %(least)s to %(most)s.")


@dataclass(frozen=True, slots=True)
class PolicyField:
    """`path`: in the policy, and the name in the form. `least` and `most`: in the unit of the form.

    `may_be_empty`: null in the policy.
    """

    path: str
    kind: Kind
    label: str
    hint: str = ""
    least: float = 0
    most: float = 100
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    intro: str
    fields: tuple[PolicyField, ...]


AKISMET_DOUBTFUL = "protocols.akismet.doubtful"
AKISMET_ANSWERS = {"spam": N_("Spam"), "pending": N_("Pending"), "ham": N_("Not spam")}
GROUPS = (
    Group(
        N_("Quality checks"),
        N_("Without a sample that people judge blindly, nobody knows how often the automatic answer is wrong."),
        (
            PolicyField(
                "review.audit_approved",
                "share",
                N_("Blind audits of automatic approvals, %"),
                N_("This share is judged by a person who is not told the answer. The comments are public meanwhile."),
                may_be_empty=True,
            ),
            PolicyField(
                "review.audit_rejected", "share", N_("Blind audits of automatic rejections, %"), may_be_empty=True
            ),
            PolicyField(
                "review.audits_per_day",
                "whole",
                N_("Most blind audits in a day"),
                N_("When many of them are used up, fewer comments are drawn. Empty: any number."),
                1,
                10_000,
                may_be_empty=True,
            ),
            PolicyField(
                "review.audit_overturns",
                "flag",
                N_("An audit that disagrees changes the decision"),
                N_("Else it goes to the supervisors."),
            ),
            PolicyField(
                "review.double_review",
                "share",
                N_("Comments that two people must agree on, %"),
                N_("Above 0, so do all rejections of the most urgent class. It takes three moderators."),
            ),
        ),
    ),
    Group(
        N_("What comes back, and how soon"),
        "",
        (
            PolicyField(
                "review.reports_needed", "whole", N_("Readers whose reports bring a comment back"), "", 1, 1000
            ),
            PolicyField("review.reports_reopen_judged", "flag", N_("Also what a person has approved")),
            PolicyField(
                "review.reports_discount",
                "flag",
                N_("Readers whose reports were mostly dismissed count half"),
                N_("From five judged reports on. The card says how many count half."),
            ),
            PolicyField(
                "review.urgent_sections",
                "lines",
                N_("Sections whose comments are due in an hour"),
                N_("One a line, at most 64."),
            ),
            PolicyField(
                "review.heated_factor",
                "share",
                N_("In heated articles people look from this part of each threshold on, %"),
                "",
                1,
                99,
            ),
            PolicyField(
                "review.show_scores",
                "flag",
                N_("Show scores before a decision"),
                N_("They sway whoever decides. Every fifth comment and every audit is shown without."),
            ),
            PolicyField("review.reason_required", "flag", N_("A rejection needs a reason")),
            PolicyField(
                "review.expiry",
                "expiry",
                N_("When nobody looked in time"),
                N_("Nothing is decided by waiting unless you want it."),
            ),
        ),
    ),
    Group(
        N_("Sites that speak Perspective's protocol"),
        "",
        (
            PolicyField(
                "protocols.perspective.queue_doubtful",
                "flag",
                N_("Queue doubtful comments for people"),
                N_("Unless they are sent with doNotStore."),
            ),
            PolicyField(
                "protocols.perspective.trust_languages",
                "flag",
                N_("Believe the language that the site names"),
                N_("Coral names English for most of its locales; then let the text tell."),
            ),
            PolicyField(
                "protocols.perspective.accept_html",
                "flag",
                N_("Accept HTML"),
                N_("The text between the tags is judged. Else HTML is refused."),
            ),
            PolicyField("protocols.perspective.omit_unknown", "flag", N_("Leave out names that are not served")),
            PolicyField(
                "protocols.perspective.attributes",
                "pairs",
                N_("Further names that are served"),
                N_("One a line: a Perspective attribute, =, one of the model's. Scores are mapped by a command."),
            ),
        ),
    ),
    Group(
        N_("Coral"),
        "",
        (
            PolicyField(
                "protocols.coral.may_approve", "flag", N_("May approve"), N_("This overrules Coral's pre-moderation.")
            ),
            PolicyField(
                "protocols.coral.may_reject", "flag", N_("May reject"), N_("Else what is rejected is withheld.")
            ),
            PolicyField("protocols.coral.publish_first", "flag", N_("Publish doubtful comments, flagged")),
            PolicyField("protocols.coral.shadow", "flag", N_("Judge and record, and always say nothing")),
            PolicyField(
                "protocols.coral.budget_ms",
                "whole",
                N_("Milliseconds until nothing is said"),
                N_("Below the time-out of the phase in Coral."),
                20,
                10_000,
            ),
        ),
    ),
    Group(
        N_("OpenAI and Akismet"),
        "",
        (
            PolicyField(
                "protocols.openai.ignore_images",
                "flag",
                N_("OpenAI: judge the texts beside an image"),
                N_("Else images are refused."),
            ),
            PolicyField(
                AKISMET_DOUBTFUL,
                "choice",
                N_("Akismet: what a doubtful comment is called"),
                N_("WordPress and Discourse hold what is pending. Other clients read it as spam."),
                choices=AKISMET_ANSWERS,
            ),
            PolicyField(
                "protocols.akismet.unread",
                "choice",
                N_("Akismet: a comment in a language that is not judged"),
                N_("WordPress deletes spam after 15 days."),
                choices={"": N_("As a doubtful one, but pending in WordPress"), **AKISMET_ANSWERS},
            ),
            PolicyField(
                "protocols.akismet.spam",
                "choice",
                N_("Akismet: what a rejected comment is called"),
                choices={name: said for name, said in AKISMET_ANSWERS.items() if name != "ham"},
            ),
            PolicyField(
                "protocols.akismet.discard_at",
                "score",
                N_("Akismet: spam score from which a comment may be thrown away"),
                N_("Empty: never."),
                0,
                1,
                may_be_empty=True,
            ),
        ),
    ),
)
FIELDS = tuple(field for group in GROUPS for field in group.fields)
EXPIRY_AFTER = "review.expiry.after"
LEAST_HOURS, MOST_HOURS = 60 / HOUR_S, 90 * 24


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with a field: a message with its values, translated where it is shown."""

    message: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Entered:
    """A submitted form. `values`: by field name. `policy`: valid only without `problems`."""

    values: Mapping[str, str]
    policy: Policy
    problems: Mapping[str, FieldProblem]


def of(policy: Policy) -> Entered:
    """The form for an existing policy."""
    values = {field.path: _written(field, _at(policy, field.path)) for field in FIELDS if field.kind != "expiry"}
    values[AKISMET_DOUBTFUL] = policy.protocols.akismet.doubtful_answer
    expiry = policy.review.expiry
    values["review.expiry"] = expiry.decision if expiry else ""
    values[EXPIRY_AFTER] = for_input(expiry.after_s / HOUR_S) if expiry else ""
    for attribute, limits in policy.thresholds.items():
        values[f"counts.{attribute}"] = "1"
        for name in ("review_at", "reject_at"):
            values[f"{name}.{attribute}"] = for_input(getattr(limits, name))
    return Entered(values, policy, {})


def read(form: Mapping[str, list[str]], before: Policy, known: Iterable[str]) -> Entered:
    """Parse the form. Fields that it does not show keep their values from `before`."""
    values = {name: found[0] for name, found in form.items()}
    problems: dict[str, FieldProblem] = {}
    raw: dict[str, Any] = {
        "review": msgspec.to_builtins(before.review),
        "languages": msgspec.to_builtins(before.languages),
        "protocols": msgspec.to_builtins(before.protocols),
    }
    for field in FIELDS:
        if field.kind == "expiry":
            _put(raw, field.path, _expiry(values, problems))
        elif field.kind == "flag" or field.path in values:
            _put(raw, field.path, _value(field, values.get(field.path, ""), problems))
    if values.get(AKISMET_DOUBTFUL) == before.protocols.akismet.doubtful_answer:  # an older policy says it otherwise
        _put(raw, AKISMET_DOUBTFUL, before.protocols.akismet.doubtful)
    thresholds = _thresholds(values, before, known, problems)
    if problems:
        return Entered(values, before, problems)
    try:
        shown = msgspec.convert({**raw, "thresholds": thresholds}, Policy)
        policy = msgspec.structs.replace(before, **{name: getattr(shown, name) for name in (*raw, "thresholds")})
    except msgspec.ValidationError as error:
        wrong = fault_of(str(error), "", Policy)
        path = wrong.pointer.removeprefix("/").replace("/", ".")
        where = next((field.path for field in FIELDS if path.startswith(field.path)), "")
        told = {"detail": f"{path}: {wrong.detail}"}
        return Entered(values, before, {where: FieldProblem(N_("This cannot be read: %(detail)s"), told)})
    for fault in faults(policy.protocols, tuple(known)):
        path = ".".join(("protocols", *fault.steps))
        where = next((field.path for field in FIELDS if path.startswith(field.path)), "")
        detail = f"{fault.steps[-1]}: {fault.why}"
        problems.setdefault(where, FieldProblem(N_("This cannot be read: %(detail)s"), {"detail": detail}))
    return Entered(values, before if problems else policy, problems)


def _thresholds(
    values: Mapping[str, str], before: Policy, known: Iterable[str], problems: dict[str, FieldProblem]
) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = {}
    for attribute in dict.fromkeys((*known, *before.thresholds)):
        if not values.get(f"counts.{attribute}"):
            continue
        row = {
            name: between(values.get(f"{name}.{attribute}", ""), f"{name}.{attribute}", 0, 1, problems)
            for name in ("review_at", "reject_at")
        }
        limits = Thresholds(**row)
        if limits.review_at is not None and limits.reject_at is not None and limits.review_at > limits.reject_at:
            problems[f"review_at.{attribute}"] = FieldProblem(N_("This is above the threshold for rejecting."), {})
        found[attribute] = row
    if not found:
        problems["thresholds"] = FieldProblem(N_("At least one attribute must count."), {})
    for attribute in found.keys() - set(known):
        problems[f"review_at.{attribute}"] = FieldProblem(N_("The model in use does not judge this attribute."), {})
    return found


def _expiry(values: Mapping[str, str], problems: dict[str, FieldProblem]) -> dict[str, Any] | None:
    if not values.get("review.expiry"):
        return None
    hours = between(values.get(EXPIRY_AFTER, ""), EXPIRY_AFTER, LEAST_HOURS, MOST_HOURS, problems, is_needed=True)
    return {"decision": values["review.expiry"], "after_s": round((hours or 1) * HOUR_S)}


def _value(field: PolicyField, text: str, problems: dict[str, FieldProblem]) -> Any:  # noqa: ANN401 - the field's own type
    if field.kind in ("flag", "choice"):
        return bool(text) if field.kind == "flag" else text or None
    if field.kind == "lines":
        return sorted({line.strip() for line in text.splitlines() if line.strip()})
    if field.kind == "pairs":
        return _pairs(field, text, problems)
    found = between(text, field.path, field.least, field.most, problems, is_needed=not field.may_be_empty)
    if found is None or field.kind == "score":
        return found
    if field.kind == "share":
        return round(found / CENT, 6)
    if found != int(found):
        problems[field.path] = FieldProblem(N_("Enter a whole number."), {})
    return int(found)


def _pairs(field: PolicyField, text: str, problems: dict[str, FieldProblem]) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        name, is_pair, attribute = (part.strip() for part in line.partition("="))
        if name and is_pair and attribute:
            found[name] = attribute
        elif line.strip():
            problems[field.path] = FieldProblem(N_("Each line must be a name, =, and an attribute."), {})
    return found


def between(
    text: str, where: str, least: float, most: float, problems: dict[str, FieldProblem], *, is_needed: bool = False
) -> float | None:
    """Parse a number, with a decimal point or comma."""
    if not text.strip() and not is_needed:
        return None
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        problems[where] = FieldProblem(A_NUMBER, {"least": for_input(least), "most": for_input(most)})
        return None
    return value


def _written(field: PolicyField, value: Any) -> str:  # noqa: ANN401 - the field's own type
    if field.kind == "flag":
        return "1" if value else ""
    if field.kind == "choice":
        return value or ""
    if field.kind == "lines":
        return "\n".join(sorted(value))
    if field.kind == "pairs":
        return "\n".join(f"{name} = {attribute}" for name, attribute in value.items())
    return for_input(value * CENT if field.kind == "share" and value is not None else value)


def for_input(value: float | None) -> str:
    """Format a number for <input type="number">."""
    return "" if value is None else f"{round(value, 6):.6f}".rstrip("0").rstrip(".")


def _at(policy: Policy, path: str) -> Any:  # noqa: ANN401 - the field's own type
    found: Any = policy
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _put(raw: dict[str, Any], path: str, value: Any) -> None:  # noqa: ANN401 - the field's own type
    *steps, last = path.split(".")
    for step in steps:
        raw = raw.setdefault(step, {})
    raw[last] = value
