"""``compose.yaml``: every module in a container of its own, on PostgreSQL with a replica, Redis and nginx."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from deploy.services import Service

_ABOUT = """\
# Made by `make docs` from the manifests: change those, or deploy/compose.py, not this file.
#
#   deploy/make-secrets waddlebot.example.org     once: passwords, keys and a certificate in deploy/secrets
#   docker compose -f deploy/compose.yaml build
#   docker compose -f deploy/compose.yaml up --wait
#
# Settings that are no secret go into deploy/waddlebot.env (see waddlebot.env.example).
"""

_SECRETS = "/run/secrets"
_STOP_S = 30
"""More than a host needs to stop in order."""
_HARDENED = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
_LOGS = {"driver": "json-file", "options": {"max-size": "20m", "max-file": "5"}}
ADMIN_URL = "DATABASE_ADMIN_URL"


def compose(found: Sequence[Service]) -> str:
    """The file's text."""
    hosts = {service.name: _host(service) for service in found}
    services = {"postgres": _postgres(), "postgres-replica": _replica(), "redis": _redis(), "upgrade": _upgrade()}
    services |= hosts | {"nginx": _nginx([service.name for service in found if service.paths])}
    names = sorted({secret for service in services.values() for secret in service.get("secrets", ())})
    volumes = sorted({mount.partition(":")[0] for s in services.values() for mount in s.get("volumes", ())})
    document = {
        "name": "waddlebot",
        "services": services,
        "networks": {"inside": {"internal": True}, "outside": {}},
        "volumes": {name: {} for name in volumes if not name.startswith(".")},
        "secrets": {name: {"file": f"./secrets/{name}"} for name in names},
    }
    return _ABOUT + dumped(document)


def dumped(document: Mapping[str, Any]) -> str:
    """YAML without references, which people read badly."""
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, width=115, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


# Helm and Docker read YAML 1.1, where y and n are truth values (https://yaml.org/type/bool.html); PyYAML does not.
_Plain.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"[yYnN]$"), list("yYnN"))


def _image(module: str) -> dict[str, Any]:
    build = {"context": "..", "dockerfile": "deploy/Dockerfile", "args": {"MODULE": module}}
    return {"image": f"waddlebot/{module}:${{WADDLEBOT_VERSION:-local}}", "build": build}


def _host(service: Service) -> dict[str, Any]:
    port = service.http_port
    certificates = {f"GRPC_TLS_{part.upper()}": f"{_SECRETS}/grpc_{part}" for part in _CERTIFICATES}
    return {
        **_image(service.module),
        "restart": "unless-stopped",
        "init": True,
        "stop_grace_period": f"{_STOP_S}s",
        "env_file": [{"path": "waddlebot.env", "required": False}],
        "environment": {
            "HTTP_PORT": str(port),
            "GRPC_PORT": str(service.grpc_port),
            **certificates,
            "GRPC_TLS_NAME": "waddlebot",
            **{f"{name}_FILE": f"{_SECRETS}/{name}" for name in service.secrets},
        },
        "secrets": [*service.secrets, *(f"grpc_{part}" for part in _CERTIFICATES)],
        "volumes": [f"{service.name}-logs:/var/log/waddlebotlog", f"{service.name}-data:/var/lib/waddlebot"],
        "networks": ["inside", "outside"] if service.outward else ["inside"],
        "depends_on": {
            "upgrade": {"condition": "service_completed_successfully"},
            "redis": {"condition": "service_healthy"},
        },
        "mem_limit": "512m",
        "pids_limit": 200,
        "logging": _LOGS,
        **_HARDENED,
    }


_CERTIFICATES = ("cert", "key", "ca")


def _upgrade() -> dict[str, Any]:
    """The schema, once, before the hosts start."""
    names = ("DATABASE_URL", ADMIN_URL)
    return {
        **_image("processing.router"),
        "command": ["db", "upgrade"],
        "restart": "on-failure:5",
        "environment": {f"{name}_FILE": f"{_SECRETS}/{name}" for name in names},
        "secrets": list(names),
        "tmpfs": ["/var/lib/waddlebot:uid=10001,mode=0700", "/var/log/waddlebotlog:uid=10001,mode=0700"],
        "networks": ["inside"],
        "depends_on": {"postgres": {"condition": "service_healthy"}},
        "logging": _LOGS,
        "healthcheck": {"disable": True},
        **_HARDENED,
    }


