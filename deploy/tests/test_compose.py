"""The compose file, by Docker's own reading of it."""

import json
from typing import Any

import pytest

from deploy.services import services
from deploy.tests.conftest import ROOT, Run

FILE = ROOT / "deploy" / "compose.yaml"


@pytest.fixture(scope="module")
def document(run: Run) -> dict[str, Any]:
    """The file as compose understands it."""
    found: dict[str, Any] = json.loads(run("docker-compose", "-f", FILE, "config", "--format", "json"))
    return found


def test_every_module_is_a_service_on_its_own_port(document: dict[str, Any]) -> None:
    for service in services():
        found = document["services"][service.name]
        assert found["build"]["args"]["MODULE"] == service.module
        assert found["environment"]["HTTP_PORT"] == str(service.http_port)
        assert found["environment"]["DATABASE_URL_FILE"] == "/run/secrets/DATABASE_URL"
        assert {secret["source"] for secret in found["secrets"]} >= set(service.secrets)
        assert "outside" not in found["networks"] or service.outward


def test_everything_is_read_only_and_may_do_little(document: dict[str, Any]) -> None:
    assert len(document["services"]) == len(services()) + 5
    for name, service in document["services"].items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["read_only"], name
        assert "privileged" not in service, name
    for service in services():
        assert document["services"][service.name]["cap_drop"] == ["ALL"]
    assert document["networks"]["inside"]["internal"]


def test_only_the_proxy_can_be_reached(document: dict[str, Any]) -> None:
    published = {name for name, service in document["services"].items() if service.get("ports")}
    assert published == {"nginx"}


def test_no_secret_is_in_an_environment(document: dict[str, Any]) -> None:
    secrets = set(document["secrets"])
    for service in document["services"].values():
        assert not secrets & service.get("environment", {}).keys()
        for secret in service.get("secrets", ()):
            assert secret["source"] in secrets
    hosts = [document["services"][service.name] for service in services()]
    assert not any("DATABASE_ADMIN_URL" in json.dumps(host) for host in hosts)


def test_a_wrong_file_would_be_refused(run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    wrong = tmp_path_factory.mktemp("compose") / "compose.yaml"
    wrong.write_text(FILE.read_text(encoding="utf-8").replace("read_only:", "read_onl:", 1))
    # Its wrapper ends with 0 whatever happens; what is wrong has no reading.
    assert run("docker-compose", "-f", wrong, "config", "--format", "json") == ""
