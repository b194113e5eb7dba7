"""Bytes taken apart: a few choices from the front, text from the rest."""

from collections.abc import Sequence

_REPEATS = (1, 1, 1, 1, 2, 7, 64, 1_000_000)


class Input:
    """Reads an input from its front. What is missing reads as 0 and as empty text, so every input is one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        """The next byte."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def choice[T](self, options: Sequence[T]) -> T:
        """One of the options, by the next byte."""
        return options[self.byte() % len(options)]

    def rest(self) -> bytes:
        """The bytes that are left."""
        return self._data[self._at :]

    def texts(self, count: int) -> list[str]:
        """What is left, cut at NUL into so many texts; the last may hold further ones."""
        found = self.rest().decode("utf-8", "replace").split("\0", count - 1)
        return found + [""] * (count - len(found))

    def long(self, text: str, size_max: int) -> str:
        """The text, at most `size_max` characters: as it is, or again and again, as the next byte says.

        So a short input reaches the longest text that a door takes, where time that grows faster than it shows.
        """
        return (text * min(self.choice(_REPEATS), size_max // max(1, len(text)) + 1))[:size_max]
