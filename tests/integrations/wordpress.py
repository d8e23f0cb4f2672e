"""A real WordPress from Debian's package, with MariaDB and PHP's own server, for the tests in this folder."""

import contextlib
import html
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from ports import free_port

ADMIN, PASSWORD = "chief", "correct horse battery staple"
READY_S = 180  # beside other work
# Debian's tree, unpacked by `make integrations`; links to packages that are not needed here lead nowhere.
SOURCE = Path(os.environ.get("STEWARD_WORDPRESS", ""))
_WORKERS = "4"
# Compiled code in files: else each call compiles WordPress anew, which is most of its time. Where PHP lacks OPcache,
# nothing changes.
_CACHED = {"enable_cli": "1", "file_cache_only": "1", "revalidate_freq": "0"}

CONFIG = """<?php
define('DB_NAME', 'wordpress');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{socket}');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('WP_HOME', '{url}');
define('WP_SITEURL', '{url}');
define('WP_HTTP_BLOCK_EXTERNAL', true); // no update checks; the hosts of the tests are named below
define('WP_ACCESSIBLE_HOSTS', '127.0.0.1,localhost,rest.akismet.com,*.rest.akismet.com');
define('AUTOMATIC_UPDATER_DISABLED', true);
define('DISABLE_WP_CRON', true); // the tests run it when they need it
define('WP_DEBUG', true);
define('WP_DEBUG_LOG', '{folder}/php.log');
define('WP_DEBUG_DISPLAY', false);
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $name) {{
    define($name . '_KEY', "key of the tests $name");
    define($name . '_SALT', "salt of the tests $name");
}}
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""
# Readers of the tests write faster than people.
NO_FLOOD = """<?php
add_filter('wp_is_comment_flood', '__return_false', 99);
add_filter('pre_wp_mail', '__return_true');
"""


class WordPress:
    def __init__(self, folder: Path, source: Path = SOURCE) -> None:
        self.folder = folder
        self.tree = folder / "site"
        self.socket = folder / "db.sock"
        self.compiled = folder / "compiled"
        self.url = f"http://127.0.0.1:{free_port()}"
        self._source = source
        self._running = contextlib.ExitStack()

    def start(self) -> None:
        self._lay_out()
        self._start_database()
        self._start_php()
        self._install()
        self.browser = self.signed_in()

    def stop(self) -> None:
        self._running.close()

    def _lay_out(self) -> None:
        shutil.copytree(self._source, self.tree, ignore=_dangling, ignore_dangling_symlinks=True)
        for name in ("wp-config.php", ".htaccess"):
            (self.tree / name).unlink(missing_ok=True)
        made = CONFIG.format(socket=self.socket, url=self.url, folder=self.folder)
        (self.tree / "wp-config.php").write_text(made)
        theme = self.tree / "wp-content" / "themes" / "plain"  # Debian ships the themes in packages of their own
        theme.mkdir(parents=True)
        self.compiled.mkdir()
        (theme / "style.css").write_text("/*\nTheme Name: Plain\n*/\n")
        (theme / "index.php").write_text("<?php get_header(); the_post(); comments_template(); get_footer();\n")
        self.must_use("flood.php", NO_FLOOD)

    def must_use(self, name: str, php: str) -> None:
        plugins = self.tree / "wp-content" / "mu-plugins"
        plugins.mkdir(exist_ok=True)
        (plugins / name).write_text(php)

    def _interpreter(self, **settings: str) -> list[str]:
        cached = {f"opcache.{name}": value for name, value in _CACHED.items()}
        given = cached | {"opcache.file_cache": str(self.compiled)} | settings
        return ["php", *(part for name, value in given.items() for part in ("-d", f"{name}={value}"))]

    def _start_database(self) -> None:
        data = self.folder / "db"
        made = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=root", "--skip-test-db"]
        subprocess.run(
            [*made, "--auth-root-authentication-method=normal"], check=True, capture_output=True, timeout=120
        )
        options = ["--skip-networking", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0"]
        where = [f"--datadir={data}", f"--socket={self.socket}", f"--pid-file={self.folder}/db.pid", "--user=root"]
        self._spawn("db", ["mariadbd", "--no-defaults", *where, *options])
        _wait(lambda: self.php("new mysqli('localhost', 'root', '', '', 0, $argv[1]);", self.socket) == "")
        self.php(
            "(new mysqli('localhost', 'root', '', '', 0, $argv[1]))->query('CREATE DATABASE wordpress');", self.socket
        )

    def _start_php(self) -> None:
        address = self.url.removeprefix("http://")
        more = {"PHP_CLI_SERVER_WORKERS": _WORKERS}
        php = self._interpreter(memory_limit="256M")
        self._spawn("server", [*php, "-S", address, "-t", str(self.tree)], **more)
        _wait(lambda: httpx.get(f"{self.url}/wp-admin/install.php", timeout=30).status_code < 500)

    def _install(self) -> None:
        """As a person does in the browser."""
        answers = {"weblog_title": "Daily", "user_name": ADMIN, "admin_password": PASSWORD, "admin_password2": PASSWORD}
        more = {"admin_email": "chief@example.com", "pw_weak": "1", "Submit": "Install", "language": ""}
        done = httpx.post(f"{self.url}/wp-admin/install.php?step=2", data=answers | more, timeout=120)
        assert "Success!" in done.text, done.text[-2000:]
        self.run("switch_theme('plain');")

    def _spawn(self, name: str, command: list[str], **more: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **more}, start_new_session=True
            )
        self._running.callback(_end, process)

    def php(self, code: str, *arguments: object) -> str:
        command = [*self._interpreter(display_errors="stderr"), "-r", code, "--", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return done.stdout + done.stderr

    def run(self, code: str) -> str:
        """Run code inside WordPress; what it echoes."""
        head = f"$_SERVER['HTTP_HOST'] = '127.0.0.1'; require '{self.tree}/wp-load.php'; "
        said = self.php(head + code)
        assert "Fatal error" not in said, said
        return said

    def value(self, expression: str, before: str = "") -> Any:
        """The value of an expression inside WordPress, after the statements `before`."""
        return json.loads(self.run(f"{before} echo json_encode({expression});"))

    def cron(self) -> None:
        """Run what is due."""
        self.run(f"define('DOING_CRON_NOW', 1); require '{self.tree}/wp-cron.php';")

    def activate(self, plugin: str) -> None:
        said = self.run(
            f"require ABSPATH . 'wp-admin/includes/plugin.php'; $done = activate_plugin('{plugin}');"
            "echo is_wp_error($done) ? $done->get_error_message() : '';"
        )
        assert said == "", said

    def signed_in(self) -> httpx.Client:
        browser = httpx.Client(base_url=self.url, timeout=60, follow_redirects=True)
        browser.get("/wp-login.php")
        fields = {"log": ADMIN, "pwd": PASSWORD, "testcookie": "1", "redirect_to": f"{self.url}/wp-admin/"}
        page = browser.post("/wp-login.php", data=fields)
        assert "Dashboard" in page.text, page.text[-2000:]
        return browser

    def comment(self, text: str, author: str = "Ann", **fields: str) -> int:
        """Write a comment as a reader; its id."""
        usual = {"author": author, "email": f"{author.lower()}@example.com", "comment_post_ID": "1", "comment": text}
        before = self.newest()
        done = httpx.post(f"{self.url}/wp-comments-post.php", data=usual | fields, timeout=60)
        assert done.status_code in (200, 302), done.text[-1500:]
        found = self.newest()
        assert found > before, f"no comment was stored: {done.status_code} {done.text[-500:]}"
        return found

    def newest(self) -> int:
        return int(self.run('global $wpdb; echo (int) $wpdb->get_var("SELECT MAX(comment_ID) FROM $wpdb->comments");'))

    def status(self, comment: int) -> str:
        """approved, unapproved (pending), spam, trash."""
        return self.run(f"echo wp_get_comment_status({comment});")

    def meta(self, comment: int) -> dict[str, Any]:
        found: dict[str, Any] = self.value(f"get_comment_meta({comment}) ?: new stdClass")
        return found

    def act(self, comment: int, action: str) -> None:
        """Click an action of the comment list: spam, unspam, approve, unapprove, trash."""
        page = self.browser.get(
            f"/wp-admin/edit-comments.php?comment_status={'spam' if action == 'unspam' else 'all'}"
        ).text
        wanted = rf'href=[\'"](comment\.php\?[^\'"]*action={action}comment[^\'"]*)[\'"]'
        links = [html.unescape(link) for link in re.findall(wanted, page)]
        (link, *_) = [link for link in links if re.search(rf"[?&]c={comment}(&|$)", link)]
        done = self.browser.get(f"/wp-admin/{link}")
        assert done.status_code == 200, done.text[-500:]

    def log(self) -> str:
        path = self.folder / "php.log"
        return path.read_text() if path.exists() else ""


def _end(process: "subprocess.Popen[bytes]") -> None:
    """With its workers, which PHP's server does not end."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 15)
    process.wait(30)


def _dangling(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_symlink() and not (Path(folder) / name).exists()]


def _wait(is_ready: Any) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError, OSError):
            if is_ready():
                return
        time.sleep(0.2)
    raise AssertionError("not ready in time")


@contextlib.contextmanager
def wordpress(folder: Path) -> Iterator[WordPress]:
    site = WordPress(folder)
    try:
        site.start()
        yield site
    finally:
        site.stop()
