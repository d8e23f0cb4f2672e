"""Patterns in the syntax of RE2, which never backtracks: time is linear in the text, and memory is bounded."""

import time
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from re2 import _re2

MAX_BYTES = 1024 * 1024
MAX_BYTES_TOGETHER = 8 * 1024 * 1024
# RE2 takes at most a program of 10,922 instructions within 1 MiB; the rest is for what it remembers while it searches.
BYTES_OF_INSTRUCTION = 96
# How many places of a pattern are told.
MOST_SPANS = 20
# Patterns with more instructions are tried on a long text before they are accepted: RE2 is linear in the text, but for
# some patterns each character takes as long as the pattern has instructions.
TRIED_FROM = 200
TRIED_CHARACTERS = 20_480
# The limit is not a fixed time, so that a slow or busy machine refuses the same patterns as a fast one. All patterns
# together may take this many times as long as one search for _MEASURE, which is timed beside them: in all about 0.3 s
# on a common server.
MOST_TIMES = 36
_MEASURE, _MEASURE_CHARACTERS, _MEASURE_RUNS = "(a?){1000}z", 1_024, 3
_MOST_LETTERS, _ALONE = 8, 4
_LONGEST_SAID = 60
# What RE2 says, as the beginning of more.
TOO_LARGE = "pattern too large"
# After these RE2 repeats the whole pattern.
_SAYS_ALL = {"missing )", "unexpected )", "missing ]"}
# Of the bytes of a character in UTF-8 all but the first begin with these bits.
_LEADING, _FOLLOWS = 0b1100_0000, 0b1000_0000
_UNANCHORED = _re2.RE2.Anchor.UNANCHORED

Spans = tuple[tuple[int, int], ...]


def _options(max_bytes: int) -> "_re2.RE2.Options":
    options = _re2.RE2.Options()
    options.max_mem, options.log_errors, options.never_capture = max_bytes, False, True
    return options


def _compiled(pattern: str, max_bytes: int = MAX_BYTES) -> "_re2.RE2":
    return _re2.RE2(pattern.encode("utf-8", "replace"), _options(max_bytes))


def fault_of(pattern: str) -> str | None:
    """Why RE2 refuses a pattern, in its words."""
    return examined(pattern).fault


class Examined(NamedTuple):
    """`fault`: why RE2 refuses the pattern, in its words. `bytes`: what its program takes."""

    fault: str | None
    bytes: int = 0


def examined(pattern: str) -> Examined:
    if len(pattern) > MAX_BYTES:
        return Examined(TOO_LARGE)
    compiled = _compiled(pattern)
    if compiled.ok():
        return Examined(None, BYTES_OF_INSTRUCTION * compiled.ProgramSize())
    said: str = compiled.error().decode("utf-8", "replace")
    what, _, argument = said.partition(": ")
    return Examined(what if what in _SAYS_ALL or len(argument) > _LONGEST_SAID else said)


def fit_together(patterns: Sequence[str]) -> bool:
    """Whether patterns that RE2 accepts one by one fit into MAX_BYTES_TOGETHER."""
    needed = sum(BYTES_OF_INSTRUCTION * _compiled(each).ProgramSize() for each in patterns)
    return needed <= MAX_BYTES_TOGETHER and _together(patterns) is not None


def first_too_slow(patterns: Sequence[str]) -> int | None:
    """The pattern with which all so far take too long for a long text that is made for them."""
    spent_s = most_s = 0.0
    for number, pattern in enumerate(patterns):
        compiled = _compiled(pattern)
        if compiled.ProgramSize() < TRIED_FROM:
            continue
        most_s = most_s or MOST_TIMES * _measure_s()
        spent_s += _slowest_s(compiled, pattern, most_s - spent_s)
        if spent_s > most_s:  # unless the machine has become slower meanwhile
            most_s = max(most_s, MOST_TIMES * _measure_s())
            if spent_s > most_s:
                return number
    return None


