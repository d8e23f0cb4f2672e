"""What a field of the policy form is, and a group of fields."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# flag: yes or no. share: percent. whole: an integer. number: a decimal. score: 0 to 1, or empty. text: one line.
# lines: one entry a line.
# pairs: "NAME = attribute" a line. hours: seconds, shown as hours.
# choice: one of `choices`; the empty one stands for null. reasons, macros, steps, numbers: see policy_texts.py.
Kind = Literal[
    "flag",
    "share",
    "whole",
    "number",
    "score",
    "text",
    "lines",
    "pairs",
    "hours",
    "expiry",
    "choice",
    "reasons",
    "macros",
    "steps",
    "numbers",
]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with a field: a message with its values, translated where it is shown."""

    message: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PolicyField:
    """`path`: in the policy, and the name in the form. `least` and `most`: in the unit of the form.

    `may_be_empty`: null in the policy.
    """

    path: str
    kind: Kind
    label: str
    hint: str = ""
    least: float = 0
    most: float = 100
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """`state`: a template that says how it stands now, below the fields."""

    title: str
    intro: str
    fields: tuple[PolicyField, ...]
    state: str = ""
