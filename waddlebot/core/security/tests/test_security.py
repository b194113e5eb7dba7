"""Who is warned, timed out and banned, by whom, for how long, by which accounts, and how it is taken back."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from waddlebot.core.community.module import module as community
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.module import see
from waddlebot.core.reputation.module import module as reputation
from waddlebot.core.security.module import contribute, count_filtered, follow_links, module, settle
from waddlebot.core.security.store import VERDICTS_MAX, SecurityStore, Steps, Verdict
from waddlebot.libs.contracts.community import GLOBAL, HOME
from waddlebot.libs.dal import Community
from waddlebot.libs.sdk import MEMBER_BANNED, MEMBER_TIMED_OUT, MEMBER_WARNED, MESSAGE_FILTERED, Rank, Restriction
from waddlebot.libs.sdk.ports import EventBatch
from waddlebot.libs.testing.modules import Bench, crowd, opened_bench

MOD: dict[str, Any] = {"login": "mod", "rank": Rank.MODERATOR}
TWITCH: dict[str, Any] = {"platform": "twitch", "server": "", "channel": "room", "user_id": "7", "login": "bobby"}
DAY_S = 86_400.0


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(database_url, community, identity, reputation, module) as opened:
        await opened.context(community).store_in(Community(HOME)).adopt(("twitch::room",), opened.now)
        await opened.configuration.poll()
        lines = [opened.event(login=name) for name in ("ann", "bob", "mod", "eve")]
        await see(opened.context(identity), crowd([*lines, opened.event(**TWITCH)]))
        yield opened


async def link(bench: Bench) -> None:
    store = bench.context(identity).store_in(Community(GLOBAL))
    assert await store.ask("irc:bob", "twitch:7", "bobby", "digest", bench.now)
    assert (await store.verify("twitch:7", "bobby", "digest", bench.now, True)).linked


async def unlink(bench: Bench) -> None:
    assert (await bench.context(identity).store_in(Community(GLOBAL)).part("irc:bob", "twitch", "bobby")).side


async def kept_out(bench: Bench) -> dict[str, Restriction]:
    given = (await contribute(bench.context(module), (HOME,))).get(HOME)
    return {one.account: one for one in given.restrictions} if given else {}


async def asked(bench: Bench, *, whole: bool = False) -> list[str]:
    """What platforms are asked to do, since the last time."""
    bench.sent.clear()
    await (follow_links if whole else settle)(bench.context(module))
    return [f"{send.platform} {send.reply.data['do']} {send.reply.data['user_id']}" for send in bench.sent]


async def test_a_ban_is_asked_of_the_platform_told_why_and_taken_back(bench: Bench) -> None:
    assert await bench.says("ban bob spam and worse", **MOD) == "Bob is banned for “spam and worse”."
    assert await kept_out(bench) == {
        "irc:bob": Restriction("irc:bob", "spam and worse", 0.0, ("case",), person=True)
    }
    assert await asked(bench) == ["irc ban bob"]
    assert await asked(bench) == [], "once"
    assert await bench.says("case", login="bob", rank=Rank.VIEWER) == (
        "Bob: banned for “spam and worse” by irc:mod 0 s ago"
    )
    assert await bench.says("unban bob it was not him", **MOD) == "Bob is no longer banned, for “it was not him”."
    assert (await kept_out(bench), await asked(bench)) == ({}, ["irc unban bob"])
    assert await bench.says("unban bob", **MOD) == "Bob is not banned."
    told = await bench.says("modlog bob", **MOD)
    assert "unban bob for “it was not him” by irc:mod" in told
    assert "ban bob for “spam and worse”" in told
    assert await bench.says("case", login="bob", rank=Rank.VIEWER) == "Nothing is held against Bob here."


async def test_a_timeout_ends_by_itself(bench: Bench) -> None:
    assert await bench.says("timeout bob 10m caps", **MOD) == "Bob is timed out for 10 min for “caps”."
    assert (await kept_out(bench))["irc:bob"].until == bench.now + 600
    bench.sent.clear()
    await settle(bench.context(module))
    (send,) = bench.sent
    assert send.reply.data["seconds"] == 600
    bench.now += 300
    assert "timed out for 5 min more for “caps”" in await bench.says("case bob", **MOD)
    bench.now += 301
    assert await asked(bench) == ["irc untimeout bob"]
    assert await kept_out(bench) == {}
    for wrong in ("0", "x", "15d", "-5"):
        assert "is no time from a second to two weeks" in await bench.says(f"timeout bob {wrong}", **MOD)


async def test_another_timeout_takes_the_place_of_the_first(bench: Bench) -> None:
    await bench.says("timeout bob 1h", **MOD)
    await bench.says("timeout bob 1m", **MOD)
    assert (await kept_out(bench))["irc:bob"].until == bench.now + 60
    await bench.says("ban bob", **MOD)
    await bench.says("untimeout bob", **MOD)
    assert (await kept_out(bench))["irc:bob"].until == 0, "the ban holds on"


async def test_a_ban_follows_links_and_leaves_with_them(bench: Bench) -> None:
    await link(bench)
    assert await bench.says("ban bob spam", **MOD) == "Bob is banned for “spam”, with all 2 accounts."
    assert await asked(bench) == ["irc ban bob", "twitch ban 7"]
    assert set(await kept_out(bench)) == {"irc:bob"}, "the router knows whose accounts are whose"
    assert "Bobby (2 accounts): banned" in await bench.says("case", **TWITCH, rank=Rank.VIEWER)
    await unlink(bench)
    assert await asked(bench, whole=True) == ["twitch unban 7"]
    await link(bench)
    assert await asked(bench, whole=True) == ["twitch ban 7"]
    assert await bench.says("unban bob", **MOD) == "Bob is no longer banned."
    assert sorted(await asked(bench)) == ["irc unban bob", "twitch unban 7"]


async def test_nobody_judges_themselves_or_who_stands_above(bench: Bench) -> None:
    await bench.says("rank give bob moderator", rank=Rank.OWNER)
    for line in ("warn bob", "timeout bob 1m", "ban bob"):
        assert "stands as high as you or higher" in await bench.says(line, **MOD)
        assert "Nobody judges themselves" in await bench.says(line.replace("bob", "mod"), **MOD)
    await link(bench)
    assert "stands as high" in await bench.says("ban bob", **MOD), "nor by another account of theirs"
    assert await bench.says("ban bob", login="ann", rank=Rank.ADMIN) == "Bob is banned, with all 2 accounts."
    assert "Nobody judges themselves" in await bench.says("unban bob", login="bob", rank=Rank.MODERATOR)
    assert "I have not seen nobody" in await bench.says("ban nobody", **MOD)
    assert "at most 300 characters" in await bench.says(f"ban eve {'x' * 301}", **MOD)
    assert "Only moderators" in await bench.says("case eve", login="bob", rank=Rank.VIEWER)


async def test_warnings_lead_to_nothing_until_it_is_switched_on(bench: Bench) -> None:
    for _ in range(7):
        assert await bench.says("warn bob rude", **MOD) == "Bob is warned for “rude”."
    assert await kept_out(bench) == {}
    assert await bench.says("unwarn bob", **MOD) == "Bob is no longer warned."


async def test_warnings_lead_to_longer_timeouts_and_to_a_ban_where_that_is_set(bench: Bench) -> None:
    await bench.says("setting set security escalate on")
    await bench.says("setting set security ban on")
    told = [await bench.says("warn bob rude", **MOD) for _ in range(12)]
    assert [line for line in told if " and " in line] == [
        "Bob is warned and timed out for 5 min for “rude”.",
        "Bob is warned and timed out for 1 h for “rude”.",
        "Bob is warned and timed out for 1 d for “rude”.",
        "Bob is warned and banned for “rude”.",
    ]
    assert "banned for “12 warnings, the last for: rude” by a setting" in await bench.says("case bob", **MOD)
    await bench.says("unban bob", **MOD)
    bench.now += 30 * DAY_S + 1
    assert await bench.says("warn bob rude", **MOD) == "Bob is warned for “rude”.", "the others count no more"


async def test_what_filters_warn_of_counts_where_that_is_set(bench: Bench) -> None:
    def filtered(number: int, **more: Any) -> Any:
        data = {"target_id": "bob", "target_login": "bob", "reason": "caps", "action": "warn", **more}
        return bench.event(id=f"f{number}", kind=MESSAGE_FILTERED, data=data)

    events = [filtered(n) for n in range(3)]
    await count_filtered(bench.context(module), events)
    assert await bench.says("case bob", **MOD) == "Nothing is held against Bob here."
    for name in ("count_filters", "escalate"):
        await bench.says(f"setting set security {name} on")
    quiet = [filtered(9, canary=True), filtered(10, action="delete"), filtered(11, target_id="")]
    for _ in range(2):  # a batch that comes again counts once
        await count_filtered(bench.context(module), [*events, *quiet])
    assert len(await bench.context(module).store_in(Community(HOME)).verdicts()) == 4
    assert (await kept_out(bench))["irc:bob"].until == events[2].occurred_at + 300


async def test_undo_takes_a_ban_back_and_redo_holds_it_again(bench: Bench) -> None:
    await bench.says("ban bob spam", **MOD)
    assert await asked(bench) == ["irc ban bob"]
    assert "undone: made verdict" in await bench.says("undo", **MOD)
    assert (await kept_out(bench), await asked(bench)) == ({}, ["irc unban bob"])
    assert "holds again" in await bench.says("redo", **MOD)
    assert (set(await kept_out(bench)), await asked(bench)) == ({"irc:bob"}, ["irc ban bob"])
    assert (await bench.says("modlog", **MOD)).count("ban bob") == 3


async def test_a_delivery_that_is_run_again_decides_once(bench: Bench) -> None:
    for _ in range(2):
        await bench.says("warn bob rude", id="e1", **MOD)
    assert len(await bench.context(module).store_in(Community(HOME)).verdicts()) == 1


async def test_everybody_hears_what_was_done(bench: Bench) -> None:
    heard: list[tuple[str, str, str]] = []

    def take(batch: EventBatch) -> None:
        heard.extend(
            (e.kind, e.user_login, str(e.data["target_login"])) for e in batch.events if "target_id" in e.data
        )

    bench.shared.bus.subscribe("test", take)
    for line in ("warn bob rude", "timeout bob 1m", "ban bob"):
        await bench.says(line, **MOD)
    assert heard == [(kind, "mod", "bob") for kind in (MEMBER_WARNED, MEMBER_TIMED_OUT, MEMBER_BANNED)]


async def test_who_is_forgotten_stays_banned_without_name_and_reason(bench: Bench) -> None:
    await bench.says("ban bob he said so", **MOD)
    await asked(bench)
    store: SecurityStore = bench.context(module).store_everywhere("a test")
    held = await store.held(("irc:bob",))
    assert {name: len(rows) for name, rows in held.items()} == {"verdict": 1, "log": 1, "enforced": 1}
    assert await store.forget(("irc:bob",)) == 3
    assert (await kept_out(bench))["irc:bob"].reason == "ban"
    assert await asked(bench, whole=True) == []
    (verdict,) = (await store.held(("irc:bob",)))["verdict"]
    assert (verdict["login"], verdict["reason"]) == ("", "")
    assert (await store.held(("irc:mod",)))["verdict"], "who decided"
    await store.forget(("irc:mod",))
    assert not (await store.held(("irc:mod",)))["verdict"]


async def test_the_log_is_kept_for_a_year(bench: Bench) -> None:
    await bench.says("warn bob rude", **MOD)
    store = bench.context(module).store_everywhere("a test")
    assert await store.forget_old(bench.now + 364 * DAY_S) == 0
    assert await store.forget_old(bench.now + 366 * DAY_S) == 1


def test_two_restrictions_of_one_account_hold_both() -> None:
    timeout, ban = (
        Restriction("a", "caps", 9.0, ("case",), person=True),
        Restriction("a", "spam", 0.0, ("appeal", "case")),
    )
    for joined in (timeout.joined(ban), ban.joined(timeout)):
        assert (joined.reason, joined.until, joined.allows, joined.person) == ("spam", 0.0, ("case",), True)
    assert timeout.joined(Restriction("a", "x", 10.0)).until == 10.0


@pytest.mark.parametrize(
    ("count", "kind", "seconds"),
    [(1, "", 0), (2, "timeout", 60), (3, "", 0), (4, "timeout", 120), (6, "ban", 0), (8, "ban", 0)],
)
def test_steps_follow_one_another(count: int, kind: str, seconds: float) -> None:
    warning = Verdict("w", "warn", "irc:bob", "bob", "rude", "irc:mod", 10.0, 1_000.0)
    found = Steps(2, (60.0, 120.0), True, "us").after(warning, count)
    assert (found.kind if found else "") == kind
    if found is not None:
        assert found.until == (10.0 + seconds if seconds else 0.0)
    assert Steps(2, (), False, "us").after(warning, 2) is None
    assert VERDICTS_MAX >= 1_000
