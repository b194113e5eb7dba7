"""Which hosts live and what this one owns, as far as inbox and outbox have to know."""

import secrets
from collections.abc import Collection, Mapping
from typing import Protocol

from waddlebot.libs.sdk.ports import PARTITIONS


class Membership(Protocol):
    """A host among others. The runtime's coordinator is one."""

    @property
    def host(self) -> str:
        """This host's id, made new at each start."""

    @property
    def owned(self) -> Mapping[int, int]:
        """The partitions that this host owns, with their fences."""

    @property
    def is_sure(self) -> bool:
        """Whether no other host can have taken this one for dead."""

    async def gone(self, hosts: Collection[str]) -> list[str]:
        """Those of ``hosts``, which have written rows, that live no more: by a look after the rows were seen.

        A host arrives before it writes anything, so one that is not there then is dead, and never comes back.
        Raises ``DalError``.
        """


class Alone:
    """The only host there is: it owns everything, and whatever another left is its to finish."""

    def __init__(self) -> None:
        self.host = f"host-{secrets.token_hex(6)}"
        self.is_sure = True
        self.owned: Mapping[int, int] = dict.fromkeys(range(PARTITIONS), 1)

    async def gone(self, hosts: Collection[str]) -> list[str]:
        """All others."""
        return [host for host in hosts if host != self.host]
