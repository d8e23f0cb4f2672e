"""The profiles in deploy/compose: valid, true to the service, and their Redis goes on when its primary ends."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_pydantic import ComposeSpecification

from service.settings import from_env

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "compose"
COMPOSED = yaml.safe_load((FOLDER / "compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSED["services"]
OURS = ("steward", "steward-1", "steward-2", "relay")
SERVERS = ("redis-1", "redis-2", "redis-3")
PROFILES = {
    "replicated": {"steward"},
    "scaled": {"steward-1", "steward-2", "proxy", "relay", "prometheus", "grafana"},
}
OF_BOTH = {*SERVERS, "sentinel-1", "sentinel-2", "sentinel-3"}


def test_the_compose_specification_allows_every_part() -> None:
    """Its extensions, which hold what services share, are not in the library's model."""
    ComposeSpecification(**{name: part for name, part in COMPOSED.items() if not name.startswith("x-")})


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_holds_its_services_and_all_that_they_wait_for(profile: str) -> None:
    held = {name for name, each in SERVICES.items() if profile in each["profiles"]}
    assert held == PROFILES[profile] | OF_BOTH
    for name in held:
        assert set(SERVICES[name].get("depends_on", ())) <= held, name
    published = [port.rsplit(":", 1)[0] for name in held for port in SERVICES[name].get("ports", ())]
    assert len(set(published)) == len(published)
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_no_container_has_rights_that_it_does_not_need() -> None:
    for name, each in SERVICES.items():
        assert each["read_only"], name
        assert each["cap_drop"] == ["ALL"], name
        assert each["security_opt"] == ["no-new-privileges:true"], name


def test_redis_is_on_a_network_that_leads_nowhere_and_only_the_relay_reaches_the_internet() -> None:
    assert all(COMPOSED["networks"][name]["internal"] for name in ("store", "watch"))
    assert all(SERVICES[name]["networks"] == ["store"] for name in OF_BOTH)
    assert {name for name, each in SERVICES.items() if "out" in each["networks"]} == {"relay"}


def test_every_file_that_is_mounted_exists_or_is_made_by_prepare(prepared: Path) -> None:
    for name, each in SERVICES.items():
        for volume in each.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (prepared / source).exists() or (FOLDER / source).exists(), (name, source)
            else:
                assert source in COMPOSED["volumes"], (name, source)


def filled(text: str, given: dict[str, str]) -> str:
    """As compose puts variables in."""
    return re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda found: given.get(found[1], found[2]), text)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_with_a_value_that_it_takes(name: str, prepared: Path) -> None:
    given = passwords(prepared)
    environment = {key: filled(str(value), given) for key, value in SERVICES[name]["environment"].items()}
    settings = from_env(environment)
    assert settings.redis_url
    assert (settings.metrics_port, settings.wait_replicas) == (9090, 1)
    assert settings.relay == (name in {"steward", "relay"}), "one of each profile tells sites of decisions"


def test_the_proxy_is_the_only_one_whose_word_on_addresses_is_taken() -> None:
    proxy = SERVICES["proxy"]["networks"]["front"]["ipv4_address"]
    text = (FOLDER / "proxy.conf").read_text()
    for name in ("steward-1", "steward-2"):
        assert SERVICES[name]["environment"]["STEWARD_TRUSTED_PROXIES"] == proxy
        assert f"server {name}:8080" in text
    assert "$request_uri" not in text.replace("$request_method", ""), "query strings may hold keys"
    (port,) = re.findall(r"listen (\d+);", text)
    assert SERVICES["proxy"]["ports"] == [f"127.0.0.1:8080:{port}"]


def test_prometheus_asks_the_services_that_are_there_and_grafana_asks_prometheus() -> None:
    asked = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    targets = {target for job in asked for each in job["static_configs"] for target in each["targets"]}
    assert targets == {"steward-1:9090", "steward-2:9090", "relay:9090"}
    provisioned = ROOT / "deploy" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioned / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((provisioned / "dashboards" / "steward.yml").read_text())["providers"]
    assert f"../grafana/dashboards:{provider['options']['path']}:ro" in SERVICES["grafana"]["volumes"]


def test_the_composed_redis_keeps_what_it_acknowledges_as_the_documentation_says() -> None:
    """Every line on durability of the page; TLS is for Redis on another machine."""
    (page,) = re.findall(r"# redis.conf\n(.*?)```", (ROOT / "docs" / "deployment.md").read_text(), re.DOTALL)
    said = {line for line in page.splitlines() if re.match("append|save|maxmemory-policy|auto-aof", line)}
    assert said <= set((FOLDER / "redis.conf").read_text().splitlines())
    assert "min-replicas-to-write 1" in (FOLDER / "redis.conf").read_text()


def test_the_users_that_can_be_copied_are_those_of_the_documentation() -> None:
    assert (ROOT / "deploy/redis/users.acl.example").read_text() in (ROOT / "docs" / "deployment.md").read_text()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder deploy/compose after `prepare`, with passwords of its own."""
    folder = tmp_path_factory.mktemp("deploy") / "compose"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("secret*"))
    shutil.copytree(ROOT / "deploy" / "redis", folder.parent / "redis")
    subprocess.run([folder / "prepare"], check=True, capture_output=True)
    return folder


def passwords(prepared: Path) -> dict[str, str]:
    return dict(line.split("=") for line in (prepared / "secret" / "env").read_text().splitlines())


def test_passwords_are_made_once_and_redis_gets_their_hashes_only(prepared: Path) -> None:
    before = {path.name: path.read_text() for path in (prepared / "secret").iterdir()}
    subprocess.run([prepared / "prepare"], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in (prepared / "secret").iterdir()} == before
    assert (prepared / "secret").stat().st_mode & 0o77 == 0
    assert not any(password in before["users.acl"] for password in passwords(prepared).values())
    assert "secret" in (ROOT / ".gitignore").read_text()
