"""Fields of the policy form for targets, the gate before a promotion, and statements of reasons."""

from service.console.policy_kinds import Group, PolicyField
from service.console.texts import N_
from service.values.dsa import LEAST_COMPLAINT_DAYS

# Whether there is a gate at all: it may be in the policy with nothing but its defaults.
GATE_REQUIRED = "gate.required"

TARGETS = Group(
    N_("Targets"),
    N_(
        "How often automatic decisions may be wrong. A certificate, made by steward certify from your audits, chooses "
        "the thresholds that keep them."
    ),
    (
        PolicyField(
            "targets.max_wrong_approve",
            "share",
            N_("Of automatic approvals, at most this share may break the rules, %"),
            N_("Empty: no target. Without a certificate, people look at what would be approved automatically."),
            0.01,
            99.99,
            may_be_empty=True,
        ),
        PolicyField(
            "targets.max_wrong_reject",
            "share",
            N_("Of automatic rejections, at most this share may break no rule, %"),
            N_("Empty: no target. Without a certificate, people look at what would be rejected automatically."),
            0.01,
            99.99,
            may_be_empty=True,
        ),
        PolicyField(
            "targets.max_missed",
            "share",
            N_("Of comments that break the rules, at most this share may be approved automatically, %"),
            N_("Empty: no target. Only a certificate says whether it holds: single audits cannot check it."),
            0.01,
            99.99,
            may_be_empty=True,
        ),
        PolicyField(
            "targets.confidence",
            "share",
            N_("Confidence of all targets together, %"),
            N_("The higher it is, the more audits a certificate takes."),
            50,
            99.99,
        ),
        PolicyField(
            "targets.when_broken",
            "choice",
            N_("When audits contradict a target"),
            N_("It happens within seconds, in every process. Only a person ends it."),
            choices={
                "review": N_("People decide"),
                "previous": N_("The earlier certificate, if it fits"),
            },
        ),
    ),
    state="policy_targets.html",
)

GATE = Group(
    N_("Gate before a promotion"),
    N_(
        "What a model must show before it judges this site. Past the gate it takes two people and a reason. That its "
        "golden texts get the scores that were recorded is always checked."
    ),
    (
        PolicyField(
            GATE_REQUIRED,
            "flag",
            N_("A promotion must pass the gate"),
            N_("Else the checks are shown, and a promotion does not ask them."),
        ),
        PolicyField(
            "gate.held_out",
            "flag",
            N_("It judges all that the model in use judges, and no worse"),
            N_("By texts that neither was trained on, beyond chance."),
        ),
        PolicyField(
            "gate.targets",
            "flag",
            N_("It would keep the targets"),
            N_("What people decided must show it by the exact test that a certificate takes, for each target."),
        ),
        PolicyField(
            "gate.max_coverage_drop",
            "share",
            N_("By how much automatic decisions may become fewer, %"),
            N_("In parts of all comments. Empty: by any amount."),
            may_be_empty=True,
        ),
        PolicyField(
            "gate.worse_at",
            "score",
            N_("Paired audits: from which probability by chance it counts as worse"),
            N_(
                "It is wrong more often, and so uneven a split has at most this probability, such as 0.05. Empty: not "
                "checked."
            ),
            0,
            1,
            may_be_empty=True,
        ),
        PolicyField(
            "gate.least_audits",
            "whole",
            N_("Audits that must be answered"),
            N_("With fewer it does not pass, whatever they say."),
            0,
            10_000,
        ),
        PolicyField(
            "gate.max_group_ratio",
            "number",
            N_("How many times as often as the mean one group may be flagged"),
            N_("Harmless held-out texts about the worst identity group, such as 2. Empty: not checked."),
            1,
            100,
            may_be_empty=True,
        ),
        PolicyField(
            "gate.shadow_days",
            "whole",
            N_("Days in shadow"),
            N_("Days on which it compared a comment beside the model in use. 0: not checked."),
            0,
            90,
        ),
    ),
    state="policy_gate.html",
)

DSA = Group(
    N_("Statements of reasons (EU Digital Services Act)"),
    N_("Whether the law applies to your site, and which clause stands for what, is a question for your counsel."),
    (
        PolicyField(
            "dsa.in_scope",
            "flag",
            N_("The site is in scope"),
            N_("Authors get a statement of reasons for each rejection and may complain; readers may give notice."),
        ),
        PolicyField(
            "dsa.territory",
            "lines",
            N_("Where a rejection applies"),
            N_("One a line: EU, EEA, EEA_NO_IS, or the two letters of a country."),
        ),
        PolicyField(
            "dsa.restriction",
            "choice",
            N_("What the site does with a rejected comment"),
            N_("Each statement says so."),
            choices={"removed": N_("It removes it"), "disabled": N_("It hides it")},
        ),
        PolicyField(
            "dsa.complaint_days",
            "whole",
            N_("Days in which authors may complain"),
            N_("The law asks for six months at least. The text of a rejected comment is kept as long."),
            LEAST_COMPLAINT_DAYS,
            3_660,
        ),
        PolicyField(
            "dsa.complaint_url",
            "text",
            N_("Address where authors complain"),
            N_("Part of each statement. Empty: the page with a form that the API gives for the author."),
        ),
        PolicyField(
            "dsa.dispute_url",
            "text",
            N_("Address of bodies that settle disputes"),
            N_("Out of court. Part of each statement. Empty: none is named."),
        ),
    ),
    state="policy_clauses.html",
)
