"""What core.community promises."""

from typing import Any

import msgspec

from waddlebot.libs.sdk.context import Context, ServiceContext
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
    """What every host must know of a community: its version, its entities, switches, ranks and settings.

    ``asserted`` are those of the entities that API keys brought in, and no receiver of ours.
    """

    community: str
    version: int
    entities: tuple[str, ...]
    contribution: Contribution
    asserted: tuple[str, ...] = ()


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


class MembersRequest(msgspec.Struct, frozen=True):
    """Some accounts (at most 1,000), and the community they may be members of; none named means the asking one.

    A community may ask for itself and for ``waddlebot-global``; who asks for none, for any.
    """

    accounts: tuple[str, ...]
    community: str = ""


class Members(msgspec.Struct, frozen=True):
    """Those of the accounts that are members, in the order they were asked."""

    accounts: tuple[str, ...]


class CircumstancesRequest(msgspec.Struct, frozen=True):
    """The accounts of a person (at most 1,000), and an entity, of the asking community. Either may be empty."""

    accounts: tuple[str, ...] = ()
    entity: str = ""


class Circumstances(msgspec.Struct, frozen=True):
    """When the first of the accounts was noticed there (seconds since 1970), and whether the entity is live.

    ``None`` is what nobody knows: accounts are noticed where a rule or a role asks for their age.
    """

    known_since: float | None = None
    live: bool | None = None


class CommunityService(Contract):
    """Communities, their entities and their configuration."""

    async def configurations(self, request: ConfigurationsRequest) -> Configurations:
        """The configuration of communities, read from the primary."""
        raise NotImplementedError

    async def adopt(self, request: AdoptRequest) -> Adopted:
        """Bring entities that belong nowhere into a community; the others keep theirs."""
        raise NotImplementedError

    async def members(self, request: MembersRequest) -> Members:
        """Which of some accounts are members of a community.

        A member is who did something there that reputation counted, or has a rank there. Nobody stops being one,
        and who was seen in any community is for ever a member of ``waddlebot-global``, which no switch changes.
        Raises ``CallError`` where one community asks for another one's.
        """
        raise NotImplementedError

    async def circumstances(self, request: CircumstancesRequest) -> Circumstances:
        """What access rules ask of the asking community that no event tells."""
        raise NotImplementedError


async def is_member(ctx: Context[Any, Any] | ServiceContext[Any, Any], account: str, community: str = "") -> bool:
    """Whether an account (``platform:user_id``) is a member of a community, or of the asking one."""
    found = await ctx.use(CommunityService).members(MembersRequest((account,), community))
    return bool(found.accounts)
