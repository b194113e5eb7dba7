"""Channels come and go with what is held; of those that are not, nothing gets through."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from waddlebot.libs.irc.client import IrcClient
from waddlebot.libs.irc.settings import Channel
from waddlebot.libs.irc.sharing import SharedChannels


@dataclass
class Claims:
    held: Mapping[str, int]

    async def changed(self) -> None:
        raise AssertionError("nobody waits here")

    def holder(self, name: str) -> str:
        return "host-here" if name in self.held else "host-two" if name == "net:#b" else ""


class Client:
    def __init__(self) -> None:
        self.did: list[tuple[str, ...]] = []

    def join(self, *channels: Channel) -> None:
        self.did.append(("join", *(channel.name for channel in channels)))

    def part(self, *names: str) -> None:
        self.did.append(("part", *names))


@dataclass(frozen=True)
class Said:
    entity: str


LINES = [Said("net:#a"), Said("net:#b"), Said("net:#c")]


def channels(claims: Claims) -> tuple[SharedChannels, Client]:
    client = Client()
    shared = SharedChannels(claims)
    for name in ("#a", "#b", "#c"):
        shared.add(f"net:{name}", cast("IrcClient[Any]", client), Channel(name))
    return shared, client


def test_what_is_held_is_joined_in_order_and_what_is_lost_is_left() -> None:
    claims = Claims({"net:#c": 1, "net:#a": 1, "net:#b": 1})
    shared, client = channels(claims)
    assert shared.wanted == {"net:#a": 3, "net:#b": 2, "net:#c": 1}
    shared.settle()
    shared.settle()
    claims.held = {"net:#a": 1}
    shared.settle()
    claims.held = {"net:#a": 1, "net:#c": 3}
    shared.settle()
    assert client.did == [("join", "#a", "#b", "#c"), ("part", "#b", "#c"), ("join", "#c")]
    assert shared.unread == []
    assert shared.elsewhere({"1": "net:#a", "2": "net:#b", "3": "net:#unknown"}) == {"2": "host-two"}
    assert [shared.holds(name) for name in ("net:#a", "net:#b", "net:#unknown")] == [True, False, False]
    claims.held = {}
    assert shared.unread == ["net:#a", "net:#c"]


def test_lines_of_lost_channels_are_left_out_from_the_moment_of_the_loss() -> None:
    claims = Claims({"net:#a": 1, "net:#b": 1, "net:#c": 1})
    shared, _ = channels(claims)
    shared.settle()
    assert shared.admitted(LINES) is LINES, "one look for all of them"
    claims.held = {"net:#a": 1, "net:#c": 1}
    assert shared.admitted(LINES) == [LINES[0], LINES[2]]
    shared.settle()
    assert shared.admitted(LINES) == [LINES[0], LINES[2]], "the server may not have seen us part"
    claims.held = {}
    assert shared.admitted(LINES) == []
    assert shared.dropped == 5
    claims.held = {"net:#a": 1, "net:#b": 2, "net:#c": 1}
    shared.settle()
    assert shared.admitted(LINES) is LINES
