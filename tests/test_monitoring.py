"""What deploy/ watches: each query asks for metrics, labels and values that the service really has."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import service.webhooks.metrics
from service.process.app import build_app
from service.settings import Settings
from service.values.errors import ServiceError

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
BOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "steward.json").read_text())
# What Prometheus adds, and what a histogram adds to its own labels.
OF_PROMETHEUS = {"up": {"job", "instance"}}
OF_SERIES = {"job", "instance"}


@cache
def exported() -> dict[str, set[str]]:
    """Each sample's name as /metrics writes it, and its labels."""
    assert service.webhooks.metrics.SENT
    found = dict(OF_PROMETHEUS)
    for collector in set(REGISTRY._names_to_collectors.values()):  # noqa: SLF001 - no public way tells the labels
        labels = {*getattr(collector, "_labelnames", ())}
        kind = getattr(collector, "_type", "")
        name = getattr(collector, "_name", "")
        if kind == "histogram":
            found[f"{name}_bucket"] = labels | {"le"}
            found[f"{name}_sum"] = found[f"{name}_count"] = labels
        else:
            found[f"{name}_total" if kind == "counter" else name] = labels
    return found


def alerts() -> list[Any]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts())
    yield from (target["expr"] for panel in BOARD["panels"] for target in panel["targets"])


def faults(query: str) -> list[str]:
    """What a query asks for that is not there."""
    found = []
    known = exported()
    asked = re.findall(r"\b(steward_\w+|up)\b(?:\{([^}]*)\})?", query)
    for name, selector in asked:
        if name not in known:
            found.append(name)
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
        found += [f"{name}{{{label}}}" for label in sorted(labels - known.get(name, set()) - OF_SERIES)]
    of_all = set().union(*(known.get(name, set()) for name, _ in asked)) | OF_SERIES
    grouped = {each.strip() for names in re.findall(r"\bby \(([^)]*)\)", query) for each in names.split(",")}
    return found + sorted(grouped - of_all) + ([] if asked else [f"no metric in {query}"])


@pytest.mark.parametrize("query", list(queries()))
def test_each_query_asks_for_metrics_and_labels_that_the_service_exports(query: str) -> None:
    assert faults(query) == []


def test_a_wrong_name_or_label_is_found() -> None:
    """So that the test above can fail: the names of counters end in _total, and a queue has no language."""
    assert faults("rate(steward_requests[5m])") == ["steward_requests"]
    assert faults('steward_queue{language="de"}') == ["steward_queue{language}"]
    assert faults("sum by (loop) (steward_queue)") == ["loop"]


def _codes(kind: type[ServiceError] = ServiceError) -> Iterator[str]:
    yield kind.code
    for below in kind.__subclasses__():
        yield from _codes(below)


def test_each_operation_and_outcome_in_a_query_is_one_of_the_service(tmp_path: Path) -> None:
    build_app(Settings(redis_url="redis://127.0.0.1:1/0", data_dir=tmp_path))
    samples = [sample for family in REGISTRY.collect() for sample in family.samples]
    operations = {sample.labels["operation"] for sample in samples if sample.name == "steward_requests_total"}
    outcomes = {"ok", *_codes()}
    for query in queries():
        assert _named("operation", query) <= operations, query
        assert _named("outcome", query) <= outcomes, query


def _named(label: str, query: str) -> set[str]:
    return {each for values in re.findall(rf'{label}!?=~?"([^"]*)"', query) for each in values.split("|")}


def test_each_panel_has_a_place_a_title_of_its_own_and_the_provisioned_source() -> None:
    (source,) = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in BOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["title"] for panel in BOARD["panels"]}) == len(places)
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(places)
    used = [target["datasource"] for panel in BOARD["panels"] for target in panel["targets"]]
    assert {(each["type"], each["uid"]) for each in used} == {(source["type"], source["uid"])}


def test_each_alert_says_how_urgent_it_is_and_names_a_page_that_exists() -> None:
    assert len({rule["alert"] for rule in alerts()}) == len(alerts())
    for rule in alerts():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        assert (ROOT / rule["annotations"]["runbook"]).is_file()


with_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not on this machine"
)


def promtool(folder: Path, *command: str) -> None:
    done = subprocess.run(["promtool", *command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@with_promtool
def test_prometheus_own_tool_accepts_its_configuration_and_fires_the_alerts() -> None:
    promtool(DEPLOY / "prometheus", "check", "config", "prometheus.yml")
    promtool(DEPLOY / "prometheus", "test", "rules", "alerts_test.yml")


def test_each_alert_has_a_test_in_which_it_fires() -> None:
    tests = yaml.safe_load((DEPLOY / "prometheus" / "alerts_test.yml").read_text())["tests"]
    fired = {each["alertname"] for test in tests for each in test["alert_rule_test"] if each["exp_alerts"]}
    assert fired == {rule["alert"] for rule in alerts()}


@with_promtool
def test_prometheus_own_tool_accepts_each_query_of_the_board(tmp_path: Path) -> None:
    filled = [query.replace("$__rate_interval", "5m").replace("$site", ".*") for query in queries()]
    rules = [{"record": f"q{number}", "expr": query} for number, query in enumerate(filled)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    promtool(tmp_path, "check", "rules", "rules.yml")
