"""Two people for one deed: proposed by one, approved by another, then done exactly as it was proposed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import assert_never

import msgspec

from service.cases.authors import Authors
from service.cases.model_files import ALL_SITES
from service.cases.model_roles import INSTALLATION, ModelRoles
from service.cases.promotion import ModelPromotion
from service.cases.reviewing import Moderator, ReviewWorkflow, new_batch
from service.store import Store
from service.store.approvals import HELD_FOR_S, Settled
from service.store.review import Answer
from service.values.approvals import (
    MOST_OPEN,
    Approval,
    ApprovalState,
    Chosen,
    DecideMany,
    Deed,
    EraseAuthor,
    PromoteModel,
    kind_of,
)
from service.values.errors import BadRequest, Conflict, Fault, NotFound, RateLimited, Retryable, ServiceError
from service.values.policy import Policy

AT_ONCE = 200
NEEDED = "second_person_needed"

_WHY_NOT: Mapping[Settled, tuple[str, str]] = {
    "own": ("own_proposal", "whoever proposed it cannot approve it: somebody else must"),
    "expired": ("proposal_expired", "nobody approved it in time; propose it again"),
    "refused": ("proposal_refused", "it was refused"),
    "done": ("proposal_done", "it was approved before"),
    "busy": ("proposal_under_way", "it was approved just now and is being done; look at it again soon"),
}


def check_bulk(policy: Policy, count: int) -> None:
    """Raises Conflict if one person may not make so many decisions at once."""
    if policy.second_person.is_too_many(count):
        limit = policy.second_person.bulk
        raise Conflict(
            NEEDED,
            f"more than {limit} decisions at once take a second person: propose them with POST /v1/approvals",
            {"limit": limit, "count": count},
        )


def check_erasure(policy: Policy) -> None:
    """Raises Conflict if one person may not erase an author."""
    if policy.second_person.erasures:
        raise Conflict(
            NEEDED, "erasing an author takes a second person: propose it with POST /v1/approvals", {"limit": 0}
        )


class Approvals:
    """Methods raise NotFound, Conflict with the current state, and StoreUnavailable."""

    def __init__(
        self,
        store: Store,
        authors: Authors,
        reviewing: ReviewWorkflow,
        roles: ModelRoles,
        promotion: ModelPromotion,
    ) -> None:
        self._store = store
        self._authors = authors
        self._reviewing = reviewing
        self._roles = roles
        self._promotion = promotion

    async def propose(self, site: str, deed: Deed, by: str) -> Approval:
        """The same proposal of the same person, while it is open, is answered as before."""
        deed = await self._checked(site, deed)
        found = await self._store.approvals.propose(site, new_batch(), deed, by, self._told(site, deed))
        if found is None:
            raise RateLimited(f"{MOST_OPEN} proposals wait for a second person; approve or refuse some first", 60)
        return await self.get(site, found)

    async def get(self, site: str, approval: str) -> Approval:
        found = await self._store.approvals.get(site, approval)
        if found is None:
            raise NotFound(f"no proposal '{approval}'; proposals are kept for three days")
        return found

    async def listed(self, site: str) -> list[Approval]:
        return await self._store.approvals.listed(site)

    async def approve(self, approval: str, who: Moderator) -> Approval:
        """Do what was proposed, as `who`, unless another process or task is doing it.

        If that fails, approving it again goes on; after HELD_FOR_S also if the process was killed.
        """
        found, run, book = await self.get(who.site, approval), new_batch(), self._store.approvals
        told = self._told(who.site, found.deed)
        async with self._held(who.site, approval, run):
            self._raise_unless_ok(await book.approve(who.site, approval, who.name, run, told), found)
            outcome = await self._done(found, who)
            await book.note_done(who.site, approval, run, self._kept(who.site, found.deed), outcome)
        return await self.get(who.site, approval)

    @contextlib.asynccontextmanager
    async def _held(self, site: str, approval: str, run: str) -> AsyncIterator[None]:
        """Keep the deed for this run until the block ends. If the block fails, free it: also if only the reply to the
        approval was lost, when nobody does it.
        """

        async def hold() -> None:
            with contextlib.suppress(Retryable):
                await self._store.approvals.hold(site, approval, run)

        try:
            async with self._store.background.beside("approvals", hold, every_s=HELD_FOR_S / 3):
                yield
        except BaseException:
            with contextlib.suppress(Retryable):  # then it is free by itself soon
                await self._store.approvals.free(site, approval, run)
            raise

    async def refuse(self, approval: str, who: Moderator) -> Approval:
        """Also for whoever proposed it and takes it back."""
        found = await self.get(who.site, approval)
        told = self._told(who.site, found.deed)
        self._raise_unless_ok(await self._store.approvals.refuse(who.site, approval, who.name, told), found)
        return await self.get(who.site, approval)

    @staticmethod
    def _raise_unless_ok(settled: Settled, found: Approval) -> None:
        if settled == "gone":
            raise NotFound(f"no proposal '{found.id}'; proposals are kept for three days")
        if settled != "ok":
            code, detail = _WHY_NOT[settled]
            raise Conflict(code, detail, {"state": found.state, "by": found.by})

    async def _checked(self, site: str, deed: Deed) -> Deed:
        """With the stored id of an author. Raises BadRequest."""
        match deed:
            case EraseAuthor(author):
                return EraseAuthor(await self._authors.stored_id(site, author))
            case DecideMany():
                self._check_decisions(site, deed)
                return deed
            case PromoteModel():
                own = site if deed.only_site else ALL_SITES
                model = await asyncio.to_thread(self._roles.named, deed.model, own) or INSTALLATION
                digest = (await self._roles.opened(model, own)).digest
                return msgspec.structs.replace(deed, model=model, digest=digest)
            case _:
                assert_never(deed)

    def _check_decisions(self, site: str, deed: DecideMany) -> None:
        self._reviewing.check_reason(site, deed.decision, deed.reason, "/deed/reason")
        self._reviewing.check_macro(site, deed.decision, deed.macro, "/deed/macro")
        seen: set[str] = set()
        for number, each in enumerate(deed.comments):
            if each.id in seen:
                at = f"/deed/comments/{number}/id"
                raise BadRequest(f"{at}: named twice", [Fault(at, "named twice")])
            seen.add(each.id)
        attributes = self._roles.models.of(site).labels
        if not deed.labels.keys() <= set(attributes):
            at, detail = "/deed/labels", f"not attributes of this model, which has {', '.join(attributes)}"
            raise BadRequest(f"{at}: {detail}", [Fault(at, detail)])

    async def _done(self, found: Approval, who: Moderator) -> dict[str, int | str]:
        match found.deed:
            case EraseAuthor(author):
                return await self._erased(found, author, who)
            case DecideMany():
                return await self._decided(found, found.deed, who)
            case PromoteModel():
                return await self._promoted(found, found.deed, who)
            case _:
                assert_never(found.deed)

    async def _erased(self, found: Approval, author: str, who: Moderator) -> dict[str, int | str]:
        erased, left = 0, 1
        while left:
            receipt = await self._authors.erase(who.site, author, who.name, approval=found.id, proposed_by=found.by)
            erased, left = erased + receipt.erased, receipt.left
        return {"erased": erased}

    async def _decided(self, found: Approval, deed: DecideMany, who: Moderator) -> dict[str, int | str]:
        """The approval's id is the batch of the decisions in the trail."""

        async def one(chosen: Chosen) -> bool:
            said = (deed.reason, deed.labels, deed.note)
            answer = Answer(deed.decision, None, *said, version=chosen.version, macro=deed.macro)
            try:
                await self._reviewing.decide(who, chosen.id, answer, batch=found.id)
            except Retryable:
                raise
            except ServiceError:  # it has changed since, or somebody holds it
                return False
            return True

        decided = 0
        for start in range(0, len(deed.comments), AT_ONCE):
            decided += sum(await asyncio.gather(*map(one, deed.comments[start : start + AT_ONCE])))
        return {"decided": decided, "skipped": len(deed.comments) - decided}

    async def _promoted(self, found: Approval, deed: PromoteModel, who: Moderator) -> dict[str, int | str]:
        own = who.site if deed.only_site else ALL_SITES
        if (await self._roles.opened(deed.model, own)).digest != deed.digest:
            detail = f"the folder of '{deed.model}' holds another model now; propose it again"
            raise Conflict("model_changed", detail, {})
        told = {"approval": found.id, "proposed_by": found.by, "why": deed.why}
        named = await asyncio.to_thread(self._roles.named, deed.model, own)
        generation = await self._promotion.promote(who.site, named, who.name, own, **told)
        return {"generation": generation.generation}

    def _kept(self, site: str, deed: Deed) -> Deed:
        """What remains of a deed that is done: an erased author only by the pseudonym, and no note on comments."""
        match deed:
            case EraseAuthor(author):
                return EraseAuthor(self._authors.named(site, author))
            case DecideMany():
                return msgspec.structs.replace(deed, note="")
            case PromoteModel():
                return deed
            case _:
                assert_never(deed)

    def _told(self, site: str, deed: Deed) -> dict[str, str]:
        """Details for the audit trail."""
        match deed:
            case EraseAuthor(author):
                return {"kind": kind_of(deed), "author": self._authors.named(site, author)}
            case DecideMany():
                more = {name: said for name, said in (("reason", deed.reason), ("macro", deed.macro)) if said}
                return {"kind": kind_of(deed), "decision": deed.decision, "comments": str(len(deed.comments)), **more}
            case PromoteModel(model, why):
                only = {"only": site} if deed.only_site else {}
                return {"kind": kind_of(deed), "model": model, "why": why, **only}
            case _:
                assert_never(deed)


def is_open(approval: Approval) -> bool:
    """Whether somebody can still approve it, or go on with it."""
    return approval.state in (ApprovalState.OPEN, ApprovalState.APPROVED)
