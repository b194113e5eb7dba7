"""Freshness: when what was written last, so that a read which a replica answers sees it.

Only writes of the last `keep_s` count: a replica that is further behind is not read at all.
"""

import math
import threading
from collections.abc import Collection

from waddlebot.libs.dal.scopes import EVERYBODY, Batch, Community, Scope, System

_ANY = ""  # stands for any community, as EVERYBODY stands for all of them; neither can be one's id


class Freshness:
    """The moments, by the monotonic clock, at which scopes of owners were last written."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._new: dict[tuple[str, str], float] = {}
        self._old: dict[tuple[str, str], float] = {}
        self._turned_at = -math.inf
        self._noting = threading.Lock()

    def wrote(self, owner: str, scope: Scope, now: float) -> None:
        """Note that a unit of work of the owner wrote within the scope."""
        match scope:
            case Community(id=community):
                self._note(owner, (community,), now)
            case Batch(ids=ids):
                self._note(owner, ids, now)
            case System():
                self._note(owner, (EVERYBODY,), now)

    def configured(self, communities: Collection[str], now: float) -> None:
        """Note that the communities' configuration changed, in whatever owner's tables, by whichever host."""
        self._note("", communities, now)

    def last(self, owner: str, scope: Scope) -> float:
        """The moment of the last write that a read within the scope must see; -inf where there was none."""
        if isinstance(scope, Community):
            return max(self._at((owner, scope.id)), self._at((owner, EVERYBODY)), self._at(("", scope.id)))
        return max(self._at((owner, _ANY)), self._at(("", _ANY)))

    def _at(self, key: tuple[str, str]) -> float:
        # In this order: what is new becomes old before it is replaced, so that no reader finds it in neither.
        new = self._new.get(key)
        return self._old.get(key, -math.inf) if new is None else new

    def _note(self, owner: str, communities: Collection[str], now: float) -> None:
        with self._noting:
            if now - self._turned_at > self._keep_s:
                self._old = self._new
                self._new = {}
                self._turned_at = now
            self._new[owner, _ANY] = now
            self._new.update(dict.fromkeys([(owner, community) for community in communities], now))
