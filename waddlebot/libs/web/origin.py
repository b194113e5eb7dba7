"""Where a browser's request comes from: what keeps other sites' pages from using ours.

A page of another site can make a visitor's browser send requests to a server on the visitor's own machine. Two
checks stop that. The ``Host`` must be a name we know: a page whose own name was re-pointed to 127.0.0.1 (DNS
rebinding) still sends that name. And what changes something must carry our own ``Origin``.
"""

import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from waddlebot.libs.web.errors import HttpError

_FORWARDING = (
    "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via",
    "cf-connecting-ip", "true-client-ip", "x-client-ip",
)  # fmt: skip
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
_SAME_SITES = frozenset({"", "same-origin", "none"})


def check_browser(method: str, headers: Mapping[str, str], host_names: Collection[str]) -> None:
    """Raise :class:`HttpError` unless the request is to a name of ours and, where it acts, from a page of ours.

    An IP address as ``Host`` is always ours: rebinding needs a name.
    """
    host = headers.get("host", "")
    name = host_name(host)
    if not (name == "localhost" or _address(name) or name in host_names):
        raise HttpError(
            421,
            "unknown_host",
            f"No page is served under the name {name!r}. Add it to HTTP_ALLOWED_HOSTS to allow it.",
        )
    origin = headers.get("origin")
    # Browsers that know Sec-Fetch-Site (all since 2023) send it with every request, also to what they only fetch.
    foreign = headers.get("sec-fetch-site", "") not in _SAME_SITES
    if method not in SAFE_METHODS:
        if foreign or (origin is not None and _place(origin) != host.lower()):
            raise HttpError(
                403, "foreign_origin", "This request comes from another site's page, so it was not done."
            )
    elif foreign and headers.get("sec-fetch-mode", "") not in ("navigate", ""):
        raise HttpError(403, "foreign_origin", "Pages of other sites may link here, but not read from here.")


def _place(origin: str) -> str:
    """Host and port of an ``Origin``, in lower case; empty where it makes no sense."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # "http://a]b": as below
        return ""


def host_name(host: str) -> str:
    """The name in a ``Host`` header, without the port, in lower case; empty where it makes no sense."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # "[::1": a bracket that is never closed
        return ""


def is_local(peer: str, headers: Mapping[str, str]) -> bool:
    """Whether a request surely comes from this machine: over loopback, to a loopback name, through no proxy."""
    address = _address(peer)
    name = host_name(headers.get("host", ""))
    named = _address(name)
    return (
        address is not None
        and address.is_loopback
        and (name == "localhost" or (named is not None and named.is_loopback))
        and not any(header in headers for header in _FORWARDING)
    )


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
