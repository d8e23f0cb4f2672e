"""Says a rule in plain words, in the language of the page."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from babel.dates import get_day_names
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent
from msgspec import UNSET

from service.console.reasons import Reasons, attribute_name
from service.console.texts import N_, SOURCE, Texts
from service.values.rules import (
    DAY_S,
    ArticleCondition,
    AuthorCondition,
    AuthorStatus,
    Condition,
    DuplicateCondition,
    LinksCondition,
    Match,
    Rule,
    RuleAction,
    RuleState,
    ScoreCondition,
    TextCondition,
    TimeCondition,
    VelocityCondition,
    WordsCondition,
)

ACTIONS = {
    RuleAction.REVIEW: N_("Hold for review"),
    RuleAction.PREMODERATE: N_("Hold before publication"),
    RuleAction.REJECT: N_("Reject"),
    RuleAction.APPROVE: N_("Approve"),
    RuleAction.LABEL: N_("Only label"),
}
STATES = {RuleState.ON: N_("On"), RuleState.SHADOW: N_("Shadow"), RuleState.OFF: N_("Off")}
AUTHOR_STATUSES = {
    AuthorStatus.ACTIVE: N_("active"),
    AuthorStatus.TRUSTED: N_("trusted"),
    AuthorStatus.PREMODERATED: N_("pre-moderated"),
    AuthorStatus.MUTED: N_("muted"),
    AuthorStatus.BANNED: N_("banned"),
}
# What an open rule depends on (OpenCheck.depends_on).
DEPENDS = {
    "new": N_("how long the author has been here"),
    "approved_below": N_("how many comments of the author were approved"),
    "rejected_share_above": N_("how many comments of the author were rejected"),
    "status": N_("the status of the author"),
    "velocity": N_("how many comments came lately"),
    "duplicate": N_("whether the same text or link came before"),
}
_SENTENCES = {
    RuleAction.REVIEW: N_("Holds a comment for review if %(condition)s."),
    RuleAction.PREMODERATE: N_("Holds a comment before publication if %(condition)s."),
    RuleAction.REJECT: N_("Rejects a comment if %(condition)s."),
    RuleAction.APPROVE: N_("Approves a comment that the model would hold if %(condition)s."),
    RuleAction.LABEL: N_("Labels a comment and decides nothing if %(condition)s."),
}
_OVERRIDES = N_("Approves a comment, also one that the model rejects, if %(condition)s.")
# Longer lists of words or domains end with how many more there are.
MOST_NAMED = 6


def sentence(texts: Texts, rule: Rule) -> str:
    """What the rule does and when."""
    message = _OVERRIDES if rule.then.override else _SENTENCES[rule.then.action]
    return texts(message, condition=_Words(texts).condition(rule.when))


def consequences(texts: Texts, reasons: Reasons, rule: Rule) -> list[str]:
    """What else the rule sets."""
    then, found = rule.then, []
    if then.label:
        found.append(texts(N_("Label: %(attribute)s"), attribute=texts(attribute_name(then.label))))
    if then.due:
        found.append(texts(N_("Due as soon as: %(attribute)s"), attribute=texts(attribute_name(then.due))))
    if then.reason:
        found.append(texts(N_("Reason for the site: %(reason)s"), reason=texts(reasons.title(then.reason))))
    return found


_PLACES = {
    "text": N_("the text"),
    "name": N_("the name of the author"),
    "email": N_("the e-mail address of the author"),
}


class _Words:
    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    def condition(self, when: Condition, *, is_inner: bool = False) -> str:
        """A clause that can follow "if". `is_inner`: in parentheses if it combines others."""
        if when.not_ is not UNSET:
            return self.texts(N_("it is not true that %(condition)s"), condition=self.condition(when.not_))
        if when.all is not UNSET or when.any is not UNSET:
            said = self._combined(when)
            several = when.any if when.all is UNSET else when.all
            return f"({said})" if is_inner and several is not UNSET and len(several) > 1 else said
        for field in msgspec.structs.fields(Condition):
            leaf = getattr(when, field.name)
            if leaf is not UNSET:
                clauses = [*self._leaf(leaf)]
                return f"({self._and(clauses)})" if is_inner and len(clauses) > 1 else self._and(clauses)
        return ""

    def _combined(self, when: Condition) -> str:
        if when.any is not UNSET:
            return self._or([self.condition(each, is_inner=True) for each in when.any])
        several = when.all or ()
        held = [each for each in several if each.not_ is UNSET]
        excepted = [each.not_ for each in several if each.not_ is not UNSET]
        if not held:
            return self._and([self.condition(each, is_inner=True) for each in several])
        said = self._and([self.condition(each, is_inner=True) for each in held])
        if not excepted:
            return said
        unless = self._or([self.condition(each, is_inner=True) for each in excepted])
        return self.texts(N_("%(condition)s, unless %(exception)s"), condition=said, exception=unless)

    def _leaf(self, leaf: Any) -> Iterator[str]:  # noqa: ANN401 - any condition
        if isinstance(leaf, str):
            yield self.texts(N_("it matches the pattern %(pattern)s"), pattern=leaf)
            return
        clauses: dict[type, Callable[[Any], Iterator[str]]] = {
            WordsCondition: self._words,
            LinksCondition: self._links,
            ScoreCondition: self._score,
            AuthorCondition: self._author,
            ArticleCondition: self._article,
            VelocityCondition: self._velocity,
            DuplicateCondition: self._duplicate,
            TextCondition: self._text,
            TimeCondition: self._time,
        }
        yield from clauses[type(leaf)](leaf)

    def _words(self, words: WordsCondition) -> Iterator[str]:
        if words.list is not None:
            said = self.texts(N_("it has an entry of the list %(list)s"), list=words.list)
        elif len(words.any) == 1:
            said = self.texts(N_("it has “%(word)s”"), word=words.any[0])
        else:
            quoted = [self.texts(N_("“%(word)s”"), word=each) for each in words.any]
            said = self.texts(N_("it has one of the words %(words)s"), words=self._some(quoted))
        notes = []
        if words.match is Match.PART:
            notes.append(self.texts(N_("also inside other words")))
        if words.match is Match.STEM:
            notes.append(self.texts(N_("also at the beginning of longer words")))
        if words.case:
            notes.append(self.texts(N_("with the same capitals")))
        elif words.unmask is False:
            notes.append(self.texts(N_("not disguised")))
        if words.places != ("text",):
            places = self._some([self.texts(_PLACES[each]) for each in words.places])
            notes.append(self.texts(N_("looked for in %(places)s"), places=places))
        yield _noted(said, notes)

    def _links(self, links: LinksCondition) -> Iterator[str]:
        n = links.at_least or 1
        if links.email and links.phone:
            said = self.counted(
                "it has at least %(n)d e-mail address or phone number",
                "it has at least %(n)d e-mail addresses or phone numbers",
                n,
            )
        elif links.email:
            said = self.counted("it has at least %(n)d e-mail address", "it has at least %(n)d e-mail addresses", n)
        elif links.phone:
            said = self.counted("it has at least %(n)d phone number", "it has at least %(n)d phone numbers", n)
        else:
            said = self.counted("it has at least %(n)d link", "it has at least %(n)d links", n)
        notes = []
        if links.domains:
            notes.append(self.texts(N_("to %(domains)s"), domains=self._some(links.domains)))
        if links.not_domains:
            notes.append(self.texts(N_("not to %(domains)s"), domains=self._some(links.not_domains)))
        for is_asked, yes, no in (
            (links.shortener, N_("through a link shortener"), N_("not through a link shortener")),
            (links.punycode, N_("to a domain with unusual letters"), N_("to a domain with usual letters")),
            (links.bare, N_("written without http"), N_("written with http")),
        ):
            if is_asked is not None:
                notes.append(self.texts(yes if is_asked else no))
        yield _noted(said, notes)

    def _score(self, score: ScoreCondition) -> Iterator[str]:
        said: dict[str, object] = {"attribute": self.texts(attribute_name(score.attribute))}
        if score.at_least is not None:
            said["low"] = self._number(score.at_least)
        if score.below is not None:
            said["high"] = self._number(score.below)
        if score.below is None:
            yield self.texts(N_("its score for %(attribute)s is at least %(low)s"), **said)
        elif score.at_least is None:
            yield self.texts(N_("its score for %(attribute)s is below %(high)s"), **said)
        else:
            yield self.texts(N_("its score for %(attribute)s is at least %(low)s and below %(high)s"), **said)

    def _author(self, author: AuthorCondition) -> Iterator[str]:
        if author.new is not None:
            yield self.texts(N_("its author first wrote here less than %(time)s ago"), time=self._span(author.new))
        if author.approved_below == 1:
            yield self.texts(N_("its author has no approved comment yet"))
        elif author.approved_below is not None:
            yield self.counted(
                "its author has fewer than %(n)d approved comment",
                "its author has fewer than %(n)d approved comments",
                author.approved_below,
            )
        if author.rejected_share_above is not None:
            yield self.counted(
                "more than %(share)s of its author's comments within %(n)d day were rejected",
                "more than %(share)s of its author's comments within %(n)d days were rejected",
                author.days,
                share=self._percent(author.rejected_share_above),
            )
        if author.status:
            statuses = self._or([self.texts(AUTHOR_STATUSES[each]) for each in author.status])
            yield self.texts(N_("its author is %(status)s"), status=statuses)
        if author.trusted is not None:
            yield self.texts(
                N_("its author is trusted by the site") if author.trusted else N_("its author is not trusted")
            )

    def _article(self, article: ArticleCondition) -> Iterator[str]:
        if article.ids:
            yield self.texts(N_("it is under the article %(articles)s"), articles=self._some(article.ids))
        if article.section:
            yield self.texts(N_("it is in the section %(sections)s"), sections=self._some(article.section))
        if article.older_than_s is not None:
            yield self.texts(
                N_("its article was published more than %(time)s ago"), time=self._span(article.older_than_s)
            )

    def _velocity(self, velocity: VelocityCondition) -> Iterator[str]:
        n, time = velocity.more_than, self._span(velocity.s)
        if velocity.by == "author":
            yield self.counted(
                "its author sends more than %(n)d comment within %(time)s",
                "its author sends more than %(n)d comments within %(time)s",
                n,
                time=time,
            )
        elif velocity.by == "article":
            yield self.counted(
                "its article gets more than %(n)d comment within %(time)s",
                "its article gets more than %(n)d comments within %(time)s",
                n,
                time=time,
            )
        elif velocity.by == "network":
            yield self.counted(
                "its network sends more than %(n)d comment within %(time)s",
                "its network sends more than %(n)d comments within %(time)s",
                n,
                time=time,
            )
        else:
            yield self.counted(
                "the site gets more than %(n)d comment within %(time)s",
                "the site gets more than %(n)d comments within %(time)s",
                n,
                time=time,
            )

    def _duplicate(self, duplicate: DuplicateCondition) -> Iterator[str]:
        n, time = duplicate.at_least, self._span(duplicate.s)
        is_of_author = duplicate.of == "author"
        if duplicate.match == "exact" and is_of_author:
            yield self.counted(
                "its author sends the same text at least %(n)d time within %(time)s",
                "its author sends the same text at least %(n)d times within %(time)s",
                n,
                time=time,
            )
        elif duplicate.match == "exact":
            yield self.counted(
                "the same text comes at least %(n)d time within %(time)s",
                "the same text comes at least %(n)d times within %(time)s",
                n,
                time=time,
            )
        elif duplicate.match == "near" and is_of_author:
            yield self.counted(
                "its author sends a similar text at least %(n)d time within %(time)s",
                "its author sends a similar text at least %(n)d times within %(time)s",
                n,
                time=time,
            )
        elif duplicate.match == "near":
            yield self.counted(
                "a similar text comes at least %(n)d time within %(time)s",
                "a similar text comes at least %(n)d times within %(time)s",
                n,
                time=time,
            )
        elif is_of_author:
            yield self.counted(
                "its author sends a link to the same page at least %(n)d time within %(time)s",
                "its author sends a link to the same page at least %(n)d times within %(time)s",
                n,
                time=time,
            )
        else:
            yield self.counted(
                "a link to the same page comes at least %(n)d time within %(time)s",
                "a link to the same page comes at least %(n)d times within %(time)s",
                n,
                time=time,
            )

    def _text(self, text: TextCondition) -> Iterator[str]:
        if text.shorter_than is not None:
            yield self.counted(
                "it has fewer than %(n)d character", "it has fewer than %(n)d characters", text.shorter_than
            )
        if text.longer_than is not None:
            yield self.counted(
                "it has more than %(n)d character", "it has more than %(n)d characters", text.longer_than
            )
        if text.capitals_above is not None:
            yield self.texts(
                N_("more than %(share)s of its letters are capitals"), share=self._percent(text.capitals_above)
            )
        if text.language:
            names = [str(self.texts.locale.languages.get(each, each)) for each in text.language]
            yield self.texts(N_("its language is %(languages)s"), languages=self._or(names))

    def _time(self, time: TimeCondition) -> Iterator[str]:
        if time.hours is not None:
            begins, ends = (f"{hour:02}:00" for hour in time.hours)
            yield self.texts(
                N_("it is sent between %(begins)s and %(ends)s (%(zone)s)"), begins=begins, ends=ends, zone=time.zone
            )
        if time.weekdays:
            names = get_day_names("wide", "stand-alone", locale=self.texts.locale)
            days = self._or([names[each - 1] for each in sorted(time.weekdays)])
            yield self.texts(N_("it is sent on this day: %(days)s (%(zone)s)"), days=days, zone=time.zone)

    def counted(self, one: str, many: str, n: int, **values: object) -> str:
        return self.texts.catalogue.ngettext(one, many, n) % {"n": n, **values}

    def _span(self, seconds: int) -> str:
        """A span of time that follows "within"."""
        if seconds % DAY_S == 0 and seconds:
            return self.counted("%(n)d day", "%(n)d days", seconds // DAY_S)
        if seconds % 3600 == 0 and seconds:
            return self.counted("%(n)d hour", "%(n)d hours", seconds // 3600)
        if seconds % 60 == 0 and seconds:
            return self.counted("%(n)d minute", "%(n)d minutes", seconds // 60)
        return self.counted("%(n)d second", "%(n)d seconds", seconds)

    def _some(self, given: Sequence[str]) -> str:
        """At most MOST_NAMED, joined with "or"."""
        if len(given) <= MOST_NAMED:
            return self._or(given)
        left = len(given) - MOST_NAMED + 1
        more = self.counted("%(n)d more", "%(n)d more", left)
        return self._or([*given[: MOST_NAMED - 1], more])

    def _and(self, given: Sequence[str]) -> str:
        return format_list(given, "standard", self.texts.locale)

    def _or(self, given: Sequence[str]) -> str:
        return format_list(given, "or", self.texts.locale)

    def _number(self, value: float) -> str:
        return str(format_decimal(value, format="0.0###", locale=self.texts.locale))

    def _percent(self, share: float) -> str:
        form = "#,##0.##%" if self.texts.language == SOURCE else "#,##0.##\u00a0%"
        return str(format_percent(share, format=form, locale=self.texts.locale))


def _noted(said: str, notes: Sequence[str]) -> str:
    return f"{said} ({'; '.join(notes)})" if notes else said
