"""Lines of people, counted by channel."""

from collections.abc import Collection

from waddlebot.libs.sdk import Event
from waddlebot.trigger.cron.periodic_messages.lines import BUCKET_S, counted

BOTS = {"home": frozenset({"nightbot"})}


def line(login: str = "ann", channel: str = "#a", roles: Collection[str] = (), community: str = "home") -> Event:
    return Event(
        1, "id", "chat.message", "irc", "net", channel, login, login, login, tuple(roles), "hi", 0.0, 0.0,
        community,
    )  # fmt: skip


def test_lines_count_by_channel() -> None:
    lines = [line(), line("bob"), line(channel="#b")]
    assert counted(lines, BOTS, 10 * BUCKET_S + 1) == [
        ("home", "irc:net:#a", 10, 2),
        ("home", "irc:net:#b", 10, 1),
    ]


def test_neither_bots_count_nor_who_is_elsewhere() -> None:
    assert counted([line("NightBot"), line("helper", roles=["bot"]), line(community="away")], BOTS, 1.0) == []
