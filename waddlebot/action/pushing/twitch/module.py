"""Says the bot's replies in Twitch chat, by the connection of the Twitch receiver."""

from collections.abc import Sequence

from waddlebot.libs.contracts.irc import TwitchChat, push
from waddlebot.libs.sdk import Module, Send, Sent, ServiceContext

type Ctx = ServiceContext[None, None]

module = Module(
    __name__,
    "Say the bot's replies in Twitch chat.",
    http_port=8043,
    grpc_port=50053,
    uses=(TwitchChat,),
    delivers="twitch",
)


@module.pushes
async def deliver(ctx: Ctx, sends: Sequence[Send]) -> list[Sent]:
    """Say replies, in order. Private ones are refused: Twitch has no whispers over chat."""
    return await push(ctx, TwitchChat, sends, platform="Twitch chat", to_one=False)
