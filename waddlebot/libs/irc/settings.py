"""What the operator says about one connection, and what a kind of server is like."""

from dataclasses import dataclass, field
from typing import Literal

type Sasl = Literal["", "plain", "external"]


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel to be in, with its key where it has one."""

    name: str
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between IRC networks and platforms that only speak like one."""

    capabilities: tuple[str, ...]
    """Wanted capabilities. Only offered ones are requested, each in a line of its own, since a request that
    names an unknown one is refused whole. Never `echo-message`: our own lines must not be events."""
    full_irc: bool = True
    """Whether nicks can be chosen, NAMES and MODE tell who holds a status, and CTCP is asked and answered."""
    text_size_max: int = 0
    """Characters of one message; 0 when the limit is the bytes of the line."""
    parts_max: int = 5
    """Most messages one text may become."""
    reply_tag: str = "+draft/reply"
    """Tag that names the message being answered."""
    rooms_max: int = 0
    """Channels one user may be in; 0 when the server says so itself."""
    login_refusals: tuple[str, ...] = ()
    """Texts of a server's NOTICE before the welcome that mean the credentials are wrong."""
    login_advice: str = "Check nick, account and password"
    """What the operator should do about a refused login."""
    room_refusals: frozenset[str] = frozenset()
    """`msg-id` tags of a channel's NOTICE that mean we cannot be in it."""
    mute: str = ""
    """Why nothing can be sent on this connection, in words; empty when it can."""


IRC = Dialect(
    capabilities=("message-tags", "server-time", "account-tag", "batch", "multi-prefix", "cap-notify"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IrcSettings:
    """One connection to one network. `name` is how the network is called in entity ids and messages."""

    host: str
    port: int
    nick: str
    channels: tuple[Channel, ...] = ()
    tls: bool = True
    insecure: bool = False
    """Accept any certificate, and send a password over a plain connection."""
    ca: str = ""
    """File of certificates to trust instead of the system's."""
    cert: str = ""
    """File of our own certificate, with its private key unless `key` names another file."""
    key: str = ""
    password: str = field(default="", repr=False)
    """For SASL PLAIN when `sasl` says so, else sent as the server's password (PASS)."""
    sasl: Sasl = ""
    account: str = ""
    """Services account for SASL; empty means the nick."""
    username: str = "waddlebot"
    realname: str = "WaddleBot"
    name: str = ""
    rate: float = 1.0
    """Flood penalty forgiven per second, in seconds: RFC 1459 8.10 grants 1, a server of one's own may more."""
    dialect: Dialect = IRC

    @property
    def label(self) -> str:
        """The network's name, or its host."""
        return self.name or self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long to wait for what, in seconds; the defaults suit the internet, tests use shorter ones."""

    connect_timeout_s: float = 20.0
    register_timeout_s: float = 60.0
    """From the connection to the welcome: servers may look up our name and ident for half a minute."""
    silence_s: float = 90.0
    """We ask for a sign of life when nothing came for this long."""
    ping_timeout_s: float = 30.0
    """The link is dead when none came after this."""
    tick_s: float = 1.0
    """How often silence, due joins and the nick are looked at."""
    backoff_base_s: float = 2.0
    backoff_max_s: float = 120.0
    """The n-th retry waits a random time up to base * 2**n and at most this: full jitter, so that a thousand
    bots do not return in step."""
    stable_s: float = 60.0
    """A link that held this long starts the back-off anew."""
    refused_retry_s: float = 600.0
    """Pause after a refused login; 0 means never again until restarted."""
    rejoin_s: tuple[float, ...] = (5.0, 60.0, 300.0, 1800.0)
    """Pauses before each try to return to a channel that kept or threw us out; then we stay out."""
    join_timeout_s: float = 60.0
    """A JOIN that nobody answers in this time has failed."""
    regain_nick_s: float = 60.0
    """How often we ask for our own nick while another uses it."""
