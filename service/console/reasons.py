"""Reasons in words: those of a person's rejection, with the labels that each implies, and those of a decision."""

from dataclasses import dataclass
from typing import NamedTuple

from service.console.texts import N_, Texts
from service.store.asked import AUTHOR_BANNED, AUTHOR_MUTED, AUTHOR_PREMODERATED, AUTHOR_TRUSTED
from service.values.policy import LANGUAGE_NOT_MEASURED, LANGUAGE_NOT_SUPPORTED, NOT_CERTIFIED, SPAM_NOT_EVIDENT
from service.values.review_settings import Reviewing


class Ground(NamedTuple):
    """`label`: the attribute that this reason implies, if the model has it; None if it implies none."""

    code: str
    title: str
    label: str | None = None


# In the order of the keys 1 to 9, for sites without reasons of their own. Do not rename the codes: decisions, webhooks
# and labels hold them.
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
# For the form for readers: whoever reports it need not say who they are (Digital Services Act, article 16(2)(c)).
CHILD_ABUSE = Ground("child_sexual_abuse", N_("Sexual abuse of children"))
# With the reason for an approval after an appeal, which no menu of rejections offers.
_BY_CODE = {each.code: each for each in (*GROUNDS, CHILD_ABUSE, Ground("no_violation", N_("Breaks no rule")))}


@dataclass(frozen=True, slots=True)
class Reasons:
    """For which a site rejects, in the order of its menus. `is_required`: nobody rejects without one."""

    grounds: tuple[Ground, ...] = GROUNDS
    is_required: bool = False

    def labels(self, reason: str, known: tuple[str, ...]) -> dict[str, bool]:
        """The labels that a rejection for this reason implies. Other attributes stay unlabeled."""
        ground = self._ground(reason)
        return {ground.label: True} if ground is not None and ground.label in known else {}

    def title(self, reason: str) -> str:
        """The reason in words; an unknown code as it is."""
        ground = self._ground(reason) or _BY_CODE.get(reason)  # one from before the site had its own
        return ground.title if ground else reason

    def _ground(self, reason: str) -> Ground | None:
        return next((each for each in self.grounds if each.code == reason), None)


def reasons_of(review: Reviewing, language: str) -> Reasons:
    """Those of a site, in the language of the page."""
    own = tuple(Ground(each.key, each.title(language), each.label) for each in review.reasons)
    return Reasons(own or GROUNDS, review.reason_required)


# Reasons for an automatic decision that name neither a score nor a rule.
CODES = {
    "unscored": N_("The model could not judge it"),
    LANGUAGE_NOT_SUPPORTED: N_("Its language is not judged"),
    LANGUAGE_NOT_MEASURED: N_("The model was never measured in its language"),
    SPAM_NOT_EVIDENT: N_("The text has too little evidence of spam"),
    NOT_CERTIFIED: N_("The target for such decisions is not certified"),
    AUTHOR_BANNED: N_("The author is banned"),
    AUTHOR_MUTED: N_("The author is muted"),
    AUTHOR_PREMODERATED: N_("The author is pre-moderated"),
    AUTHOR_TRUSTED: N_("The author is trusted"),
    "article_closed": N_("The article is closed"),
    "article_premoderated": N_("The article is pre-moderated"),
    "article_heated": N_("The article is heated"),
    "section_closed": N_("The section is closed"),
    "section_premoderated": N_("The section is pre-moderated"),
    "section_heated": N_("The section is heated"),
}


def code_title(code: str) -> str:
    """The code in words; an unknown one as it is."""
    return CODES.get(code, code)


SEVERE = frozenset({"threat", "severe_toxicity", "identity_attack"})
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


def attribute_title(texts: Texts, attribute: str) -> str:
    """The name where it stands first."""
    said = texts(attribute_name(attribute))
    return said[:1].upper() + said[1:]
