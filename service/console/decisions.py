"""Moderators' actions on one comment or many: decide, escalate, skip, undo."""

import asyncio
import contextlib
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from service import app_keys as keys
from service.cases.answers import decided_answer
from service.cases.approvals import NEEDED
from service.cases.reviewing import new_batch
from service.console import macros
from service.console.queue import LEASE_S, asked_in, copies_of
from service.console.texts import N_
from service.console.visit import DECIDERS, SUPERVISORS, Page, Visit, own_path, whole
from service.http import bodies
from service.http.problems import problem_of, rendered
from service.store.base import Record
from service.store.review import Answer
from service.values.accounts import Ticket
from service.values.approvals import MOST_ALONE, Chosen, DecideMany
from service.values.domain import A_CODE, WORDS, Id, Lease, Verdict
from service.values.errors import BadRequest, Conflict, Fault, NotFound, Retryable, ServiceError, StoreUnavailable
from service.values.review_settings import MAX_MACRO_NAME

# One person decides no more at once (security.md, section 2); the site may set a smaller number.
MOST_AT_ONCE = MOST_ALONE
BATCH_LASTS = timedelta(hours=1)

Reason = Annotated[str, Meta(max_length=64, pattern=r"^[a-z0-9_]*$(?!\n)", extra={WORDS: A_CODE})]


class DeskDecisionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A moderator's decision, valid for a lease or for the version that was shown.

    `macro`: the site's macro that says it, with the decision that was seen; it has the reason and the note.
    """

    decision: Verdict
    lease: Annotated[str, Meta(max_length=64)] = ""
    version: Annotated[int, Meta(ge=1)] | None = None
    reason: Reason = ""
    note: Annotated[str, Meta(max_length=2000)] = ""
    macro: Annotated[str, Meta(max_length=MAX_MACRO_NAME)] = ""


class DeskDecisionOn(DeskDecisionRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Id


class DeskDecisionsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    decisions: Annotated[list[DeskDecisionOn], Meta(min_length=1, max_length=MOST_AT_ONCE)]


class DecisionToUndo(Struct, frozen=True, forbid_unknown_fields=True):
    """A decision to undo, identified by the version that it created."""

    id: Id
    version: Annotated[int, Meta(ge=1)]


class UndoDeskDecisionsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    decisions: Annotated[list[DecisionToUndo], Meta(min_length=1, max_length=MOST_AT_ONCE)]


class LeasedComment(Struct, frozen=True, forbid_unknown_fields=True):
    id: Id
    lease: Annotated[str, Meta(max_length=64)]


class LeasesRequest(Struct, frozen=True, forbid_unknown_fields=True):
    items: Annotated[list[LeasedComment], Meta(max_length=100)]


class DeskDecisionResponse(Struct, frozen=True, omit_defaults=True):
    """The result for one comment. `problem`: why nothing was done. `copies`: of what was rejected, so many wait."""

    id: str
    version: int = 0
    status: str = ""
    state: str = ""
    lease: str | None = None
    copies: int = 0
    problem: dict[str, Any] | None = None


async def decide(visit: Visit) -> web.StreamResponse:
    comment_id = visit.request.match_info["id"]
    if visit.wants_json:
        wanted = visit.body(DeskDecisionRequest)
        return visit.answer(await _with_copies(visit, await _decide(visit, comment_id, wanted), wanted.decision))
    try:
        said = _from_form(visit)
        record = await _decide(visit, comment_id, said)
    except Conflict as lost:
        return _back(visit, refused=lost.reason, by=_winner(lost))
    if said.lease and visit.field("next"):  # show the next comment, for pages without scripts
        asked = asked_in(visit, "in_")
        await visit.reviewing.claim(visit.moderator, 1, asked.wanted(visit), lease_s=LEASE_S)
    copies = await _copies(visit, record, said.decision)
    return _back(visit, done=record.id, version=record.version, what=said.decision.value, copies=copies)


def _winner(lost: Conflict) -> str | None:
    found = lost.current.get("assigned_to" if lost.reason == "reserved" else "moderator")
    return found or lost.current.get("claimed_by")


async def decide_many(visit: Visit) -> web.StreamResponse:
    """Decide each one separately, with a result for each."""
    if visit.wants_json:
        asked = visit.body(DeskDecisionsRequest).decisions
        if _takes_two(visit, len(asked)):
            approval = await _proposed(visit, asked)
            raise Conflict(NEEDED, "nothing was decided: it is proposed, and somebody else must approve it", approval)
        return visit.answer({"results": await _all(visit, asked)})
    chosen = visit.form.get("chosen", [])
    if not chosen:
        return _back(visit, refused="nothing_chosen")
    if len(chosen) > MOST_AT_ONCE:
        raise BadRequest(f"more than {MOST_AT_ONCE} at once", [Fault("/chosen", "too many")])
    hidden = set(visit.form.get("hidden", ()))  # ids of rows whose text was not visible
    if visit.field("meant") != "1" and any(each.split(" ", 2)[-1] in hidden for each in chosen):
        return _back(visit, refused="hidden_chosen")
    try:
        said = _from_form(visit)
    except Conflict as lost:
        return _back(visit, refused=lost.reason)
    decisions = [_one_of(said, each) for each in chosen]
    if _takes_two(visit, len(decisions)):
        await _proposed(visit, decisions)
        return _back(visit, refused=NEEDED)
    results = await _all(visit, decisions)
    versions = {done.id: str(done.version) for done in results if done.problem is None}
    batch = ""
    if versions:
        ticket = Ticket("batch", visit.account.name, visit.account.epoch, versions)
        with contextlib.suppress(Retryable):  # what is decided stands, and can be undone one by one
            batch = await visit.console.store.accounts.issue(ticket, BATCH_LASTS)
    return _back(visit, batch=batch, done=f"{len(versions)} / {len(results)}", what=said.decision.value)


async def undo(visit: Visit) -> web.StreamResponse:
    version = visit.body(DecisionToUndo).version if visit.wants_json else whole(visit.field("version"))
    record = await visit.reviewing.undo(
        visit.moderator, visit.request.match_info["id"], version=version, lease_s=LEASE_S
    )
    return visit.answer(_done(visit, record)) if visit.wants_json else _back(visit, what="undone")


async def undo_many(visit: Visit) -> web.StreamResponse:
    """Undo those whose version is unchanged, and name the others."""
    if visit.wants_json:
        asked = visit.body(UndoDeskDecisionsRequest).decisions
    else:
        ticket = await visit.console.store.accounts.look_at(visit.field("batch"), "batch")
        if ticket is None or ticket.account != visit.account.name:
            raise NotFound(N_("This batch was taken back before, or is too old."))
        asked = [DecisionToUndo(name, int(version)) for name, version in ticket.details.items()]
    named = new_batch()
    results = await asyncio.gather(*(_undo(visit, each, named) for each in asked))
    if visit.wants_json:
        return visit.answer({"results": results})
    undone = sum(done.problem is None for done in results)
    is_over = not any(_may_come(done) for done in results)
    if is_over:
        with contextlib.suppress(Retryable):  # then another try finds that all is undone
            await visit.console.store.accounts.redeem(visit.field("batch"), "batch")
    batch = "" if is_over else visit.field("batch")
    return _back(visit, batch=batch, done=f"{undone} / {len(results)}", what="undone")


async def release(visit: Visit) -> web.StreamResponse:
    """Skip: return the comment to its place, and do not offer it to this moderator for a day."""
    raw = visit.body(LeasedComment).lease if visit.wants_json else visit.field("lease")
    comment_id = visit.request.match_info["id"]
    await visit.reviewing.release(visit.moderator, comment_id, _lease(raw), skip=True)
    if visit.wants_json:
        return visit.answer(DeskDecisionResponse(comment_id))
    await visit.reviewing.claim(visit.moderator, 1, asked_in(visit, "in_").wanted(visit), lease_s=LEASE_S)
    return _back(visit, what="skipped")


async def free(visit: Visit) -> web.StreamResponse:
    """Take a comment from whoever holds it, and offer it to everybody else."""
    try:
        await visit.reviewing.free(visit.moderator, visit.request.match_info["id"], visit.field("holder"))
    except Conflict as lost:
        return _back(visit, refused=lost.reason, by=_winner(lost))
    return _back(visit, what="freed")


async def extend(visit: Visit) -> web.StreamResponse:
    """Extend the moderator's leases, and name those that were lost."""

    async def one(held: LeasedComment) -> DeskDecisionResponse:
        try:
            record = await visit.reviewing.extend(visit.moderator, held.id, _lease(held.lease), LEASE_S)
        except (Conflict, NotFound) as error:
            return DeskDecisionResponse(held.id, problem=rendered(problem_of(error)))
        return DeskDecisionResponse(held.id, record.version)

    return visit.answer({"results": await asyncio.gather(*map(one, visit.body(LeasesRequest).items))})


