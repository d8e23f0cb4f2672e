"""The audit trail outside Redis: hash-chained lines in append-only files, one folder for each site (docs/audit.md)."""

from service.trail.chain import START, Entry
from service.trail.check import Check, Finding
from service.trail.files import Trail, entries, locked, sites
from service.trail.outcomes import CommentOutcome, Outcomes, StandingStatus, outcomes
from service.trail.pruning import Removed, prune, removed
from service.trail.table import as_csv

__all__ = [
    "START",
    "Check",
    "CommentOutcome",
    "Entry",
    "Finding",
    "Outcomes",
    "Removed",
    "StandingStatus",
    "Trail",
    "as_csv",
    "entries",
    "locked",
    "outcomes",
    "prune",
    "removed",
    "sites",
]
