"""What the Helm chart knows of the modules; its templates are written by hand."""

from collections.abc import Sequence

from deploy.compose import dumped
from deploy.services import Service

_MADE = "# Made by `make docs` from the manifests: change those, not this file.\n"


def about(version: str) -> str:
    """``Chart.yaml``. Helm wants three numbers (semver.org); the build's number follows as its metadata."""
    numbers, _, build = version.rpartition(".")
    return _MADE + dumped(
        {
            "apiVersion": "v2",
            "name": "waddlebot",
            "description": "One bot for a community that lives on many platforms at once.",
            "type": "application",
            "version": f"{numbers}+{build}",
            "appVersion": version,
            "kubeVersion": ">=1.30.0-0",
        }
    )


def modules(found: Sequence[Service]) -> str:
    """``files/modules.yaml``: the facts of each module, which values may override."""
    return _MADE + dumped(
        {
            service.module: {
                "service": service.name,
                "http": service.http_port,
                "grpc": service.grpc_port,
                "outward": service.outward,
                "settings": list(service.settings),
                "secrets": list(service.secrets),
                "paths": [{"path": p.path, "pathType": "Exact" if p.exact else "Prefix"} for p in service.paths],
            }
            for service in found
        }
    )
