"""Two routers against one, each with half of the partitions: chat at 3 % commands, and nothing but commands.

A ratio is the rate of two through the rate of one. Where there are cores for both it shows what a second router
brings; on fewer, where one router's neighbours already share its core, what it costs.
"""

from collections.abc import Sequence

from benchmarks import cluster, corpus, hosting, twitch
from benchmarks.cases import distributed_gateway
from benchmarks.corpus import Message
from benchmarks.measuring import main
from benchmarks.member import COMMANDS

WARM_UP_LINES = 5_000
COUNTS = {"lines": 150_000, "commands": 50_000}
KINDS = {"lines": distributed_gateway.COMMAND_SHARE, "commands": 1.0}


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return the rates of one and of two routers, what the routers work for an event, and the ratios."""
    return hosting.run(lambda: _measure({"lines": 10_000, "commands": 2_000} if quick else COUNTS))


async def _measure(counts: dict[str, int]) -> dict[str, float | int | str]:
    figures: dict[str, float | int | str] = {}
    for kind, share in KINDS.items():
        messages = _messages(counts[kind], share)
        rates = []
        for routers in (1, 2):
            per_s, router_us = await _rate(messages, routers)
            rates.append(per_s)
            figures[f"distributed_routers_{routers}_{kind}_per_s"] = per_s
            figures[f"distributed_routers_{routers}_{kind}_us"] = router_us
        figures[f"distributed_routers_{kind}_ratio"] = rates[1] / rates[0]
    return figures


def _messages(lines: int, share: float) -> list[Message]:
    chat = corpus.Corpus(
        lines=WARM_UP_LINES + lines,
        channels=distributed_gateway.CHANNELS,
        command_names=corpus.command_names(COMMANDS),
        command_share=share,
    )
    return twitch.in_turns(list(chat))


async def _rate(messages: Sequence[Message], routers: int) -> tuple[float, float]:
    async with cluster.running(distributed_gateway.prepare, routers) as bot:
        await bot.flood(messages[:WARM_UP_LINES])
        took_s, spent = await bot.flood(messages[WARM_UP_LINES:])
    return (len(messages) - WARM_UP_LINES) / took_s, spent["router"]


if __name__ == "__main__":
    main(measure)
