"""Replies are said by the Twitch receiver; what is common to all chats is tested with the contract."""

from waddlebot.action.pushing.twitch.module import deliver, module
from waddlebot.libs.contracts.irc import Line
from waddlebot.libs.sdk import Reply, Send, Sent, ServiceContext
from waddlebot.libs.testing.spoken import Spoken
from waddlebot.libs.testing.web import LoneServices


def send(number: int, reply: Reply) -> Send:
    return Send(f"k:{number}", "home", "twitch", "", "talk", reply, "e", "twitch:/~ada", "Ada")


async def test_a_private_reply_is_not_said_in_public() -> None:
    services, spoken = LoneServices(module), Spoken()
    services.adopted["twitch::talk"] = "home"
    services.claims.give(["twitch::talk"])
    services.promised["TwitchChat", "say"] = spoken.say
    sends = [send(1, Reply("all")), send(2, Reply("one", private=True)), send(3, Reply("x", action="ticker"))]
    assert await deliver(ServiceContext(services), sends) == [
        Sent("k:1", "sent"),
        Sent("k:2", "refused", "Twitch chat cannot tell it to one user alone"),
        Sent("k:3", "refused", "Twitch chat cannot show ticker"),
    ]
    assert spoken.lines == [Line("k:1", "", "talk", "all")]
