"""The manifests in deploy/kubernetes: valid for Kubernetes, true to the service, and true to one another."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import from_env

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "kubernetes"
PAGE = (ROOT / "docs" / "kubernetes.md").read_text()
VALIDATOR = ROOT / ".clients" / "kubernetes" / "bin" / "kubernetes-validate"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
VERSIONS = ("1.29", "1.34")


def manifests() -> list[Any]:
    return [each for name in KUSTOMIZATION["resources"] for each in yaml.safe_load_all((FOLDER / name).read_text())]


def of(kind: str, name: str = "steward") -> Any:
    (found,) = [each for each in manifests() if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def pods() -> list[Any]:
    return [each["spec"]["template"]["spec"] for each in manifests() if each["kind"] == "Deployment"]


def serving() -> Any:
    (container,) = of("Deployment")["spec"]["template"]["spec"]["containers"]
    return container


def test_every_file_is_a_resource() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(KUSTOMIZATION["resources"])
    image = {each["name"] for each in KUSTOMIZATION["images"]}
    assert {container["image"] for pod in pods() for container in pod["containers"]} == image


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_own_schemas_accept_every_manifest(version: str) -> None:
    assert VALIDATOR.exists(), f"{VALIDATOR} is missing: run 'make test', which installs it"
    files = [FOLDER / name for name in KUSTOMIZATION["resources"]]
    command = [VALIDATOR, "--strict", "--kubernetes-version", version, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_field_that_does_not_exist_is_found(tmp_path: Path) -> None:
    """So that the test above can fail."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((FOLDER / "scaling.yaml").read_text().replace("minAvailable", "minAvailabel"))
    command = [VALIDATOR, "--strict", "--kubernetes-version", VERSIONS[0], wrong]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode != 0


def test_every_variable_is_a_setting_with_a_value_that_it_takes() -> None:
    values = of("ConfigMap")["data"]
    assert all(isinstance(value, str) for value in values.values())
    named = {env["name"] for pod in pods() for each in pod["containers"] for env in each["env"]}
    assert named == {"STEWARD_REDIS_URL"}
    settings = from_env({**values, "STEWARD_REDIS_URL": "redis://redis.internal:6379/0"})
    assert (settings.port, settings.relay, settings.log) == (8080, False, "json")


def test_kubernetes_adds_no_variables_of_its_own() -> None:
    """For a service named steward it would set STEWARD_PORT to tcp://…, and the service refuses unknown variables."""
    assert all(pod["enableServiceLinks"] is False for pod in pods())


def test_ports_and_probes_are_those_of_the_service() -> None:
    ports = {port["name"]: port["containerPort"] for port in serving()["ports"]}
    values = of("ConfigMap")["data"]
    assert ports == {"http": int(values["STEWARD_PORT"]), "metrics": int(values["STEWARD_METRICS_PORT"])}
    (port,) = of("Service")["spec"]["ports"]
    assert port["targetPort"] in ports
    routes = (ROOT / "service" / "api" / "operations.py").read_text()
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = serving()[probe]["httpGet"]
        assert asked["port"] == "http"
        assert f'"{asked["path"]}"' in routes


def test_a_pod_without_redis_goes_on_serving() -> None:
    assert serving()["startupProbe"]["httpGet"]["path"] == "/readyz"
    assert {serving()[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")} == {"/livez"}


def test_selectors_and_targets_meet() -> None:
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in manifests() if each["kind"] == "Deployment"]
    for each in manifests():
        spec = each.get("spec", {})
        wanted = spec.get("podSelector", spec.get("selector", {}))
        wanted = wanted.get("matchLabels", wanted)
        if wanted:
            assert any(wanted.items() <= found.items() for found in labels), each["metadata"]["name"]
    target = of("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"]
    assert "replicas" not in of("Deployment", target)["spec"], "the autoscaler sets it"
    least = of("HorizontalPodAutoscaler")["spec"]["minReplicas"]
    assert of("PodDisruptionBudget")["spec"]["minAvailable"] < least, "else no node can be drained"


def test_pods_are_as_locked_up_as_the_namespace_wants() -> None:
    assert of("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    user = re.search(r"--uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert user
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == int(user[1])
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {mount["name"] for mount in container["volumeMounts"]} == {
                volume["name"] for volume in pod["volumes"]
            }


def test_webhooks_leave_by_the_relay_alone() -> None:
    assert of("ConfigMap")["data"]["STEWARD_RELAY"] == "false"
    (relay,) = of("Deployment", "steward-relay")["spec"]["template"]["spec"]["containers"]
    assert relay["args"] == ["relay"]

    def outside(name: str) -> list[int]:
        rules = of("NetworkPolicy", name)["spec"]["egress"]
        return [port["port"] for rule in rules for port in rule["ports"] if "ipBlock" in str(rule.get("to", ""))]

    assert (outside("steward-relay"), outside("steward-serving")) == ([443, 8443], [])


def test_the_page_makes_the_secret_that_the_manifests_read() -> None:
    made = set(re.findall(r"--from-(?:literal|file)=([\w-]+)=", PAGE))
    read = {
        env["valueFrom"]["secretKeyRef"]["key"] for pod in pods() for each in pod["containers"] for env in each["env"]
    }
    read |= {
        item["key"] for pod in pods() for volume in pod["volumes"] for item in volume.get("secret", {}).get("items", ())
    }
    assert made == read
    for label in re.findall(r"steward\.example/[\w-]+", (FOLDER / "network.yaml").read_text()):
        assert label in PAGE
