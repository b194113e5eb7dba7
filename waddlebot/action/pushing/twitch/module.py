"""Says the bot's replies in Twitch chat, by the connection of the Twitch receiver."""

from collections.abc import Sequence

from waddlebot.libs.contracts.irc import Line, SayRequest, TwitchChat
from waddlebot.libs.sdk import CallError, Module, Send, Sent, ServiceContext

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
    refusals = {send.id: _refusal(ctx, send) for send in sends}
    lines = tuple(
        Line(send.id, send.server, send.channel, send.reply.text, may_command=send.reply.may_command)
        for send in sends
        if not refusals[send.id]
    )
    try:
        said = await ctx.use(TwitchChat).say(SayRequest(lines)) if lines else None
    except CallError as error:
        return [Sent(send.id, "refused", refusals[send.id] or str(error)) for send in sends]
    refusals |= {outcome.id: outcome.refusal for outcome in said.outcomes} if said else {}
    return [
        Sent(send.id, "refused", refusals[send.id]) if refusals[send.id] else Sent(send.id, "sent")
        for send in sends
    ]


def _refusal(ctx: Ctx, send: Send) -> str:
    """Why it cannot be said. Of an order that chat cannot do, such as a timeout, its words are said."""
    if ctx.entities.get(send.entity) != send.community:
        return f"{send.channel} is no channel of {send.community}"
    if send.reply.private:
        return "Twitch chat cannot tell it to one user alone"
    words = send.reply.action == "chat" or (send.reply.action == "general" and bool(send.reply.text))
    return "" if words else f"Twitch chat cannot show {send.reply.action}"
