"""Which events were here before, for as long as memory allows."""

from waddlebot.libs.sdk import Event

_GENERATION_SIZE = 100_000


class Recent:
    """The last 100,000 to 200,000 events by source and id, in two generations."""

    def __init__(self, generation_size: int = _GENERATION_SIZE) -> None:
        self._generation_size = generation_size
        self._new: set[tuple[str, str]] = set()
        self._old: set[tuple[str, str]] = set()

    def add(self, event: Event) -> bool:
        """Remember an event. ``False`` when it was here before."""
        key = (event.source, event.id)
        if key in self._new or key in self._old:
            return False
        self._new.add(key)
        if len(self._new) >= self._generation_size:
            self._old, self._new = self._new, set()
        return True
