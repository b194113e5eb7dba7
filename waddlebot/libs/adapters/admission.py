"""How much may be under way: a limit for all, and a quarter of it for one community."""

_COMMUNITY_SHARE = 4


class Admission:
    """Counts what is under way. Where it is full nobody waits: they are refused at once."""

    __slots__ = ("_held", "_most", "_share", "size")

    def __init__(self, most: int) -> None:
        self._most = most
        self._share = most // _COMMUNITY_SHARE
        self._held: dict[str, int] = {}
        self.size = 0

    def enter(self, community: str) -> bool:
        """Take a place for a community; False where there is none. What nobody's is has a share too."""
        held = self._held.get(community, 0)
        if self.size >= self._most or held >= self._share:
            return False
        self._held[community] = held + 1
        self.size += 1
        return True

    def leave(self, community: str) -> None:
        """Give the place back."""
        held = self._held[community] - 1
        if held:
            self._held[community] = held
        else:
            del self._held[community]
        self.size -= 1
