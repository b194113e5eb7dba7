"""Chat at 3 % commands through a bot of four processes, from raw bytes at the Twitch receiver to PostgreSQL.

The time ends when every command is answered at the pusher and every line is counted by the observers. Beside the
rate stands what each process, Redis and PostgreSQL worked for an event. Then the same chat comes at half of that
rate, and each command is timed from its bytes to its reply.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Sequence

from benchmarks import cluster, corpus, hosting, rules, twitch
from benchmarks.cluster import Cluster
from benchmarks.corpus import Message
from benchmarks.measuring import main
from benchmarks.member import COMMANDS
from waddlebot.libs.dal.asyncdal import AsyncDAL

CHANNELS = 1_000
COMMUNITIES = 20
RULES = 100
COMMAND_SHARE = 0.03
WARM_UP_LINES = 5_000
TICK_S = 0.005


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return events per second, the cost of each process for one, and replies' times at half load."""
    return hosting.run(lambda: _measure(20_000 if quick else 400_000, 2.0 if quick else 20.0))


async def _measure(lines: int, half_load_s: float) -> dict[str, float | int | str]:
    chat = corpus.Corpus(
        lines=WARM_UP_LINES + 2 * lines,
        channels=CHANNELS,
        command_names=corpus.command_names(COMMANDS),
        command_share=COMMAND_SHARE,
    )
    messages = twitch.in_turns(list(chat))
    warm_up, loud, later = (
        messages[:WARM_UP_LINES],
        messages[WARM_UP_LINES : WARM_UP_LINES + lines],
        messages[WARM_UP_LINES + lines :],
    )
    async with cluster.running(prepare) as bot:
        await bot.flood(warm_up)
        took_s, spent = await bot.flood(loud)
        per_s = lines / took_s
        quiet = later[: int(per_s / 2 * half_load_s)]
        times_ms = await _trickle(bot, quiet, per_s / 2)
        await bot.written(len(warm_up) + lines + len(quiet))
    percentiles = statistics.quantiles(times_ms, n=100)
    return {
        "distributed_eps_gateway": per_s,
        **{f"distributed_gateway_{name}_us": cost for name, cost in spent.items()},
        "distributed_gateway_cores": sum(spent.values()) * per_s / 1e6,
        "distributed_reply_p50_ms": percentiles[49],
        "distributed_reply_p99_ms": percentiles[98],
        "distributed_reply_load_lines": round(per_s / 2),
        "distributed_events_checked": lines + len(quiet),
        "distributed_replies_checked": len(times_ms),
    }


async def prepare(dal: AsyncDAL) -> None:
    """Twenty communities that share 1,000 channels and have the same rules."""
    channels, shared = corpus.channel_names(CHANNELS), rules.rule_set(RULES)
    communities = {f"c-{number}": channels[number::COMMUNITIES] for number in range(COMMUNITIES)}
    await hosting.found(dal, communities)
    await asyncio.gather(*(hosting.save_rules(dal, community, shared) for community in communities))


async def _trickle(bot: Cluster, messages: Sequence[Message], per_s: float) -> list[float]:
    """Feed at a rate, in ticks; return the milliseconds from each command's tick to its reply."""
    await bot.actions.ask("clear")
    sent_s: dict[str, float] = {}
    raw = iter(zip(messages, twitch.lines(messages), strict=True))
    began_s, fed = time.monotonic(), 0
    for tick in itertools.count(1):
        due_s = began_s + tick * TICK_S
        await asyncio.sleep(max(due_s - time.monotonic(), 0))
        some = list(itertools.islice(raw, int(tick * TICK_S * per_s) - fed))
        if not some and fed >= len(messages):
            break
        fed += len(some)
        # From when they were due: a bot that keeps its feeder waiting does not get the wait for nothing.
        sent_s.update((message.id, due_s) for message, _ in some if message.command)
        await bot.fed.feed([b"".join(line for _, line in some)])
    await bot.until("answered", len(sent_s))
    came_s = await bot.actions.ask("times")
    hosting.expect("different replies", len(came_s), len(sent_s))
    return [(came - sent_s[_event_of(send)]) * 1_000 for send, came in came_s.items()]


def _event_of(send: str) -> str:
    """The id of the event that a reply answers."""
    return send.partition("/")[2].rpartition(":")[0]


if __name__ == "__main__":
    main(measure)
