"""30 commands, from events on the bus to replies at the pusher: without a write, and with a durable row each.

All of the product runs: router, observers, outbox.
"""

from collections import Counter
from functools import partial

from benchmarks import corpus, hosting
from benchmarks.measuring import main
from benchmarks.sample.ledger.module import ledger

COMMANDS = 30
CHANNELS = 200


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return commands per second of both kinds."""
    lines = 5_000 if quick else 100_000
    plain_s, plain_share = hosting.run(lambda: _dispatch(lines, durable=False))
    lines_durable = lines // 2
    durable_s, durable_share = hosting.run(lambda: _dispatch(lines_durable, durable=True))
    return {
        "commands_per_s": lines / plain_s,
        "commands_with_effect_per_s": lines_durable / durable_s,
        "commands_cpu_share": plain_share,
        "commands_with_effect_cpu_share": durable_share,
        "commands_checked": lines + lines_durable,
    }


async def _dispatch(lines: int, *, durable: bool) -> tuple[float, float]:
    """Return the seconds that so many commands take, and the processor's share."""
    names = corpus.command_names(COMMANDS)
    chat = corpus.Corpus(lines=lines, channels=CHANNELS, command_names=names, command_share=1.0)
    messages = list(chat)
    communities = {f"c-{channel}": [channel] for channel in corpus.channel_names(CHANNELS)}
    prepare = partial(hosting.found, communities=communities)
    async with hosting.running(ledger(names, durable=durable), prepare=prepare) as host:
        await hosting.compile_views(host)
        router = hosting.desk_of(host).router
        pushed = hosting.pushed_of(host)
        events = hosting.events_in_turns(messages)
        clock = hosting.Clock()
        await hosting.announce(host, events)
        await hosting.until(lambda: len(pushed.ids) >= lines, "every command is answered")
        result = clock.stop()
        expected = Counter(message.command for message in messages)
        hosting.expect("replies", pushed.texts, Counter({f"{name} done": n for name, n in expected.items()}))
        hosting.expect("answered", router.traces.counts["answered"], lines)
        if durable:
            hosting.expect("rows", hosting.scalar(host, "select count(*) from sample_ledger__entry"), lines)
    return result


if __name__ == "__main__":
    main(measure)
