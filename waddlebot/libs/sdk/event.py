"""What happened, in our words: the one type that crosses every border."""

from typing import Any, ClassVar

import msgspec

EVENT_VERSION = 1

CHAT_MESSAGE = "chat.message"

COMMAND_EXECUTED = "command.executed"
"""A module was asked for a command; its account is who asked. ``data`` names the ``command`` and the ``module``,
and says in ``status`` whether it was ``answered``, ``refused`` by the module, or ``failed``."""

ANSWERED, REFUSED, FAILED = "answered", "refused", "failed"

MEMBER_WARNED = "member.warned"
"""Somebody was warned: ``data`` has the ``target_id`` and ``target_login``, and the ``reason``. Its account is
who warned, and nobody's when a rule did."""

MEMBER_TIMED_OUT = "member.timed_out"
"""Somebody may not write for a while: ``data`` as of a warning, and ``seconds``."""

MEMBER_BANNED = "member.banned"
"""Somebody may not write any more: ``data`` as of a warning."""

MESSAGE_FILTERED = "message.filtered"
"""A filter found something in a line: ``data`` has the ``target_id`` and ``target_login``, the ``filter``, the
``reason``, the ``text`` and the ``message_id``. With ``canary`` the line was let through: it is only noted."""


BY_KEY = "key:"
"""What the ``source`` of an event starts with that an API key brought."""


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something that happened on a platform.

    On the wire it is a msgpack array whose first element is the version. Fields are only ever appended,
    each with a default; ``events.lock`` beside this file holds the order and a test compares it.

    ``kind`` is a dotted word of ours (``chat.message``, ``channel.raided``). ``id`` is unique within
    ``source``: the API key, subscription or connection that brought the event. Times are seconds since
    the epoch: ``occurred_at`` by the platform's clock, ``received_at`` by ours. ``roles`` are the
    platform's own (``broadcaster``, ``moderator``, ``vip``, ``subscriber``), capped where ranks are made
    of them. ``native`` is what the platform sent and few ask for (raw IRCv3 tags), parsed by who asks.
    """

    version: int
    id: str
    kind: str
    platform: str
    server: str
    channel: str
    user_id: str
    user_login: str
    user_name: str
    roles: tuple[str, ...]
    text: str
    occurred_at: float
    received_at: float
    community: str = ""
    source: str = ""
    native: str = ""
    data: dict[str, Any] = {}

    @property
    def entity(self) -> str:
        """Where it happened: ``platform:server:channel``."""
        return f"{self.platform}:{self.server}:{self.channel}"

    @property
    def account(self) -> str:
        """Who did it, for ever: ``platform:user_id``."""
        return f"{self.platform}:{self.user_id}"

    def payload[T](self, shape: type[T]) -> T:
        """``data`` as a typed record of this kind of event.

        Raises ``msgspec.ValidationError`` when the data has another shape.
        """
        return msgspec.convert(self.data, shape)


class Codec:
    """Event batches as bytes and back; one encoder and decoder for the life of the process."""

    _encoder: ClassVar[msgspec.msgpack.Encoder] = msgspec.msgpack.Encoder()
    _decoder: ClassVar[msgspec.msgpack.Decoder[list[Event]]] = msgspec.msgpack.Decoder(list[Event])

    @classmethod
    def encode(cls, events: list[Event]) -> bytes:
        """A batch as one msgpack array.

        Raises ``TypeError``, ``OverflowError`` or ``UnicodeEncodeError`` for what msgpack has no bytes for.
        """
        return cls._encoder.encode(events)

    @classmethod
    def decode(cls, raw: bytes) -> list[Event]:
        """The batch of :meth:`encode`, of this version or any earlier one.

        Raises ``msgspec.DecodeError`` for bytes that are no batch.
        """
        try:
            return cls._decoder.decode(raw)
        except (UnicodeDecodeError, RecursionError) as error:  # msgspec raises these too, of bytes alone
            raise msgspec.DecodeError(f"no batch of events: {error}") from error


def by_key(event: Event) -> bool:
    """Whether an API key says who wrote this, and no receiver of ours."""
    return event.source.startswith(BY_KEY)
