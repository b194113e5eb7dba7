"""`IRC_URLS`: one URL per network, separated by spaces.

    ircs://nick:password@irc.example.org:6697/%23general,%23bots?sasl=plain

`ircs` is TLS on port 6697, `irc` is plain on port 6667. Channels are percent-encoded (`%23` is `#`), a
channel's key follows its name after a space (`%23secret%20key`); a name without a channel prefix gets `#`. A
password logs in by SASL PLAIN; with `sasl=off` it is sent as the server's password (PASS) instead. Options:
`sasl`, `account`, `cert`, `key`, `ca`, `insecure`, `name`, `username`, `realname`, `rate`, each explained in
`IrcSettings`.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from waddlebot.libs.irc.errors import UrlError
from waddlebot.libs.irc.settings import Channel, IrcSettings, Sasl

_OPTIONS = frozenset({"sasl", "account", "cert", "key", "ca", "insecure", "name", "username", "realname", "rate"})
_SASL: Mapping[str, Sasl] = {"off": "", "plain": "plain", "external": "external"}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NICK = re.compile(r"[A-Za-z\[\]\\`_^{|}][A-Za-z0-9\[\]\\`_^{|}-]*")
_CHANNEL_PREFIXES = "#&+!"
_ENCODE = "Write /, ?, # and @ in a password as %2F, %3F, %23 and %40"


def parse_irc_urls(value: str) -> tuple[IrcSettings, ...]:
    """Read `IRC_URLS`. Raises UrlError, which names the network (by number and host) and the wrong part."""
    urls = enumerate(value.split(), 1)
    networks = tuple(parse_irc_url(url, f"IRC_URLS, network {number}") for number, url in urls)
    labels = [network.label for network in networks]
    for label in labels:
        if labels.count(label) > 1:
            raise UrlError(f"IRC_URLS: two networks are called {label!r}; tell them apart with ?name=…")
    return networks


def parse_irc_url(url: str, what: str = "IRC URL") -> IrcSettings:
    """Read one URL; `what` begins every error."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its words would quote what may be the start of a password
        raise UrlError(f"{what}: the host or port cannot be read. {_ENCODE}") from None
    if parts.scheme not in ("irc", "ircs"):
        raise UrlError(f"{what}: it must begin with ircs:// (TLS) or irc:// (plain)")
    if not parts.hostname:
        raise UrlError(f"{what}: the host is missing")
    if "@" in parts.path + parts.query + parts.fragment:  # a password that ended too early: its rest stands there
        raise UrlError(f"{what}: there is an @ behind the host. {_ENCODE}, and an @ elsewhere as %40")
    what = f"{what} ({parts.hostname})"
    if parts.fragment:
        raise UrlError(f"{what}: write the '#' of a channel as %23")
    options = _options(parts, what)
    settings = IrcSettings(
        host=parts.hostname,
        port=port or (6697 if parts.scheme == "ircs" else 6667),
        tls=parts.scheme == "ircs",
        nick=_nick(parts, what),
        password=unquote(parts.password or ""),
        channels=tuple(_channels(parts.path, what)),
        sasl=_sasl(parts, options, what),
        insecure=_flag(options.get("insecure", "0"), what),
        rate=_rate(options.get("rate", "1"), what),
        account=options.get("account", ""),
        cert=options.get("cert", ""),
        key=options.get("key", ""),
        ca=options.get("ca", ""),
        name=options.get("name", ""),
        username=options.get("username", "waddlebot"),
        realname=options.get("realname", "WaddleBot"),
    )
    _refuse_unsafe(settings, what)
    return settings


def _options(parts: SplitResult, what: str) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in _OPTIONS:
            raise UrlError(f"{what}: unknown option {name[:32]!r}; known are {', '.join(sorted(_OPTIONS))}")
    for name in ("username", "name", "account"):
        if not re.fullmatch(r"[^\s:@!]*", options.get(name, "")):
            raise UrlError(f"{what}: the option {name!r} must be one word without ':', '@' and '!'")
    if not options.get("realname", "WaddleBot").isprintable():
        raise UrlError(f"{what}: the option 'realname' must be printable text")
    return options


def _nick(parts: SplitResult, what: str) -> str:
    nick = unquote(parts.username or "waddlebot")
    if not _NICK.fullmatch(nick):
        raise UrlError(f"{what}: {nick[:32]!r} is no nick: letters, digits, []\\`_^{{|}}-, no digit or '-' first")
    return nick


def _channels(path: str, what: str) -> Iterable[Channel]:
    for word in path.removeprefix("/").split(","):
        name, _, key = unquote(word).partition(" ")
        if not name:
            continue
        if name[0] not in _CHANNEL_PREFIXES:
            name = "#" + name
        if len(name) < 2 or any(character in name + key for character in ", \x07\r\n\0"):
            raise UrlError(f"{what}: {name[:50]!r} is not a channel")
        yield Channel(name, key)


def _sasl(parts: SplitResult, options: Mapping[str, str], what: str) -> Sasl:
    word = options.get("sasl", "plain" if parts.password else "off")
    if word not in _SASL:
        raise UrlError(f"{what}: sasl must be plain, external or off, not {word[:16]!r}")
    if word == "plain" and not parts.password:
        raise UrlError(f"{what}: sasl=plain needs a password: ircs://nick:password@…")
    if word == "external" and not options.get("cert"):
        raise UrlError(f"{what}: sasl=external needs cert=/path/of/certificate.pem")
    if word == "external" and parts.scheme != "ircs":
        raise UrlError(f"{what}: sasl=external works over TLS only: begin with ircs://")
    return _SASL[word]


def _flag(value: str, what: str) -> bool:
    if value not in ("0", "1"):
        raise UrlError(f"{what}: insecure must be 0 or 1")
    return value == "1"


def _rate(value: str, what: str) -> float:
    try:
        rate = float(value)
    except ValueError:
        rate = 0.0
    if not 0.1 <= rate <= 10_000:
        raise UrlError(f"{what}: rate must be a number from 0.1 to 10000")
    return rate


def _refuse_unsafe(settings: IrcSettings, what: str) -> None:
    readable = not settings.tls and settings.host not in _LOOPBACK and not settings.insecure
    if settings.password and readable:
        raise UrlError(
            f"{what}: the password would cross the network in clear: use ircs://, or accept it by ?insecure=1"
        )
