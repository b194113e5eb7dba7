"""Which line may be sent when: the port, and what plain IRC servers want."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from waddlebot.libs.irc.message import IrcMessage
from waddlebot.libs.irc.pacing import TokenBucket

_PENALTY_BURST_S = 10.0
_PENALTY_LINE_S = 1.0
_BYTES_PER_PENALTY_S = 200


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One line to send. `target` is what it is addressed to, `channels` what a JOIN asks for."""

    line: str
    command: str
    target: str = ""
    channels: tuple[str, ...] = ()


class SendPolicy(Protocol):
    """The limits of one connection's user. Times are seconds of a monotonic clock."""

    learns: Collection[str]
    """Commands of the server that `learn` wants to see."""
    joins_max: int
    """Channels in one JOIN; 0 for as many as fit."""

    def delay_s(self, outgoing: Outgoing, now_s: float) -> float:
        """Seconds until this line may be sent; 0 when it may be now."""

    def take(self, outgoing: Outgoing, now_s: float) -> None:
        """Note that this line is sent now."""

    def learn(self, message: IrcMessage) -> None:
        """Take in what the server says about our limits."""

    def vary(self, target: str, text: str, now_s: float) -> str:
        """The text, changed invisibly where the platform would drop it for being sent twice."""


class FloodPolicy:
    """Flood control of IRC servers: a line costs penalty seconds, the server forgives one a second and drops
    who is more than ten ahead (RFC 1459 8.10, RFC 2813 5.8). The cost grows with the size, as on ircd 2.11; a
    packed JOIN costs what InspIRCd and ngIRCd count for it, or more."""

    learns: Collection[str] = ()
    joins_max = 0

    def __init__(self, rate: float = 1.0) -> None:
        self._bucket = TokenBucket(rate, _PENALTY_BURST_S)

    def delay_s(self, outgoing: Outgoing, now_s: float) -> float:
        """See `SendPolicy`."""
        return self._bucket.delay_s(now_s, _penalty_s(outgoing))

    def take(self, outgoing: Outgoing, now_s: float) -> None:
        """See `SendPolicy`."""
        self._bucket.take(now_s, _penalty_s(outgoing))

    def learn(self, message: IrcMessage) -> None:
        """IRC servers do not talk about their limits."""

    def vary(self, target: str, text: str, now_s: float) -> str:
        """IRC servers let a text be repeated."""
        return text


def _penalty_s(outgoing: Outgoing) -> float:
    return _PENALTY_LINE_S + len(outgoing.line.encode()) / _BYTES_PER_PENALTY_S
