"""Replies become lines on the connection that somebody else holds, each with an outcome."""

from typing import Any

import msgspec

from waddlebot.libs.contracts.irc import IrcConnections, Line, Said, SayRequest, push
from waddlebot.libs.sdk import CallError, Reply, Send, Sent
from waddlebot.libs.testing.spoken import Spoken

HERE = {"irc:net:#talk": "home"}


def send(number: int, reply: Reply, **more: str) -> Send:
    written = Send(f"k:{number}", "home", "irc", "net", "#talk", reply, "e", "irc:net/~ada", "Ada")
    return msgspec.structs.replace(written, **more)


class Connection(Spoken):
    """``fails`` as long as nobody holds a connection."""

    fails = False

    async def _ask(self, contract: str, method: str, request: SayRequest, answer: object) -> Said:
        assert (contract, method, answer) == ("IrcConnections", "say", Said)
        if self.fails:
            raise CallError("no host runs a module that promises it")
        return await self.say(request)

    async def push(self, *sends: Send, to_one: bool = True) -> list[Sent]:
        return await push(IrcConnections(self._ask), sends, HERE, platform="IRC", to_one=to_one)


async def test_replies_are_said_in_order_and_refusals_told() -> None:
    connection = Connection()
    replies = (Reply("one"), Reply("too much"), Reply("/raid", may_command=True), Reply("x", action="ticker"))
    assert await connection.push(*(send(n, reply) for n, reply in enumerate(replies))) == [
        Sent("k:0", "sent"),
        Sent("k:1", "refused", "full"),
        Sent("k:2", "sent"),
        Sent("k:3", "refused", "IRC cannot show ticker"),
    ]
    assert connection.lines == [
        Line("k:0", "net", "#talk", "one"),
        Line("k:1", "net", "#talk", "too much"),
        Line("k:2", "net", "#talk", "/raid", may_command=True),
    ]


async def test_nobody_holds_a_connection() -> None:
    connection = Connection()
    connection.fails = True
    assert await connection.push(send(1, Reply("x")), send(2, Reply("y"), channel="#b")) == [
        Sent("k:1", "refused", "no host runs a module that promises it"),
        Sent("k:2", "refused", "#b is no channel of home"),
    ]


async def test_nobody_is_asked_for_nothing() -> None:
    connection = Connection()
    connection.fails = True
    assert await connection.push(send(1, Reply("x", action="ticker"))) == [
        Sent("k:1", "refused", "IRC cannot show ticker")
    ]


async def test_a_private_reply_goes_to_whoever_is_answered_or_nowhere() -> None:
    connection = Connection()
    private = send(1, Reply("x", private=True))
    assert await connection.push(private, to_one=False) == [
        Sent("k:1", "refused", "IRC cannot tell it to one user alone")
    ]
    assert connection.lines == []
    assert await connection.push(private) == [Sent("k:1", "sent")]
    assert connection.lines == [Line("k:1", "net", "#talk", "x", nick="Ada")]


async def test_only_channels_of_the_community_are_spoken_in() -> None:
    connection = Connection()
    for elsewhere in ({"channel": "NickServ"}, {"channel": "#TALK"}, {"server": "other"}, {"community": "b"}):
        (outcome,) = await connection.push(send(1, Reply("x"), **elsewhere))
        assert outcome.status == "refused"
    assert connection.lines == []


async def test_of_an_order_that_cannot_be_done_the_words_are_said() -> None:
    connection = Connection()
    order: dict[str, Any] = {"action": "general", "data": {"do": "timeout"}}
    outcomes = await connection.push(send(1, Reply("Mind your words.", **order)), send(2, Reply("", **order)))
    assert [outcome.status for outcome in outcomes] == ["sent", "refused"]
    assert [line.text for line in connection.lines] == ["Mind your words."]
