"""Lines of the last minutes, by channel."""

from collections.abc import Collection

from waddlebot.libs.sdk import Event
from waddlebot.trigger.cron.periodic_messages.lines import WINDOW_S, Lines

BOTS = frozenset({"nightbot"})


def line(login: str = "ann", channel: str = "#a", roles: Collection[str] = (), community: str = "home") -> Event:
    return Event(
        1,
        "id",
        "chat.message",
        "irc",
        "net",
        channel,
        login,
        login,
        login,
        tuple(roles),
        "hi",
        0.0,
        0.0,
        community,
    )


def add(lines: Lines, *events: Event, now: float) -> None:
    lines.add(events, {"home": BOTS}, now)


def test_lines_count_by_channel_for_five_minutes() -> None:
    lines = Lines()
    add(lines, line(), line("bob"), line(channel="#b"), now=1_000.0)
    add(lines, line(), now=1_100.0)
    assert lines.recent("irc:net:#a", 1_100.0) == 3
    assert lines.recent("irc:net:#b", 1_100.0) == 1
    assert lines.recent("irc:net:#a", 1_000.0 + WINDOW_S) == 1
    assert lines.recent("irc:net:#a", 1_100.0 + WINDOW_S) == 0
    assert lines.recent("irc:net:#nowhere", 1_100.0) == 0


def test_neither_bots_count_nor_who_is_elsewhere() -> None:
    lines = Lines()
    add(lines, line("NightBot"), line("helper", roles=["bot"]), line(community="away"), now=1.0)
    assert lines.recent("irc:net:#a", 1.0) == 0


def test_channels_that_fell_silent_take_no_memory() -> None:
    lines = Lines()
    add(lines, *(line(channel=f"#{n}") for n in range(100)), now=1_000.0)
    add(lines, line(), now=1_000.0 + 2 * WINDOW_S)
    assert set(lines._buckets) == {"irc:net:#a"}
