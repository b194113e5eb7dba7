"""Filters as moderators set them, counts, and kept chat, on both engines of storage."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from waddlebot.action.security.content_filter.chat import KEPT_PER_MINUTE_MAX, Heard
from waddlebot.action.security.content_filter.module import contribute, count, keep, module, tidy
from waddlebot.action.security.content_filter.store import FilterStore, Made
from waddlebot.core.community.module import module as community
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.module import see
from waddlebot.core.reputation.module import module as reputation
from waddlebot.libs.contracts.community import HOME
from waddlebot.libs.dal import Community
from waddlebot.libs.dal.schema import differences
from waddlebot.libs.sdk import MESSAGE_FILTERED, Event, Filter
from waddlebot.libs.testing.modules import ENTITY, Bench, crowd, opened_bench


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(database_url, community, identity, reputation, module) as opened:
        yield opened


async def filters_of(bench: Bench) -> dict[str, Filter]:
    """What the router is given."""
    found = await contribute(bench.context(module), (HOME,))
    return {one.kind: one for one in found[HOME].filters} if HOME in found else {}


async def made(bench: Bench) -> Made:
    return await store(bench).made()


def store(bench: Bench, home: str = HOME) -> FilterStore:
    found = bench.context(module).store_in(Community(home))
    assert isinstance(found, FilterStore)
    return found


async def hear(bench: Bench, *lines: tuple[str, str], age_s: float = 1.0, **fields: Any) -> list[Event]:
    """Lines that people said a while ago, kept as the host's observer keeps them."""
    bench.now -= age_s
    events = [bench.event(text, login=login, **fields) for login, text in lines]
    context = bench.context(module, key=f"batch {events[0].id}/keep")
    heard = Heard(context)
    heard.extend(events)
    await keep(context, heard)
    await see(bench.context(identity), crowd(events))
    bench.now += age_s
    return events


async def test_the_tables_are_as_declared(bench: Bench) -> None:
    assert differences(bench.dal.url, bench.dal.owners) == []


async def test_all_filters_are_off_until_somebody_turns_them_on(bench: Bench) -> None:
    assert await filters_of(bench) == {}
    assert (await bench.says("filters")).startswith(
        "Filters on: none. Off: blocklist, links, crowd, duplicates, rate"
    )
    assert (await bench.says("filters caps")).startswith(
        "caps is off: limit 12, share 70 %, delete, not for moder"
    )
    assert (await bench.says("filters caps enable")).startswith("The filter caps is on")
    assert (await bench.says("filters rate canary")).startswith("The filter rate is canary")
    found = await filters_of(bench)
    assert list(found) == ["rate", "caps"]
    assert (found["rate"].canary, found["rate"].limit, found["rate"].window_s) == (True, 5, 10.0)
    assert (found["caps"].canary, found["caps"].limit, found["caps"].action) == (False, 12, "delete")
    assert await bench.says("filters") == (
        "Filters on: rate (canary, would have acted 0×), caps (delete, 0×). "
        "Off: blocklist, links, crowd, duplicates, zalgo, symbols, emotes, characters, words, length."
    )
    await bench.says("filters caps disable")
    assert list(await filters_of(bench)) == ["rate"]


