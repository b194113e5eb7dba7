"""Replies are said by the IRC poller; what is common to all chats is tested with the contract."""

from waddlebot.action.pushing.irc.module import deliver, module
from waddlebot.libs.contracts.irc import Line
from waddlebot.libs.sdk import Reply, Send, Sent, ServiceContext
from waddlebot.libs.testing.spoken import Spoken
from waddlebot.libs.testing.web import LoneServices


def send(number: int, reply: Reply) -> Send:
    return Send(f"k:{number}", "home", "irc", "net", "#talk", reply, "e", "irc:net/~ada", "Ada")


async def test_a_private_reply_goes_to_whoever_is_answered() -> None:
    services, spoken = LoneServices(module), Spoken()
    services.adopted["irc:net:#talk"] = "home"
    services.claims.give(["irc:net:#talk"])
    services.promised["IrcConnections", "say"] = spoken.say
    sends = [send(1, Reply("all")), send(2, Reply("one", private=True)), send(3, Reply("x", action="ticker"))]
    assert await deliver(ServiceContext(services), sends) == [
        Sent("k:1", "sent"),
        Sent("k:2", "sent"),
        Sent("k:3", "refused", "IRC cannot show ticker"),
    ]
    assert spoken.lines == [Line("k:1", "net", "#talk", "all"), Line("k:2", "net", "#talk", "one", nick="Ada")]
