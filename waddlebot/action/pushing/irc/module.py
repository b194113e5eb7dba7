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
    lines = tuple(_line(send) for send in sends if send.reply.action == "chat")
    try:
        said = await ctx.use(IrcConnections).say(SayRequest(lines)) if lines else None
    except CallError as error:
        return [Sent(send.id, "refused", str(error)) for send in sends]
    refusals = {outcome.id: outcome.refusal for outcome in said.outcomes} if said else {}
    return [_sent(send, refusals.get(send.id, f"IRC cannot show {send.reply.action}")) for send in sends]


def _line(send: Send) -> Line:
    nick = send.user_name if send.reply.private else ""
    return Line(send.id, send.server, send.channel, send.reply.text, nick, send.reply.may_command)


def _sent(send: Send, refusal: str) -> Sent:
    return Sent(send.id, "refused", refusal) if refusal else Sent(send.id, "sent")
