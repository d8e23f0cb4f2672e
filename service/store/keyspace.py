"""Where everything lies in Redis. All keys of a shard share one hash tag, so one cluster slot."""

from collections.abc import Iterator
from hashlib import blake2b

from service.values.errors import NotFound

CHANGES = "cm:changes"
KEYS = "cm:{access}:keys"
SALT = "cm:{access}:salt"
SIGNING = "cm:{access}:signing"
SHARDS = "cm:{access}:shards"
OPERATED = "cm:{access}:operated"  # there, once the first key has the scope `operate`
SITES = "cm:{access}:sites"
ACCOUNTS = "cm:{access}:accounts"
PREFERENCES = "cm:{access}:preferences"
ACCESS_AUDIT = "cm:{access}:audit"


def access_key(name: str) -> str:
    """What expires beside the accounts: sessions, tickets, tries to sign in."""
    return f"cm:{{access}}:{name}"


class Site:
    """The key names of one shard of a site; the first shard also holds what a site has once."""

    __slots__ = ("name", "prefix", "shard")

    def __init__(self, name: str, shard: int = 0) -> None:
        if "{" in name or "}" in name:
            raise NotFound("no such site")
        self.name = name
        self.shard = shard
        # A dot stands in no site's name, so the shards of one site cannot be those of another.
        self.prefix = f"cm:{{{name}.{shard}}}:" if shard else f"cm:{{{name}}}:"

    def of(self, comment: str, shards: int) -> "Site":
        """The shard of a comment: by its id, which every request has (docs/decisions/0014-shard-by-comment.md)."""
        if shards == 1:
            return self
        digest = blake2b(comment.encode(errors="replace"), digest_size=8).digest()
        return Site(self.name, int.from_bytes(digest) % shards)

    def all(self, shards: int) -> "tuple[Site, ...]":
        return tuple(Site(self.name, shard) for shard in range(shards))

    def key(self, name: str) -> str:
        """One of the fixed keys: ready, lease, escalated, waiting, token, audit, events, labels, policies, webhook."""
        return self.prefix + name

    def item(self, comment: str = "") -> str:
        return f"{self.prefix}item:{comment}"

    def text(self, comment: str) -> str:
        """Prefix; the revision follows."""
        return f"{self.prefix}text:{comment}:"

    def imported(self, label: str) -> str:
        return f"{self.prefix}imported:{label}"

    def usage(self, key_id: str, month: str) -> str:
        return self.key(f"usage:{key_id}:{month}")

    def held(self, moderator: str = "") -> str:
        return f"{self.prefix}held:{moderator}"

    def skipped(self, moderator: str) -> str:
        return f"{self.prefix}skipped:{moderator}"


_PERMANENT = {
    *(
        "ready",
        "lease",
        "escalated",
        "waiting",
        "token",
        "audit",
        "events",
        "labels",
        "policies",
        "policies:by",
        "keys",
        "salt",
        "shards",
        "operated",
        "sites",
        "accounts",
        "preferences",
        "signing",
    ),
    *("trimmed", "webhook", "webhook:secrets", "out:due", "out:tries", "out:told", "out:dead", "out:letters"),
}


def is_permanent(key: str) -> bool:
    """Whether a key may live without an expiry: a queue, a trail, or who may enter.

    Comments are not on this list: theirs must expire, unless something still waits for them (see `waits_in`).
    """
    name = key.partition("}:")[2]
    # What a moderator holds goes when its last lease ends, as it surely does.
    return key.startswith("cm:{") and (name in _PERMANENT or name.startswith("held:"))


def waits_in(key: str) -> Iterator[tuple[str, str]]:
    """For a key of a comment: the indexes, one of which must hold its id if the key does not expire, and the id."""
    prefix, _, rest = key.partition("}:")
    kind, _, name = rest.partition(":")
    if kind in ("item", "callback", "appeal"):
        yield f"{prefix}}}:waiting", name
    if kind == "text":
        yield f"{prefix}}}:waiting", name.rpartition(":")[0]
    if kind == "callback":
        yield f"{prefix}}}:out:due", name
    if rest.startswith("out:q:"):
        yield f"{prefix}}}:out:due", rest.removeprefix("out:q:")
