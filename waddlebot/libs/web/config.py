"""What an operator can set about the web server."""

import dataclasses
import re
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from waddlebot.libs.sdk.fields import Field, FieldError
from waddlebot.libs.web.origin import host_name
from waddlebot.libs.web.sessions import Network

_ORIGIN = re.compile(r"https?://[^/\s?#@]+/?")


@dataclasses.dataclass(frozen=True, slots=True)
class WebConfig:
    """Read it with ``from_environment(WebConfig, "http")``: the variables are ``HTTP_HOST``, ``HTTP_PORT`` …"""

    host: Annotated[
        str, Field("The address the web server listens on; 0.0.0.0 for every one of this machine.")
    ] = "127.0.0.1"
    port: Annotated[int, Field("The port the web server listens on.", at_least=0, at_most=65535)] = 8060
    allowed_hosts: Annotated[
        str,
        Field("Host names, comma separated, that browsers may use for the pages, beside localhost and addresses."),
    ] = ""
    public_url: Annotated[
        str,
        Field(
            "Where browsers reach the bot, such as https://bot.example.org. Signing in with passkeys or another "
            "platform's account needs it; with https:// cookies are for TLS alone.",
            env="HTTP_PUBLIC_URL",
        ),
    ] = ""
    proxies: Annotated[
        str,
        Field(
            "Addresses or networks (10.0.0.0/8) of your own proxies, comma separated, whose X-Forwarded-For tells "
            "who asks."
        ),
    ] = ""
    requests_max: Annotated[
        int,
        Field(
            "Requests that one API key, or one address without a key, may make in a window. Posted events do not "
            "count: of them as many are taken as can be kept, then they are refused with 503 and Retry-After.",
            at_least=1,
        ),
    ] = 1_200
    requests_window_s: Annotated[float, Field("Length of that window in seconds.", at_least=1)] = 60.0
    leave_s: Annotated[
        float,
        Field(
            "Seconds to go on answering while /health/ready says already that this process stops, so that load "
            "balancers send it nothing more before it ends. 0 where none is in front.",
            at_least=0,
            at_most=60,
        ),
    ] = 0.0
    metrics_token: Annotated[
        str,
        Field(
            "Opens /metrics to Prometheus, which shows it as bearer token. "
            "Empty: /metrics is for the operator's own commands alone.",
            env="METRICS_TOKEN",
            secret=True,
            length_min=16,  # nobody guesses that
        ),
    ] = ""

    def url(self, port: int = 0) -> str:
        """Where a browser on this machine finds the server; with ``port`` where another one was given to it."""
        host = self.host
        if host in ("0.0.0.0", "::", ""):  # noqa: S104  compared, not bound
            host = "127.0.0.1"
        return f"http://{f'[{host}]' if ':' in host else host}:{port or self.port}"

    @property
    def host_names(self) -> frozenset[str]:
        """The allowed host names and that of the public URL, in lower case."""
        names = {name.strip().lower() for name in self.allowed_hosts.split(",") if name.strip()}
        return frozenset(names | ({host_name(urlsplit(self.public_url).netloc)} - {""}))

    @property
    def proxy_networks(self) -> tuple[Network, ...]:
        """Where the proxies are."""
        return tuple(ip_network(part.strip(), strict=False) for part in self.proxies.split(",") if part.strip())

    def __post_init__(self) -> None:
        try:
            self.proxy_networks  # noqa: B018  it raises for what is no network
        except ValueError as error:
            raise FieldError(f"HTTP_PROXIES takes addresses and networks, comma separated: {error}.") from None
        if self.public_url and not _ORIGIN.fullmatch(self.public_url):
            raise FieldError(
                "HTTP_PUBLIC_URL is a scheme and a host, such as https://bot.example.org, without a path."
            )

    @property
    def secure(self) -> bool:
        """Whether browsers come by TLS."""
        return self.public_url.startswith("https://")
