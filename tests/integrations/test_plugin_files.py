"""The files of our WordPress plugin, as far as they can be checked without WordPress."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

sys.path.insert(0, str(Path(__file__).parents[2] / "integrations" / "wordpress"))

import translations
from translations import PLUGIN

CATALOGS = sorted((PLUGIN / "languages").glob("*.po"))
PHP = sorted(PLUGIN.rglob("*.php"))


def test_there_is_a_catalog_for_each_language() -> None:
    assert [path.stem for path in CATALOGS] == ["comment-steward-de_DE", "comment-steward-uk"]


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_each_catalog_has_all_texts_and_is_compiled(path: Path) -> None:
    with path.open("rb") as file:
        catalog = read_po(file)
    told = {message.id: message.string for message in catalog if message.id}
    assert told.keys() == translations.messages().keys()
    for text, said in told.items():
        assert said, text
        assert sorted(re.findall(r"%(?:\d\$)?[sd]", text)) == sorted(re.findall(r"%(?:\d\$)?[sd]", said)), text
    assert path.with_suffix(".mo").read_bytes() == translations.compiled(path), (
        "run integrations/wordpress/translations.py"
    )


def test_the_template_is_current() -> None:
    template = (PLUGIN / "languages" / "comment-steward.pot").read_bytes()
    assert template == translations.template(), "run integrations/wordpress/translations.py"


def test_the_plugin_has_its_own_license_and_names_it() -> None:
    license_text = (PLUGIN / "LICENSE").read_text()
    assert "GNU GENERAL PUBLIC LICENSE" in license_text
    assert "Version 2, June 1991" in license_text
    head = (PLUGIN / "comment-steward.php").read_text()
    assert "License: GPL-2.0-or-later" in head
    (version,) = re.findall(r" Version: (\S+)", head)
    assert re.search(rf"const VERSION = '{version}';", re.sub(" +", " ", head))
    assert f"Stable tag: {version}" in (PLUGIN / "readme.txt").read_text()


@pytest.mark.parametrize("path", PHP, ids=lambda path: path.name)
def test_no_file_needs_a_newer_php_than_7_4(path: Path) -> None:
    """Looks for syntax that came with PHP 8: there is no PHP 7.4 here to ask."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*|'(?:[^'\\]|\\.)*'", "", path.read_text(), flags=re.DOTALL)
    newer = [r"\?->", r"\bmatch\s*\(", r"\benum\s+\w", r"\breadonly\b", r"#\[", r"\b(?:str_contains|str_starts_with)\b"]
    assert [pattern for pattern in newer if re.search(pattern, text)] == []
    assert re.search(r"defined\( '(?:ABSPATH|WP_UNINSTALL_PLUGIN)' \) \|\| exit", path.read_text()), "no direct calls"


@pytest.mark.skipif(shutil.which("php") is None, reason="there is no PHP here")
@pytest.mark.parametrize("path", PHP, ids=lambda path: path.name)
def test_php_reads_each_file(path: Path) -> None:
    done = subprocess.run(["php", "-l", path], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


READ = """define('ABSPATH', '/');
function wp_strip_all_tags($text) { return trim(strip_tags($text)); }
require $argv[1];
foreach (json_decode(stream_get_contents(STDIN)) as $text) {
    $started = microtime(true);
    $read[] = [CommentSteward\\Text::of($text), microtime(true) - $started];
}
echo json_encode($read);"""
LINKS = {
    "See <a href='https://a.example/x?y=1&amp;z'>this <b>page</b></a>.": "See this page https://a.example/x?y=1&z .",
    '<A title="a" HREF = "https://a.example" rel=ugc>one</A><a href=b>two</a >': "one https://a.example two b",
    "open <a href=https://a.example>to the end": "open to the end https://a.example",
    "<a href=a>one <a href=b>two</a></a>": "one  a two b",
    "<a name=x>no link</a> <a href>none</a> 2 < 3": "no link none 2 < 3",
}
OPEN = ("<a href=x>", "<a ", "<a href=", "<a href=x ", "</a", "<p ", "<p>", "</a>", "href=")


@pytest.mark.skipif(shutil.which("php") is None, reason="there is no PHP here")
def test_the_text_of_a_comment_has_the_addresses_of_its_links_and_is_read_in_a_moment() -> None:
    texts = [*LINKS, *(each * (65_000 // len(each)) for each in OPEN)]
    command = ["php", "-n", "-r", READ, "--", str(PLUGIN / "includes" / "text.php")]
    said = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=120)
    read = json.loads(said.stdout)
    assert [text for text, _ in read[: len(LINKS)]] == [*LINKS.values()]
    assert max(took_s for _, took_s in read) < 2, "with all texts to the end it took 40 s"
