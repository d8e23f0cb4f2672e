import io
import logging
import runpy
from pathlib import Path

import pytest
from rich.console import Console
from rich.pretty import Pretty

from service.process.logs import MaskedFormatter
from service.settings import Settings, from_env
from service.values.errors import SettingsError

DOCS = runpy.run_path(str(Path(__file__).parent / "settings_docs.py"))


def test_an_empty_environment_gives_the_defaults() -> None:
    assert from_env({}) == Settings()


def test_each_variable_sets_its_field_by_its_type() -> None:
    settings = from_env(
        {"STEWARD_PORT": "9000", "STEWARD_ACCEPT_LOSS": "true", "STEWARD_DATA_DIR": "/data", "STEWARD_LEASE_S": "60"}
    )
    assert (settings.port, settings.accept_loss, settings.data_dir, settings.lease_s) == (9000, True, Path("/data"), 60)


def test_what_the_command_line_says_wins() -> None:
    assert from_env({"STEWARD_PORT": "9000"}, port=9001, host=None).port == 9001


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("PORT", "\udcff"),
        ("HOST", "a\udc80"),
        ("ACCEPT_LOSS", "perhaps"),
        ("LEASE_S", "1"),
        ("LOG_LEVEL", "loud"),
        ("PUBLIC_URL", "http://[::1"),
        ("PUBLIC_URL", "https://steward.example:99999"),
        ("PUBLIC_URL", "https://:8080"),
        ("WEBHOOK_PROXY", "http://[::1"),
        ("WEBHOOK_PROXY", "http://proxy:port"),
        ("CORS_ORIGINS", "www.example.org"),
        ("CORS_ORIGINS", "https://a.example, https://www.example.org/news"),
        ("CORS_ORIGINS", "https://*.example.org"),
        ("CORS_ORIGINS", "file://"),
        ("CORS_ORIGINS", "capacitor://local host"),
        ("CORS_ORIGINS", "capacitor://localhost/page"),
        ("CORS_ORIGINS", "https ://www.example.org"),
        ("CORS_ORIGINS", "https://a.example; app://b"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"STEWARD_{name}"):
        from_env({f"STEWARD_{name}": value})


def test_origins_are_read_as_browsers_write_them() -> None:
    given = "HTTPS://Www.Example.org:443/, http://a.example:8080, Capacitor://localhost/, app://obsidian.md, null"
    others = {"capacitor://localhost", "app://obsidian.md", "null"}
    allowed = {"https://www.example.org", "http://a.example:8080", *others}
    assert from_env({"STEWARD_CORS_ORIGINS": given}).allowed_origins == allowed
    assert from_env({"STEWARD_CORS_ORIGINS": "*"}).allowed_origins == {"*"}


def test_a_variable_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(SettingsError, match="STEWARD_PROT"):
        from_env({"STEWARD_PROT": "9000"})


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(SettingsError, match="STEWARD_MAX_LEASE_AGE_S"):
        from_env({"STEWARD_LEASE_S": "600", "STEWARD_MAX_LEASE_AGE_S": "300"})


@pytest.mark.parametrize("file", DOCS["FILES"])
def test_the_documentation_lists_exactly_these_settings(file: str) -> None:
    assert (DOCS["ROOT"] / file).read_text() == DOCS[DOCS["FILES"][file]](), (
        "run: python tests/service/settings_docs.py"
    )


PASSWORD = "hunter2-s3cr3t"
ADDRESSES = [
    f"redis://:{PASSWORD}@redis:6379/0",
    f"rediss://steward:{PASSWORD}@redis/0?ssl_ca_certs=/ca.pem",
    f"redis://redis/0?password={PASSWORD}&db=1",
    f"unix:///run/redis.sock?password={PASSWORD}",
    f"redis+sentinel://steward:{PASSWORD}@one:26379,two/main?sentinel_password={PASSWORD}",
    f"rediss+cluster://:{PASSWORD}@one,two",
    f"redis://:a@b{PASSWORD}@redis/0",
    f"redis://:a/{PASSWORD}@redis/0",
    f"redis://:a?{PASSWORD}@redis/0",
    f"redis://redis/0?password=a@{PASSWORD}",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_settings_are_shown_without_the_password_of_redis(url: str) -> None:
    for each in (url, url.replace(PASSWORD, f"a'b \"c{PASSWORD}")):
        shown_without_password(each)


def shown_without_password(url: str) -> None:
    settings = Settings(redis_url=url, lease_s=60)
    for shown in (repr(settings), str(settings), f"{[settings]}", console_text(settings)):
        assert PASSWORD not in shown
        assert "lease_s=60" in shown
        assert f"redis_url='{url.partition('://')[0]}://" in shown
    assert settings.redis_url == url


def console_text(value: object) -> str:
    """As rich shows it, in which our commands write."""
    console = Console(width=10_000, file=io.StringIO())
    console.print(Pretty(value))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


@pytest.mark.parametrize("url", ADDRESSES)
def test_no_log_line_holds_the_password_of_redis(url: str) -> None:
    said = MaskedFormatter("%(message)s").format(
        logging.makeLogRecord({"msg": "cannot reach %s: %r", "args": (url, ValueError(f"not an address: {url}"))})
    )
    assert PASSWORD not in said
    assert said.startswith("cannot reach ")


def test_an_address_without_a_password_is_shown_as_it_is() -> None:
    assert "redis_url='redis://redis:6379/0'" in repr(Settings(redis_url="redis://redis:6379/0"))
