"""``config/nginx/modules.conf``: which service answers which path."""

from collections.abc import Iterator, Sequence

from deploy.services import Service

_ABOUT = """\
# Made by `make docs` from the manifests: change those, or deploy/nginx.py, not this file.
# The addresses are variables, so that nginx looks them up when it asks, and starts while a service is away.
"""


def locations(found: Sequence[Service]) -> str:
    """The locations of the public paths; there are no others."""
    return _ABOUT + "".join(text for service in found for text in _locations(service))


def _locations(service: Service) -> Iterator[str]:
    for path in service.paths:
        match = "= " if path.exact else ""
        yield (
            f"\n# {service.module}: {service.summary}\n"
            f"location {match}{path.path} {{\n"
            f"    set $service http://{service.name}:{service.http_port};\n"
            "    proxy_pass $service;\n"
            "}\n"
        )
