"""30 commands, from events on the bus to replies at the pusher.

Three figures: what the peers have, too (router, handlers, outbox, no one else on the bus); all modules, so that
observers count each command; and all modules with handlers that leave a durable row before they reply.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from benchmarks import corpus, hosting
from benchmarks.measuring import main
from benchmarks.sample.ledger.module import ledger

COMMANDS = 30
CHANNELS = 20
DISPATCH = ("core.community", "processing.router")
"""The modules that take a command to its handler."""


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return commands per second of each kind."""
    lines = 5_000 if quick else 100_000
    durable = lines // 2
    plain_s, plain_share = hosting.run(partial(_dispatch, lines, only=DISPATCH))
    whole_s, whole_share = hosting.run(partial(_dispatch, lines))
    durable_s, durable_share = hosting.run(partial(_dispatch, durable, durable=True))
    return {
        "commands_per_s": lines / plain_s,
        "commands_all_modules_per_s": lines / whole_s,
        "commands_with_effect_per_s": durable / durable_s,
        "commands_cpu_share": plain_share,
        "commands_all_modules_cpu_share": whole_share,
        "commands_with_effect_cpu_share": durable_share,
        "commands_checked": 2 * lines + durable,
    }


async def _dispatch(lines: int, *, durable: bool = False, only: Sequence[str] = ()) -> tuple[float, float]:
    """Return the seconds that so many commands take, and the processor's share."""
    names = corpus.command_names(COMMANDS)
    messages = list(corpus.Corpus(lines=lines, channels=CHANNELS, command_names=names, command_share=1.0))
    communities = {f"c-{channel}": [channel] for channel in corpus.channel_names(CHANNELS)}
    prepare = partial(hosting.found, communities=communities)
    async with hosting.running(ledger(names, durable=durable), prepare=prepare, only=only) as host:
        await hosting.compile_views(host)
        router, pushed = hosting.desk_of(host).router, hosting.pushed_of(host)
        clock = hosting.Clock()
        await hosting.announce(host, messages)
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
