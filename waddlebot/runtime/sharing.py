"""Who is to hold what: a fair plan that every host works out for itself, alike."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wish:
    """What one replica wants to share: names with priorities, of which it holds at most ``most``."""

    names: Mapping[str, int]
    most: int | None = None


def plan(wishes: Mapping[str, Wish], holders: Mapping[str, str]) -> dict[str, str]:
    """The host for each name, by the replicas' ``wishes`` (by host) and by who holds names now.

    Each replica gets as many as the others, give or take one, where they want the same. Of all such plans it is
    one in which the fewest names change hands; those that do are of the lowest priority. Names that nobody has
    room for are missing: they are of the lowest priority, too. What a host without a wish holds counts as free.
    """
    shares = _Shares(wishes)
    free = [name for name in shares.ranked if not shares.give(holders.get(name, ""), name)]
    left = [name for name in free if not shares.give_to_least(name)]
    shares.sort()
    for name in left:
        shares.displace(name)
    shares.balance()
    return shares.by_name()


class _Shares:
    """A plan while it is made."""

    def __init__(self, wishes: Mapping[str, Wish]) -> None:
        self._wishes = dict(sorted(wishes.items()))
        self._priorities: dict[str, int] = {}
        for wish in self._wishes.values():
            for name, priority in wish.names.items():
                self._priorities[name] = max(priority, self._priorities.get(name, priority))
        self.ranked = sorted(self._priorities, key=lambda name: (-self._priorities[name], name))
        self._names: dict[str, list[str]] = {host: [] for host in self._wishes}

    def give(self, host: str, name: str) -> bool:
        """Plan a name for a host that wants it and has room; whether that is so."""
        wish = self._wishes.get(host)
        if wish is None or name not in wish.names:
            return False
        names = self._names[host]
        if wish.most is not None and len(names) >= wish.most:
            return False
        names.append(name)
        return True

    def give_to_least(self, name: str) -> bool:
        """Plan a name for the host that has the fewest and takes it."""
        return any(self.give(host, name) for host in self._by_size())

    def sort(self) -> None:
        """Put each host's names in order, the highest priority first."""
        rank = {name: number for number, name in enumerate(self.ranked)}
        for names in self._names.values():
            names.sort(key=rank.__getitem__)

    def displace(self, name: str) -> None:
        """Make room for a name where one of a lower priority is planned."""
        places = [host for host, wish in self._wishes.items() if name in wish.names and self._names[host]]
        worst = min(places, key=lambda host: self._priorities[self._names[host][-1]], default=None)
        if worst is not None and self._priorities[self._names[worst][-1]] < self._priorities[name]:
            self._names[worst].pop()
            self._names[worst].insert(0, name)

    def balance(self) -> None:
        """Move names from who has more to who has less, until nobody has two more than another who wants them."""
        while self._move_one():
            pass

    def _move_one(self) -> bool:
        by_size = self._by_size()
        for most in reversed(by_size):
            for least in by_size:
                if len(self._names[most]) - len(self._names[least]) < 2:
                    break
                name = next((n for n in reversed(self._names[most]) if n in self._wishes[least].names), None)
                if name is not None and self.give(least, name):
                    self._names[most].remove(name)
                    return True
        return False

    def by_name(self) -> dict[str, str]:
        """The plan."""
        return {name: host for host, names in self._names.items() for name in names}

    def _by_size(self) -> list[str]:
        return sorted(self._names, key=lambda host: len(self._names[host]))
