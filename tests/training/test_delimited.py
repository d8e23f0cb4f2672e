"""CSV and TSV of other software: stray quotes are reported, and other encodings and delimiters are read."""

import bz2
import codecs
import csv
import gzip
import io
import lzma
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.delimited import Delimited
from training.errors import DataUnusable
from training.text_files import FileOptions

# Texts whose lines begin or end with numbers, or with what stands in the columns beside.
MULTILINE = [
    ('id,text\n1,"Hello,\nmy friend\n\n2 days ago"\n2,"a ""quoted"" word"\n', "1", "Hello,\nmy friend\n\n2 days ago"),
    ('text,toxicity\n"a ""quoted"" one\nover two lines",0\nb,1\n', 'a "quoted" one\nover two lines', "0"),
    ('text,a,b\n"one\ntwo, three",0,\nb,1,0\n', "one\ntwo, three", "0"),
    (
        'id,text,label\n184467,"I have\n2,000 reasons, or 3,000\nto go",1\n184468,b,0\n',
        "184467",
        "I have\n2,000 reasons, or 3,000\nto go",
    ),
    ('user,text\nAnn,"Well,\nBob, I disagree\nSo, there"\nBob,b\n', "Ann", "Well,\nBob, I disagree\nSo, there"),
]


def written(folder: Path, content: str | bytes, name: str = "in.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(path: Path, **reading: object) -> list[list[str]]:
    return list(Delimited(path, "\t" if path.suffix == ".tsv" else ",", FileOptions(**reading)))  # type: ignore[arg-type]


SWALLOWING = [
    # A quote that is never closed, in the first row, in the middle, in the last.
    ('id,text\n1,"I never closed\n2,You are a fool\n3,ok\n', 1, ['"I never closed', "You are a fool", "ok"]),
    ('id,text\n1,ok\n2,"open\n3,You are a fool', 2, ["ok", '"open', "You are a fool"]),
    ('id,text\n1,ok\n2,fool\n3,"open\n', 3, ["ok", "fool", '"open']),
    # Closed by the quote that opens a good cell further down.
    ('id,text\n1,"open\n2,You are a fool\n3,"good"\n', 1, ['"open', "You are a fool", "good"]),
    # Text behind what looks like the end of the cell.
    ('id,text\n1,"No" he said\n2,You are a fool\n', 1, ['"No" he said', "You are a fool"]),
    ('id,text\n1,"He said \\"no\\"\n2,You are a fool\n', 1, ['"He said \\"no\\"', "You are a fool"]),
    # Two stray quotes that make a cell together: only the lines between them show it.
    ('id,text\n1,"open\n2,You are a fool\n3,close"\n4,ok\n', 1, ['"open', "You are a fool", 'close"', "ok"]),
    ('id,text\na-1,ok\na-2,"open\na-3,close"\n', 2, ["ok", '"open', 'close"']),
    (
        'text,label\nok,spam\nok,ham\n"open,ham\nYou are a fool,spam\nclose",ham\n',
        3,
        ["ok", "ok", '"open', "You are a fool", 'close"'],
    ),
]


# Beside columns that say little, and in the first rows.
SWALLOWING += [
    (
        'id,author,text\n1,ann,"open\n2,bob,You are a fool\n3,carl,TV is 50"\n',
        1,
        ['"open', "You are a fool", 'TV is 50"'],
    ),
    ('text,toxicity,author\n"open,0,ann\nYou fool,1,bob\nTV 50",0,carl\n', 1, ['"open', "You fool", 'TV 50"']),
    ('text,label\n"open,toxic\nYou are a fool,ok\nTV 50",toxic\n', 1, ['"open', "You are a fool", 'TV 50"']),
]
IDS = (
    ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "9c858901-8a57-4791-81fe-4c455b099bc9"),
    ("507f1f77bcf86cd799439011", "66a1b2c3d4e5f60718293a4b"),
    ("V1StGXR8_Z5jdHi6B-myT", "kQz4Nw_pRb7Lx-TfYc2Hs"),
    ("dQw4w9WgXcQ", "kffacxfA7G4"),
    ("ann@news.example", "bob.x@mail.example"),
    ("https://news.example/politics/" + "a" * 60, "https://news.example/sports/" + "b" * 70),
    ("2024-01-02 03:04:05", "2024-01-02 13:14:15"),
)
SWALLOWING += [(f'id,text\n{a},ok\n{b},"open\n{a},close"\n', 2, ["ok", '"open', 'close"']) for a, b in IDS]


