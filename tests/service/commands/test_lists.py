"""steward lists, beside a running Redis."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.commands.lists import lists
from service.settings import Settings
from service.store import open_store
from service.values.domain import Action, Comment, Judgement, Reason

FILE = "text,match,exception,note,until\r\nidiot,,,,\r\nfool,stem,,why,2030-01-31\r\nfoolproof,,true,,\r\n"


@pytest.fixture
def command(redis_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("STEWARD_REDIS_URL", redis_server.url)
    monkeypatch.setenv("STEWARD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str, said: str | bytes = "", site: str = "daily") -> Result:
        return CliRunner().invoke(lists, [*arguments, "--site", site], input=said)

    return command


def lines(done: Result) -> list[str]:
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def test_a_list_is_imported_listed_and_exported_as_it_was(command: Any, tmp_path: Path, redis_server: Any) -> None:
    said = lines(command("import", "house-words", "-", said=FILE))
    assert said[:4] == ["house-words: version 1", "added: 3 (idiot, fool, foolproof)", "changed: 0", "removed: 0"]
    assert "house-words" in command("list").stdout
    assert command("list", site="weekly").stdout == "", "another site has none"
    (listed,) = json.loads(command("list", "--json").stdout)
    assert (listed["name"], listed["version"], listed["entries"]) == ("house-words", 1, 3)
    assert command("export", "house-words").stdout_bytes.decode() == FILE
    assert lines(command("export", "house-words", "-o", str(tmp_path / "out.csv"))) == []
    assert (tmp_path / "out.csv").read_bytes().decode() == FILE
    done = command("export", "house-words", "--format", "discourse")
    assert (lines(done), done.stderr) == (["idiot", "fool*"], "1 of 3 entries are left out\n")
    with redis_server.client() as client:
        ((_, entry),) = client.xrange("cm:{daily}:audit")
        assert (entry["action"], entry["actor"], entry["list"]) == ("list_changed", "command line", "house-words@1")


def test_a_dry_run_says_what_would_change_and_changes_nothing(command: Any) -> None:
    lines(command("import", "house-words", "-", "--format", "coral", said="idiot\nfool\n"))
    said = lines(
        command("import", "house-words", "-", "--format", "wordpress", "--dry-run", said="idiot\n--\nnew\nNEW\n")
    )
    assert said == [
        "house-words: nothing is changed yet",
        "added: 2 (--, new)",
        "changed: 1 (idiot)",
        "removed: 1 (fool)",
        "unchanged: 0",
        "duplicates: 1 (line 4 is line 3)",
        "never found: --",
        "0 new entries are found in the last 0 comments",
    ]
    assert lines(command("export", "house-words", "--format", "coral")) == ["idiot", "fool"]


def test_what_is_not_taken_over_is_told_with_its_line(command: Any) -> None:
    said = lines(command("import", "words", "-", "--format", "discourse", said="a,b\nf*l\nc,d\ng*\n"))
    assert "line 1 and 1 more: replacement: a list has no replacements" in said
    assert "line 2: left out: a * that is neither at the beginning nor at the end of a word" in said


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("words", "idiot\n", ["line 1: no header"]),
        ("words", "text,match\nidiot,all\nfool,none\n", ["line 2: match", "line 3: match"]),
        ("words", b"text\na\n\xff\n", ["line 3: not UTF-8"]),
        ("words", "text\n", ["no entries"]),
        ("Words", "text\nidiot\n", ["name of a list"]),
    ],
)
def test_what_cannot_be_imported_is_refused(command: Any, name: str, said: str | bytes, expected: list[str]) -> None:
    done = command("import", name, "-", said=said)
    assert done.exit_code == 1
    for each in expected:
        assert each in done.stderr
    assert "Traceback" not in done.output
    assert command("export", name).exit_code == 1


def test_a_text_is_tested_as_rules_read_it(command: Any) -> None:
    lines(command("import", "words", "-", said=FILE))
    said = "So f.o-o.l.i.s.h of an IDIOT, and foolproof"
    assert lines(command("test", "words", said)) == ["fool\tf.o-o.l\t3-10", "idiot\tIDIOT\t23-28"]
    assert command("test", "words", "hello").exit_code == 1
    assert "no list" in command("test", "none", "hello").stderr


async def submitted(url: str, tmp_path: Path, *texts: str) -> None:
    judgement = Judgement(Action.APPROVE, {"toxicity": 0.1}, (Reason("r", "toxicity", 0.1),), "m-1", "default@1")
    async with open_store(Settings(redis_url=url, data_dir=tmp_path, store_timeout_s=30), url) as store:
        for number, text in enumerate(texts):
            comment = Comment(text)
            await store.comments.submit("daily", f"c-{number}", comment, judgement, urgency=None, actor="site-key")


def test_an_entry_that_is_found_in_many_comments_takes_a_confirmation(
    command: Any, redis_server: Any, tmp_path: Path
) -> None:
    asyncio.run(submitted(redis_server.url, tmp_path, "hello", "hello idiot", "nice"))
    given = ("import", "words", "-", "--format", "coral")
    told = lines(command(*given, "--dry-run", said="hello\nidiot\n"))
    assert told[-4:] == [
        "2 new entries are found in the last 3 comments",
        "  hello: 2, as in c-1",
        "  idiot: 1, as in c-1",
        "in more than 1 % of the comments, so that they take --confirm: 1",
    ]
    done = command(*given, said="hello\nidiot\n")
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "Error: of 3 comments so many have a new entry:",
        "hello: 2",
        "nothing was changed; --confirm takes these entries",
    ]
    assert lines(command(*given, "--confirm", said="hello\nidiot\n"))[0] == "words: version 1"


def test_a_site_has_a_plain_name(command: Any) -> None:
    for arguments in (("list",), ("export", "words"), ("test", "words", "text")):
        assert command(*arguments, site="Daily!").exit_code == 2


def test_without_redis_it_says_so(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_REDIS_URL", "unix:///nowhere")
    done = command("list")
    assert done.exit_code == 1
    assert "Redis cannot be reached" in done.stderr
