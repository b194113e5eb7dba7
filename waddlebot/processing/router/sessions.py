"""Sessions (P6): opened only for what matched; a late response must carry the session it answers."""

import os
from collections.abc import Iterator

import msgspec

from waddlebot.libs.sdk import Event

SESSION_S = 3_600.0
_GENERATION_SIZE = 25_000
_ID_BYTES = 16
_IDS_AT_ONCE = 256


class Session(msgspec.Struct, gc=False):
    """A conversation with one module about one event. ``since`` is monotonic seconds; ``answers`` counts the
    late replies so far.
    """

    id: str
    event: Event
    module: str
    since: float
    answers: int = 0


class SessionError(Exception):
    """A response that no open session allows; the text says why."""


class Sessions:
    """The open sessions of one partition: the last 25,000 to 50,000, in two generations."""

    def __init__(self) -> None:
        self._new: dict[str, Session] = {}
        self._old: dict[str, Session] = {}
        self._ids: list[str] = []

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def open(self, event: Event, module: str, now: float) -> Session:
        """A new session with an unguessable id."""
        if len(self._new) >= _GENERATION_SIZE:
            self._old, self._new = self._new, {}
        if not self._ids:
            self._ids = _unguessable()
        session_id = self._ids.pop()
        session = self._new[session_id] = Session(session_id, event, module, now)
        return session

    def put(self, session: Session) -> None:
        """Take a session that another owner of the partition opened; of one that is here, how far it is."""
        known = self._new.get(session.id) or self._old.get(session.id)
        if known is not None:
            known.answers = max(known.answers, session.answers)
        elif len(self._old) < _GENERATION_SIZE:
            self._old[session.id] = session  # it is older than those that are opened from now on

    def newest(self) -> Iterator[Session]:
        """All sessions, those first that were opened last."""
        yield from reversed(self._new.values())
        yield from reversed(self._old.values())

    def answer(self, session_id: str, entity: str, module: str, now: float) -> Session:
        """The session that a late response answers.

        Raises :class:`SessionError` when it is unknown or over, or belongs to another entity or module.
        """
        session = self._new.get(session_id) or self._old.get(session_id)
        if session is None or session.since + SESSION_S <= now:
            raise SessionError("there is no such session, or it is over.")
        if session.event.entity != entity:
            raise SessionError("the session belongs to another entity.")
        if session.module != module:
            raise SessionError("the session belongs to another module.")
        return session


def _unguessable() -> list[str]:
    """Many ids of 128 bits in hexadecimal, by one system call."""
    return os.urandom(_IDS_AT_ONCE * _ID_BYTES).hex(" ", _ID_BYTES).split(" ")
