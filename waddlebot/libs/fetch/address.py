"""Which URLs and addresses a request may go to.

The check is made on the parsed URL that the client then uses, never on its text: two parsers that
disagree are how such checks are usually passed. (CWE-918; RFC 6890 and the IANA special-purpose registries.)
"""

import ipaddress
import re
from collections.abc import Container

from yarl import URL

from waddlebot.libs.fetch.errors import FetchRefusedError

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

URL_MAX = 2_048
"""Longest URL in characters."""

PORTS = frozenset({80, 443})
SCHEMES = frozenset({"http", "https"})

# Global by Python's tables or by the registry, and yet no host of the public Internet answers there itself.
_NEVER_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network, RFC 791
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598
        "192.0.0.0/24",  # protocol assignments, RFC 6890
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "198.18.0.0/15",  # benchmarks, RFC 2544
    )
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")  # the only range IANA gives out for hosts, RFC 4291
_NEVER_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID, benchmarks, RFC 2928
        "2001:db8::/32",  # documentation, RFC 3849
        "2002::/16",  # 6to4, which holds an IPv4 address, RFC 3056
        "3fff::/20",  # documentation, RFC 9637
    )
)
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)
_HOSTNAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*", re.IGNORECASE)


def public_address(address: Address) -> bool:
    """Whether the address belongs to a host of the public Internet and carries no other address inside.

    IPv4 in IPv6 (mapped, NAT64 `64:ff9b::/96`, 6to4, Teredo) is never public: `is_global` believes some of them.
    """
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NEVER_V4)
    if address.scope_id is not None or address not in _GLOBAL_V6:
        return False
    return not any(address in network for network in _NEVER_V6)


def literal_address(host: str) -> Address | None:
    """The address that a host is written as, or None for a name.

    Raises:
        FetchRefusedError: The host is a number in a form that some resolvers read as an address (`127.1`,
            `0x7f000001`, `2130706433`, `0177.0.0.1`). The rule is "ends in a number" of the WHATWG URL standard.
    """
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    if ":" in host or _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        raise FetchRefusedError("The address is written in an unusual way: write a host name like example.com.")
    return None


def check_url(text: str | URL, ports: Container[int] = PORTS, schemes: frozenset[str] = SCHEMES) -> URL:
    """Parse a URL and check all that can be checked without asking DNS.

    Args:
        text: The URL as somebody typed it, or as a redirect gave it.
        ports: Ports that may be asked.
        schemes: Schemes that may be asked, of `http` and `https`.

    Returns:
        The parsed URL without its fragment. Use this object for the request, not the text.

    Raises:
        FetchRefusedError: With what is wrong and what to write instead.
    """
    if len(str(text)) > URL_MAX:
        raise FetchRefusedError(f"The URL is too long: at most {URL_MAX:,} characters.")
    try:
        url = (URL(text.strip()) if isinstance(text, str) else text).with_fragment(None)
        host, port = url.raw_host, url.port
    except (ValueError, TypeError):
        raise FetchRefusedError("This is not a URL: write it like https://example.com/path.") from None
    if url.scheme not in schemes or not host:
        known = " and ".join(f"{scheme}://" for scheme in sorted(schemes))
        raise FetchRefusedError(f"Only {known} can be asked: write the URL like https://example.com/path.")
    if url.raw_user is not None or url.raw_password is not None:
        raise FetchRefusedError("The URL holds a user name or password: take it out.")
    if port not in ports:
        raise FetchRefusedError(f"Port {port} is not allowed: use the usual port of http or https.")
    if literal_address(host) is None:
        _check_name(host)
    return url


def _check_name(host: str) -> None:
    name = host.rstrip(".").lower()
    if len(name) > 253 or not _HOSTNAME.fullmatch(name):
        raise FetchRefusedError("The host is not a valid name: write it like example.com.")
    if "." not in name or name.endswith((".localhost", ".local", ".internal", ".home.arpa")):
        raise FetchRefusedError("The host belongs to a private network: only public hosts can be asked.")