def _measure_s() -> float:
    compiled, text = _compiled(_MEASURE), b"a" * _MEASURE_CHARACTERS
    return median(_taken_s(compiled, text) for _ in range(_MEASURE_RUNS))


def _taken_s(compiled: "_re2.RE2", text: bytes) -> float:
    """Of this thread's processor time."""
    started = time.thread_time()
    compiled.Match(_UNANCHORED, text, 0, len(text))
    return time.thread_time() - started


def _slowest_s(compiled: "_re2.RE2", pattern: str, most_s: float) -> float:
    """On texts of the pattern's own letters: some of them alone, and all by turns. Ends when `most_s` is exceeded."""
    letters = sorted({each for each in pattern if each.isalpha()} or {"a"})[:_MOST_LETTERS]
    slowest_s = 0.0
    for unit in (*letters[:_ALONE], "".join(letters)):
        text = (unit * (TRIED_CHARACTERS // len(unit))).encode("utf-8", "replace")
        slowest_s = max(slowest_s, _taken_s(compiled, text))
        if slowest_s > most_s:
            break
    return slowest_s


class Patterns:
    """Immutable and thread-safe. Raises ValueError for a pattern that RE2 refuses."""

    def __init__(self, patterns: Sequence[str]) -> None:
        share = max(1, MAX_BYTES_TOGETHER // max(1, len(patterns)))
        self._each = [_within(pattern, min(share, MAX_BYTES)) for pattern in patterns]
        self._together = _together(patterns)

    def find(self, text: str) -> Mapping[int, Spans]:
        """By the number of the pattern, in code points; without those that are not found."""
        if not self._each:
            return {}
        raw = text.encode("utf-8", "replace")
        matched = self._together.Match(raw) if self._together else []
        # The last one matches every text. If it is not found, memory ran out, which says nothing of the others.
        numbers = matched if len(self._each) in matched else range(len(self._each) + 1)
        found = {number: self._spans(number, raw) for number in numbers if number < len(self._each)}
        spans = {number: some for number, some in found.items() if some is not None}
        return spans if text.isascii() else _in_code_points(raw, spans)

    def _spans(self, number: int, raw: bytes) -> Spans | None:
        """None: not found. What matches nothing, as x* does, has no place."""
        spans = list(_matches(self._each[number], raw))
        return tuple(each for each in spans if each[0] < each[1]) if spans else None


def _together(patterns: Sequence[str]) -> "_re2.Set | None":
    """All in one, and behind them one that matches every text. None: they do not fit."""
    found = _re2.Set(_UNANCHORED, _options(MAX_BYTES_TOGETHER))
    for pattern in (*patterns, ""):
        found.Add(pattern.encode("utf-8", "replace"))
    return found if found.Compile() else None


def _within(pattern: str, max_bytes: int) -> "_re2.RE2":
    """Compiled with as little memory as it needs, from `max_bytes` on."""
    compiled = _compiled(pattern, max_bytes)
    while not compiled.ok() and max_bytes < MAX_BYTES:
        max_bytes = min(2 * max_bytes, MAX_BYTES)
        compiled = _compiled(pattern, max_bytes)
    if not compiled.ok():
        raise ValueError(compiled.error().decode("utf-8", "replace"))
    return compiled


def _matches(compiled: "_re2.RE2", raw: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    for _ in range(MOST_SPANS):
        start, end = compiled.Match(_UNANCHORED, raw, at, len(raw))[0]
        if start < 0:
            return
        yield start, end
        at = end
        if start == end:  # go on behind the next character
            at += 1
            while at < len(raw) and raw[at] & _LEADING == _FOLLOWS:
                at += 1
        if at > len(raw):
            return


def _in_code_points(raw: bytes, found: Mapping[int, Spans]) -> dict[int, Spans]:
    places = sorted({place for spans in found.values() for span in spans for place in span})
    counted = {0: 0}
    before = 0
    for place in places:
        counted[place] = counted[before] + len(raw[before:place].decode())
        before = place
    return {number: tuple((counted[a], counted[b]) for a, b in spans) for number, spans in found.items()}
