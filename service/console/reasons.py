"""Rejection reasons: their codes, and the labels that each implies."""

from typing import NamedTuple

from service.console.texts import N_


class Ground(NamedTuple):
    """`label`: the attribute that this reason implies, if the model has it; None if it implies none."""

    code: str
    title: str
    label: str | None = None


# In the order of the keys 1 to 9. Do not rename the codes: decisions, webhooks and labels hold them.
GROUNDS = (
    Ground("personal_attack", N_("Personal attack"), "insult"),
    Ground("hate", N_("Hate against a group"), "identity_attack"),
    Ground("threat", N_("Threat"), "threat"),
    Ground("profanity", N_("Foul language"), "profanity"),
    Ground("spam", N_("Spam"), "spam"),
    Ground("sexual", N_("Sexual content"), "sexually_explicit"),
    Ground("private_information", N_("Private information")),
    Ground("off_topic", N_("Off topic")),
    Ground("other", N_("Something else")),
)
_BY_CODE = {ground.code: ground for ground in GROUNDS}


def labels_of(reason: str, known: tuple[str, ...]) -> dict[str, bool]:
    """The labels that a rejection for this reason implies. Other attributes stay unlabeled."""
    ground = _BY_CODE.get(reason)
    return {ground.label: True} if ground is not None and ground.label in known else {}


def title_of(reason: str) -> str:
    """The reason in words; an unknown code as it is."""
    return _BY_CODE[reason].title if reason in _BY_CODE else reason


ATTRIBUTES = {
    "toxicity": N_("toxicity"),
    "severe_toxicity": N_("severe toxicity"),
    "identity_attack": N_("identity attack"),
    "insult": N_("insult"),
    "profanity": N_("profanity"),
    "threat": N_("threat"),
    "spam": N_("spam"),
    "sexually_explicit": N_("sexually explicit"),
}


def attribute_name(attribute: str) -> str:
    return ATTRIBUTES.get(attribute, attribute.replace("_", " "))
