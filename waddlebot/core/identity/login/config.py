"""What an operator can set about signing in."""

import dataclasses
from typing import Annotated

from waddlebot.libs.sdk import Field


@dataclasses.dataclass(frozen=True, slots=True)
class LoginConfig:
    """Who may sign in, and by whose word."""

    registration: Annotated[
        str,
        Field(
            "Who may become a user: closed for those that the operator adds (waddlebot user add), open for "
            "everybody who signs in with an account of a provider.",
            choices=("closed", "open"),
        ),
    ] = "closed"
    twitch_client_id: Annotated[str, Field("Signing in with Twitch: the application's client id.")] = ""
    twitch_client_secret: Annotated[str, Field("And its client secret.", secret=True)] = ""
    discord_client_id: Annotated[str, Field("Signing in with Discord: the application's client id.")] = ""
    discord_client_secret: Annotated[str, Field("And its client secret.", secret=True)] = ""
    google_client_id: Annotated[str, Field("Signing in with Google: the client id.")] = ""
    google_client_secret: Annotated[str, Field("And its client secret.", secret=True)] = ""
    oidc_issuer: Annotated[
        str, Field("Signing in with any OpenID provider: its issuer, an https:// URL as its discovery states it.")
    ] = ""
    oidc_client_id: Annotated[str, Field("The client id there.")] = ""
    oidc_client_secret: Annotated[str, Field("The client secret there.", secret=True)] = ""
    oidc_private: Annotated[
        int,
        Field(
            "1: the issuer may be at a private address, and without TLS; only for one in your own network.",
            at_least=0,
            at_most=1,
        ),
    ] = 0
