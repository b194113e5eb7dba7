"""Says the bot's replies on IRC, by the connections of the IRC poller."""

from collections.abc import Sequence

from waddlebot.libs.contracts.irc import IrcConnections, Line, SayRequest
from waddlebot.libs.sdk import CallError, Module, Send, Sent, ServiceContext

type Ctx = ServiceContext[None, None]

module = Module(
    __name__,
    "Say the bot's replies on IRC.",
    http_port=8042,
    grpc_port=50942,
    uses=(IrcConnections,),
    delivers="irc",
)


@module.pushes
async def deliver(ctx: Ctx, sends: Sequence[Send]) -> list[Sent]:
    """Say replies, in order; a private one is a notice to whoever is answered."""
    lines = tuple(_line(send) for send in sends if _is_sayable(ctx, send))
    try:
        said = await ctx.use(IrcConnections).say(SayRequest(lines)) if lines else None
    except CallError as error:
        return [Sent(send.id, "refused", str(error)) for send in sends]
    refusals = {outcome.id: outcome.refusal for outcome in said.outcomes} if said else {}
    return [_sent(send, refusals.get(send.id, f"IRC cannot show {send.reply.action} there")) for send in sends]


def _is_sayable(ctx: Ctx, send: Send) -> bool:
    """Words, in a channel of the community they come from. Of an order that IRC cannot do, its words are said."""
    here = ctx.entities.get(send.entity) == send.community
    return here and (send.reply.action == "chat" or (send.reply.action == "general" and bool(send.reply.text)))


def _line(send: Send) -> Line:
    nick = send.user_name if send.reply.private else ""
    return Line(send.id, send.server, send.channel, send.reply.text, nick, send.reply.may_command)


def _sent(send: Send, refusal: str) -> Sent:
    return Sent(send.id, "refused", refusal) if refusal else Sent(send.id, "sent")
