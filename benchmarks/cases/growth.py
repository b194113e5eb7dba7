"""What growth costs: the same work with little and with much configured, in turn, in one process.

A ratio is the time that a line or command takes with much, through the time with little: 1.05 is 5 % slower. It is
processor time, so that the quarter of a second for which observers collect does not count as work.
"""

import contextlib
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from benchmarks import corpus, hosting, rules, twitch
from benchmarks.corpus import Message
from benchmarks.measuring import main
from benchmarks.rules import Rule
from benchmarks.sample.ledger.module import ledger
from waddlebot.libs.dal.asyncdal import AsyncDAL

COMMANDS = (30, 3_000)
PATTERNS = (100, 10_000)
CHANNELS = (10, 10_000)
COMMUNITIES = 10
SLICES = 8

type Work = Callable[[int], Awaitable[None]]
"""Does the slice of that number, to its end."""


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return the ratio for each kind of growth."""
    lines = 1_000 if quick else 15_000
    commands, patterns, channels = (
        hosting.run(partial(_ratio, make, few, many, lines))
        for make, (few, many) in ((_commands, COMMANDS), (_patterns, PATTERNS), (_channels, CHANNELS))
    )
    return {
        "growth_commands_ratio": commands,
        "growth_patterns_ratio": patterns,
        "growth_channels_ratio": channels,
        "lines_a_slice": lines,
        "slices": SLICES,
    }


async def _ratio(make: Callable[..., Awaitable[Work]], few: int, many: int, lines: int) -> float:
    async with contextlib.AsyncExitStack() as exits:
        little, much = await make(exits, few, lines), await make(exits, many, lines)
        hosting.Clock()
        taken: list[float] = []
        for number in range(SLICES):
            pair = [little, much] if number % 2 else [much, little]  # a warm cache favours neither
            seconds = {work: await _seconds(work, number) for work in pair}
            taken.append(seconds[much] / seconds[little])
        return statistics.median(taken)


async def _seconds(work: Work, number: int) -> float:
    began_s = time.process_time()
    await work(number)
    return time.process_time() - began_s


async def _commands(exits: contextlib.AsyncExitStack, count: int, lines: int) -> Work:
    names, channels = corpus.command_names(count), corpus.channel_names(20)
    chat = corpus.Corpus(lines=lines * SLICES, channels=20, command_names=names, command_share=1.0)
    prepare = partial(hosting.found, communities={f"c-{channel}": [channel] for channel in channels})
    host = await exits.enter_async_context(hosting.running(ledger(names), prepare=prepare))
    await hosting.compile_views(host)
    messages = list(chat)
    pushed = hosting.pushed_of(host)

    async def work(number: int) -> None:
        await hosting.announce(host, messages[number * lines : (number + 1) * lines])
        await hosting.until(lambda: len(pushed.ids) >= (number + 1) * lines, "every command is answered")

    return work


async def _patterns(exits: contextlib.AsyncExitStack, count: int, lines: int) -> Work:
    return await _chat(exits, corpus.channel_names(100), rules.rule_set(count), lines)


async def _channels(exits: contextlib.AsyncExitStack, count: int, lines: int) -> Work:
    return await _chat(exits, corpus.channel_names(count), rules.rule_set(100), lines)


async def _chat(
    exits: contextlib.AsyncExitStack, channels: Sequence[str], configured: Sequence[Rule], lines: int
) -> Work:
    """Plain lines in these channels of ten communities, the first of which has the rules."""
    # Without homes, or ten channels and ten thousand would have crowds of different sizes.
    chat = corpus.Corpus(lines=lines * SLICES, channels=len(channels), visitor_share=1.0)
    messages: list[Message] = list(chat)
    communities = {f"c-{n}": channels[n::COMMUNITIES] for n in range(COMMUNITIES)}

    async def prepare(dal: AsyncDAL) -> None:
        await hosting.found(dal, communities)
        await hosting.save_rules(dal, "c-0", configured)

    feed = await exits.enter_async_context(twitch.fed(prepare=prepare))

    async def work(number: int) -> None:
        await feed.feed(twitch.chunks(messages[number * lines : (number + 1) * lines]))
        await hosting.written(feed.host, (number + 1) * lines)

    return work


if __name__ == "__main__":
    main(measure)
