"""The names of all Redis keys. All keys of a shard share one hash tag, and so one cluster slot."""

from collections.abc import Awaitable, Iterator
from hashlib import blake2b
from typing import Any

from service.redis.pipe import Argument, Pipe
from service.redis.scripts import Script
from service.values.errors import NotFound

CHANGES = "cm:changes"
KEYS = "cm:{access}:keys"
SALT = "cm:{access}:salt"
SIGNING = "cm:{access}:signing"
SHARDS = "cm:{access}:shards"
OPERATED = "cm:{access}:operated"  # exists once the first key has the scope `operate`
SITES = "cm:{access}:sites"
AUDITED = "cm:{access}:audited"  # sites that began with blind audits, unless their policy says otherwise
ACCOUNTS = "cm:{access}:accounts"
PREFERENCES = "cm:{access}:preferences"
USED = "cm:{access}:used"  # when each key, and each site's endpoint, was last used
ACCESS_AUDIT = "cm:{access}:audit"
# The prefix of the word lists that all sites share. No shard has it: what follows the dot in a shard's tag is a number.
SHARED_LISTS = "cm:{shared.lists}:"


def access_key(name: str) -> str:
    """A key that expires: a session, a ticket, or sign-in attempts."""
    return f"cm:{{access}}:{name}"


# What stands in place of a comment's id in the events of promises, before the policy's name; no comment's id begins
# with a space. They are in the first shard, as the policy is.
PROMISE_EVENTS = " promise:"


class Shard:
    """The key names of one shard of a site. The first shard also holds keys that a site has once."""

    __slots__ = ("number", "prefix", "site")

    def __init__(self, site: str, number: int = 0) -> None:
        if "{" in site or "}" in site:
            raise NotFound("no such site")
        self.site = site
        self.number = number
        # Names of sites have no dot, so shards of different sites cannot collide.
        self.prefix = f"cm:{{{site}.{number}}}:" if number else f"cm:{{{site}}}:"

    def key(self, name: str) -> str:
        """One of the fixed keys: ready, lease, escalated, waiting, token, audit, events, labels, policies, webhook."""
        return self.prefix + name

    def item(self, comment: str = "") -> str:
        return f"{self.prefix}item:{comment}"

    def text(self, comment: str) -> str:
        """A prefix, to which the revision is appended."""
        return f"{self.prefix}text:{comment}:"

    def imported(self, label: str) -> str:
        return f"{self.prefix}imported:{label}"

    def usage(self, key_id: str, month: str) -> str:
        return self.key(f"usage:{key_id}:{month}")

    def held(self, moderator: str = "") -> str:
        return f"{self.prefix}held:{moderator}"

    def assigned(self, moderator: str) -> str:
        return f"{self.prefix}assigned:{moderator}"

    def skipped(self, moderator: str) -> str:
        return f"{self.prefix}skipped:{moderator}"


class Shards:
    """The shards of all sites. `count`: the number of shards of each site."""

    def __init__(self, pipe: Pipe, count: int = 1) -> None:
        self._pipe = pipe
        self.count = count

    def of(self, site: str, comment: str) -> Shard:
        """The shard of a comment, by its id, which every request has (docs/decisions/0014-shard-by-comment.md)."""
        if self.count == 1 or comment.startswith(PROMISE_EVENTS):
            return Shard(site)
        digest = blake2b(comment.encode(errors="replace"), digest_size=8).digest()
        return Shard(site, int.from_bytes(digest) % self.count)

    def each(self, site: str) -> tuple[Shard, ...]:
        return tuple(Shard(site, number) for number in range(self.count))

    def run(self, script: Script, site: str, comment: str, *args: Argument) -> Awaitable[Any]:
        """Run a script in the shard of a comment, whose id is its first argument. Raises as Pipe.run does."""
        return self._pipe.run(script, [self.of(site, comment).prefix], comment, *args)


_PERMANENT = {
    *(
        "ready",
        "lease",
        "escalated",
        "waiting",
        "noticed",
        "stuck",
        "assignees",
        "token",
        "audit",
        "events",
        "labels",
        "policies",
        "policies:by",
        "lists",
        "articles",
        "filters",
        "keys",
        "salt",
        "shards",
        "operated",
        "sites",
        "audited",
        "accounts",
        "preferences",
        "used",
        "signing",
    ),
    *("trimmed", "webhook", "webhook:secrets", "out:due", "out:tries", "out:told", "out:dead", "out:letters"),
    "watch",
}


# The leases of a moderator disappear with the last one, and every lease ends; so do assignments with what waits. Each
# word list has its own keys. So does each author, article and section with a status, and each moderator with filters.
_PERMANENT_KINDS = (
    "held:",
    "assigned:",
    "filters:",
    "list:",
    "status:",
    "statuses:",
    "article:",
    "section:",
    "changes:",
)


def is_permanent(key: str) -> bool:
    """Whether a key may exist without an expiry: queues, streams, keys and accounts.

    Keys of comments are not permanent: they must expire, unless the comment still waits (see `waits_in`).
    """
    name = key.partition("}:")[2]
    return key.startswith("cm:{") and (name in _PERMANENT or name.startswith(_PERMANENT_KINDS))


def waits_in(key: str) -> Iterator[tuple[str, str]]:
    """For a key of a comment: pairs of index and id. If the key does not expire, one index must contain the id."""
    prefix, _, rest = key.partition("}:")
    kind, _, name = rest.partition(":")
    if kind in ("item", "callback", "appeal", "notes"):
        yield f"{prefix}}}:waiting", name
    if kind == "text":
        yield f"{prefix}}}:waiting", name.rpartition(":")[0]
    if kind == "callback":
        yield f"{prefix}}}:out:due", name
    if rest.startswith("out:q:"):
        yield f"{prefix}}}:out:due", rest.removeprefix("out:q:")
