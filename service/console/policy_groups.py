"""The fields of the policy form, in groups."""

from service.console.policy_kinds import Group, PolicyField
from service.console.policy_promises import DSA, GATE, TARGETS
from service.console.texts import N_

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
                "review.audit_differing",
                "share",
                N_("Blind audits where a model in shadow differs, %"),
                N_(
                    "Of the automatic decisions that a model in shadow would have made otherwise, this share is judged "
                    "by a person who is not told the answer. It shows which of the two models is right."
                ),
                may_be_empty=True,
            ),
            PolicyField(
                "review.differing_per_day", "whole", N_("Most audits of such differences in a day"), "", 1, 10_000
            ),
            PolicyField(
                "review.learning_share",
                "share",
                N_("Comments drawn to learn from, %"),
                N_(
                    "Of the automatic decisions from which a model learns most this share, of others down to a fifth "
                    "of it, is judged by a person who is not told the answer. The labels train the next model."
                ),
                may_be_empty=True,
            ),
            PolicyField(
                "review.learning_per_day", "whole", N_("Most comments drawn to learn from in a day"), "", 1, 10_000
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
    TARGETS,
    GATE,
    DSA,
    Group(
        N_("What takes two people"),
        N_("One person proposes it, somebody else approves it on the page Approvals."),
        (
            PolicyField(
                "two_people.bulk",
                "whole",
                N_("Decisions that one person makes at once"),
                N_("More are proposed. Empty: 200, and nobody makes more."),
                1,
                200,
                may_be_empty=True,
            ),
            PolicyField("two_people.erasures", "flag", N_("Erasing all of an author")),
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
            PolicyField(
                "review.expiry",
                "expiry",
                N_("When nobody looked in time"),
                N_("Nothing is decided by waiting unless you want it."),
            ),
        ),
    ),
    Group(
        N_("Reasons and due times"),
        "",
        (
            PolicyField(
                "review.reasons",
                "reasons",
                N_("The site's own reasons to reject"),
                N_(
                    "One a line: a key, an attribute of the model or nothing, and a title for each language, such as: "
                    "advertising | spam | en: Advertising | de: Werbung. Empty: the usual ones."
                ),
            ),
            PolicyField("review.reason_required", "flag", N_("A rejection needs a reason")),
            PolicyField(
                "review.macros",
                "macros",
                N_("Macros"),
                N_(
                    "One a line: a name, approve, reject or escalate, and what else is said with it, such as: "
                    "Shop link | reject | reason: advertising | labels: spam, not insult | note: Links to a shop. "
                    "Moderators apply one with m and its number."
                ),
            ),
            PolicyField(
                "review.due_s",
                "numbers",
                N_("Own due times, in seconds"),
                N_("One a line, such as: threat = 300. Also: other, and soon for reports and appeals."),
            ),
        ),
    ),
    Group(
        N_("Strikes and trust"),
        N_("Authors get a status by what people decide. It is taken back with the decision."),
        (
            PolicyField(
                "strikes.at",
                "steps",
                N_("Status by rejected comments"),
                N_(
                    "One a line: from how many strikes on, premoderated, muted or banned, and for how many days, such "
                    "as: 3 premoderated 7. Empty: none."
                ),
            ),
            PolicyField(
                "strikes.weights",
                "numbers",
                N_("Strikes for a reason"),
                N_("One a line, such as: threat = 3. Others count 1."),
            ),
            PolicyField("strikes.expire_days", "whole", N_("Days that a strike counts"), "", 1, 365),
            PolicyField(
                "trust.approvals",
                "whole",
                N_("Authors are trusted from so many approved comments on"),
                N_("Empty: never."),
                1,
                10_000,
                may_be_empty=True,
            ),
            PolicyField("trust.days", "whole", N_("And so many days after their first comment"), "", 0, 365),
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
                choices={"": N_("Doubtful, pending in WordPress"), **AKISMET_ANSWERS},
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
