"""One module's view of what its replicas share."""

import asyncio
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from waddlebot.libs.sdk.ports import Claims
from waddlebot.runtime.sharing import Wish

_NOTHING: Mapping[str, int] = MappingProxyType({})


class Moves:
    """Lets at most so many names a second move from one living host to another; they come one after the other."""

    def __init__(self) -> None:
        self.rate_per_s = math.inf
        self._saved = 1.0
        self._at_s = -math.inf

    def allow(self, count: int, now_s: float) -> int:
        """How many of ``count`` names may move now; they count as moved."""
        if not count or self.rate_per_s == math.inf:
            return count
        since_s = min(now_s - self._at_s, 1.0)
        self._saved = min(self._saved + since_s * self.rate_per_s, max(1.0, self.rate_per_s))
        self._at_s = now_s
        allowed = min(count, int(self._saved))
        self._saved -= allowed
        return allowed


class HostClaims(Claims):
    """What one module of this host shares. The coordinator settles it; see :class:`Claims` for its meaning."""

    def __init__(
        self, is_sure: Callable[[], bool], holder: Callable[[str], str], wake: Callable[[], None]
    ) -> None:
        self._is_sure = is_sure
        self._holder = holder
        self._wake = wake
        self._held: Mapping[str, int] = _NOTHING
        self._replicas = 1
        self._changed = asyncio.Event()
        self.wish: Wish | None = None
        self.moves = Moves()

    def want(self, names: Mapping[str, int], *, most: int | None = None, moves_per_s: float = math.inf) -> None:
        """Share these names from now on."""
        self.moves.rate_per_s = moves_per_s
        wish = Wish(dict(names), most)
        if wish != self.wish:
            self.wish = wish
            self._wake()

    @property
    def held(self) -> Mapping[str, int]:
        """The names held now, and the fence of each."""
        return self._held if self._is_sure() else _NOTHING

    @property
    def replicas(self) -> int:
        """How many replicas share names."""
        return self._replicas

    async def changed(self) -> None:
        """Return after ``held`` or ``replicas`` changed since the last return."""
        await self._changed.wait()
        self._changed.clear()

    def holder(self, name: str) -> str:
        """The host that holds a name."""
        return self._holder(name)

    def settle(self, held: Mapping[str, int], replicas: int) -> None:
        """Take in what is so now."""
        replicas = max(replicas, 1)
        if held != self._held:
            self._held = MappingProxyType(dict(held))
            self._changed.set()
        if replicas != self._replicas:
            self._replicas = replicas
            self._changed.set()