@pytest.mark.parametrize(("content", "row", "texts"), SWALLOWING)
@pytest.mark.parametrize("name", ["in.csv", "in.tsv"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_stray_quote_swallows_no_row(
    tmp_path: Path, content: str, row: int, texts: list[str], name: str, end: str
) -> None:
    mark = "," if name == "in.csv" else "\t"
    path = written(tmp_path, content.replace(",", mark).replace("\n", end), name)
    with pytest.raises(DataUnusable, match=rf"in\.[ct]sv: row {row} \(line {row + 1}\): .*--lenient"):
        rows(path)
    said: list[str] = []
    found = rows(path, lenient=True, warn=said.append)
    at = content.partition("\n")[0].split(",").index("text")
    assert [each[at] for each in found] == texts
    assert any("read line by line" in each for each in said)


@pytest.mark.parametrize(("content", "first", "second"), MULTILINE)
def test_texts_over_several_lines_are_read_as_they_are(tmp_path: Path, content: str, first: str, second: str) -> None:
    path = written(tmp_path, content)
    found = rows(path)
    assert found[0][:2] == [first, second]
    assert len(found) == 2
    assert rows(path, lenient=True) == found


def test_blank_lines_of_a_single_column_are_counted(tmp_path: Path) -> None:
    said: list[str] = []
    path = written(tmp_path, "text\nhello\n\n\nYou are a fool\n\n")
    assert rows(path, warn=said.append) == [["hello"], ["You are a fool"]]
    assert said == [f"{path}: skipped blank lines between rows: 2"]


def test_a_person_may_say_that_a_text_holds_lines_like_rows(tmp_path: Path) -> None:
    path = written(tmp_path, 'id,text\n1,"my list:\n2,two\n3,three"\n4,ok\n')
    with pytest.raises(DataUnusable, match=r"row 1 \(line 2\): .*--multiline"):
        rows(path)
    assert rows(path, multiline=True) == [["1", "my list:\n2,two\n3,three"], ["4", "ok"]]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12) | st.sampled_from(
    ['"', '""', ",", "\n", "\r\n", 'a "b" c', '"a', 'b"', "1,x\n2,y", ""]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3).filter(any), max_size=8))
def test_what_a_writer_of_csv_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]]
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["a", "b", "c"], *table])
    path = written(tmp_path_factory.mktemp("csv"), out.getvalue())
    assert rows(path, multiline=True) == table


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["ok", "you fool", '"', '"a', 'b"', '"c"', '"d" e', "f, g", ""]), max_size=12))
def test_read_leniently_there_are_as_many_rows_as_lines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    lines = [f"{number}\t{text}\n" for number, text in enumerate(texts)]
    path = written(tmp_path_factory.mktemp("tsv"), "id\ttext\n" + "".join(lines), "in.tsv")
    assert [row[0] for row in rows(path, lenient=True)] == [str(number) for number in range(len(texts))]


def test_a_row_with_another_number_of_columns_is_named_or_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, "id,text\n1,ok\n2,Well, I disagree\n3,fool\n")
    with pytest.raises(DataUnusable, match=r"row 2 \(line 3\) has 3 columns where the header has 2"):
        rows(path)
    said: list[str] = []
    assert rows(path, lenient=True, warn=said.append) == [["1", "ok"], ["3", "fool"]]
    assert said == [f"{path}: skipped rows with another number of columns: 1"]


def test_empty_cells_behind_the_last_column_are_nothing(tmp_path: Path) -> None:
    assert rows(written(tmp_path, "id,text\n1,ok,,\n\n2,fool,\n")) == [["1", "ok"], ["2", "fool"]]


TABLE = "id,text\n1,naïve “café”\n2,You are a fool\n"
EXPECTED = [["1", "naïve “café”"], ["2", "You are a fool"]]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_unicode_is_told_by_the_first_bytes(tmp_path: Path, encoding: str) -> None:
    assert rows(written(tmp_path, TABLE.encode(encoding))) == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told_whatever_the_texts_are(tmp_path: Path, encoding: str) -> None:
    cyrillic = "\u0456\u0434\u0438 \u0434\u043e\u0434\u043e\u043c\u0443 " * 200
    assert rows(written(tmp_path, f"id,text\n1,{cyrillic}\n".encode(encoding))) == [["1", cyrillic]]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_unicode_without_a_mark_is_told_whatever_the_first_column_is_called(tmp_path: Path, encoding: str) -> None:
    found = Delimited(written(tmp_path, "імʼя,text\n1,дурень\u3000\n".encode(encoding)), ",", FileOptions())
    assert (found.names, list(found)) == (["імʼя", "text"], [["1", "дурень\u3000"]])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("header", "row"),
    [
        (["id", "text"], ["1", "你是个大傻瓜" * 30]),
        (["text"], ["คุณโง่มาก" * 30]),
        (["id", "text", "url"], ["1", "おまえはばかだ" * 30, ""]),
        (["编号", "文本"], ["一", "你是个傻瓜" * 40]),
        (["上", "文本"], ["1", "你是个傻瓜"]),  # U+4E0A has the byte of a line end
        (["текст"], ["дурень" * 40]),
        (["编号", "文本"], ["1", "一\u3000" * 400]),
    ],
)
def test_utf_16_without_a_mark_is_told_by_few_separators(
    tmp_path: Path, encoding: str, header: list[str], row: list[str]
) -> None:
    content = f"{','.join(header)}\n{','.join(row)}"
    found = Delimited(written(tmp_path, content.encode(encoding)), ",", FileOptions())
    assert (found.names, list(found)) == (header, [row])


