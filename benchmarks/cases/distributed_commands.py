"""Nothing but commands through a bot of four processes, from raw bytes at the Twitch receiver to the replies.

Router, handlers and pusher are asked over gRPC, and every reply is in the outbox, committed, before it leaves. The
time ends when observers have counted every line, too.
"""

from benchmarks import cluster, corpus, hosting, twitch
from benchmarks.measuring import main
from benchmarks.member import COMMANDS
from waddlebot.libs.dal.asyncdal import AsyncDAL

CHANNELS = 20
WARM_UP_LINES = 5_000


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return commands per second, and the cost of each process for one."""
    return hosting.run(lambda: _measure(5_000 if quick else 150_000))


async def _measure(lines: int) -> dict[str, float | int | str]:
    chat = corpus.Corpus(
        lines=WARM_UP_LINES + lines,
        channels=CHANNELS,
        command_names=corpus.command_names(COMMANDS),
        command_share=1.0,
    )
    messages = twitch.in_turns(list(chat))
    async with cluster.running(_prepare) as bot:
        await bot.flood(messages[:WARM_UP_LINES])
        took_s, spent = await bot.flood(messages[WARM_UP_LINES:])
    per_s = lines / took_s
    return {
        "distributed_commands_per_s": per_s,
        **{f"distributed_command_{name}_us": cost for name, cost in spent.items()},
        "distributed_commands_cores": sum(spent.values()) * per_s / 1e6,
        "distributed_commands_checked": lines,
    }


async def _prepare(dal: AsyncDAL) -> None:
    await hosting.found(dal, {f"c-{channel}": [channel] for channel in corpus.channel_names(CHANNELS)})


if __name__ == "__main__":
    main(measure)
