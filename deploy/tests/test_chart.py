"""The Helm chart as Helm's engine renders it, against Kubernetes' own schemas."""

import json
from collections.abc import Callable
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.services import services
from deploy.tests.conftest import CHART, Manifest, of_kind, rendered

KUBERNETES = "1.34"
"""The oldest release that is supported when this is written; later ones only add."""
_OPERATORS = ("monitoring.coreos.com/v1",)
"""Kinds of the Prometheus operator, whose schemas are not Kubernetes'."""

type Find = Callable[[str], list[dict[str, Any]]]


def test_every_object_is_what_kubernetes_takes(manifests: list[Manifest]) -> None:
    checked = [one for one in manifests if one["apiVersion"] not in _OPERATORS]
    for manifest in checked:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    assert {one["kind"] for one in checked} == {
        "ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job", "NetworkPolicy",
        "PodDisruptionBudget", "Service", "ServiceAccount",
    }  # fmt: skip
    assert {one["kind"] for one in manifests} - {one["kind"] for one in checked} == {
        "PrometheusRule", "ServiceMonitor",
    }  # fmt: skip


def test_a_wrong_object_would_be_refused(manifests: list[Manifest]) -> None:
    wrong = {**next(iter(of_kind(manifests, "Deployment").values()))}
    wrong["spec"] = {**wrong["spec"], "replicas": "two"}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_every_module_has_its_objects(manifests: list[Manifest]) -> None:
    deployments, found = of_kind(manifests, "Deployment"), of_kind(manifests, "Service")
    assert deployments.keys() == found.keys() == {service.name for service in services()}
    for service in services():
        pod = deployments[service.name]["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        assert container["image"].startswith(f"registry.example.org/waddlebot/{service.module}:")
        assert container["args"] == ["run", service.module]
        assert {port["name"]: port["containerPort"] for port in container["ports"]} == {
            "http": service.http_port, "grpc": service.grpc_port,
        }  # fmt: skip
        selector = found[service.name]["spec"]["selector"]
        assert selector.items() <= pod["metadata"]["labels"].items()
        assert pod["metadata"]["labels"]["waddlebot/outward"] == str(service.outward).lower()
    assert of_kind(manifests, "PodDisruptionBudget").keys() == deployments.keys()


def test_each_pod_sees_the_secrets_of_its_module_alone(manifests: list[Manifest]) -> None:
    for service in services():
        pod = of_kind(manifests, "Deployment")[service.name]["spec"]["template"]["spec"]
        volume = next(volume for volume in pod["volumes"] if volume["name"] == "secrets")
        keys = {item["key"] for item in volume["secret"]["items"]}
        assert keys <= set(service.secrets)
        assert ("TWITCH_BOT_TOKEN" in keys) == (service.module == "receiver.twitch")
        names = {entry["name"] for entry in pod["containers"][0]["env"]}
        assert {f"{key}_FILE" for key in keys} <= names
        assert not keys & names
        assert ("TWITCH_CHANNELS" in names) == (service.module == "receiver.twitch")


def test_the_routers_number_is_the_autoscalers(manifests: list[Manifest]) -> None:
    deployments = of_kind(manifests, "Deployment")
    (scaler,) = of_kind(manifests, "HorizontalPodAutoscaler").values()
    target = scaler["spec"]["scaleTargetRef"]["name"]
    assert target == "router-service"
    assert "replicas" not in deployments[target]["spec"]
    assert all(one["spec"]["replicas"] == 1 for name, one in deployments.items() if name != target)


def test_the_ingress_has_the_public_paths_and_no_others(manifests: list[Manifest]) -> None:
    (ingress,) = of_kind(manifests, "Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    paths = {(path["path"], path["pathType"] == "Exact") for path in rule["http"]["paths"]}
    assert paths == {(path.path, path.exact) for service in services() for path in service.paths}
    assert ingress["spec"]["tls"][0]["hosts"] == ["waddlebot.example.org"] == [rule["host"]]
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/limit-rps"] == "50"


def test_network_policies_hold_for_the_pods_they_are_about(manifests: list[Manifest]) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    outward = next(policy for name, policy in policies.items() if name.endswith("-outward"))
    upgrade = next(policy for name, policy in policies.items() if name.endswith("-upgrade"))
    (everyone,) = [policy for policy in policies.values() if policy not in (outward, upgrade)]
    pods = [one["spec"]["template"]["metadata"]["labels"] for one in of_kind(manifests, "Deployment").values()]
    wanted = {service.module for service in services() if service.outward}
    component = "app.kubernetes.io/component"
    held = {pod[component] for pod in pods if _selects(outward, pod)}
    assert held == wanted
    assert all(_selects(everyone, pod) for pod in pods)
    (job,) = of_kind(manifests, "Job").values()
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert [_selects(policy, labels) for policy in (everyone, outward, upgrade)] == [False, False, True]


def _selects(policy: Manifest, labels: dict[str, str]) -> bool:
    selector: dict[str, str] = policy["spec"]["podSelector"]["matchLabels"]
    return selector.items() <= labels.items()


def test_the_rules_and_the_dashboard_are_in_it(manifests: list[Manifest]) -> None:
    (rules,) = of_kind(manifests, "PrometheusRule").values()
    assert rules["spec"] == yaml.safe_load((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))
    (board,) = of_kind(manifests, "ConfigMap").values()
    written = yaml.safe_load((CHART / "files" / "dashboard.yaml").read_text(encoding="utf-8"))
    assert json.loads(board["data"]["waddlebot.json"]) == written
    (monitor,) = of_kind(manifests, "ServiceMonitor").values()
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["endpoints"][0]["authorization"]["credentials"]["key"] == "METRICS_TOKEN"


def test_what_is_off_is_not_there(findings: Find) -> None:
    values = (
        "modules: {poller.irc: {enabled: false}, core.identity: {replicas: 3}}\nautoscaling: {enabled: false}\n"
    )
    found = rendered(findings(values))
    deployments = of_kind(found, "Deployment")
    assert "irc-poller" not in deployments
    assert deployments["identity-core"]["spec"]["replicas"] == 3
    assert deployments["router-service"]["spec"]["replicas"] == 2
    # By default the migration is a hook, which Helm keeps apart from the manifest.
    missing = {"ConfigMap", "HorizontalPodAutoscaler", "Ingress", "Job", "PrometheusRule", "ServiceMonitor"}
    assert not missing & {one["kind"] for one in found}
