"""Timers speak when they should, once, whatever happens to clocks and hosts."""

from collections.abc import AsyncIterator, Sequence

import pytest

from waddlebot.core.community.module import module as community
from waddlebot.core.identity.module import module as identity
from waddlebot.libs.contracts.community import HOME, AdoptRequest, CommunityService
from waddlebot.libs.dal import Busy
from waddlebot.libs.dal.schema import differences
from waddlebot.libs.sdk import Community, Rank, Send
from waddlebot.libs.testing.modules import ENTITY, Bench, opened_bench
from waddlebot.trigger.cron.periodic_messages.module import (
    SETTLE_EVERY_S,
    Clockwork,
    count_lines,
    hear_of_channels,
    module,
    tick,
)
from waddlebot.trigger.cron.periodic_messages.store import TIMERS_MAX

HOUR_S = 3_600.0


class Clocks:
    """The bench's wall clock and the module's monotonic one: they pass together, but the wall clock may be set."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._elapsed = 0.0
        self.wind_up()

    def wind_up(self) -> Clockwork:
        clockwork = self.bench.state(module, Clockwork)
        clockwork.monotonic = lambda: self._elapsed
        return clockwork

    async def wait(self, seconds: float, step_s: float = 5.0) -> list[str]:
        """Let time pass, with the host calling the job, and tell what was said meanwhile."""
        before = len(self.bench.sent)
        until = self._elapsed + seconds
        while self._elapsed < until:
            passed = min(step_s, until - self._elapsed)
            self._elapsed += passed
            self.bench.now += passed
            await tick(self.bench.context(module))
        return [send.reply.text for send in self.bench.sent[before:]]


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(database_url, community, identity, module) as opened:
        yield opened


@pytest.fixture
def clocks(bench: Bench) -> Clocks:
    return Clocks(bench)


async def add(bench: Bench, line: str = "news 10m Hello", *edits: str) -> None:
    """Add a timer that no chat line gates, and edit it."""
    name = line.split(maxsplit=1)[0]
    for command in (
        f"timer add {line}",
        f"timer edit {name} lines 0",
        *(f"timer edit {name} {edit}" for edit in edits),
    ):
        result = await bench.run(command, rank=Rank.MODERATOR)
        assert result.status == "ok", result


async def test_the_tables_are_as_declared(bench: Bench) -> None:
    assert differences(bench.dal.url, bench.dal.owners) == []


async def test_a_timer_speaks_every_interval(bench: Bench, clocks: Clocks) -> None:
    await add(bench)
    assert await clocks.wait(599) == []
    assert await clocks.wait(2) == ["Hello"]
    assert await clocks.wait(598, 10) == []
    assert await clocks.wait(1_800, 10) == ["Hello"] * 3
    send = bench.sent[0]
    assert (send.entity, send.community, send.reply.action) == (ENTITY, HOME, "chat")
    assert len({send.id for send in bench.sent}) == 4


async def test_a_timer_speaks_by_the_calendar(bench: Bench, clocks: Clocks) -> None:
    bench.now = 1_750_000_000 // 86_400 * 86_400.0 + 12 * HOUR_S
    await add(bench, 'show "30 18 * * *" On air!', "zone Europe/London")  # half past five in summer's UTC
    assert await clocks.wait(5 * HOUR_S + 1_790, 60) == []
    assert await clocks.wait(20, 1) == ["On air!"]
    assert await clocks.wait(86_400 - 60, 120) == []


async def test_it_speaks_in_every_channel_or_where_it_is_told_to(bench: Bench, clocks: Clocks) -> None:
    await bench.ask(CommunityService).adopt(AdoptRequest(HOME, ("irc:net:#b", "twitch::c")))
    await bench.ask(CommunityService).adopt(AdoptRequest("away", ("irc:net:#d",)))
    await bench.configuration.poll()
    await add(bench, "news 10m {channel} of {community}, {unknown}")
    await clocks.wait(601)
    assert [(send.entity, send.reply.text) for send in bench.sent] == [
        ("irc:net:#b", "#b of home, {unknown}"),
        (ENTITY, "#room of home, {unknown}"),
        ("twitch::c", "c of home, {unknown}"),
    ]
    await bench.says("timer edit news channels c #b")
    await clocks.wait(600)
    assert {send.entity for send in bench.sent[3:]} == {"irc:net:#b", "twitch::c"}


async def test_lines_of_people_open_the_gate_of_their_channel(bench: Bench, clocks: Clocks) -> None:
    await bench.ask(CommunityService).adopt(AdoptRequest(HOME, ("irc:net:#b",)))
    await bench.configuration.poll()
    await add(bench, "news 10m Hello", "lines 2")

    async def lines(*logins: str, channel: str = "#room") -> None:
        events = [bench.event("hi", login=login, channel=channel) for login in logins]
        await count_lines(bench.context(module), events)

    await clocks.wait(590)
    await lines("nightbot", "StreamElements", "ann")
    await lines("ann", "ann", channel="#elsewhere")
    assert await clocks.wait(20) == []
    await clocks.wait(570)
    await lines("ann", "bob")
    assert await clocks.wait(20) == ["Hello"]
    assert [send.entity for send in bench.sent] == [ENTITY]
    assert await clocks.wait(600) == [], "the lines are older than five minutes"


async def test_lines_are_counted_for_all_hosts_and_forgotten_in_time(bench: Bench, clocks: Clocks) -> None:
    await add(bench, "news 10m Hello", "lines 2")
    await clocks.wait(590)
    store = bench.context(module).store_in(Community(HOME))
    for number in (1, 2):
        await count_lines(bench.context(module), [bench.event("hi", login="ann")])
        assert await store.lines(bench.now) == {ENTITY: number}
    said_at = bench.now
    assert await clocks.wait(20) == ["Hello"]
    await clocks.wait(7_200, 30)
    assert await store.lines(said_at) == {}


async def test_conditions_of_channels_hold_as_the_platform_tells(bench: Bench, clocks: Clocks) -> None:
    await add(bench, "news 10m {title}", "live on", "title speed", "category Chess")

    async def tell(kind: str, **data: object) -> None:
        await hear_of_channels(bench.context(module), [bench.event(kind=kind, data=data)])

    assert await clocks.wait(601) == []
    await tell("channel.online", title="Speedrun", category="Chess")
    assert await clocks.wait(600) == ["Speedrun"]
    await tell("channel.updated", category="Cooking")
    assert await clocks.wait(600) == []
    await tell("channel.updated", category="chess", title=5)
    assert await clocks.wait(600) == ["Speedrun"]
    await hear_of_channels(
        bench.context(module), [bench.event(kind="channel.updated", data={"title": "old"}, occurred_at=5.0)]
    )
    assert await clocks.wait(600) == ["Speedrun"], "what is older than what we know changes nothing"
    await tell("channel.offline")
    assert await clocks.wait(600) == []


async def test_quiet_hours_and_switches_keep_it_silent(bench: Bench, clocks: Clocks) -> None:
    bench.now = 1_750_000_000 // 86_400 * 86_400.0 + 21 * HOUR_S + 2_100
    await add(bench, "news 10m Hello", "quiet 22:00-07:00")
    assert await clocks.wait(2 * HOUR_S, 30) == ["Hello"] * 2
    assert await clocks.wait(7.75 * HOUR_S, 60) == ["Hello"] * 2
    await bench.says("module off periodic_messages")
    assert await clocks.wait(HOUR_S, 60) == []
    await bench.says("module on periodic_messages")
    assert await clocks.wait(601) == ["Hello"]
    await bench.says("timer disable news")
    assert await clocks.wait(HOUR_S, 60) == []
    await bench.says("timer enable news")
    assert await clocks.wait(601) == ["Hello"]


async def test_several_messages_take_turns(bench: Bench, clocks: Clocks) -> None:
    await add(bench, "news 10m one", "add two", "add three")
    assert await clocks.wait(2_401, 5) == ["one", "two", "three", "one"]


async def test_a_pause_makes_no_burst(bench: Bench, clocks: Clocks) -> None:
    for name in ("one", "two", "three"):
        await add(bench, f"{name} 10m {name}")
    bench.now += 86_400 + 400  # nobody called the job for a day
    assert await clocks.wait(1) == []
    assert sorted(await clocks.wait(600)) == ["one", "three", "two"]


async def test_a_short_restart_loses_and_repeats_nothing(bench: Bench, clocks: Clocks) -> None:
    await add(bench)
    assert await clocks.wait(600) == ["Hello"]
    bench.state(module, Clockwork).spoke_at.clear()  # a new process remembers nothing
    assert await clocks.wait(599) == []
    bench.now += 20  # down while it fell due
    assert await clocks.wait(1) == ["Hello"]
    assert await clocks.wait(570) == []


async def test_two_hosts_at_once_say_it_once(bench: Bench, clocks: Clocks) -> None:
    await add(bench)
    await clocks.wait(590)
    store = bench.context(module).store_everywhere("a test")
    (run,) = await store.due(bench.now + 60)
    home = bench.context(module).store_in(Community(HOME))
    assert [await home.take(run, run.due_at + 600, 1) for _ in range(2)] == [True, False]
    assert await clocks.wait(20) == []


async def test_a_clock_set_forward_does_not_say_it_twice(bench: Bench, clocks: Clocks) -> None:
    await add(bench)
    assert await clocks.wait(601) == ["Hello"]
    bench.now += 580  # the next slot seems to be here
    assert await clocks.wait(500) == []
    assert await clocks.wait(120) == ["Hello"]


async def test_a_clock_set_back_does_not_stall_it(bench: Bench, clocks: Clocks) -> None:
    await add(bench)
    assert await clocks.wait(601) == ["Hello"]
    bench.now -= 30 * 86_400
    assert await clocks.wait(600 + SETTLE_EVERY_S + 1) == ["Hello"]
    assert await clocks.wait(600) == ["Hello"]


async def test_a_full_outbox_delays_a_message_but_loses_none(
    bench: Bench, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(bench, "news 10m one", "add two")
    await clocks.wait(595)

    def full(sends: Sequence[Send]) -> None:
        raise Busy("full")

    with monkeypatch.context() as patched:
        patched.setattr(bench.shared, "send", full)
        assert await clocks.wait(15) == []
    assert await clocks.wait(2) == ["one"]
    assert await clocks.wait(600) == ["two"]


async def test_a_timer_that_an_undo_brought_back_speaks_again(bench: Bench, clocks: Clocks) -> None:
    await add(bench)
    await bench.says("timer remove news")
    (removed, *_) = await bench.dal.list_changes(HOME)
    assert await clocks.wait(700) == []
    await bench.dal.undo(HOME, removed.version, actor="operator")
    assert await clocks.wait(600 + SETTLE_EVERY_S + 1) == ["Hello"]
    (undone, *_) = await bench.dal.list_changes(HOME)
    await bench.dal.undo(HOME, undone.version, actor="operator")
    assert await clocks.wait(1_300) == []
    assert await bench.context(module).store_everywhere("a test").due(2e9) == [], "nothing is left to fall due"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("timer add news 10m Hello", "Timer news: every 10 min, after 1 line in 5 min."),
        ('timer add News "0 18 * * 1-5" Hello', "Timer news: at 0 18 * * 1-5 (UTC)."),
        ("notice add old 5m Hello", "There is a timer old already"),
        ("timer add x 10s Hello", "once a minute"),
        ("timer add x 10m", "Usage: timer add <name> <when> <message…>"),
        ('timer add "two words" 10m Hello', "one word"),
        ("timer edit old every 1h", "every 60 min"),
        ("timer edit old colour red", "These can: every"),
        ("timer edit old title", "old: every"),
        ("timer edit lost every 1h", "no timer lost"),
        ("timer show old", "Timer old: every 5 min, after 1 line in 5 min, next in 5 min. Hi"),
        ("timer show lost", "See: timer list"),
        ("timer list", "Timers: old"),
        ("timer disable old", "Timer old is disabled."),
        ("timer enable old", "Timer old is enabled: every 5 min"),
        ("timer delete old", "Timer old is gone."),
        ("notice remove lost", "no timer lost"),
    ],
)
async def test_answers(bench: Bench, line: str, says: str) -> None:
    assert "There are no timers" in await bench.says("timer list")
    await bench.says("timer add old 5m Hi")
    assert says in await bench.says(line)


async def test_timers_are_bounded(bench: Bench) -> None:
    for number in range(TIMERS_MAX):
        assert (await bench.run(f"timer add t{number} 10m Hello")).status == "ok"
    assert "Remove one first" in await bench.says("timer add more 10m Hello")


async def test_access_rules_of_timers_and_modules_keep_it_silent(bench: Bench, clocks: Clocks) -> None:
    await add(bench, "news 10m Hello")
    for line in (
        "access add timer:news require live on",
        "access add * deny role ghosts",
        "access add * deny score <400",
    ):
        await bench.says(line)
    assert await clocks.wait(601) == []
    await hear_of_channels(bench.context(module), [bench.event(kind="channel.online")])
    assert await clocks.wait(600) == ["Hello"], "what asks for a person is no matter of timers"
    await bench.says("access add module:periodic_messages deny platform irc")
    assert await clocks.wait(600) == []
    await bench.says("access remove periodic_messages-irc")
    assert await clocks.wait(600) == ["Hello"]
    await bench.says("access add other deny platform irc")
    assert await clocks.wait(600) == ["Hello"]


async def test_a_timer_is_silent_while_nobody_can_tell_the_rules(bench: Bench, clocks: Clocks) -> None:
    await add(bench, "news 10m Hello")
    there = bench.directory.pop("core.community")
    assert await clocks.wait(601) == []
    bench.directory["core.community"] = there
    assert await clocks.wait(600) == ["Hello"]
