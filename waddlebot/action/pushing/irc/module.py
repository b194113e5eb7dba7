"""Says the bot's replies on IRC, by the connections of the IRC poller."""

from collections.abc import Sequence

from waddlebot.libs.contracts.irc import IrcConnections, push
from waddlebot.libs.sdk import Module, Send, Sent, ServiceContext

type Ctx = ServiceContext[None, None]

module = Module(
    __name__,
    "Say the bot's replies on IRC.",
    http_port=8042,
    grpc_port=50942,
    uses=(IrcConnections,),
    delivers="irc",
    whispers=True,
)


@module.pushes
async def deliver(ctx: Ctx, sends: Sequence[Send]) -> list[Sent]:
    """Say replies, in order; a private one is a notice to whoever is answered."""
    return await push(ctx, IrcConnections, sends, platform="IRC", to_one=module.whispers)
