"""Sessions (P6): opened only for what matched; a late response must carry the session it answers."""

import os
from collections.abc import Iterator

import msgspec

from waddlebot.libs.sdk import Event

SESSION_S = 3_600.0
_GENERATION_SIZE = 25_000
_ID_BYTES = 16
_POOL_BYTES = 4_096


class Session(msgspec.Struct, gc=False):
    """A conversation with one module about one event. ``until`` is monotonic seconds; ``answers`` counts the
    late replies so far.
    """

    id: str
    event: Event
    module: str
    until: float
    answers: int = 0


class SessionError(Exception):
    """A response that no open session allows; the text says why."""


class Sessions:
    """The open sessions of one partition: the last 25,000 to 50,000, in two generations."""

    def __init__(self) -> None:
        self._new: dict[str, Session] = {}
        self._old: dict[str, Session] = {}
        self._ids = _unguessable()

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def open(self, event: Event, module: str, now: float) -> Session:
        """A new session with an unguessable id."""
        if len(self._new) >= _GENERATION_SIZE:
            self._old, self._new = self._new, {}
        session_id = next(self._ids)
        session = self._new[session_id] = Session(session_id, event, module, now + SESSION_S)
        return session

    def answer(self, session_id: str, entity: str, module: str, now: float) -> Session:
        """The session that a late response answers.

        Raises :class:`SessionError` when it is unknown or over, or belongs to another entity or module.
        """
        session = self._new.get(session_id) or self._old.get(session_id)
        if session is None or session.until <= now:
            raise SessionError("there is no such session, or it is over.")
        if session.event.entity != entity:
            raise SessionError("the session belongs to another entity.")
        if session.module != module:
            raise SessionError("the session belongs to another module.")
        return session


def _unguessable() -> Iterator[str]:
    """Ids of 128 bits in hexadecimal; one system call for many of them."""
    while True:
        pool = os.urandom(_POOL_BYTES).hex()
        for start in range(0, len(pool), 2 * _ID_BYTES):
            yield pool[start : start + 2 * _ID_BYTES]
