"""comment-check, submit-spam and submit-ham: judges comments, and takes corrections."""

import hashlib
import re
import unicodedata
from typing import NamedTuple

import uuid_utils
from aiohttp import web

import classifier
from service import app_keys as keys
from service.cases.usage import NOWHERE
from service.compat.akismet import answers
from service.compat.akismet.fields import Fields, blog_of, fields_of, is_true, required
from service.compat.akismet.key import key_of
from service.compat.akismet.markup import seen
from service.store.labels import Imported
from service.values.access import ApiKey, Scope
from service.values.domain import MAX_EMAIL, MAX_NAME, Action, Judgement
from service.values.policy import LANGUAGE_NOT_SUPPORTED, is_blatant
from service.values.site_settings import AkismetAnswer
from service.values.windows import windows

# Test values from Akismet's documentation that always mean spam.
SPAM_AUTHOR, SPAM_EMAIL = "viagra-test-123", "akismet-guaranteed-spam@example.com"
# Sites send these automatically when their moderators act, and call anything unwanted spam. So such a label weighs half
# as much as one from our own queue.
LABEL_WEIGHT = 0.5


# How WordPress's plugin introduces itself: "WordPress/6.1.9 | Akismet/5.0.2".
_WORDPRESS = re.compile(r"WordPress/\S+ \| Akismet/", re.ASCII)


class SpamVerdict(NamedTuple):
    """`judgement` is None if a rule decided, without judging the text."""

    answer: AkismetAnswer
    is_blatant: bool = False
    judgement: Judgement | None = None


async def check(request: web.Request) -> web.Response:
    """Answer `true` for what the policy rejects, and for what a person should review as the site's policy says."""
    fields = await fields_of(request)
    key = await key_of(request, fields, Scope.SCORE)
    place = blog_of(fields, is_required=True) or NOWHERE
    required(fields, "user_ip", may_be_empty=True)
    verdict = _by_rule(fields) or await _judged(request, key, fields)
    if not is_true(fields, "is_test"):
        request.app[keys.USAGE].count(key, place, "api_calls", "ham" if verdict.answer == "ham" else "spam")
    return answers.word(_word(request, fields, verdict), _headers(verdict))


def _is_wordpress(request: web.Request) -> bool:
    return _WORDPRESS.match(request.headers.get("User-Agent", "")) is not None


def _word(request: web.Request, fields: Fields, verdict: SpamVerdict) -> str:
    """A held comment is `true` with X-akismet-error, so that a client that ignores the header does not publish it.

    When WordPress checks a comment again it ignores the header too, but leaves the comment where it is if the answer
    is another word.
    """
    if verdict.answer == "pending" and fields.get("recheck_reason") and _is_wordpress(request):
        return "pending"
    return "false" if verdict.answer == "ham" else "true"


def _by_rule(fields: Fields) -> SpamVerdict | None:
    """The rules that Akismet documents, whatever the text is."""
    if "administrator" in (role.strip() for role in fields.get("user_role", "").split(",")):
        return SpamVerdict("ham")
    if fields.get("comment_author") == SPAM_AUTHOR or fields.get("comment_author_email") == SPAM_EMAIL:
        return SpamVerdict("spam")
    trap = fields.get("honeypot_field_name")
    return SpamVerdict("spam") if trap and fields.get(trap) else None


async def _judged(request: web.Request, key: ApiKey, fields: Fields) -> SpamVerdict:
    """A comment that cannot be judged, without a text or in an unsupported language, is doubtful, never approved."""
    wishes = request.app[keys.DIRECTORY].policy(key.site).protocols.akismet
    text = seen(fields.get("comment_content", "")).strip()
    is_wordpress = _is_wordpress(request)
    if not text:
        return SpamVerdict(wishes.answer(Action.REVIEW, is_unread=False, is_wordpress=is_wordpress))
    name, email = fields.get("comment_author", "")[:MAX_NAME], fields.get("comment_author_email", "")[:MAX_EMAIL]
    found = await request.app[keys.MODERATION].judge_all(
        key.site, text, _language(fields, text), name=name, email=email
    )
    is_unread = any(reason.code == LANGUAGE_NOT_SUPPORTED for reason in found.reasons)
    answer = wishes.answer(found.decision, is_unread=is_unread, is_wordpress=is_wordpress)
    may_go = answer == "spam" and is_blatant(found.decision, found.scores, wishes.discard_at)
    may_go = may_go and classifier.is_evident_spam(text, found.scores["spam"])
    return SpamVerdict(answer, may_go, found)


def _language(fields: Fields, text: str) -> str | None:
    """The language of the site, if it has only one and the text does not show its own: readers write in others too."""
    if classifier.detect(text) is not None:
        return None
    said = [each.strip().replace("_", "-") for each in fields.get("blog_lang", "").split(",") if each.strip()]
    return said[0] if len(said) == 1 else None


def _headers(verdict: SpamVerdict) -> dict[str, str]:
    known_as = uuid_utils.uuid7().hex
    found = {"X-akismet-guid": known_as, "X-Moderation-Id": known_as}
    if verdict.is_blatant:
        found["X-akismet-pro-tip"] = "discard"
    if verdict.answer == "pending":
        found["X-akismet-error"] = "the policy of the site wants a person to see this comment"
    if verdict.judgement is not None:
        found["X-Moderation-Decision"] = verdict.judgement.decision
        # A dictionary (RFC 9651), empty if the language is not judged.
        found["X-Moderation-Score"] = ", ".join(f"{name}={p:.3f}" for name, p in verdict.judgement.scores.items())
    return found


async def submit_spam(request: web.Request) -> web.Response:
    return await _learned(request, is_spam=True)


async def submit_ham(request: web.Request) -> web.Response:
    return await _learned(request, is_spam=False)


async def _learned(request: web.Request, *, is_spam: bool) -> web.Response:
    """Store a label for the key's site. Repeating it changes nothing; of two that disagree the later one counts.

    Coral sends neither `blog` nor `user_ip`, so neither is asked for. Raises StoreUnavailable.
    """
    fields = await fields_of(request)
    key = await key_of(request, fields, Scope.COMMENTS)
    place = blog_of(fields, is_required=False) or NOWHERE
    text = windows(seen(fields.get("comment_content", "")).strip())[0]
    if is_true(fields, "is_test") or not text:
        return answers.word(answers.THANKS)
    label = _label(request, key, text, fields, is_spam=is_spam)
    added = await request.app[keys.STORE].labels.add(key.site, label, key.name)
    if added:
        request.app[keys.USAGE].count(key, place, "api_calls", "missed_spam" if is_spam else "false_positives")
    return answers.word(answers.THANKS, {"X-Moderation-Id": label.id})  # the id by which the label can be erased


def _label(request: web.Request, key: ApiKey, text: str, fields: Fields, *, is_spam: bool) -> Imported:
    """Keeps nothing about the author, except a keyed hash of the address (else the name) as part of the id."""
    author = fields.get("comment_author_email") or fields.get("comment_author") or ""
    known_as = request.app[keys.DIRECTORY].pseudonym(key.site, f"{_same(author)}\n{_same(text)}")
    return Imported(
        id=f"akismet-{known_as[:32]}",
        digest=hashlib.blake2b(b"spam" if is_spam else b"ham", digest_size=16).hexdigest(),
        text=text,
        labels={"spam": is_spam},
        decision="reject" if is_spam else "approve",
        reason="spam" if is_spam else "",
        source="akismet",
        weight=LABEL_WEIGHT,
    )


def _same(text: str) -> str:
    """Normalize spelling variants of the same text, so that clients agree on the hash."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