async def _all(visit: Visit, decisions: list[DeskDecisionOn]) -> list[DeskDecisionResponse]:
    batch = new_batch()

    async def one(said: DeskDecisionOn) -> DeskDecisionResponse:
        try:
            record = await _decide(visit, said.id, said, batch)
            return _done(visit, record) if len(decisions) > 1 else await _with_copies(visit, record, said.decision)
        except ServiceError as error:
            return DeskDecisionResponse(said.id, problem=rendered(problem_of(error)))

    return list(await asyncio.gather(*map(one, decisions)))


def _takes_two(visit: Visit, count: int) -> bool:
    return visit.request.app[keys.DIRECTORY].policy(visit.site).second_person.is_too_many(count)


async def _proposed(visit: Visit, decisions: list[DeskDecisionOn]) -> dict[str, str]:
    """Propose what one person may not decide. Whoever proposes it no longer holds the comments."""
    said = decisions[0]
    if len({(each.decision, each.reason, each.note, each.macro) for each in decisions}) > 1:
        raise BadRequest("decisions: what takes two people is one decision on all", [Fault("/decisions", "differ")])
    answer = _answer(visit, said)
    chosen = await asyncio.gather(*(_let_go(visit, each) for each in decisions))
    comments = tuple(each for each in chosen if each)
    deed = DecideMany(answer.verdict, comments, answer.reason, dict(answer.labels), answer.note, answer.macro)
    if not deed.comments:
        raise Conflict("lease_lost", N_("All of them were given to somebody else meanwhile."), {})
    proposal = await visit.request.app[keys.APPROVALS].propose(visit.site, deed, visit.account.name)
    return {"approval": proposal.id}


async def _let_go(visit: Visit, said: DeskDecisionOn) -> Chosen | None:
    """The comment as it stands when nobody holds it; None if somebody else does."""
    if not said.lease:
        return Chosen(said.id, said.version or 1)
    try:
        record = await visit.reviewing.release(visit.moderator, said.id, _lease(said.lease), skip=False)
    except (Conflict, NotFound):
        return None
    return Chosen(said.id, record.version)


def _may_come(done: DeskDecisionResponse) -> bool:
    """Whether it failed in a way that another try may not."""
    return done.problem is not None and done.problem["status"] in (
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    )


async def _undo(visit: Visit, asked: DecisionToUndo, batch: str) -> DeskDecisionResponse:
    try:
        record = await visit.reviewing.undo(
            visit.moderator, asked.id, version=asked.version, lease_s=LEASE_S, batch=batch
        )
    except ServiceError as error:
        return DeskDecisionResponse(asked.id, problem=rendered(problem_of(error)))
    return _done(visit, record)


async def _decide(visit: Visit, comment_id: str, said: DeskDecisionRequest, batch: str = "") -> Record:
    return await visit.reviewing.decide(visit.moderator, comment_id, _answer(visit, said), batch=batch)


def _answer(visit: Visit, said: DeskDecisionRequest) -> Answer:
    """With what the macro says, and the labels that the reason implies. Raises BadRequest, and Conflict for a macro."""
    lease = _lease(said.lease) if said.lease else None
    if lease is None and said.version is None:
        raise BadRequest("version: required where there is no lease", [Fault("/version", "required")])
    reason, note, more = said.reason, said.note, {}
    if said.macro:
        for name in ("reason", "note"):
            if getattr(said, name):
                raise BadRequest(f"{name}: the macro says it", [Fault(f"/{name}", "the macro says it")])
        macro = macros.named(visit, said.macro, said.decision)
        reason, note, more = macro.reason or "", macro.note or "", macro.labels
    known = visit.request.app[keys.MODERATION].attributes(visit.site)
    labels = visit.reasons.labels(reason, known) if said.decision is Verdict.REJECT else {}
    labels |= {name: is_so for name, is_so in more.items() if name in known}
    return Answer(said.decision, lease, reason, labels, note, version=said.version, macro=said.macro)


