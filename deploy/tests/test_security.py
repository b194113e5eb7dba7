"""The scanners have nothing to say; where they have, the reason stands here."""

import json
from pathlib import Path
from typing import Any

import yaml

from deploy.tests.conftest import ROOT, Manifest, Run, trivy

_BY_THE_OPERATOR = {
    "KSV-0110": "the namespace is chosen by `helm install --namespace`",
    "KSV-0125": "the registry is the operator's own",
}
_NOT_OURS = {
    "CKV_DOCKER_7": "the base is an argument, which checkov does not look up: its tag is 3.13-slim",
    "CKV_K8S_43": "tags, not digests: the operator pins what they have built or mirrored",
}


def test_hadolint_finds_nothing(run: Run) -> None:
    assert run("hadolint", "deploy/Dockerfile") == ""


def test_hadolint_would_find_something(run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM debian\nRUN cd /tmp && apt-get install -y curl\n")
    assert "DL3008" in run("hadolint", wrong, codes=(1,))


def test_trivy_finds_nothing_in_the_chart(full: list[dict[str, Any]]) -> None:
    assert {one["ID"] for one in full} == {"RENDERED", *_BY_THE_OPERATOR}


def test_trivy_finds_nothing_in_the_dockerfile(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "Dockerfile").write_bytes((ROOT / "deploy" / "Dockerfile").read_bytes())
    assert trivy(run, folder) == []
    (folder / "Dockerfile").write_text("FROM debian:latest\nUSER root\n")
    assert trivy(run, folder) != []


def test_checkov_finds_nothing(run: Run, manifests: list[Manifest], tmp_path: Path) -> None:
    placed = [one | {"metadata": one["metadata"] | {"namespace": "waddlebot"}} for one in manifests]
    (tmp_path / "manifests.yaml").write_text(yaml.safe_dump_all(placed))
    (tmp_path / "Dockerfile").write_bytes((ROOT / "deploy" / "Dockerfile").read_bytes())
    wrong = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "wrong"}, "spec": {"containers": [{"name": "a"}]}}
    ]
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump_all(wrong))
    options = ("--framework", "kubernetes", "dockerfile", "--output", "json", "--quiet", "--compact")
    found = json.loads(run("checkov", "--directory", tmp_path, *options, codes=(1,)))
    failed = [check for report in found for check in report["results"]["failed_checks"]]
    assert {"CKV_K8S_31", "CKV_K8S_22"} <= {c["check_id"] for c in failed if "wrong.yaml" in c["file_path"]}
    ours = [check for check in failed if "wrong.yaml" not in check["file_path"]]
    said = {(check["check_id"], check["check_name"], check["resource"]) for check in ours}
    assert {(id_, name, where) for id_, name, where in said if id_ not in _NOT_OURS} == set()
    assert {report["check_type"] for report in found} == {"kubernetes", "dockerfile"}