async def test_every_setting_of_a_filter(bench: Bench) -> None:
    for said in (
        "links enable", "links time 10m", "links message @{name}, no.", "links userlevel subscriber",
        "links labels friend, helper", "links in here", "links allow YouTube.com https://twitch.tv/",
        "links disallow twitch.tv", "duplicates on", "duplicates limit 4", "duplicates window 1m",
        "duplicates least 9", "symbols on", "symbols share 80%", "symbols action warn", "symbols silent on",
        "repetition on", "repetition limit 9",
    ):  # fmt: skip
        assert (await bench.says(f"filters {said}")).startswith("The filter "), said
    found = await filters_of(bench)
    links = found["links"]
    assert (links.action, links.seconds, links.value) == ("timeout", 600, "@{name}, no.")
    assert (links.entities, links.allowed, links.exempt_labels) == (
        (ENTITY,),
        ("youtube.com",),
        ("friend", "helper"),
    )
    assert links.exempt == 4 | 16 | 32 | 64
    same, symbols = found["duplicates"], found["symbols"]
    assert (same.limit, same.window_s, same.least) == (4, 60.0, 9)
    assert (symbols.share, symbols.action, symbols.value) == (80, "warn", "")
    assert (found["characters"].limit, found["words"].limit) == (9, 9)
    shown = await bench.says("filters links")
    assert (
        "timeout 600 s, not for subscriber and above, nor for the labels friend, helper, in irc:net:#room" in shown
    )
    await bench.says("filters links reset")
    assert "links" not in await filters_of(bench)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("nothing enable", "There is no filter nothing. There are: blocklist, links"),
        ("caps frobnicate", "There is no frobnicate of a filter."),
        ("caps limit", "What should limit be?"),
        ("caps limit many", "It is a number from 1 to 10000, not many."),
        ("characters limit 2", "It is a number from 4 to 10000, not 2."),
        ("rate limit 101", "It is a number from 1 to 100, not 101."),
        ("caps window 10", "The filter caps has no window; these have: crowd, duplicates, rate."),
        ("caps time soon", "soon is no time."),
        ("caps time 30d", "It is a time from 0 to 1209600 seconds."),
        ("caps userlevel king", "It is one of nobody, viewer"),
        ("caps allow a.com", "The filter caps has no allow; these have: links."),
        ("links allow nonsense", "nonsense is no domain"),
        ("links in irc:net:#elsewhere", "home has no channel irc:net:#elsewhere."),
        ("links silent maybe", "It is on or off, not maybe."),
        ("links message " + "x" * 301, "The message may have 300 characters."),
    ],
)
async def test_what_cannot_be_set_is_refused_in_words(bench: Bench, said: str, why: str) -> None:
    assert (await bench.says(f"filters {said}")).startswith(why)


async def test_the_blocklist(bench: Bench) -> None:
    assert await bench.says("blocklist list") == "The blocklist is empty."
    assert "The blocklist is off: !filters blocklist enable" in await bench.says("blocklist add bad  word")
    assert "It is empty" not in await bench.says("filters blocklist enable")
    assert await bench.says("blocklist add -contains bird*") == "“bird*” is blocked anywhere."
    assert await bench.says("blocklist add bird*") == "“bird*” is blocked still."
    assert await bench.says("blocklist add -contains bird*")
    assert await bench.says("blocklist list") == "Blocked: bad word, bird* (anywhere)"
    phrases = (await filters_of(bench))["blocklist"].phrases
    assert [(phrase.text, phrase.kind) for phrase in phrases] == [("bad word", "word"), ("bird*", "contains")]
    assert (await bench.says("blocklist add ...")).startswith("A phrase needs 2 letters or digits")
    assert (await bench.says("blocklist add " + "x" * 101)).startswith("A phrase has 1 to 100 characters.")
    assert await bench.says("blocklist remove bad word") == "“bad word” may be said again."
    assert await bench.says("blocklist remove bad word") == "“bad word” is not on the blocklist."
    assert await bench.says("filters test what a B1RD") == "blocklist (on): the phrase “bird*” → delete"
    assert "links (off): a link to example.com → delete" in await bench.says("filters test example.com")
    assert await bench.says("filters test good day") == "No filter finds anything in it."


async def test_a_permit_ends(bench: Bench) -> None:
    assert (await bench.says("permit bob")).startswith("I have not seen bob")
    await hear(bench, ("bob", "hello"), ("cat", "hello"))
    await bench.says("filters links enable")
    assert await bench.says("permit @Bob") == "@Bob may post links for 60 s."
    assert (await filters_of(bench))["links"].permits == {"irc:bob": bench.now + 60}
    bench.now += 61
    assert await bench.says("permit cat 120") == "@Cat may post links for 120 s."
    assert (await filters_of(bench))["links"].permits == {"irc:cat": bench.now + 120}
    assert (await bench.says("permit cat 0")).startswith("A permit lasts 1 to 3600 s.")


