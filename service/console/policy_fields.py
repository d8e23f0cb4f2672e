"""The fields of a policy by path, for comparing two versions."""

from typing import Any

import msgspec
from msgspec import UNSET

from service.values.policy import Policy


def flat(policy: Policy) -> dict[str, Any]:
    """Every field that is set, by path."""
    found: dict[str, Any] = {}

    def walk(at: str, value: Any) -> None:  # noqa: ANN401 - the field's own type
        inner = _fields(value)
        for name, each in inner.items():
            walk(f"{at}.{name}" if at else name, each)
        if not inner and value not in (None, {}, (), UNSET):
            found[at] = _told(value)

    walk("", msgspec.structs.replace(policy, rules=(), certificate=UNSET, suspended=UNSET))
    if policy.certificate is not UNSET:
        found["certificate"] = policy.certificate.id
    found |= {f"suspended.{each.side}": f"{each.at:%Y-%m-%d %H:%M} UTC" for each in policy.suspended or ()}
    found |= {f"rules.{rule.id}": msgspec.json.encode(rule).decode() for rule in policy.rules}
    return {path: value for path, value in found.items() if path not in ("name", "version")}


def _told(value: Any) -> Any:  # noqa: ANN401 - the field's own type
    if isinstance(value, tuple) and isinstance(value[0], msgspec.Struct):
        return msgspec.json.encode(value).decode()
    return sorted(value) if isinstance(value, frozenset) else value


def _fields(value: Any) -> dict[str, Any]:  # noqa: ANN401 - the field's own type
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    return value if isinstance(value, dict) else {}
