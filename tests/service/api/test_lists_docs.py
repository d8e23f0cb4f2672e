"""docs/rules.md says of lists what the code does."""

import re
from pathlib import Path

from service.api.lists import MAX_LIST_BYTES
from service.cases import list_trial
from service.store.lists import DELETED_S, KEPT_VERSIONS, MAX_LISTS
from service.values.list_files import COLUMNS, MOST_FAULTS, ListFormat
from service.values.lists import MAX_TERM, SHARED
from service.values.rules import MAX_LIST_ENTRIES, ListUse

PAGE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text()
LISTS = " ".join(PAGE.split("\n## Lists\n")[1].split("\n## ")[0].split())


def test_the_page_lists_each_format() -> None:
    table = PAGE.split("\n## Lists\n")[1].split("| `format` |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(ListFormat)
    assert f"`{','.join(COLUMNS)}`" in table


def test_the_page_says_the_limits() -> None:
    for said in (
        f"up to {MAX_LIST_ENTRIES:,} terms",
        f"A site has up to {MAX_LISTS}.",
        f"up to {MAX_TERM} characters",
        f"each faulty line, up to {MOST_FAULTS}.",
        f"at most {MAX_LIST_BYTES // 2**20} MiB",
        f"the last {list_trial.LAST:,} comments",
        f"more than {list_trial.MANY * 100:g} % of them",
        f"The last {KEPT_VERSIONS} versions are kept",
        f"restored for {DELETED_S // 86_400} days",
        f"begins with `{SHARED}`",
    ):
        assert said in LISTS, said


def test_the_page_says_how_lists_are_matched_by_default() -> None:
    use = ListUse()
    said = f'"match": "{use.match}", "unmask": {str(use.unmask).lower()}, "case": {str(use.case).lower()}'
    assert said in LISTS
