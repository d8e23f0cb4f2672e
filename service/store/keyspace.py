"""Where everything lies in Redis. All keys of a site share one hash tag, so one cluster slot."""

from service.errors import NotFound

CHANGES = "cm:changes"
KEYS = "cm:{access}:keys"
ACCESS_AUDIT = "cm:{access}:audit"


class Site:
    """The key names of one site."""

    __slots__ = ("name", "prefix")

    def __init__(self, name: str) -> None:
        if "{" in name or "}" in name:
            raise NotFound("no such site")
        self.name = name
        self.prefix = f"cm:{{{name}}}:"

    def key(self, name: str) -> str:
        """One of the fixed keys: ready, lease, escalated, waiting, token, audit, labels, policies."""
        return self.prefix + name

    def item(self, comment: str = "") -> str:
        return f"{self.prefix}item:{comment}"

    def text(self, comment: str) -> str:
        """Prefix; the revision follows."""
        return f"{self.prefix}text:{comment}:"

    def imported(self, label: str) -> str:
        return f"{self.prefix}imported:{label}"

    def held(self, moderator: str = "") -> str:
        return f"{self.prefix}held:{moderator}"

    def skipped(self, moderator: str) -> str:
        return f"{self.prefix}skipped:{moderator}"


_PERMANENT = {"ready", "lease", "escalated", "waiting", "token", "audit", "labels", "policies", "keys"}


def is_permanent(key: str) -> bool:
    """Whether a key may live without an expiry: a queue, a trail, or who may enter.

    Comments are not on this list: theirs must expire, unless they still wait for a person (see `waiting_id`).
    """
    return key.startswith("cm:{") and key.partition("}:")[2] in _PERMANENT


def waiting_id(key: str) -> tuple[str, str] | None:
    """For an item or text key: the `waiting` set that must hold its comment if it does not expire, and the id."""
    prefix, _, rest = key.partition("}:")
    kind, _, name = rest.partition(":")
    if kind == "item":
        return f"{prefix}}}:waiting", name
    if kind == "text":
        return f"{prefix}}}:waiting", name.rpartition(":")[0]
    return None
