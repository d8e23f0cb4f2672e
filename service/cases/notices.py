"""Notices by readers (Digital Services Act, article 16): a receipt for each, and its outcome (docs/dsa.md)."""

from typing import NamedTuple

from service.cases.directory import Directory
from service.cases.statements import dsa_of
from service.store import Store
from service.store.notices import NoticedComment
from service.store.reports import READER_CHARS
from service.values.addresses import NoticeAddressed, notice_address
from service.values.attention import soon_ms
from service.values.dsa import Dsa
from service.values.errors import Conflict, NotFound, QueueFull
from service.values.notices import MOST_NOTICES, Giver, Notice, NoticeAnswer, NoticeOutcome, answer_to

MOST_CHARS = 5_000
# Where the console shows receipts and outcomes to readers.
PAGES = "/console/notice/"
# How long notices are kept after their outcome, beyond the time in which one may complain.
KEPT_LONGER_S = 7 * 86_400


class GivenNotice(NamedTuple):
    notice: Notice
    answer: NoticeAnswer


class NoticeHandling:
    """Methods raise Conflict if the site is not in scope, and StoreUnavailable."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    async def give(  # noqa: PLR0917 - what a notice is made of
        self, site: str, comment_id: str, reader: str, kind: str, text: str, giver: Giver | None = None
    ) -> GivenNotice:
        """Take a notice; an approved comment returns to the queue. The same reader's notice again is the first one.

        `giver`: of a notice from the form; then `reader` is the address, or the text where there is none. Raises
        NotFound, QueueFull, and Conflict if nobody could judge the comment any more.
        """
        dsa, policy = self._dsa(site), self._directory.policy(site)
        outcome, notice = await self._store.notices.give(
            site,
            comment_id,
            self._directory.pseudonym(site, reader)[:READER_CHARS],
            kind=kind,
            text=text,
            keep_s=policy.keep_rejected_s + KEPT_LONGER_S,
            sla_ms=soon_ms(policy.review),
            giver=giver,
        )
        if outcome == "full":
            raise QueueFull("too many comments wait for moderators", retry_after_s=60)
        if outcome == "limit":
            raise await self._too_many(site, comment_id)
        if outcome == "expired":
            detail = "the comment is approved and its text is not kept any more, so nobody can judge it here"
            raise Conflict("text_expired", detail, {"id": comment_id})
        if notice is None:
            raise NotFound(f"no comment '{comment_id}'")
        return GivenNotice(notice, answer_to(notice, dsa))

    def page_url(self, origin: str, site: str, notice: Notice) -> str:
        """The page of the receipt and the outcome, for whoever gave the notice. Raises StoreUnavailable."""
        return origin + PAGES + notice_address(self._directory.salt, NoticeAddressed(site, notice.comment, notice.id))

    async def of(self, site: str, comment_id: str) -> list[GivenNotice]:
        """The notices of a comment, oldest first; also of one that is not kept any more."""
        dsa = self._dsa(site)
        return [GivenNotice(each, answer_to(each, dsa)) for each in await self._store.notices.of(site, comment_id)]

    async def one(self, site: str, comment_id: str, notice_id: str) -> GivenNotice:
        """Raises NotFound."""
        for each in await self.of(site, comment_id):
            if each.notice.id == notice_id:
                return each
        raise NotFound(f"no notice '{notice_id}' about the comment '{comment_id}'")

    async def waiting(self, site: str, limit: int) -> list[NoticedComment]:
        """Comments with open notices, those that wait longest first."""
        self._dsa(site)
        return await self._store.notices.waiting(site, limit)

    async def _too_many(self, site: str, comment_id: str) -> Conflict:
        """Says what became of those that were taken, so that the site can answer the reader."""
        given = await self._store.notices.of(site, comment_id)
        is_open = any(each.outcome is NoticeOutcome.OPEN for each in given)
        detail = (
            f"this comment has had {MOST_NOTICES} notices and takes no more: "
            f"{'they wait for a decision' if is_open else f'the last outcome is {given[-1].outcome}'}"
        )
        current = {"id": comment_id, "limit": MOST_NOTICES, "outcome": given[-1].outcome}
        return Conflict("too_many_notices", detail, current)

    def _dsa(self, site: str) -> Dsa:
        dsa = dsa_of(self._directory.for_people(site))
        if dsa is None:
            raise Conflict("dsa_off", "the policy of this site does not say that it is in scope (`dsa.in_scope`)", {})
        return dsa
