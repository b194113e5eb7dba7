"""Replies become lines on the connection that somebody else holds, each with an outcome."""

from collections.abc import Awaitable
from typing import Any

import msgspec

from waddlebot.libs.contracts.irc import IrcConnections, Line, Outcome, Said, SayRequest, push
from waddlebot.libs.sdk import CallError, CallLost, CallScope, Module, Reply, Send, Sent, ServiceContext
from waddlebot.libs.sdk.contract import Caller
from waddlebot.libs.testing.spoken import Spoken
from waddlebot.libs.testing.web import LoneServices

TALK = "irc:net:#talk"
module = Module("vendor.pushing.test", "Say things.", http_port=1, grpc_port=2, uses=(IrcConnections,))


def send(number: int, reply: Reply, **more: str) -> Send:
    written = Send(f"k:{number}", "home", "irc", "net", "#talk", reply, "e", "irc:net/~ada", "Ada")
    return msgspec.structs.replace(written, **more)


class Connection(Spoken, LoneServices):
    """The hosts that hold connections, by ``asked``: what each was asked to say. ``fails`` as one may fail."""

    def __init__(self, *, fails: CallError | None = None) -> None:
        Spoken.__init__(self)
        LoneServices.__init__(self, module)
        self.adopted |= {TALK: "home", "irc:net:#b": "home", "irc:net:#unread": "home"}
        self.claims.give([TALK], "host-one")
        self.claims.give(["irc:net:#b"], "host-two")
        self.fails = fails
        self.moved: dict[str, str] = {}
        self.asked: list[tuple[str, list[str]]] = []

    def caller(self, scope: CallScope) -> Caller:
        def ask(contract: str, method: str, request: Any, answer: Any) -> Awaitable[Any]:
            assert (contract, method, answer) == ("IrcConnections", "say", Said)
            return self._ask(scope.at, request)

        return ask

    async def _ask(self, host: str, request: SayRequest) -> Said:
        self.asked.append((host, [line.id for line in request.lines]))
        if self.fails:
            raise self.fails
        if self.moved.get(host):
            return Said(tuple(Outcome(line.id, "not here", self.moved[host]) for line in request.lines))
        return await self.say(request)

    async def push(self, *sends: Send, to_one: bool = True) -> list[Sent]:
        return await push(ServiceContext(self), IrcConnections, sends, platform="IRC", to_one=to_one)


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


async def test_nobody_can_be_asked() -> None:
    connection = Connection(fails=CallError("no host runs a module that promises it"))
    assert await connection.push(send(1, Reply("x")), send(2, Reply("y"), channel="#c")) == [
        Sent("k:1", "refused", "no host runs a module that promises it"),
        Sent("k:2", "refused", "#c is no channel of home"),
    ]


async def test_nobody_is_asked_for_nothing() -> None:
    connection = Connection()
    assert await connection.push(send(1, Reply("x", action="ticker"))) == [
        Sent("k:1", "refused", "IRC cannot show ticker")
    ]
    assert connection.asked == []


async def test_the_host_that_reads_a_channel_is_asked() -> None:
    connection = Connection()
    outcomes = await connection.push(
        send(1, Reply("x")),
        send(2, Reply("y"), channel="#b"),
        send(3, Reply("z")),
        send(4, Reply(""), channel="#unread"),
    )
    assert [outcome.status for outcome in outcomes] == ["sent", "sent", "sent", "refused"]
    assert "no host reads #unread" in outcomes[3].reason
    assert "15 s" in outcomes[3].reason
    assert sorted(connection.asked) == [("host-one", ["k:1", "k:3"]), ("host-two", ["k:2"])]


async def test_what_a_host_may_have_said_that_died_is_unknown_and_not_said_again() -> None:
    connection = Connection(fails=CallLost("host-one went away"))
    assert await connection.push(send(1, Reply("x"))) == [Sent("k:1", "unknown", "host-one went away")]
    assert len(connection.asked) == 1


async def test_a_channel_that_has_just_moved_is_spoken_in_by_its_new_host() -> None:
    connection = Connection()
    connection.moved["host-one"] = "host-three"
    outcomes = await connection.push(send(1, Reply("x")), send(2, Reply("y"), channel="#b"))
    assert [outcome.status for outcome in outcomes] == ["sent", "sent"]
    assert connection.asked[-1] == ("host-three", ["k:1"])


async def test_hosts_that_send_us_to_each_other_are_asked_once_each() -> None:
    connection = Connection()
    connection.moved |= {"host-one": "host-two", "host-two": "host-one"}
    assert await connection.push(send(1, Reply("x"))) == [Sent("k:1", "refused", "not here")]
    assert [host for host, _ in connection.asked] == ["host-one", "host-two"]


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
