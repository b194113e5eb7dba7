"""Plain chat lines, from raw IRC bytes at the Twitch receiver to what observers wrote, verified in the database.

Two configurations, both over 1,000 channels: 20 communities that share one set of 1,000 rules, and 1,000
communities with a set of 20 of their own. Nothing of the corpus matches a rule; afterwards a line in each
community shows that its rules do match what they should.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from benchmarks import corpus, hosting, rules, twitch
from benchmarks.corpus import Message
from benchmarks.measuring import main
from benchmarks.rules import Rule
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.runtime.host import Host

CHANNELS = 1_000
SHARING_COMMUNITIES = 20

type Configured = Mapping[str, tuple[Sequence[str], Sequence[Rule]]]
"""Community → its channels and its rules."""


def measure(quick: bool) -> dict[str, float | int | str]:
    """Return lines per second with both kinds of rule sets."""
    messages = list(corpus.Corpus(lines=10_000 if quick else 400_000, channels=CHANNELS))
    shared_s, shared_share = hosting.run(partial(chat, messages, sharing()))
    own_s, own_share = hosting.run(partial(chat, messages, _owning()))
    return {
        "plain_lines_per_s": len(messages) / shared_s,
        "plain_lines_own_sets_per_s": len(messages) / own_s,
        "plain_lines_cpu_share": shared_share,
        "plain_lines_own_sets_cpu_share": own_share,
        "lines_checked": 2 * len(messages),
    }


def sharing() -> Configured:
    """Return communities that share one set of rules."""
    channels, shared = corpus.channel_names(CHANNELS), rules.rule_set(1_000)
    return {f"c-{n}": (channels[n::SHARING_COMMUNITIES], shared) for n in range(SHARING_COMMUNITIES)}


def _owning() -> Configured:
    sets = rules.own_sets(CHANNELS)
    return {f"c-{n}": ([channel], sets[n]) for n, channel in enumerate(corpus.channel_names(CHANNELS))}


async def chat(
    messages: Sequence[Message], configured: Configured, prepare: hosting.Prepare | None = None
) -> tuple[float, float]:
    """Return the seconds that the lines take until all of them are written, and the processor's share."""
    async with twitch.fed(prepare=partial(_configure, configured, prepare)) as feed:
        host, chunks = feed.host, twitch.chunks(messages)
        accounts = len({message.user_id for message in messages})
        counts = hosting.desk_of(host).router.traces.counts
        before = counts["ignored"]
        clock = hosting.Clock()
        await feed.feed(chunks)
        await hosting.written(host, len(messages), accounts)
        result = clock.stop()
        hosting.expect("plain lines", counts["ignored"] - before, len(messages))
        _check(host, messages, configured)
        await feed.feed([b"".join(twitch.line(places[0], own[0].example) for places, own in configured.values())])
        pushed = hosting.pushed_of(host)
        await hosting.until(lambda: len(pushed.ids) >= len(configured), "a rule of each community has matched")
    return result


async def _configure(configured: Configured, prepare: hosting.Prepare | None, dal: AsyncDAL) -> None:
    await hosting.found(dal, {community: channels for community, (channels, _) in configured.items()})
    for community, (_, own) in configured.items():
        await hosting.save_rules(dal, community, own)
    if prepare is not None:
        await prepare(dal)


def _check(host: Host, messages: Sequence[Message], configured: Configured) -> None:
    """Raise unless the database holds exactly what was said: every line, every account in every community."""
    home = {channel: community for community, (channels, _) in configured.items() for channel in channels}
    pairs = {(home[message.channel], message.user_id) for message in messages}
    hosting.expect("scores", hosting.scalar(host, "select count(*) from core_reputation__score"), len(pairs))
    accounts = len({message.user_id for message in messages})
    hosting.expect("accounts", hosting.scalar(host, "select count(*) from core_identity__account"), accounts)
    hosting.expect("dropped", host.shared.dropped.total(), 0)


if __name__ == "__main__":
    main(measure)
