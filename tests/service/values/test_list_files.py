"""Files of words: those of others are understood, hostile ones are refused by line, ours come back as they were."""

from datetime import date
from typing import Any

import pytest
from growth import assert_at_most, assert_linear
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.values.errors import BadRequest
from service.values.list_files import COLUMNS, MAX_LINES, MOST_FAULTS, Duplicate, ListFormat, Remark, read, write
from service.values.lists import ListEntry, merged
from service.values.rules import MAX_LIST_ENTRIES, Match

CSV, DISCOURSE, WORDPRESS, CORAL = ListFormat
TODAY = date(2026, 12, 1)
HEADER = ",".join(COLUMNS) + "\n"


def refused(text: str, form: ListFormat) -> list[str]:
    with pytest.raises(BadRequest) as caught:
        read(text, form)
    error = caught.value
    assert not error.faults or str(error).endswith(error.faults[0].detail)
    return [fault.detail for fault in error.faults]


def test_our_csv_says_all_of_an_entry() -> None:
    text = f'{HEADER}idiot,,,,\n"bad, word",stem,,"why ""so""",2027-01-31\nScunthorpe,,TRUE,,\n'
    assert read(text, CSV).entries == (
        ListEntry("idiot"),
        ListEntry("bad, word", Match.STEM, note='why "so"', until=date(2027, 1, 31)),
        ListEntry("Scunthorpe", is_exception=True),
    )


