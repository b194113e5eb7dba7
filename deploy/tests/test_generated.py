"""What is generated is committed and fresh, and says what the manifests say."""

import re
import shutil
import subprocess
from pathlib import Path

from deploy.__main__ import files
from deploy.services import Service, service_name, services
from deploy.tests.conftest import ROOT
from waddlebot.libs.sdk.discovery import discover


def test_the_files_are_fresh() -> None:
    for name, text in files().items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, f"{name} is stale: run make docs and commit it"


def test_the_command_writes_them(tmp_path: Path) -> None:
    subprocess.run(
        [ROOT / ".venv/bin/python", "-m", "deploy", tmp_path], cwd=ROOT, check=True, capture_output=True
    )
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(files())
    assert (tmp_path / "deploy" / "make-secrets").stat().st_mode & 0o111


def test_services_have_the_names_that_users_know() -> None:
    assert service_name("processing.router") == "router-service"
    assert service_name("interactive.ai") == "ai-interaction"
    assert service_name("core.identity") == "identity-core"
    found = {service.module: service for service in services()}
    assert (found["processing.router"].name, found["processing.router"].http_port) == ("router-service", 8000)
    assert (found["core.identity"].name, found["core.identity"].http_port) == ("identity-core", 8050)
    assert found.keys() == {name for name, m in discover().items() if m.package.startswith("waddlebot.")}
    assert len({service.name for service in found.values()}) == len(found)


def test_no_host_knows_the_account_that_changes_the_schema() -> None:
    for service in services():
        assert "DATABASE_URL" in service.secrets
        assert not {"DATABASE_ADMIN_URL", "WIRE_CHECK"} & {*service.secrets, *service.settings}


def test_a_module_reads_its_own_variables_and_no_others() -> None:
    found = {service.module: service for service in services()}
    assert "TWITCH_BOT_TOKEN" in found["receiver.twitch"].secrets
    assert "TWITCH_CHANNELS" in found["receiver.twitch"].settings
    others = [service for name, service in found.items() if name != "receiver.twitch"]
    assert not any("TWITCH_BOT_TOKEN" in service.secrets for service in others)


def test_who_talks_to_the_internet_is_known() -> None:
    outward = {service.module for service in services() if service.outward}
    assert {"receiver.twitch", "poller.irc", "processing.router"} <= outward
    assert not {name for name in outward if name.startswith("core.")}


def test_every_public_path_is_one_services() -> None:
    paths = [(path.path, path.exact) for service in services() for path in service.paths]
    assert len(set(paths)) == len(paths)
    assert ("/", True) in paths
    assert ("/api/v1/processing.router/", False) in paths
    assert not [path for path, _ in paths if path.startswith(("/metrics", "/health"))]


def test_the_image_names_what_the_lock_files_name() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    for copied in re.findall(r"requirements/\w+\.txt", dockerfile):
        assert (ROOT / copied).exists()
    assert "--require-hashes" in dockerfile
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    for line in dockerfile.splitlines():
        if line.startswith("COPY") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert f"!{source}" in ignored, f"the build would not see {source}"


def test_make_secrets_makes_all_that_compose_mounts(tmp_path: Path) -> None:
    script = tmp_path / "make-secrets"
    shutil.copy(ROOT / "deploy" / "make-secrets", script)
    made = subprocess.run([script, "bot.example.org"], check=True, capture_output=True, text=True)
    assert "Keep a copy of WADDLEBOT_SECRET" in made.stdout
    folder = tmp_path / "secrets"
    contents = {path.name: path.read_text() for path in folder.iterdir()}
    wanted = {secret for service in services() for secret in _mounted(service)}
    assert wanted <= contents.keys()
    assert re.fullmatch(r"[0-9a-f]{64}\n", contents["WADDLEBOT_SECRET"])
    password = contents["postgres_host"].strip()
    assert contents["DATABASE_URL"] == f"postgresql://waddlebot_host:{password}@postgres/waddlebot\n"
    # A second run changes nothing.
    subprocess.run([script, "other.example.org"], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == contents
    verified = subprocess.run(
        ["openssl", "verify", "-CAfile", "grpc_ca", "-verify_hostname", "waddlebot", "grpc_cert"],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "OK" in verified.stdout


def _mounted(service: Service) -> set[str]:
    return {*service.secrets, "grpc_cert", "grpc_key", "grpc_ca", "redis_acl", "DATABASE_ADMIN_URL"}
