"""The programs that look at the files, the files as they are delivered, and the chart as Helm renders it."""

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CHART = ROOT / "deploy" / "helm" / "waddlebot"
PROGRAMS = ROOT / ".venv-checks" / "bin"

type Run = Callable[..., str]
type Manifest = dict[str, Any]
type Render = Callable[[str], list[Manifest]]

# Trivy has Helm's own engine in it. This rule is broken by every object, and its words are the object.
_DUMP = """\
# METADATA
# title: what was rendered
# schemas:
#   - input: schema["kubernetes"]
# custom:
#   id: RENDERED
#   severity: LOW
#   input:
#     selector:
#       - type: kubernetes
package user.kubernetes.rendered

deny[found] {
    found := {"msg": json.marshal(input), "startline": 1, "endline": 1}
}
"""
_FULL = """\
image: {registry: registry.example.org/}
env: {TWITCH_CHANNELS: somebody}
secrets: {keys: [DATABASE_URL, WADDLEBOT_SECRET, REDIS_URL, METRICS_TOKEN, TWITCH_BOT_TOKEN, IRC_URLS]}
ingress: {host: waddlebot.example.org}
monitoring: {enabled: true, labels: {release: prometheus}}
migration: {hook: false}
"""
"""Everything switched on. The migration is no hook, since hooks are not among what Helm calls the manifest."""


@pytest.fixture(scope="session")
def run() -> Run:
    """Run one of the programs of ``.venv-checks``; its output. Its exit code has to be one of ``codes``."""

    def call(program: str, *arguments: str | Path, codes: Sequence[int] = (0,), cwd: Path = ROOT) -> str:
        path = PROGRAMS / program
        assert path.exists(), f"{path} is missing: make .venv-checks/ready"
        # No network: a registry or a proxy of the environment is not asked.
        done = subprocess.run(
            [path, *arguments], cwd=cwd, env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
            capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        assert done.returncode in codes, f"{program} {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return call


def trivy(run: Run, folder: Path, *more: str | Path) -> list[dict[str, Any]]:
    """What trivy finds in a folder."""
    options = ("--quiet", "--skip-check-update", "--skip-version-check", "--format", "json", "--cache-dir")
    found = json.loads(run("trivy", "config", *options, folder.parent / "trivy-cache", *more, folder))
    return [one for result in found.get("Results", []) for one in result.get("Misconfigurations", [])]


@pytest.fixture(scope="session")
def findings(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[dict[str, Any]]]:
    """What trivy finds in the chart with some values, what was rendered among it."""
    folder = tmp_path_factory.mktemp("chart")
    shutil.copytree(CHART, folder / "chart")
    (folder / "rego").mkdir()
    (folder / "rego" / "rendered.rego").write_text(_DUMP)

    def find(values: str) -> list[dict[str, Any]]:
        (folder / "values.yaml").write_text(values)
        dump = ("--config-check", folder / "rego", "--check-namespaces", "user")
        return trivy(
            run, folder / "chart", *dump, "--helm-values", folder / "values.yaml", "--helm-kube-version", "1.34.0"
        )

    return find


@pytest.fixture(scope="session")
def full(findings: Callable[[str], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What trivy finds with everything switched on."""
    return findings(_FULL)


def rendered(found: Sequence[dict[str, Any]]) -> list[Manifest]:
    """The objects among the findings."""
    return [_without_places(json.loads(one["Message"])) for one in found if one["ID"] == "RENDERED"]


@pytest.fixture(scope="session")
def manifests(full: list[dict[str, Any]]) -> list[Manifest]:
    """The chart's objects with everything switched on."""
    return rendered(full)


def _without_places(value: Any) -> Any:
    """Trivy notes beside each object where it stood."""
    match value:
        case dict():
            return {name: _without_places(inner) for name, inner in value.items() if name != "__defsec_metadata"}
        case list():
            return [_without_places(inner) for inner in value]
    return value


def of_kind(found: Sequence[Manifest], kind: str) -> dict[str, Manifest]:
    """The objects of one kind by name."""
    return {one["metadata"]["name"]: one for one in found if one["kind"] == kind}
