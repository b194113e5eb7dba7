"""Where Redis is: one URL for a server, for Sentinel and for Cluster, with TLS and an ACL user.

``redis://USER:PASSWORD@HOST:PORT/DB``, ``redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/SERVICE/DB`` and
``redis+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT``; ``rediss`` in place of ``redis`` is TLS. Options come
after a question mark: ``ca``, ``cert`` and ``key`` are files of TLS; ``sentinel_user`` and ``sentinel_password``
are those of the Sentinels themselves; ``prefix`` is what the names of all keys begin with.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

type Client = Redis | RedisCluster

TIMEOUT_S = 2.0
"""A server that takes longer to answer, or to be connected to, is away."""

_PORT = 6379
_SENTINEL_PORT = 26379
_CONNECTIONS_MAX = 512
_TLS_FILES = {"ca": "ssl_ca_certs", "cert": "ssl_certfile", "key": "ssl_keyfile"}
_NO_NODE = "REDIS_URL names a host and a port between 1 and 65535: redis://HOST:PORT"
_OPTIONS = {*_TLS_FILES, "prefix", "sentinel_user", "sentinel_password"}


class RedisUrlError(ValueError):
    """A URL that names no Redis; the text says what to write and holds nothing of the URL but its scheme."""


@dataclasses.dataclass(frozen=True, slots=True)
class RedisUrl:
    """What a URL says. ``scattered``: keys live on several nodes, so a script takes those of one slot alone."""

    scheme: str
    nodes: tuple[tuple[str, int], ...]
    service: str = ""
    db: int = 0
    user: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    options: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def tls(self) -> bool:
        """Whether the server has to prove who it is, and nobody can listen."""
        return self.scheme.startswith("rediss")

    @property
    def scattered(self) -> bool:
        """Whether keys live on several nodes."""
        return self.scheme.endswith("+cluster")

    @property
    def prefix(self) -> str:
        """What the names of all keys begin with."""
        return self.options.get("prefix", "wb")

    def __str__(self) -> str:
        """For logs: without user and password."""
        return f"{self.scheme}://{','.join(f'{host}:{port}' for host, port in self.nodes)}"

    def client(self) -> Client:
        """A client that tries nothing twice: what is tried again, and when, is for whoever asks."""
        return _CLIENTS[self.scheme.removeprefix("rediss").removeprefix("redis")](self)

    def settings(self) -> dict[str, Any]:
        """What every connection is made with."""
        files = {_TLS_FILES[name]: file for name, file in self.options.items() if name in _TLS_FILES}
        return {
            "username": self.user,
            "password": self.password,
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
            "socket_timeout": TIMEOUT_S,
            "socket_connect_timeout": TIMEOUT_S,
            "max_connections": _CONNECTIONS_MAX,
            **({"ssl": True, **files} if self.tls else {}),
        }


def parse(url: str) -> RedisUrl:
    """What ``url`` says. Raises :class:`RedisUrlError`, which shows no part of it that may be secret."""
    scheme, separator, rest = url.partition("://")
    match = re.fullmatch(r"rediss?(\+sentinel|\+cluster)?", scheme)
    if match is None or not separator:
        raise RedisUrlError(
            "REDIS_URL begins with redis://, redis+sentinel:// or redis+cluster:// (rediss for TLS)"
        )
    try:
        parts = urlsplit(f"//{rest}")
    except ValueError:
        raise RedisUrlError(_NO_NODE) from None  # the cause would show the password
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    nodes = _nodes(parts.netloc.rpartition("@")[2], _SENTINEL_PORT if match[1] == "+sentinel" else _PORT)
    if len(nodes) > 1 and not match[1]:
        raise RedisUrlError("several hosts in REDIS_URL are Sentinels (redis+sentinel://) or a redis+cluster://")
    path = [unquote(part) for part in parts.path.split("/") if part]
    service = path.pop(0) if match[1] == "+sentinel" and path else ""
    if match[1] == "+sentinel" and not service:
        raise RedisUrlError(
            "REDIS_URL of Sentinels ends with the name of the service: redis+sentinel://HOST/SERVICE"
        )
    if len(path) > 1 or (path and (match[1] == "+cluster" or not path[0].isdecimal())):
        raise RedisUrlError("the path of REDIS_URL is the number of a database (in a Cluster there is only one)")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - _OPTIONS):
        raise RedisUrlError(
            f"REDIS_URL has no option {', '.join(unknown)}; there are {', '.join(sorted(_OPTIONS))}"
        )
    if not scheme.startswith("rediss") and not _TLS_FILES.keys().isdisjoint(options):
        raise RedisUrlError("REDIS_URL names files of TLS: write rediss in place of redis")
    return RedisUrl(
        scheme,
        nodes,
        service,
        int(path[0]) if path else 0,
        unquote(user) or None,
        unquote(password) or None,
        options,
    )


def _nodes(text: str, port: int) -> tuple[tuple[str, int], ...]:
    nodes = []
    for node in text.split(","):
        try:
            parts = urlsplit(f"//{node}")
            nodes.append((parts.hostname or "", parts.port or port))
        except ValueError:
            nodes.append(("", 0))
    if not all(host for host, _ in nodes):
        raise RedisUrlError(_NO_NODE)
    return tuple(nodes)


def _server(url: RedisUrl) -> Client:
    host, port = url.nodes[0]
    return Redis(host=host, port=port, db=url.db, **url.settings())


def _sentinel(url: RedisUrl) -> Client:
    settings = url.settings()
    own = {
        **settings,
        "username": url.options.get("sentinel_user"),
        "password": url.options.get("sentinel_password"),
    }
    sentinel = Sentinel(url.nodes, sentinel_kwargs=own)  # type: ignore[no-untyped-call]  # the library has no types here
    client: Redis = sentinel.master_for(url.service, db=url.db, **settings)
    return client


def _cluster(url: RedisUrl) -> Client:
    return RedisCluster(startup_nodes=[ClusterNode(host, port) for host, port in url.nodes], **url.settings())


async def close(client: Client) -> None:
    """Close a client's connections, those to Sentinels too."""
    await client.aclose()
    sentinel = getattr(getattr(client, "connection_pool", None), "sentinel_manager", None)
    if sentinel is not None:
        await sentinel.aclose()


_CLIENTS: Mapping[str, Callable[[RedisUrl], Client]] = {
    "": _server,
    "+sentinel": _sentinel,
    "+cluster": _cluster,
}
