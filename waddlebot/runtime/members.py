"""What inbox, outbox and bus know of the hosts, from the coordinator."""

from collections.abc import Collection, Mapping

from waddlebot.runtime.coordination import Coordinator


class Members:
    """This host among the living, as :class:`waddlebot.libs.adapters.membership.Membership` has it."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    @property
    def host(self) -> str:
        """This host's id."""
        return self._coordinator.host

    @property
    def owned(self) -> Mapping[int, int]:
        """The partitions that this host owns, with their fences."""
        return self._coordinator.owned

    @property
    def is_sure(self) -> bool:
        """Whether no other host can have taken this one for dead."""
        return self._coordinator.is_sure

    async def gone(self, hosts: Collection[str]) -> list[str]:
        """Those of ``hosts`` that live no more. What is known may be older than they are: it looks first."""
        coordinator = self._coordinator
        if not set(hosts) - coordinator.hosts().keys() - {coordinator.host}:
            return []
        await coordinator.look()
        if not coordinator.is_sure:
            return []
        return [*(set(hosts) - coordinator.hosts().keys() - {coordinator.host})]