async def test_what_filters_found_is_counted(bench: Bench) -> None:
    await bench.says("filters caps canary")
    await bench.says("filters links enable")
    data = {"target_id": "bob", "filter": "caps", "canary": True}
    events = [
        bench.event(kind=MESSAGE_FILTERED, data=given)
        for given in (data, data, data | {"filter": "links", "canary": False})
    ]
    for _ in range(2):  # the same batch again counts once
        await count(bench.context(module, key="batch 1/count"), events)
    assert "caps (canary, would have acted 2×)" in await bench.says("filters")
    assert "links (delete, 1×)" in await bench.says("filters")


async def test_backtests_on_kept_chat(bench: Bench) -> None:
    assert (await bench.says("filters backtest caps")).startswith("No chat of the last 24 h is kept")
    await hear(
        bench, ("bob", "FREE COINS FOR ALL OF YOU"), ("cat", "good day"), ("bob", "get fr33 c0ins now"), age_s=600
    )
    await hear(bench, ("mod", "FREE COINS ARE FORBIDDEN HERE"), age_s=500, roles=("moderator",))
    await hear(bench, ("cat", "SHOUTING YESTERDAY EVENING"), age_s=7_200)
    said = await bench.says("filters backtest caps 1")
    assert said.startswith(
        "The filter caps would have hit 1 of 4 lines of the last 1 h, by 1 person: bob. For example bob: FREE"
    )
    assert "would have hit 2 of 5 lines of the last 24 h" in await bench.says("filters backtest caps")
    assert "would have hit none of 5 lines" in await bench.says("filters backtest caps limit 100")
    assert "would have hit 2 of 5 lines" in await bench.says("filters backtest blocklist 24 free coins")
    assert await filters_of(bench) == {}, "nothing is enabled by trying it"
    assert "That rule would have hit 1 of 5" in await bench.says('filters backtest rule word "good day"')
    assert "That rule would have hit 1 of 4" in await bench.says("filters backtest rule regex fr[0-9]+ 1")
    assert (await bench.says("filters backtest rule regex (")).startswith("The pattern is no regular expression")
    assert (await bench.says("filters backtest rule odd x")).startswith(
        "A rule looks exact, contains, word, regex"
    )
    assert (await bench.says("filters backtest caps 9999")).startswith("Chat may be kept for 720 h")
    await hear(bench, *(("eve", f"line {n}") for n in range(8)), age_s=300)
    assert "more than 5 lines in 10 s" in await bench.says("filters backtest spam 1")


async def test_a_nuke_spares_staff_and_can_be_undone(bench: Bench) -> None:
    await bench.says("rank give kim moderator")
    await hear(bench, ("bob", "free coins"), ("cat", "FR33   C0INS!!"), ("dan", "hello"), age_s=20)
    await hear(bench, ("mod", "no free coins here"), age_s=10, roles=("moderator",))
    await hear(bench, ("kim", "free coins?"), ("ann", "free coins"), age_s=5)
    await bench.says("rank give kim moderator")
    await hear(bench, ("old", "free coins"), age_s=100)
    assert await bench.says("nuke 60s 10m free coins", login="ann") == (
        "2 people are timed out for 600 s. Undo: !nuke undo"
    )
    orders = [
        (send.entity, send.reply.data["do"], send.reply.data["user_id"], send.reply.data["seconds"])
        for send in bench.sent
    ]
    assert orders == [(ENTITY, "timeout", "bob", 600), (ENTITY, "timeout", "cat", 600)]
    assert len({send.id for send in bench.sent}) == 2
    bench.sent.clear()
    assert await bench.says("nuke undo") == "The timeouts of 2 people are lifted."
    assert [send.reply.data["do"] for send in bench.sent] == ["untimeout", "untimeout"]
    assert (await bench.says("nuke undo")).startswith("There was no nuke")
    bench.sent.clear()
    assert (await bench.says("nuke 60 ban /HELLO/i")).startswith("1 person is banned.")
    assert await bench.says("nuke undo") == "The bans of 1 people are lifted."
    assert [send.reply.data["do"] for send in bench.sent] == ["ban", "unban"]
    bench.sent.clear()
    assert await bench.says("nuke 60 delete coins") == "2 lines of 2 people are deleted."
    assert all(send.reply.data["message_id"].startswith("event-") for send in bench.sent)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("60", "Usage: nuke lookback"),
        ("400 ban x", "A nuke looks back 1 to 300 s."),
        ("60 soon x", "soon is no time"),
        ("60 ban /(/", "The pattern is no regular expression"),
        ("60 ban nobody said this", "Nobody said that in the last 60 s"),
    ],
)
async def test_nukes_that_cannot_be(bench: Bench, said: str, why: str) -> None:
    assert (await bench.says(f"nuke {said}")).startswith(why)
    assert bench.sent == []