@pytest.mark.parametrize(
    "text",
    [
        "text\nidiot",
        "Text;Match\r\nidiot;\r\n",
        "\ufefftext,note\n\ufeffidiot,\n",
        'match\ttext\n\t"idiot"\n\n\n',
        "\n\ntext\rIdiot \ridiot\r".replace("Idiot ", "idiot"),
        "text,match,exception\nidiot\n",
        "text|note\nidiot|\n",
        "\n\nText;Note\nidiot;\n",
        'sep=;\r\ntext;note\r\n"idiot";\r\n',
        "text,note,,\nidiot,,,\n",
    ],
)
def test_csv_of_other_programs_is_read_as_well(text: str) -> None:
    assert read(text, CSV).entries == (ListEntry("idiot"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("idiot\n", ["line 1: no header: the first line must name the columns, as in text,match,exception,note,until"]),
        ("text,excepton\n", ["line 1: column 2 is none of text, match, exception, note, until"]),
        ("text,text\n", ["line 1: a column appears twice"]),
        (";;\ntext;note\na;b\n\tc;d;e\n", ["line 4: 3 cells, but the header names 2 columns"]),
        (f"\ntext{',' * 1_000}\na\n", ["line 2: the header has more than 1,000 cells"]),
        ("text,,\na,,\nb,,x\n", ["line 3: a cell in a column that the header does not name"]),
        ("sep=;\ntext;match\na;words\n", ["line 3: match: must be word, part, stem or empty"]),
        (f"{HEADER}a,words,,,\n", ["line 2: match: must be word, part, stem or empty"]),
        (f"{HEADER}a,,maybe,,\n", ["line 2: exception: must be true, false or empty"]),
        (f"{HEADER}a,,,,31.1.2027\n", ["line 2: until: must be a day such as 2027-01-31, or empty"]),
        (f"{HEADER}a,,,,2027-02-30\n", ["line 2: until: must be a day such as 2027-01-31, or empty"]),
        (f"{HEADER}a,,,{'x' * 501},\n", ["line 2: note: longer than 500 characters"]),
        (f"{HEADER}a,,,,,\n", ["line 2: 6 cells, but the header names 5 columns"]),
        (f"{HEADER}a,,,,\n,,,a note,\n", ["line 3: empty"]),
        (
            f'{HEADER}"a\nb",,,,\n{"x" * 201},,,,\n',
            [
                "line 2: a cell goes over several lines, and no entry does: a quote is not closed where its cell ends",
                "line 4: longer than 200 characters",
            ],
        ),
        (
            f"{HEADER}a\x00b,,,,\nc\x1bd\n",
            ["line 2: a control character (U+0000)", "line 3: a control character (U+001B)"],
        ),
        (f"{HEADER}a\n\u200b\u0301\n", ["line 3: nothing that can be seen"]),
        (f"{HEADER}a\nA,,true\n", ["line 3: the same term is an entry and an exception"]),
        ("text\na\ud800\n", ["line 2: a control character (U+D800)"]),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, expected: list[str]) -> None:
    assert refused(text, CSV) == expected


@pytest.mark.parametrize("form", [CSV, DISCOURSE])
def test_a_quote_that_is_not_closed_swallows_nothing(form: ListFormat) -> None:
    text = "text\n" if form is CSV else "one\n"
    for hostile in ('"a\nb\nc\n', '"a"b\nc\n', '"' + "x" * 200_000 + '\n"'):
        (fault,) = refused(f"{text}{hostile}", form)
        assert fault.startswith("line 2: not valid CSV")


@pytest.mark.parametrize("form", ListFormat)
@pytest.mark.parametrize("text", ["", "\ufeff", "\n \r\n\t\n"])
def test_an_empty_file_is_refused(form: ListFormat, text: str) -> None:
    assert refused(text, form) == ["no entries"]


def test_many_faults_are_not_all_told() -> None:
    assert len(refused("\x07\n" * 1000, CORAL)) == MOST_FAULTS
    assert len(refused("text,match\n" + "a,b\n" * 1000, CSV)) == MOST_FAULTS


def test_duplicates_are_left_out_and_named_also_where_only_their_form_differs() -> None:
    found = read("Bad  word\nidiot\n\uff22\uff21\uff24 word\n idiot \nbad\u00a0WORD\n", CORAL)
    assert found.entries == (ListEntry("Bad word"), ListEntry("idiot"))
    assert found.duplicates == (Duplicate(3, 1), Duplicate(4, 2), Duplicate(5, 1))


def test_discourses_wildcards_become_ways_to_match() -> None:
    found = read("idiot\nfool*\n*bad*\n*worse\nf*l\n*\n", DISCOURSE)
    assert found.entries == (
        ListEntry("idiot", Match.WORD),
        ListEntry("fool", Match.STEM),
        ListEntry("bad", Match.PART),
        ListEntry("worse", Match.PART),
    )
    assert found.remarks == (
        Remark(4, 1, "a * only at the beginning: also found inside words now"),
        Remark(5, 2, "left out: a * that is neither at the beginning nor at the end of a word"),
    )


def test_what_a_list_does_not_take_over_of_discourse_is_told_once() -> None:
    text = "word,replacement,tag,action,case\n" + "".join(f"word {n},,,block,\n" for n in range(3))
    found = read(f"{text}darn,d***,,replace,\ncats,,pets,tag,true\nthat,,,what,\n", DISCOURSE)
    assert len(found.entries) == 6
    assert found.remarks == (
        Remark(2, 3, "action block: use the list in a rule with the action reject"),
        Remark(5, 1, "replacement: a list has no replacements"),
        Remark(5, 1, "action replace: no action of a rule does this"),
        Remark(6, 1, "tag: a list has no tags"),
        Remark(6, 1, "case: whether capitals count is said where a policy uses the list"),
        Remark(6, 1, "action tag: no action of a rule does this"),
        Remark(7, 1, "action: not one of Discourse's"),
    )


def test_a_file_as_discourse_writes_it_has_no_header() -> None:
    found = read("word\ndarn,d***,true\n", DISCOURSE)
    assert [entry.text for entry in found.entries] == ["word", "darn"]
    assert [remark.line for remark in found.remarks] == [2, 2]


def test_lines_of_wordpress_are_found_inside_words_and_those_of_coral_as_the_policy_says() -> None:
    text = "press \r\n\r\nbad word\rä, \u2028b\n#tag\n"
    terms = ["press", "bad word", "ä, b", "#tag"]
    assert read(text, WORDPRESS).entries == tuple(ListEntry(term, Match.PART) for term in terms)
    assert read(text, CORAL).entries == tuple(ListEntry(term) for term in terms)


@pytest.mark.parametrize("form", ListFormat)
def test_the_largest_list_is_read_in_linear_time_and_one_entry_more_is_refused_with_its_line(form: ListFormat) -> None:
    begin = "text\n" if form is CSV else ""

    def make(entries: int) -> str:
        return begin + "".join(f"größe {number}\n" for number in range(entries))

    text = make(MAX_LIST_ENTRIES)
    assert len(read(text, form).entries) == MAX_LIST_ENTRIES
    assert_linear(lambda text: read(text, form), make, MAX_LIST_ENTRIES)
    line = MAX_LIST_ENTRIES + 1 + bool(begin)
    assert refused(f"{text}one more\nand more\n", form) == [f"line {line}: more than 50,000 entries"]
    assert len(read(f"{text}GRÖSSE 7\n", form).duplicates) == 1, "a duplicate is not one entry more"


def test_a_file_of_the_worst_kind_is_read_in_linear_time() -> None:
    assert refused("\ufdfa" * 5_000_000, CORAL) == ["line 1: longer than 200 characters"]
    assert len(refused(" " * 5_000_000 + "\x07", CORAL)) == 1
    assert refused("\n" * 1_000_000, WORDPRESS) == ["no entries"]
    assert read("\ufdfa" * 200 + "\n", CORAL).entries
    assert len(read("a,\n" * MAX_LINES, DISCOURSE).duplicates) == MAX_LINES - 1
    assert refused("a\n" * (MAX_LINES + 1), CORAL) == ["line 100001: more than 100,000 lines with an entry"]
    assert_linear(lambda text: refused(text, CORAL), lambda size: "\ufdfa" * size, 5_000_000)
    assert_linear(lambda text: refused(text, CORAL), lambda size: " " * size + "\x07", 5_000_000)
    assert_linear(lambda text: refused(text, DISCOURSE), lambda size: '"' * size, 5_000_000)
    assert_linear(lambda text: refused(text, WORDPRESS), lambda size: "\n" * size, 1_000_000)
    assert_linear(lambda text: read(text, DISCOURSE), lambda lines: "a,\n" * lines, MAX_LINES)


def test_empty_columns_of_the_header_cost_nothing_for_each_row() -> None:
    rows = "\n" + "".join(f"a{number}\n" for number in range(2_000))
    wide, narrow = "text" + "," * 999 + rows, "text" + rows
    assert read(wide, CSV).entries == read(narrow, CSV).entries
    assert_at_most(2, lambda: read(wide, CSV), lambda: read(narrow, CSV))


slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
texts = st.text(st.characters(codec="utf-8"), max_size=30)
entries = st.builds(
    ListEntry,
    texts | st.sampled_from(["=1+1", "'=x", "''-a", "@x", "a*b", '"', "text", "word", ",", ";", "idiot"]),
    st.none() | st.sampled_from(Match),
    st.booleans(),
    note=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20).map(
        lambda note: " ".join(note.split())
    ),
    until=st.none() | st.dates(),
)
lists = st.lists(entries, max_size=8).map(lambda given: merged(given).entries).filter(bool)


