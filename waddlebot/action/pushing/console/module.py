"""Shows the bot's replies in the console's chat window."""

from collections.abc import Sequence

from waddlebot.libs.contracts.console import ENTITY, PLATFORM, Console, ConsoleLine, ShowRequest
from waddlebot.libs.sdk import CallError, Module, Send, Sent, ServiceContext

type Ctx = ServiceContext[None, None]

module = Module(
    __name__,
    "Show the bot's replies in the chat window of the web page and the terminal.",
    http_port=8041,
    grpc_port=50941,
    uses=(Console,),
    delivers=PLATFORM,
    whispers=True,
    always_on=True,
)


@module.pushes
async def deliver(ctx: Ctx, sends: Sequence[Send]) -> list[Sent]:
    """Show replies, in order. A reply to another channel than the console's one is refused."""
    lines = tuple(_line(send) for send in sends if send.entity == ENTITY)
    try:
        shown = set((await ctx.use(Console).show(ShowRequest(lines))).ids) if lines else set()
    except CallError as error:
        return [Sent(send.id, "refused", str(error)) for send in sends]
    return [
        Sent(send.id, "sent")
        if send.id in shown
        else Sent(send.id, "refused", f"there is no channel {send.entity}")
        for send in sends
    ]


def _line(send: Send) -> ConsoleLine:
    reply = send.reply
    return ConsoleLine(send.id, reply.text, reply.private, send.account, send.user_name, reply.action)