@pytest.mark.parametrize("encoding", ["utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("said", [None, "utf-32", "UTF32"])
def test_utf_32_may_have_an_emoji_and_no_mark(tmp_path: Path, encoding: str, said: str | None) -> None:
    assert rows(written(tmp_path, "id,text\n1,🙂\n".encode(encoding)), encoding=said) == [["1", "🙂"]]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_whose_every_other_character_is_a_tab_or_a_line_end_is_not_utf_32(tmp_path: Path, encoding: str) -> None:
    assert rows(written(tmp_path, "a\tb\n1\t2\n".encode(encoding), "in.tsv")) == [["1", "2"]]


@pytest.mark.parametrize(
    "cells", [["a\0b", "c\0d"], ["a\0" * 30], ["\0a", "b\0" * 9, "\0" * 99], ["a\0", "bc\0"], ["a\0"], ["bc\0"]]
)
def test_a_text_with_zero_bytes_stays_utf_8(tmp_path: Path, cells: list[str]) -> None:
    table = [[str(number), cell] for number, cell in enumerate(cells, 1)]
    assert rows(written(tmp_path, "id,text\n" + "".join(f"{number},{cell}\n" for number, cell in table))) == table


def test_a_header_with_zero_bytes_stays_utf_8(tmp_path: Path) -> None:
    assert rows(written(tmp_path, "id,te\0xt\n1,a\n")) == [["1", "a"]]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told_if_there_is_only_a_header(tmp_path: Path, encoding: str) -> None:
    assert Delimited(written(tmp_path, "имя,текст".encode(encoding)), ",", FileOptions()).names == ["имя", "текст"]


def test_a_wrong_guess_can_be_corrected(tmp_path: Path) -> None:
    path = written(tmp_path, b"i\0d\0,text\n1,ab\xd8\xd8\n")
    with pytest.raises(DataUnusable, match="cut off, or has another encoding; name that with --encoding"):
        rows(path)
    assert rows(path, encoding="cp1252") == [["1", "abØØ"]]


@pytest.mark.parametrize("said", ["utf-16", "utf-16-le", "UTF16"])
@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, b""])
def test_utf_16_may_be_said_with_and_without_a_mark(tmp_path: Path, said: str, mark: bytes) -> None:
    assert rows(written(tmp_path, mark + TABLE.encode("utf-16-le")), encoding=said) == EXPECTED


@pytest.mark.parametrize(
    ("content", "said", "shown"),
    [
        (TABLE.encode("utf-8-sig"), "cp1252", "UTF-8"),
        (codecs.BOM_UTF16_LE + TABLE.encode("utf-16-le"), "utf-16-be", "UTF-16-LE"),
        (codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be"), "UTF-16LE", "UTF-16-BE"),
        (codecs.BOM_UTF32_BE + TABLE.encode("utf-32-be"), "utf-16", "UTF-32-BE"),
    ],
)
def test_a_mark_that_contradicts_what_was_said_is_refused(
    tmp_path: Path, content: bytes, said: str, shown: str
) -> None:
    with pytest.raises(DataUnusable, match=f"the byte order mark of {shown}; leave out --encoding"):
        rows(written(tmp_path, content), encoding=said)


@pytest.mark.parametrize(
    ("content", "line"), [(TABLE.encode("utf-16")[:-1], 3), ("id,text\n1,a".encode("utf-16-le") + b"\1\xd8\n\0", 2)]
)
def test_the_line_where_utf_16_is_damaged_is_named(tmp_path: Path, content: bytes, line: int) -> None:
    with pytest.raises(DataUnusable, match=f"line {line} is not UTF-16.*; the file may be damaged or cut off"):
        rows(written(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(TABLE.encode(), mtime=0), "compressed with gzip"),
        (bz2.compress(TABLE.encode()), "compressed with bzip2"),
        (bz2.compress(TABLE.encode(), 1), "compressed with bzip2"),
        (lzma.compress(TABLE.encode()), "compressed with xz"),
        (b"PK\x03\x04\x14\x00\x06\x00", "a ZIP archive or a spreadsheet"),
        (b"PAR1\x15\x04\x15", "its name must end in .parquet"),
    ],
)
@pytest.mark.parametrize("encoding", [None, "cp1252"])
def test_a_file_that_is_no_text_is_called_what_it_is(
    tmp_path: Path, content: bytes, said: str, encoding: str | None
) -> None:
    with pytest.raises(DataUnusable, match=said):
        rows(written(tmp_path, content), encoding=encoding)