@slow
@given(lists)
def test_our_csv_comes_back_as_it_was(given: Any) -> None:
    written = write(given, CSV, TODAY)
    assert (read(written.text, CSV).entries, written.left_out) == (given, 0)


@slow
@given(lists)
def test_what_others_formats_can_express_comes_back_as_it_was(given: Any) -> None:
    plain = [each for each in given if not each.is_exception and (each.until is None or each.until >= TODAY)]
    for form, expected in (
        (DISCOURSE, [ListEntry(e.text, e.match or Match.WORD) for e in plain if "*" not in e.text]),
        (WORDPRESS, [ListEntry(each.text, Match.PART) for each in plain]),
        (CORAL, [ListEntry(each.text) for each in plain]),
    ):
        written = write(given, form, TODAY)
        assert written.left_out == len(given) - len(expected)
        if expected:
            assert read(written.text, form).entries == tuple(expected)


def test_a_spreadsheet_runs_no_cell_of_an_export() -> None:
    given = (ListEntry("=HYPERLINK(1)", note="@sum"), ListEntry("'+1"))
    text = write(given, CSV, TODAY).text
    assert text.splitlines()[1:] == ["'=HYPERLINK(1),,,'@sum,", "''+1,,,,"]
    assert read(text, CSV).entries == given


@slow
@given(st.text(max_size=100), st.sampled_from(ListFormat))
def test_any_text_is_read_or_refused(text: str, form: ListFormat) -> None:
    try:
        found = read(text, form)
    except BadRequest:
        return
    assert merged(found.entries).entries == found.entries