async def test_who_vanishes_is_timed_out_for_a_second(bench: Bench) -> None:
    result = await bench.run("vanish", login="bob")
    assert [(reply.data["do"], reply.data["user_id"], reply.data["seconds"]) for reply in result.replies] == [
        ("timeout", "bob", 1)
    ]


async def test_chat_is_kept_packed_bounded_and_for_as_long_as_the_community_says(bench: Bench) -> None:
    context = bench.context(module)
    heard = Heard(context)
    heard.extend([bench.event(f"line {n}") for n in range(KEPT_PER_MINUTE_MAX + 500)])
    heard.extend([bench.event("of nobody", community="")])
    assert len(heard) == KEPT_PER_MINUTE_MAX
    assert len(list(heard.communities())) == KEPT_PER_MINUTE_MAX
    assert len(heard.without({HOME})) == 0
    again = Heard(context)
    again.extend([bench.event("one more")])
    assert len(again) == 0, "the minute is full"
    bench.now += 60
    for n in range(3):
        await hear(bench, ("bob", f"line {n}"))
    bench.now += 1_300
    await hear(bench, ("bob", "the last line"))
    await tidy(bench.context(module))
    rows = bench.dal.bind(module.name, Community(HOME))
    assert isinstance(rows, FilterStore)
    assert [line.text for line in await rows.said(0, 100)] == ["line 0", "line 1", "line 2", "the last line"]
    assert [line.text for line in await rows.said(0, 2)] == ["line 2", "the last line"]
    assert await rows.compact(bench.now) == 0, "nothing is left to pack"
    bench.now += 24 * 3_600 - 60
    await tidy(bench.context(module))
    assert [line.text for line in await rows.said(0, 100)] == ["the last line"]
    await bench.says("setting set security.content_filter hours 0")
    await tidy(bench.context(module))
    assert await rows.said(0, 100) == []
    await hear(bench, ("bob", "unheard"))
    assert await rows.said(0, 100) == []


async def test_what_is_held_of_somebody_can_be_shown_and_forgotten(bench: Bench) -> None:
    await hear(bench, ("bob", "free coins"), ("cat", "hello"), ("bob", "bye"), age_s=5)
    await bench.says("permit bob")
    await bench.says("nuke 60 ban free coins")
    found = await store(bench).held(("irc:bob",))
    assert [row["text"] for row in found["chat"]] == ["free coins", "bye"]
    assert [row["account"] for row in found["permit"] + found["nuke"]] == ["irc:bob", "irc:bob"]
    assert await store(bench, "other").held(("irc:bob",)) == {"chat": [], "permit": [], "nuke": []}
    assert await store(bench, "other").forget(("irc:bob",)) == 0
    assert await store(bench).forget(("irc:bob",)) == 4
    assert await store(bench).held(("irc:bob",)) == {"chat": [], "permit": [], "nuke": []}
    assert [line.text for line in await store(bench).said(0, 100)] == ["hello"]
    assert await store(bench).forget(("irc:bob",)) == 0
