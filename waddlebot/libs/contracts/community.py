"""What core.community promises."""

import msgspec

from waddlebot.libs.sdk.contract import Contract
from waddlebot.libs.sdk.view import Contribution

HOME = "home"
"""The community of the operator's own entities on embedded defaults."""

GLOBAL = "waddlebot-global"
"""The community that everyone is for ever a member of."""


class ConfigurationsRequest(msgspec.Struct, frozen=True):
    """Which communities; none named means all."""

    communities: tuple[str, ...] = ()


class Configuration(msgspec.Struct, frozen=True):
    """What every host must know of a community: its version, its entities, switches, ranks and settings."""

    community: str
    version: int
    entities: tuple[str, ...]
    contribution: Contribution


class Configurations(msgspec.Struct, frozen=True):
    """The configurations asked for; communities that do not exist are left out."""

    items: tuple[Configuration, ...]


class AdoptRequest(msgspec.Struct, frozen=True):
    """Entities (``platform:server:channel``) to bring into a community."""

    community: str
    entities: tuple[str, ...]


class Adopted(msgspec.Struct, frozen=True):
    """Whose each entity now is. One that belonged to another community stays there."""

    entities: dict[str, str]


class CommunityService(Contract):
    """Communities, their entities and their configuration."""

    async def configurations(self, request: ConfigurationsRequest) -> Configurations:
        """The configuration of communities, read from the primary."""
        raise NotImplementedError

    async def adopt(self, request: AdoptRequest) -> Adopted:
        """Bring entities that belong nowhere into a community; the others keep theirs."""
        raise NotImplementedError
