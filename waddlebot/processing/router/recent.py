"""Which events were here before, for as long as memory allows."""

from waddlebot.libs.sdk import Event

_GENERATION_SIZE = 100_000


class Recent:
    """The last 100,000 to 200,000 events by source and id, in two generations."""

    def __init__(self, generation_size: int = _GENERATION_SIZE) -> None:
        self._generation_size = generation_size
        self._size = 0
        # By source, not pairs: the garbage collector would have to look at each pair.
        self._new: dict[str, set[str]] = {}
        self._old: dict[str, set[str]] = {}

    def add(self, event: Event) -> bool:
        """Remember an event. ``False`` when it was here before."""
        source, event_id = event.source, event.id
        ids = self._new.get(source)
        if ids is None:
            ids = self._new[source] = set()
        if event_id in ids or (source in self._old and event_id in self._old[source]):
            return False
        ids.add(event_id)
        self._size += 1
        if self._size >= self._generation_size:
            self._old, self._new, self._size = self._new, {}, 0
        return True
