"""What people type, and what hosts ask."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator

import pytest

from waddlebot.core.community.module import ACCOUNTS_MAX, ENTITIES_MAX, module
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.module import see
from waddlebot.core.reputation.module import count
from waddlebot.core.reputation.module import module as reputation
from waddlebot.libs.contracts.community import (
    GLOBAL,
    HOME,
    AdoptRequest,
    CommunityService,
    ConfigurationsRequest,
    MembersRequest,
    is_member,
)
from waddlebot.libs.sdk import CallError, Rank
from waddlebot.libs.sdk.codes import ALPHABET
from waddlebot.libs.sdk.view import Contribution
from waddlebot.libs.testing.modules import ENTITY, Bench, crowd, opened_bench


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(database_url, module, identity, reputation) as opened:
        lines = crowd([opened.event(login=name) for name in ("ann", "bob")])
        await see(opened.context(identity), lines)
        await count(opened.context(reputation), lines)
        yield opened


async def contribution(bench: Bench, community: str = HOME) -> Contribution:
    found = await bench.ask(CommunityService).configurations(ConfigurationsRequest((community,)))
    (item,) = found.items
    return item.contribution


async def test_the_configuration_of_a_community_is_what_was_typed(bench: Bench) -> None:
    for line in (
        "rank give @Bob vip", "setting set reputation chat 0.5", "setting set community late_s 30", "prefix ?",
        "module off core.reputation", "coolcom rep global=1m user=5", "renamecom rep karma",
    ):  # fmt: skip
        assert (await bench.run(line)).status == "ok", line
    found = await contribution(bench)
    assert found.ranks["irc:bob"] == Rank.VIEWER | Rank.VIP
    assert found.ranks["console:console"] == Rank.VIEWER | Rank.OWNER
    assert found.settings["core.reputation"] == {"chat": 0.5}
    assert (found.prefix, found.community_prefix, found.late_s) == ("?", None, 30.0)
    assert found.disabled == ("core.reputation",)
    (override,) = found.overrides
    assert (override.command, override.name, override.cooldown_s, override.user_cooldown_s) == (
        "reputation", "karma", 60.0, 5.0,
    )  # fmt: skip
    configurations = await bench.ask(CommunityService).configurations(ConfigurationsRequest())
    assert {item.community: item.entities for item in configurations.items} == {HOME: (ENTITY,), GLOBAL: ()}


async def test_every_change_is_listed_and_undone(bench: Bench) -> None:
    before = await contribution(bench)
    for line in (
        "rank give bob vip",
        "setting set reputation chat 0.5",
        "module off reputation",
        "disablecom rep",
    ):
        assert (await bench.run(line)).status == "ok", line
    changes = await bench.dal.list_changes(HOME)
    assert [(c.actor, c.resource) for c in changes[:4]] == [
        ("irc:ann", name) for name in ("override", "switch", "setting", "member")
    ]
    for change in changes[:4]:
        await bench.dal.undo(HOME, change.version, actor="operator")
    assert await contribution(bench) == before


async def test_entities_that_belong_somewhere_stay_there(bench: Bench) -> None:
    service = bench.ask(CommunityService)
    adopted = await service.adopt(AdoptRequest("away", (ENTITY, "irc:net:#b")))
    assert adopted.entities == {ENTITY: HOME, "irc:net:#b": "away"}
    again = await service.adopt(AdoptRequest(HOME, ("irc:net:#b",)))
    assert again.entities == {"irc:net:#b": "away"}
    for wrong in (
        AdoptRequest(GLOBAL, ("irc:net:#c",)),
        AdoptRequest("A B", ("irc:net:#c",)),
        AdoptRequest(HOME, ("irc",)),
    ):
        with pytest.raises(CallError):
            await service.adopt(wrong)


async def test_it_is_known_which_entities_keys_brought(bench: Bench) -> None:
    await bench.shared.adopt(["matrix:net:#a", "irc:net:#b"], HOME, "key:bridge")
    await bench.shared.adopt(["matrix:net:#c"], "away", "key:bridge")
    found = await bench.ask(CommunityService).configurations(ConfigurationsRequest((HOME, "away")))
    of = {item.community: item for item in found.items}
    assert of[HOME].asserted == ("irc:net:#b", "matrix:net:#a")
    assert (of[HOME].contribution.native, of["away"].contribution.native) == (("irc",), ())
    assert bench.shared.configuration.asserted == {"irc:net:#b", "matrix:net:#a", "matrix:net:#c"}
    (change, *_) = await bench.dal.list_changes("away")
    assert change.actor == "key:bridge"
    await bench.shared.adopt(["matrix:net:#c", "matrix:net:#a"], HOME)
    assert bench.shared.configuration.asserted == {"irc:net:#b"}
    assert (await contribution(bench, "away")).native == ("matrix",)
    assert bench.shared.configuration.entities["matrix:net:#c"] == "away"


async def test_two_communities_that_want_one_entity_agree_whose_it_is(bench: Bench) -> None:
    service = bench.ask(CommunityService)
    wanted = [f"irc:net:#{n}" for n in range(10)]
    for entity in wanted:
        answers = await asyncio.gather(
            *(service.adopt(AdoptRequest(name, (entity,))) for name in (HOME, "away", "there"))
        )
        assert len({answer.entities[entity] for answer in answers}) == 1
    many = AdoptRequest(HOME, tuple(f"irc:net:#{n}" for n in range(ENTITIES_MAX + 1)))
    with pytest.raises(CallError, match="in parts"):
        await service.adopt(many)


async def test_who_was_seen_in_a_community_or_has_a_rank_there_is_a_member(bench: Bench) -> None:
    for observe, observer in ((see, identity), (count, reputation)):
        for event in (
            bench.event(login="eve", community="away"),
            bench.event(login="ann"),
            bench.event(login="bob"),
        ):
            await observe(bench.context(observer), crowd([event]))
    asked = ("irc:eve", "irc:nobody", "irc:bob", "console:console", "irc:ann")
    expected = {
        "": ("irc:bob", "console:console", "irc:ann"),
        "away": ("irc:eve",),
        "elsewhere": (),
        GLOBAL: ("irc:eve", "irc:bob", "irc:ann"),
    }
    for community, members in expected.items():
        asking = community if community not in ("", GLOBAL) else HOME
        found = await bench.ask(CommunityService, asking).members(MembersRequest(asked, community))
        assert found.accounts == members, community
    found = await bench.ask(CommunityService, "").members(MembersRequest(asked, "away"))
    assert found.accounts == ("irc:eve",)
    with pytest.raises(CallError, match="not for home to know"):
        await bench.ask(CommunityService).members(MembersRequest(asked, "away"))


async def test_nobody_stops_being_a_member(bench: Bench) -> None:
    await bench.says("rank give bob mod")
    await bench.says("community leave", login="bob", rank=Rank.MODERATOR)
    await bench.run("community leave " + GLOBAL, login="bob", rank=Rank.OWNER)
    bench.now += 100 * 365 * 86_400
    await see(bench.context(identity), crowd([bench.event(login="bobby", user_id="bob")]))
    for community in (HOME, GLOBAL):
        assert await is_member(bench.context(reputation), "irc:bob", community)
        assert not await is_member(bench.context(reputation), "irc:nobody", community)


async def test_members_are_asked_in_parts_and_of_a_community(bench: Bench) -> None:
    many = MembersRequest(("irc:ann",) * (ACCOUNTS_MAX + 1))
    with pytest.raises(CallError, match="in parts"):
        await bench.ask(CommunityService).members(many)
    for community in ("*", "A B"):
        with pytest.raises(CallError, match="no community"):
            await bench.ask(CommunityService).members(MembersRequest(("irc:ann",), community))
    with pytest.raises(CallError, match="no community"):
        await bench.ask(CommunityService, "").members(MembersRequest(("irc:ann",)))


async def test_the_last_owner_cannot_leave(bench: Bench) -> None:
    owner = {"login": "console", "platform": "console", "server": "local"}
    assert "last owner" in await bench.says("community leave", **owner)
    assert "own this community already" in await bench.says("claim", **owner)


async def test_owning_by_a_code_that_only_the_operator_sees(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    said = await bench.says("claim", rank=Rank.VIEWER)
    (code,) = re.findall(rf"\b[{ALPHABET}]{{6}}$", caplog.messages[-1])
    assert "irc:ann" in caplog.messages[-1]
    assert code not in said
    assert "4 tries" in await bench.says("claim AAAAAA", rank=Rank.VIEWER)
    assert "no code" in await bench.says(f"claim {code}", rank=Rank.VIEWER, login="bob")
    assert "since less than ten minutes" in await bench.says("claim", rank=Rank.VIEWER)
    assert "owns home now" in await bench.says(f"claim {code.lower()}", rank=Rank.VIEWER)
    assert (await contribution(bench)).ranks["irc:ann"] & Rank.OWNER


async def test_a_claim_that_is_run_again_shows_the_same_code(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        await bench.run("claim", rank=Rank.VIEWER, id="one")
    assert len(caplog.messages) == 2
    assert caplog.messages[0] == caplog.messages[1]


@pytest.mark.parametrize(
    ("line", "rank", "says"),
    [
        ("rank give bob moderator", Rank.MODERATOR, "Only admins"),
        ("rank give bob admin", Rank.ADMIN, "Only owners"),
        ("rank give bob owner", Rank.OWNER, "claim"),
        ("rank give bob viewer", Rank.OWNER, "Everybody is a viewer"),
        ("rank give bob emperor", Rank.OWNER, "Ranks are: owner"),
        ("rank give carol vip", Rank.OWNER, "have not seen carol on irc"),
        ("rank take bob vip", Rank.ADMIN, "was not given"),
        ("rank take bob admin", Rank.ADMIN, "Only owners"),
        ("rank give bob", Rank.OWNER, "Usage: rank give <user> <rank>"),
        ("module off community", Rank.ADMIN, "cannot be switched off"),
        ("module off identity", Rank.ADMIN, "core.reputation"),
        ("module off nothing", Rank.ADMIN, "Modules are: core.community"),
        ("module on reputation", Rank.ADMIN, "on already"),
        ("module reputation perhaps", Rank.ADMIN, "on, off, enable, disable"),
        ("setting set reputation chat much", Rank.ADMIN, "a number"),
        ("setting set reputation chat 1e9", Rank.ADMIN, "at most 550"),
        ("setting set reputation chat nan", Rank.ADMIN, "a number"),
        ("setting set reputation luck 1", Rank.ADMIN, "Its settings are: chat"),
        ("setting set identity luck 1", Rank.ADMIN, "It has none"),
        ("setting reset reputation chat", Rank.ADMIN, "never changed"),
        ("setting set community prefix hello", Rank.ADMIN, "signs such as"),
        ("prefix #", Rank.ADMIN, "Both prefixes"),
        ("prefix ?", Rank.MODERATOR, "Only admins"),
        ("permcom so vip", Rank.ADMIN, "no built-in command so"),
        ("permcom community delete viewer", Rank.ADMIN, "not yours to change"),
        ("permcom rep", Rank.ADMIN, "Usage: permcom"),
        ("coolcom rep", Rank.MODERATOR, "Usage: coolcom"),
        ("coolcom rep global=9d", Rank.MODERATOR, "a day at most"),
        ("coolcom prefix global=soon", Rank.MODERATOR, "Write a time"),
        ("disablecom enablecom", Rank.MODERATOR, "cannot be disabled"),
        ("disablecom module off", Rank.MODERATOR, "not yours to change"),
        ("renamecom rep prefix", Rank.ADMIN, "another command"),
        ("community leave", Rank.VIEWER, GLOBAL),
        (f"community leave {GLOBAL}", Rank.VIEWER, f"Nobody leaves {GLOBAL}"),
        ("community leave away", Rank.VIEWER, "This is home"),
        ("community delete home", Rank.OWNER, "always belong"),
        (f"community delete {GLOBAL}", Rank.OWNER, "cannot be deleted"),
        ("community delete away", Rank.OWNER, "community delete home"),
    ],
)  # fmt: skip
async def test_refusals_say_why_and_what_to_do(bench: Bench, line: str, rank: Rank, says: str) -> None:
    before = await bench.dal.list_changes(HOME)
    result = await bench.run(line, rank=rank)
    assert result.status == "refused"
    assert says in result.reason
    assert await bench.dal.list_changes(HOME) == before


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("community", "This is home: 1 channel, 1 owner."),
        ("prefix", "Commands start with !"),
        ("rank show", "Ann is: owner, viewer."),
        ("rank bob", "Bob was given: no rank."),
        ("regulars add bob", "Bob has the rank regular now."),
        ("module list", "Modules: core.community, core.identity, core.reputation"),
        ("module reputation disable", "core.reputation is off now."),
        ("setting list", "No setting was changed here."),
        ("setting list identity", "it has no settings"),
        ("setting list community", "core.community: prefix = !; community_prefix = #; late_s = 20.0"),
        ("setting get reputation chat", "chat = 0.01. What a chat line adds to the score. It takes a number."),
        ("permcom !rep 2", "reputation is for moderators and above now."),
        ("permcom rank give reset", "rank give is for moderators again."),
        ("coolcom rep clear", "reputation can be used every 0 s, and by one person every 5 s."),
        ("disablecom activity", "activity is disabled."),
        ("enablecom activity", "activity is enabled."),
    ],
)
async def test_answers(bench: Bench, line: str, says: str) -> None:
    assert says in await bench.says(line)


async def test_ranks_and_settings_there_and_back(bench: Bench) -> None:
    await bench.says("rank give bob mod")
    assert "Bob was given: moderator." in await bench.says("rank show bob")
    assert "You gave up: moderator" in await bench.says("community leave", login="bob", rank=Rank.MODERATOR)
    await bench.says("regulars add bob", rank=Rank.MODERATOR)
    assert "no longer" in await bench.says("regulars delete bob", rank=Rank.MODERATOR)

    await bench.says("setting set reputation chat 0.5")
    assert "core.reputation chat = 0.5" in await bench.says("setting list")
    assert "chat = 0.01 again" in await bench.says("setting reset reputation chat")

    await bench.says("renamecom rep karma")
    assert "reputation can be used every 9 s" in await bench.says("coolcom karma global=9")
    assert "called reputation again" in await bench.says("renamecom karma reputation")


async def test_a_community_lets_its_channels_go(bench: Bench) -> None:
    await bench.ask(CommunityService).adopt(AdoptRequest("away", ("irc:net:#b", "irc:net:#c")))
    await bench.configuration.poll()
    assert "2 channels" in await bench.says("community delete away", community="away", channel="#b")
    found = await bench.ask(CommunityService).configurations(ConfigurationsRequest(("away",)))
    assert found.items[0].entities == ()