async def _copies(visit: Visit, record: Record, decision: Verdict) -> int:
    """How many copies wait of what was just rejected. The decision stands, also if Redis cannot say."""
    if decision is not Verdict.REJECT or record.is_waiting:
        return 0
    try:
        return len(await copies_of(visit, record.id))
    except StoreUnavailable:
        return 0


async def _with_copies(visit: Visit, record: Record, decision: Verdict) -> DeskDecisionResponse:
    return msgspec.structs.replace(_done(visit, record), copies=await _copies(visit, record, decision))


def _done(visit: Visit, record: Record) -> DeskDecisionResponse:
    """The visible result. An audit or a first vote must look like any other comment."""
    shown = decided_answer(visit.site, record)
    is_mine = record.owner == visit.account.name and record.lease is not None
    return DeskDecisionResponse(
        record.id, record.version, shown.status, record.state, str(record.lease) if is_mine else None
    )


def _lease(text: str) -> Lease:
    lease = Lease.parse(text)
    if lease is None:
        raise BadRequest("lease: not a lease of ours", [Fault("/lease", "not a lease of ours")])
    return lease


def _from_form(visit: Visit) -> DeskDecisionRequest:
    """Read the buttons of a card: `reject` holds the reason, `macro` a name, `decision` any other decision.

    Raises Conflict if the site has no such macro any more.
    """
    raw: dict[str, Any] = {"lease": visit.field("lease")}
    if "macro" in visit.form:
        macro = macros.named(visit, visit.field("macro"))
        raw |= {"decision": macro.decision, "macro": macro.name}
    else:
        is_reject = "reject" in visit.form
        raw["decision"] = Verdict.REJECT if is_reject else visit.field("decision")
        raw |= {"reason": visit.field("reject") if is_reject else "", "note": visit.field("note").strip()}
    if visit.field("version"):
        raw["version"] = whole(visit.field("version"))
    return bodies.shape(raw, DeskDecisionRequest)


def _one_of(said: DeskDecisionRequest, chosen: str) -> DeskDecisionOn:
    """`chosen`: version, optional lease, and id, from the list's check boxes."""
    version, _, rest = chosen.partition(" ")
    lease, _, comment_id = rest.partition(" ")
    stands_on = {"lease": lease} if lease else {"lease": "", "version": whole(version)}
    return bodies.shape(
        {**msgspec.structs.asdict(said), "version": None, **stands_on, "id": comment_id}, DeskDecisionOn
    )


def _back(visit: Visit, **happened: object) -> web.Response:
    """Return to the form's page, with the result in the query string."""
    back = own_path(visit.field("back"))
    if back:
        return visit.go(back)
    asked = asked_in(visit, "in_")
    said = {name: str(value) for name, value in happened.items() if value}
    link = asked.link()
    return visit.go(link + ("&" if "?" in link else "?") + urlencode(said)) if said else visit.go(link)


PAGES = (
    Page(path="/queue/{id}/decision", view=decide, method="POST", roles=DECIDERS),
    Page(path="/queue/{id}/undo", view=undo, method="POST", roles=DECIDERS),
    Page(path="/queue/{id}/release", view=release, method="POST", roles=DECIDERS),
    Page(path="/queue/{id}/free", view=free, method="POST", roles=SUPERVISORS),
    Page(path="/queue/decisions", view=decide_many, method="POST", roles=DECIDERS, limit=bodies.MAX_BATCH_BYTES),
    Page(path="/queue/undo", view=undo_many, method="POST", roles=DECIDERS),
    Page(path="/queue/extend", view=extend, method="POST", roles=DECIDERS, is_background=True),
)
