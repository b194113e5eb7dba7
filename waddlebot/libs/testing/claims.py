"""Claims for a module that stands alone: it holds what it wants, until a test takes it away."""

import asyncio
import math
from collections.abc import Iterable, Mapping

from waddlebot.libs.sdk.ports import Claims


class LoneClaims(Claims):
    """Hands out all that is wanted, at once. ``wanted`` is what was asked for last."""

    def __init__(self, host: str = "host-lone") -> None:
        self.host = host
        self.wanted: dict[str, int] = {}
        self.most: int | None = None
        self._elsewhere: dict[str, str] = {}
        self._held: Mapping[str, int] = {}
        self._fences: dict[str, int] = {}
        self._changed = asyncio.Event()
        self._replicas = 1

    def want(self, names: Mapping[str, int], *, most: int | None = None, moves_per_s: float = math.inf) -> None:
        """Hold these names, but for those that another host holds."""
        self.wanted, self.most = dict(names), most
        self._settle()

    @property
    def held(self) -> Mapping[str, int]:
        """The names held now."""
        return self._held

    @property
    def replicas(self) -> int:
        """How many replicas the test says there are."""
        return self._replicas

    async def changed(self) -> None:
        """Return after something changed."""
        await self._changed.wait()
        self._changed.clear()

    def holder(self, name: str) -> str:
        """Who holds a name."""
        return self._elsewhere.get(name, self.host if name in self._held else "")

    def give(self, names: Iterable[str], host: str = "host-other", *, replicas: int = 2) -> None:
        """Let another host hold these names."""
        if replicas != self._replicas:
            self._replicas = replicas
            self._changed.set()
        self._elsewhere |= dict.fromkeys(names, host)
        self._settle()

    def take(self, names: Iterable[str]) -> None:
        """Get these names back, under a higher fence."""
        for name in names:
            self._elsewhere.pop(name, None)
            self._fences[name] = self._fences.get(name, 1) + 2
        self._settle()

    def _settle(self) -> None:
        mine = sorted((name for name in self.wanted if name not in self._elsewhere), key=self._rank)
        held = {name: self._fences.get(name, 1) for name in mine[: self.most]}
        if held != self._held:
            self._held = held
            self._changed.set()

    def _rank(self, name: str) -> tuple[int, str]:
        return -self.wanted[name], name
