"""What review-queue.md says of comments under review, in memory: the same operations, and what each must answer.

Nothing here knows Redis. A step forward in time is an operation too.
"""

from modelled import Modelled

from service.values.domain import Lease, Verdict

NEEDED = 2  # distinct readers whose reports bring a comment back

# What an undo of a decision about an escalated comment brings back.
ESCALATION = ("moderator", "request", "escalated_by", "vote", "double")


class Model:
    def __init__(self) -> None:
        self.comments: dict[str, Modelled] = {}
        self.skips: set[tuple[str, str]] = set()
        self.decisions: list[tuple[str, int]] = []
        self.labels: dict[tuple[str, int], str] = {}
        self.events: list[tuple[str, int, str]] = []
        self.tokens: list[int] = []

    def told(self, comment_id: str, kind: str) -> None:
        self.events.append((comment_id, self.comments[comment_id].version, kind))

    def in_state(self, state: str) -> set[str]:
        return {name for name, each in self.comments.items() if each.state == state}

    def submit(self, comment_id: str, text: str, decision: str, drawn: str, due: int) -> str:
        """`drawn`: "", "audit", "learning", "drawn" or "rejects"."""
        was = self.comments.get(comment_id)
        if was is not None and was.state == "erased":
            return "erased"
        if was is not None and was.text == text:
            return "exists"
        if was is not None and was.waits:
            was.version += 1
            self.told(comment_id, "comment.withdrawn")
        assignee = was.assignee if was is not None and was.waits else None
        now = self.comments[comment_id] = Modelled(text, due=due)
        if was is not None:
            now.revision, now.version = was.revision + 1, was.version
        now.version += 1
        if decision == "review":
            now.state, now.why = "queued", "uncertain"
            now.double = drawn if drawn in ("drawn", "rejects") else None
            self.told(comment_id, "comment.queued")
        else:
            now.status = "approved" if decision == "approve" else "rejected"
            if drawn in ("audit", "learning"):
                now.state, now.why, now.is_audit = "queued", "audit", True
                now.is_learning = drawn == "learning"
            elif was is not None and (was.waits or was.status != now.status):
                self.told(comment_id, "decision.created")
        if now.waits and assignee is not None:
            now.assignee, now.is_reserved = assignee, True
        return "created" if was is None else "revised"

    def eligible(self, moderator: str) -> list[str]:
        """What is assigned to the moderator first, then the most urgent; nothing reserved for another."""
        free = [
            (each.assignee != moderator, each.due, name)
            for name, each in self.comments.items()
            if each.state == "queued"
            and moderator not in each.against
            and (moderator, name) not in self.skips
            and not each.is_reserved_for_another(moderator)
        ]
        return [name for *_, name in sorted(free)]

    def assign(self, comment_id: str, actor: str, assignee: str) -> str:
        each, refused = self._known(comment_id)
        if each is None:
            return refused
        if not each.waits:
            return "stale"
        if (each.assignee or "") == assignee:
            return "duplicate"
        if assignee in each.against:
            return "own"
        each.assignee, each.is_reserved = assignee or None, True
        if each.state == "leased" and each.owner == actor and assignee not in ("", actor):
            each.state, each.owner, each.token = "queued", None, None
        return "ok"

    def lease(self, comment_id: str, moderator: str, token: int) -> None:
        each = self.comments[comment_id]
        each.state, each.owner, each.token = "leased", moderator, token
        self.tokens.append(token)

    def leases_end(self) -> None:
        """Owner and token stay: a late decision counts until somebody else is offered the comment."""
        for name in self.in_state("leased"):
            self.comments[name].state = "queued"

    def _known(self, comment_id: str, lease: Lease | None = None) -> tuple[Modelled | None, str]:
        each = self.comments.get(comment_id)
        if each is None or each.state == "erased":
            return None, "gone"
        if lease is not None and each.revision != lease.revision:
            return None, "superseded"
        return each, ""

    def take(self, comment_id: str, moderator: str, token: int) -> str:  # noqa: PLR0911 - one for each answer
        each, refused = self._known(comment_id)
        if each is None:
            return refused
        if each.state == "leased" and each.owner == moderator:
            return "duplicate"
        if each.state == "decided":
            return "conflict"
        if each.state != "queued":
            return "stale"
        if moderator in each.against:
            return "own"
        if each.is_reserved_for_another(moderator):
            return "reserved"
        self.lease(comment_id, moderator, token)
        return "ok"

    def extend(self, comment_id: str, moderator: str, lease: Lease) -> str:
        each, refused = self._known(comment_id, lease)
        if each is None:
            return refused
        return "ok" if each.state == "leased" and each.holds(moderator, lease.token) else "stale"

    def release(self, comment_id: str, moderator: str, lease: Lease, *, skip: bool) -> str:
        each, refused = self._known(comment_id, lease)
        if each is None:
            return refused
        if each.state == "queued" and each.released == lease.token:
            return "ok"
        if each.state != "leased" or not each.holds(moderator, lease.token):
            return "stale"
        each.state, each.owner, each.token, each.released = "queued", None, None, lease.token
        if skip:
            self.skips.add((moderator, comment_id))
            each.assignee = None if each.assignee == moderator else each.assignee
        return "ok"

    def free(self, comment_id: str, holder: str) -> str:
        each, refused = self._known(comment_id)
        if each is None:
            return refused
        if each.state == "queued":
            return "duplicate"
        if each.state != "leased" or each.owner != holder:
            return "stale"
        each.state, each.owner, each.token = "queued", None, None
        self.skips.add((holder, comment_id))
        each.assignee = None if each.assignee == holder else each.assignee
        return "ok"

    def decide(  # noqa: C901, PLR0911 - one line for each answer
        self,
        comment_id: str,
        moderator: str,
        verdict: Verdict,
        lease: Lease | None,
        request: str,
        *,
        version: int | None = None,
        may_overrule: bool = False,
        by_version: bool = False,
        overturns: bool = True,
        is_held_back: bool = True,
    ) -> str:
        each, refused = self._known(comment_id, lease)
        if each is None:
            return refused
        if request in (each.request, each.vote_request):
            return "duplicate"
        if each.state == "decided":
            return "conflict"
        if each.state == "escalated":
            if not may_overrule or verdict is Verdict.ESCALATE:
                return "escalated"
        elif lease is not None:
            if not each.holds(moderator, lease.token):
                return "stale"
        elif (
            not (may_overrule or by_version) or version is None or (each.state != "queued" and each.owner != moderator)
        ):
            return "stale"
        if version not in (None, each.version):
            return "stale"
        if moderator in each.against:
            return "own"
        if lease is None and each.state == "queued" and each.is_reserved_for_another(moderator):
            return "reserved"
        each.version += 1
        self._judged(comment_id, each, moderator, verdict, request, overturns)
        if each.state == "decided":
            each.is_held_back = is_held_back
        return "ok"

    def _judged(
        self, comment_id: str, each: Modelled, moderator: str, verdict: Verdict, request: str, overturns: bool
    ) -> None:
        was_escalated = each.state == "escalated"
        each.owner = each.token = each.undone = each.assignee = None
        if verdict is Verdict.ESCALATE:
            self._escalated(each, moderator, request)
            each.escalated_by = moderator
            return
        is_doubled = each.double == "drawn" or (each.double == "rejects" and verdict is Verdict.REJECT)
        if is_doubled and each.vote is None and not was_escalated:
            each.state = "queued"
            each.vote, each.voter, each.vote_request, each.vote_label = verdict, moderator, request, each.version
            each.against.add(moderator)
            each.long_ago.discard("voted")
            self.labels[comment_id, each.version] = "vote"
            self.decisions.append((comment_id, each.version))
            return
        if each.vote not in (None, verdict) and not was_escalated:
            each.against.add(moderator)
            self.labels[comment_id, each.version] = "vote"
            self._escalated(each, moderator, request)
            return
        each.before_escalation = None
        if was_escalated:
            each.before_escalation = tuple(getattr(each, name) for name in ESCALATION)
            each.double = each.vote = None
        each.before = (each.status, each.decided_by)
        each.moderator, each.request, each.label, each.event = moderator, request, each.version, None
        source = "learning" if each.is_learning else "audit"
        self.labels[comment_id, each.version] = source if each.is_audit else "moderator"
        status = "approved" if verdict is Verdict.APPROVE else "rejected"
        agrees = each.status == status
        if each.is_audit and not agrees and not overturns:
            self._escalated(each, moderator, request)
            each.against.add(moderator)
            each.is_audit = False
            return
        self.decisions.append((comment_id, each.version))
        each.long_ago.discard("decided")
        each.readers_judged = len(each.readers)
        upholds = agrees and each.is_audit
        each.settled(status, each.decided_by if upholds else "moderator")
        if not upholds:
            each.event = each.version
            self.told(comment_id, "decision.created")

    @staticmethod
    def _escalated(each: Modelled, moderator: str, request: str) -> None:
        each.state, each.moderator, each.request = "escalated", moderator, request
        each.long_ago.discard("escalated")

    def undoable(self) -> set[tuple[str, str]]:
        """Comments, and who last did something to each that he or she might take back."""
        acts = {
            "decided": lambda each: each.moderator,
            "queued": lambda each: each.voter,
            "escalated": lambda each: each.escalated_by,
        }
        found = {(name, acts[each.state](each)) for name, each in self.comments.items() if each.state in acts}
        return {(name, whose) for name, whose in found if whose is not None}

    def undo(self, comment_id: str, moderator: str, version: int | None) -> str:  # noqa: PLR0911 - one for each answer
        """After "ok" the caller tells the new token by `lease`, unless the comment is escalated again."""
        each, refused = self._known(comment_id)
        if each is None:
            return refused
        whose = each.owner if each.state == "leased" else each.undone_by if each.state == "escalated" else None
        if each.undone == each.version and whose == moderator:
            return "duplicate"
        if version not in (None, each.version):
            return "stale"
        if each.state == "decided":
            act, whose = "decided", each.moderator
        elif each.state == "queued" and each.vote is not None:
            act, whose = "voted", each.voter
        elif each.state == "escalated" and each.escalated_by is not None:
            act, whose = "escalated", each.escalated_by
        else:
            return "stale"
        if whose != moderator:
            return "not_yours"
        if act in each.long_ago:
            return "window_closed"
        self._undone(comment_id, each, act)
        each.undone_by = moderator
        return "ok"

    def _undone(self, comment_id: str, each: Modelled, act: str) -> None:
        each.version += 1
        each.assignee = None
        if act == "decided":
            each.status, each.decided_by = each.before
            if each.is_audit:
                each.is_audit, each.why = False, "reopened"
            self.labels.pop((comment_id, each.label or 0))
            if each.event is not None and each.is_held_back:
                self.events.remove((comment_id, each.event, "decision.created"))
            elif each.event is not None:
                self.told(comment_id, "decision.reverted")
        elif act == "voted":
            self.labels.pop((comment_id, each.vote_label or 0))
            each.against.remove(each.voter or "")
            each.vote = each.voter = each.vote_request = each.vote_label = None
        each.moderator = each.request = each.label = each.event = each.escalated_by = None
        each.undone, each.state = each.version, "leased"
        if act == "decided" and each.before_escalation is not None:
            each.state = "escalated"
            for name, value in zip(ESCALATION, each.before_escalation, strict=True):
                setattr(each, name, value)
        each.before_escalation = None

    def _reopened(self, comment_id: str, each: Modelled, why: str, due: int) -> None:
        if each.moderator is not None:
            each.against.add(each.moderator)
        each.version += 1
        each.state, each.why, each.due, each.is_audit = "queued", why, due, False
        each.double = each.vote = each.voter = each.vote_request = each.label = each.event = each.request = None
        each.before_escalation = None
        self.told(comment_id, "comment.queued")

    def report(self, comment_id: str, reader: str, due: int, *, reopen_judged: bool) -> str:
        each, refused = self._known(comment_id)
        if each is None:
            return refused
        if reader in each.readers:
            return "ok"
        each.readers.add(reader)
        is_judged = each.moderator is not None and not reopen_judged
        is_enough = len(each.readers) - each.readers_judged >= NEEDED
        if each.state == "decided" and each.status == "approved" and is_enough and not is_judged:
            self._reopened(comment_id, each, "reported", due)
            return "queued"
        if each.state == "queued":
            each.hurry(due)
        return "ok"

    def appeal(self, comment_id: str, due: int) -> str:
        each, refused = self._known(comment_id)
        if each is None:
            return refused
        if each.is_appealed:
            return "appealed" if each.state == "decided" else "duplicate"
        if each.status != "rejected":
            return "not_rejected"
        each.is_appealed = True
        if not each.waits:
            self._reopened(comment_id, each, "appeal", due)
            return "ok"
        each.why, each.is_audit = "appeal", False
        if each.state == "queued":
            each.hurry(due)
        return "ok"

    def reopen(self, comment_id: str, version: int | None, due: int) -> str:
        each, refused = self._known(comment_id)
        if each is None:
            return refused
        if each.state == "queued" and each.why == "reopened":
            return "duplicate"
        if each.state != "decided" or version not in (None, each.version):
            return "stale"
        self._reopened(comment_id, each, "reopened", due)
        return "ok"

    def expire(self, status: str) -> int:
        """All that waits, and that nobody looks at, has waited too long."""
        late = [name for name in self.in_state("queued") if self.comments[name].status == "pending"]
        for name in sorted(late):
            each = self.comments[name]
            each.version += 1
            each.settled(status, "expiry")
            self.decisions.append((name, each.version))
            self.told(name, "decision.created")
        return len(late)

    def erase(self, comment_id: str) -> None:
        each, _ = self._known(comment_id)
        if each is None:
            return
        was_waiting = each.waits
        each.version += 1
        each.state, each.owner, each.token, each.assignee = "erased", None, None, None
        if was_waiting:
            self.told(comment_id, "comment.withdrawn")
