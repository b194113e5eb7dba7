"""Whose word is taken for who somebody is: platforms we know, and any OpenID provider of the operator's."""

import dataclasses
from collections.abc import Iterator
from ipaddress import ip_address

from yarl import URL

from waddlebot.core.identity.login.config import LoginConfig
from waddlebot.libs.fetch import Policy
from waddlebot.libs.fetch.address import PORTS, public_address
from waddlebot.libs.web.errors import HttpError


@dataclasses.dataclass(frozen=True, slots=True)
class Provider:
    """Where and how one is asked. Endpoints that are empty are found by discovery (OpenID Connect Discovery 1.0).

    ``platform`` is ours of which ``sub`` is the user's id. With ``userinfo`` it is no OpenID provider: who it is,
    is asked there with the access token, and is the ``id`` of the answer.
    """

    key: str
    title: str
    issuer: str
    client_id: str
    client_secret: str = dataclasses.field(repr=False)
    scope: str = "openid"
    platform: str = ""
    authorize: str = ""
    token: str = ""
    jwks: str = ""
    userinfo: str = ""
    auth: str = "client_secret_post"
    names_issuer: bool = False
    """Whether its answers always name the issuer (RFC 9207 §3)."""
    private: bool = False

    @property
    def policy(self) -> Policy:
        """Where requests may go: to hosts of the Internet by TLS, or to the operator's own, if they say so."""
        if not self.private:
            return Policy(schemes=frozenset({"https"}), total_s=10.0)
        own = URL(self.issuer).port
        return Policy(
            ports=PORTS | ({own} if own else set()),
            allowed=lambda address, port: port == own or public_address(ip_address(str(address))),
            total_s=10.0,
        )


# Endpoints as documented: https://dev.twitch.tv/docs/authentication/getting-tokens-oidc/,
# https://docs.discord.com/developers/topics/oauth2, https://developers.google.com/identity/openid-connect/openid-connect
_TWITCH = Provider(
    "twitch", "Twitch", "https://id.twitch.tv/oauth2", "", "", platform="twitch",
    authorize="https://id.twitch.tv/oauth2/authorize", token="https://id.twitch.tv/oauth2/token",  # noqa: S106  an address, no secret
    jwks="https://id.twitch.tv/oauth2/keys",
)  # fmt: skip
_DISCORD = Provider(
    "discord", "Discord", "https://discord.com", "", "", scope="identify", platform="discord",
    authorize="https://discord.com/oauth2/authorize", token="https://discord.com/api/oauth2/token",  # noqa: S106  an address, no secret
    userinfo="https://discord.com/api/users/@me",
)  # fmt: skip
_GOOGLE = Provider(
    "google", "Google", "https://accounts.google.com", "", "", scope="openid email",
    authorize="https://accounts.google.com/o/oauth2/v2/auth",
    token="https://oauth2.googleapis.com/token",  # noqa: S106  an address, no secret
    jwks="https://www.googleapis.com/oauth2/v3/certs",
)  # fmt: skip


def providers_of(config: LoginConfig) -> dict[str, Provider]:
    """Those that the operator configured, by key."""
    return {provider.key: provider for provider in _configured(config)}


def _configured(config: LoginConfig) -> Iterator[Provider]:
    for preset, client_id, client_secret in (
        (_TWITCH, config.twitch_client_id, config.twitch_client_secret),
        (_DISCORD, config.discord_client_id, config.discord_client_secret),
        (_GOOGLE, config.google_client_id, config.google_client_secret),
    ):
        if client_id:
            yield dataclasses.replace(preset, client_id=client_id, client_secret=client_secret)
    if config.oidc_issuer and config.oidc_client_id:
        title = URL(config.oidc_issuer).host or config.oidc_issuer
        yield Provider(
            "oidc", title, config.oidc_issuer, config.oidc_client_id, config.oidc_client_secret,
            scope="openid email", private=bool(config.oidc_private),
        )  # fmt: skip


def discovered(provider: Provider, found: dict[str, object]) -> Provider:
    """A provider with the endpoints that its discovery names. Raises :class:`HttpError` 502 for nonsense."""
    wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    urls = [found.get(name) for name in wanted]
    schemes = ("https://", "http://") if provider.private else ("https://",)
    if found.get("issuer") != provider.issuer or not all(
        isinstance(url, str) and url.startswith(schemes) for url in urls
    ):
        raise HttpError(502, "bad_provider", f"What {provider.title} says of itself makes no sense.")
    methods = found.get("token_endpoint_auth_methods_supported")
    posts = isinstance(methods, list) and "client_secret_post" in methods
    authorize, token, jwks = map(str, urls)
    return dataclasses.replace(
        provider,
        authorize=authorize,
        token=token,
        jwks=jwks,
        auth="client_secret_post" if posts else "client_secret_basic",
        names_issuer=found.get("authorization_response_iss_parameter_supported") is True,
    )