def _postgres() -> dict[str, Any]:
    passwords = ("postgres_superuser", "postgres_owner", "postgres_host", "postgres_replication")
    return {
        "image": "postgres:18",
        "restart": "unless-stopped",
        "command": ["postgres", "-c", "config_file=/etc/waddlebot/postgresql.conf"],
        "environment": {"POSTGRES_DB": "waddlebot", "POSTGRES_PASSWORD_FILE": f"{_SECRETS}/postgres_superuser"},
        "secrets": list(passwords),
        "volumes": [
            "postgres:/var/lib/postgresql",
            "../config/postgres:/etc/waddlebot:ro",
            "../config/postgres/roles.sh:/docker-entrypoint-initdb.d/10-roles.sh:ro",
        ],
        **_database("-U postgres -d waddlebot"),
    }


def _replica() -> dict[str, Any]:
    return {
        "image": "postgres:18",
        "restart": "unless-stopped",
        "user": "postgres",
        "entrypoint": ["/etc/waddlebot/replica.sh"],
        "environment": {
            "PRIMARY_HOST": "postgres",
            "REPLICATION_PASSWORD_FILE": f"{_SECRETS}/postgres_replication",
        },
        "secrets": ["postgres_replication"],
        "volumes": ["postgres-replica:/var/lib/postgresql", "../config/postgres:/etc/waddlebot:ro"],
        "depends_on": {"postgres": {"condition": "service_healthy"}},
        **_database("-U postgres -d waddlebot"),
    }


def _database(asked: str) -> dict[str, Any]:
    return {
        "read_only": True,
        "tmpfs": ["/var/run/postgresql:mode=1777", "/tmp:mode=1777"],  # noqa: S108  in a container of its own
        "shm_size": "256m",
        "stop_grace_period": "60s",
        "security_opt": ["no-new-privileges:true"],
        "networks": ["inside"],
        "healthcheck": {
            "test": ["CMD-SHELL", f"pg_isready -q -h 127.0.0.1 {asked}"],
            "interval": "5s",
            "timeout": "5s",
            "retries": 12,
            "start_period": "30s",
        },
        "logging": _LOGS,
    }


def _redis() -> dict[str, Any]:
    return {
        "image": "valkey/valkey:9",
        "restart": "unless-stopped",
        "user": "999:999",
        "command": [
            "valkey-server", "--aclfile", f"{_SECRETS}/redis_acl", "--dir", "/data", "--appendonly", "yes",
            "--appendfsync", "everysec", "--maxmemory", "512mb", "--maxmemory-policy", "noeviction",
        ],
        "secrets": ["redis_acl"],
        "volumes": ["redis:/data"],
        "networks": ["inside"],
        "healthcheck": {
            # Without a password it is told so, which only a running server does.
            "test": ["CMD-SHELL", "valkey-cli ping 2>&1 | grep -q NOAUTH"],
            "interval": "5s",
            "timeout": "3s",
            "retries": 12,
        },
        "logging": _LOGS,
        **_HARDENED,
    }  # fmt: skip


def _nginx(behind: Sequence[str]) -> dict[str, Any]:
    return {
        "image": "nginxinc/nginx-unprivileged:1.29",
        "restart": "unless-stopped",
        "ports": ["80:8080", "443:8443"],
        "volumes": ["../config/nginx:/etc/nginx:ro"],
        "tmpfs": ["/tmp:mode=1777"],  # noqa: S108  in a container of its own
        "secrets": ["tls_certificate", "tls_key"],
        "networks": ["inside", "outside"],
        "depends_on": {name: {"condition": "service_healthy"} for name in behind},
        "logging": _LOGS,
        **_HARDENED,
    }
