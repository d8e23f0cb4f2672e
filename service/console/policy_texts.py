"""Fields of the policy form in which each line is an entry: reasons, macros, steps of strikes, and numbers by name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from service.console.texts import N_

# What a line must be, by kind.
FORMS = {
    "reasons": N_("Each line must be a key and titles, such as: advertising | spam | en: Advertising | de: Werbung"),
    "macros": N_(
        "Each line must be a name, a decision, and parts such as: "
        "Shop link | reject | reason: advertising | labels: spam"
    ),
    "steps": N_("Each line must be a number of strikes, a status, and days or nothing, such as: 3 premoderated 7"),
    "numbers": N_("Each line must be a name, =, and a whole number."),
}


def parsed(kind: str, text: str) -> Any:  # noqa: ANN401 - the field's own type
    """As in the policy, unchecked. Raises ValueError for a line that cannot be read."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return dict(map(_number, lines)) if kind == "numbers" else [_PARSED[kind](line) for line in lines]


def written(kind: str, value: Any) -> str:  # noqa: ANN401 - the field's own type
    """`value`: as in the policy; None: nothing."""
    return "\n".join(_WRITTEN[kind](msgspec.to_builtins(value))) if value else ""


def _reason(line: str) -> dict[str, Any]:
    key, *parts = (part.strip() for part in line.split("|"))
    found: dict[str, Any] = {"key": key, "titles": {}}
    for part in parts:
        language, is_title, title = part.partition(":")
        if is_title:
            found["titles"][language.strip()] = title.strip()
        elif "label" in found:
            raise ValueError(line)
        else:
            found["label"] = part
    if not found["titles"]:
        raise ValueError(line)
    return found


def _reasons(value: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in value:
        titles = (f"{language}: {title}" for language, title in each["titles"].items())
        yield " | ".join((each["key"], *filter(None, (each.get("label"),)), *titles))


def _macro(line: str) -> dict[str, Any]:
    name, decision, *parts = (part.strip() for part in line.split("|"))
    found: dict[str, Any] = {"name": name, "decision": decision}
    for part in parts:
        what, is_pair, said = (each.strip() for each in part.partition(":"))
        if not (is_pair and said) or what not in ("reason", "labels", "note") or what in found:
            raise ValueError(line)
        found[what] = _labels(said) if what == "labels" else said
    return found


def _labels(said: str) -> dict[str, bool]:
    """From attributes with commas between them; one that the text is not has `not` before it."""
    parts = [part.split() for part in said.split(",")]
    if not all(part and (len(part) == 1 or (len(part) == 2 and part[0] == "not")) for part in parts):  # noqa: PLR2004 - "not insult"
        raise ValueError(said)
    return {part[-1]: len(part) == 1 for part in parts}


def _macros(value: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in value:
        labels = ", ".join(name if is_so else f"not {name}" for name, is_so in each.get("labels", {}).items())
        parts = (("reason", each.get("reason")), ("labels", labels), ("note", each.get("note")))
        yield " | ".join((each["name"], each["decision"], *(f"{what}: {said}" for what, said in parts if said)))


def _step(line: str) -> dict[str, Any]:
    strikes, status, *days = line.split()
    if len(days) > 1:
        raise ValueError(line)
    return {"strikes": int(strikes), "status": status, **({"days": int(days[0])} if days else {})}


def _steps(value: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in value:
        yield " ".join(str(part) for part in (each["strikes"], each["status"], each.get("days")) if part is not None)


def _number(line: str) -> tuple[str, int]:
    name, is_pair, number = (part.strip() for part in line.partition("="))
    if not (name and is_pair):
        raise ValueError(line)
    return name, int(number)


def _numbers(value: Mapping[str, int]) -> Iterator[str]:
    yield from (f"{name} = {number}" for name, number in value.items())


_PARSED: Mapping[str, Callable[[str], Any]] = {"reasons": _reason, "macros": _macro, "steps": _step}
_WRITTEN: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "reasons": _reasons,
    "macros": _macros,
    "steps": _steps,
    "numbers": _numbers,
}