def test_what_is_not_in_the_encoding_that_was_said_is_not_cured_by_it(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="line 2 is not CP1252; name another encoding with --encoding"):
        rows(written(tmp_path, b"id,text\n1,\x81\n"), encoding="cp1252")


@pytest.mark.parametrize("said", ["UTF-16LE", "utf_16_le", "utf-16"])
def test_a_file_that_is_cut_off_is_called_so_however_its_encoding_is_spelled(tmp_path: Path, said: str) -> None:
    with pytest.raises(DataUnusable, match="line 3 is not UTF-16-LE; the file may be damaged or cut off"):
        rows(written(tmp_path, TABLE.encode("utf-16-le")[:-1]), encoding=said)


@pytest.mark.parametrize("said", ["utf8", "UTF-8-SIG", "U8"])
def test_another_encoding_than_utf_8_is_told_however_that_is_spelled(tmp_path: Path, said: str) -> None:
    with pytest.raises(DataUnusable, match=r"line 2 is not UTF-8; .*--encoding cp1252"):
        rows(written(tmp_path, TABLE.encode("cp1252")), encoding=said)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "utf-16-be"])
def test_a_replacement_character_is_not_taken_for_damage(tmp_path: Path, encoding: str) -> None:
    content = "id,text\n1,\ufffd\n2,ok\n3,".encode(encoding)
    with pytest.raises(DataUnusable, match="line 4 is not UTF"):
        rows(written(tmp_path, content + b"\xd8"))


def test_lines_are_counted_whatever_ends_them(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match="line 3 is not UTF-8"):
        rows(written(tmp_path, b"id,text\r1,a\r2,\xe9\r"))


def test_a_big_endian_mark_is_known(tmp_path: Path) -> None:
    assert rows(written(tmp_path, codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be"))) == EXPECTED


def test_another_encoding_is_refused_with_line_and_cure_and_read_when_said(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.encode("cp1252"))
    with pytest.raises(DataUnusable, match=r"in\.csv: line 2 is not UTF-8; .*--encoding cp1252"):
        rows(path)
    assert rows(path, encoding="cp1252") == EXPECTED


def test_the_line_that_is_not_utf_8_is_named_however_far_down_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, b"id,text\n" + b"1,plain\n" * 50_000 + "2,café\n".encode("latin-1"))
    with pytest.raises(DataUnusable, match="line 50002 is not UTF-8"):
        rows(path)


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_another_delimiter_is_told_by_the_header(tmp_path: Path, mark: str) -> None:
    content = f'id{mark}text\n1{mark}"a{mark}b, c"\n2{mark}You are a fool, really\n'
    assert rows(written(tmp_path, content)) == [["1", f"a{mark}b, c"], ["2", "You are a fool, really"]]


@pytest.mark.parametrize("head", ["\n\n", "\r\n", "sep=|\n\n"])
def test_another_delimiter_is_told_by_the_header_behind_blank_lines(tmp_path: Path, head: str) -> None:
    mark = "|" if "|" in head else ";"
    found = Delimited(written(tmp_path, f"{head}id{mark}text\n1{mark}a\n"), ",", FileOptions())
    assert (found.names, list(found)) == (["id", "text"], [["1", "a"]])


@pytest.mark.parametrize("head", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "sep=;\r"])
def test_excels_own_line_about_the_delimiter_is_obeyed(tmp_path: Path, head: str) -> None:
    found = Delimited(written(tmp_path, f"{head}id;text, raw\n1;a, b\n"), ",", FileOptions())
    assert (found.names, list(found)) == (["id", "text, raw"], [["1", "a, b"]])


def test_a_delimiter_that_was_said_is_used(tmp_path: Path) -> None:
    assert rows(written(tmp_path, "id~text, raw\n1~a, b\n"), delimiter="~") == [["1", "a, b"]]


def test_a_file_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    found = Delimited(written(tmp_path, "id,text\n"), ",", FileOptions())
    assert (found.names, list(found)) == (["id", "text"], [])


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_without_a_header_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataUnusable, match="is empty"):
        rows(written(tmp_path, content))


def test_a_cell_that_is_too_long_is_called_so_and_can_be_read_all_the_same(tmp_path: Path) -> None:
    path = written(tmp_path, "id,text\n1," + "x" * 1_100_000 + "\n2,ok\n")
    with pytest.raises(DataUnusable, match=r"row 1 \(line 2\): a cell has more than 1,048,576 characters"):
        rows(path)
    assert [len(text) for _, text in rows(path, lenient=True)] == [1_100_000, 2]
