"""Pacing, on a clock of the test's own."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waddlebot.libs.irc.errors import SendError
from waddlebot.libs.irc.message import IrcMessage, parse_line
from waddlebot.libs.irc.pacing import SlidingWindow, TokenBucket
from waddlebot.libs.irc.policy import FloodPolicy, Outgoing
from waddlebot.libs.irc.sendqueue import SendQueue
from waddlebot.libs.irc.twitch import TwitchPolicy

# Multiples of 1/64 s, which floats add without rounding.
gaps = st.lists(st.integers(0, 200).map(lambda count: count / 64), min_size=1, max_size=120)


def say(target: str, text: str = "hello") -> Outgoing:
    return Outgoing(f"PRIVMSG {target} :{text}", "PRIVMSG", target)


def userstate(channel: str, badges: str) -> IrcMessage:
    return parse_line(f"@badges={badges};mod=0 :tmi.twitch.tv USERSTATE {channel}")


@given(gaps, st.integers(1, 20), st.integers(1, 30))
def test_a_window_is_never_exceeded(waits: list[float], limit: int, period_s: int) -> None:
    window, now_s, taken = SlidingWindow(limit, period_s), 0.0, []
    for wait in waits:
        now_s += wait
        now_s += window.delay_s(now_s)
        window.take(now_s)
        taken.append(now_s)
    for at in taken:
        assert sum(at - period_s < each <= at for each in taken) <= limit


@given(gaps, st.floats(0.1, 5), st.integers(1, 10))
def test_a_bucket_keeps_its_rate(waits: list[float], rate: float, burst: int) -> None:
    bucket, now_s, taken = TokenBucket(rate, burst), 0.0, []
    for wait in waits:
        now_s += wait
        now_s += bucket.delay_s(now_s)
        bucket.take(now_s)
        taken.append(now_s)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + (taken[last] - taken[first]) * rate + 1e-6


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = TokenBucket(0.5, 3)
    for _ in range(3):
        assert bucket.delay_s(100) == 0
        bucket.take(100)
    assert bucket.delay_s(100) == 2
    assert bucket.delay_s(102) == 0
    assert bucket.delay_s(102, cost=50) == 4  # more than ever fits: when it is full


def test_flood_control_counts_the_size_of_a_line() -> None:
    policy = FloodPolicy()
    long, short = say("#c", "x" * 480), say("#c")
    count = 0
    while policy.delay_s(long, 0) == 0:
        policy.take(long, 0)
        count += 1
    assert count == 2
    assert policy.delay_s(short, 0) < policy.delay_s(long, 0)
    assert policy.delay_s(long, 10) == 0


def run_twitch(policy: TwitchPolicy, lines: list[Outgoing]) -> list[tuple[float, str]]:
    """Send lines as fast as the policy lets us, in order; when each left."""
    now_s, sent = 1000.0, []
    for line in lines:
        while (delay_s := policy.delay_s(line, now_s)) > 0:
            now_s += delay_s
        policy.take(line, now_s)
        sent.append((now_s, line.target))
    return sent


def most_within(times: list[float], period_s: float) -> int:
    return max(sum(at <= each < at + period_s for each in times) for at in times)


def test_twitch_hears_20_messages_in_30_s_over_all_plain_channels() -> None:
    sent = run_twitch(TwitchPolicy(), [say(f"#c{number % 7}") for number in range(100)])
    assert most_within([at for at, _ in sent], 30) == 20


def test_twitch_hears_one_message_a_second_in_a_plain_channel() -> None:
    sent = run_twitch(TwitchPolicy(), [say("#c") for _ in range(10)])
    assert min(b[0] - a[0] for a, b in itertools.pairwise(sent)) >= 1


@pytest.mark.parametrize("badges", ["broadcaster/1", "moderator/1", "vip/1,subscriber/3"])
def test_twitch_hears_100_where_we_are_privileged_and_plain_channels_keep_their_20(badges: str) -> None:
    policy = TwitchPolicy()
    policy.learn(userstate("#mod", badges))
    sent = run_twitch(policy, [say("#mod" if number % 3 else "#plain") for number in range(300)])
    assert most_within([at for at, _ in sent], 30) <= 100
    assert most_within([at for at, target in sent if target == "#plain"], 30) <= 20
    only = run_twitch(policy, [say("#mod") for _ in range(150)])
    assert most_within([at for at, _ in only], 30) == 100


def test_twitch_privileges_are_lost_again() -> None:
    policy = TwitchPolicy()
    policy.learn(userstate("#mod", "moderator/1"))
    policy.learn(userstate("#mod", "subscriber/1"))
    assert most_within([at for at, _ in run_twitch(policy, [say("#mod")] * 60)], 30) == 20


def test_twitch_slow_mode_is_kept() -> None:
    policy = TwitchPolicy()
    policy.learn(parse_line("@room-id=1;slow=10 :tmi.twitch.tv ROOMSTATE #slow"))
    sent = run_twitch(policy, [say("#slow") for _ in range(4)])
    assert [int(at - sent[0][0]) for at, _ in sent] == [0, 10, 20, 30]
    policy.learn(parse_line("@room-id=1;slow=0 :tmi.twitch.tv ROOMSTATE #slow"))
    assert policy.delay_s(say("#slow"), sent[-1][0] + 2) == 0


def test_twitch_lets_20_channels_be_joined_in_10_s() -> None:
    policy = TwitchPolicy()
    lines = [
        Outgoing("JOIN", "JOIN", channels=tuple(f"#c{n}_{i}" for i in range(n))) for n in (20, 1, 7, 12, 20, 3)
    ]
    now_s, joined = 0.0, []
    for line in lines:
        now_s += policy.delay_s(line, now_s)
        policy.take(line, now_s)
        joined += [now_s] * len(line.channels)
    assert most_within(joined, 10) == 20


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0, 60), st.floats(5, 60)), max_size=3),
    st.floats(0, 1.5),
    st.floats(0, 1.5),
)
def test_connections_that_share_a_user_join_no_more_than_one(
    lives: list[tuple[float, float]], comes_s: float, goes_s: float
) -> None:
    """Each lives for a while beside a lasting one, and joins as much as it may. The others hear of it later."""
    lives = [(0.0, 200.0), *lives]
    policies = [TwitchPolicy() for _ in lives]
    line = Outgoing("JOIN", "JOIN", channels=("#c",))
    joined: list[float] = []
    for tick in range(260):
        now_s = tick / 2
        for own, (policy, (start_s, age_s)) in enumerate(zip(policies, lives, strict=True)):
            if not start_s <= now_s < start_s + age_s:
                continue
            # Who was there before is known from the start.
            known = [
                other_s + comes_s * ((other_s, other) > (start_s, own)) <= now_s < other_s + lasts_s + goes_s
                for other, (other_s, lasts_s) in enumerate(lives)
            ]
            policy.share(sum(known), now_s)
            while policy.delay_s(line, now_s) <= 0:
                policy.take(line, now_s)
                joined.append(now_s)
    assert most_within(joined, 10) == 20


def test_a_text_said_twice_is_varied_on_twitch() -> None:
    policy = TwitchPolicy()
    said = [policy.vary("#c", "hi", at_s) for at_s in (0.0, 1.0, 2.0, 40.0)]
    assert said == ["hi", "hi \U000e0000", "hi", "hi"]
    assert policy.vary("#other", "hi", 40.0) == "hi"


def test_a_channel_at_its_limit_holds_up_no_other() -> None:
    policy = TwitchPolicy()
    queue = SendQueue(policy)
    for text in ("one", "two"):
        queue.push(say("#busy", text))
    queue.push(say("#free", "three"))
    order = [queue.pop(50.0)[0] for _ in range(2)]
    assert [each.line for each in order if each] == ["PRIVMSG #busy :one", "PRIVMSG #free :three"]
    waiting, delay_s = queue.pop(50.0)
    assert waiting is None
    assert 1 < delay_s < 2
    assert queue.pop(50.0 + delay_s)[0] == say("#busy", "two")
    assert len(queue) == 0


async def test_whoever_waits_for_a_line_learns_its_fate() -> None:
    queue = SendQueue(FloodPolicy(), lines_max=3)
    sent, given_up, failed = (asyncio.get_running_loop().create_future() for _ in range(3))
    for number, future in enumerate((sent, given_up, failed)):
        queue.push(say(f"#{number}"), future)
    assert not queue.room_for(1)
    queue.pop(0.0)
    assert sent.done()
    given_up.cancel()
    assert queue.pop(-1.0)[0] is not None or queue.pop(5.0)[0] is not None
    queue.fail("the link is gone")
    assert queue.room_for(3)
    assert failed.done()


async def test_a_failed_queue_says_why() -> None:
    queue = SendQueue(FloodPolicy())
    failed = asyncio.get_running_loop().create_future()
    queue.push(say("#c"), failed)
    queue.fail("the link is gone")
    with pytest.raises(SendError, match="the link is gone"):
        await failed


async def test_what_waits_for_a_channel_that_was_left_is_dropped() -> None:
    queue = SendQueue(TwitchPolicy())
    loop = asyncio.get_running_loop()
    waits: asyncio.Future[None] = loop.create_future()
    stays: asyncio.Future[None] = loop.create_future()
    queue.push(say("#left", "one"), waits)
    queue.push(say("#here", "two"), stays)
    queue.drop("#left", "the bot left #left")
    queue.drop("#unknown", "never there")
    with pytest.raises(SendError, match="left #left"):
        await waits
    assert len(queue) == 1
    assert queue.pop(50.0)[0] == say("#here", "two")
    await stays
