"""Authors object to a rejection: appeals, which are complaints under the Digital Services Act (docs/dsa.md)."""

from service.cases.directory import Directory
from service.cases.statements import dsa_of
from service.store import Store
from service.store.base import Outcome, Record
from service.store.restrictions import complaint_of
from service.values.attention import soon_ms
from service.values.complaints import ComplaintAnswer
from service.values.errors import Conflict, NotFound, QueueFull


class ComplaintHandling:
    """Methods raise NotFound, Conflict and StoreUnavailable."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    async def appeal(self, site: str, comment_id: str, reason: str) -> Record:
        """Bring a rejected comment back to the queue, for somebody who did not reject it. Raises QueueFull.

        A site in scope takes appeals for as long as its statements of reasons say.
        """
        policy = self._directory.policy(site)
        outcome, record = await self._store.comments.appeal(
            site, comment_id, reason, sla_ms=soon_ms(policy.review), within_s=policy.keep_rejected_s
        )
        if record is None:
            raise NotFound(f"no comment '{comment_id}'")
        if outcome == "full":
            raise QueueFull("too many comments wait for moderators", retry_after_s=60)
        if outcome in _REFUSED:
            raise Conflict(*_REFUSED[outcome], {"id": comment_id, "status": record.status, "state": record.state})
        return record

    async def of(self, site: str, comment_id: str) -> ComplaintAnswer:
        """The author's complaint about the newest revision. Raises Conflict if the site is not in scope."""
        dsa = dsa_of(self._directory.for_people(site))
        if dsa is None:
            raise Conflict("dsa_off", "the policy of this site does not say that it is in scope (`dsa.in_scope`)", {})
        found = complaint_of(site, await self._store.comments.get(site, comment_id), dsa)
        if found is None:
            raise NotFound(f"no complaint about the comment '{comment_id}'")
        return found


_REFUSED: dict[Outcome, tuple[str, str]] = {
    "not_rejected": ("not_rejected", "only a rejected comment can be appealed"),
    "appealed": ("already_appealed", "this revision was already appealed and decided again"),
    "late": ("complaint_too_late", "the time to complain is over (`dsa.complaint_days` of the policy)"),
    "expired": ("text_expired", "the text is not kept any more; send the comment again"),
}
