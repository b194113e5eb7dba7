"""Access rules and roles as people and programs make them, and what is earned."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from waddlebot.core.community.module import delete_access, get_access, module, notice, put_access
from waddlebot.core.community.ruling import AccessBody
from waddlebot.core.community.store import ROLES_MAX, RULES_MAX, Access, CommunityStore
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.module import see
from waddlebot.core.reputation.module import count
from waddlebot.core.reputation.module import module as reputation
from waddlebot.libs.contracts.community import (
    HOME,
    CircumstancesRequest,
    CommunityService,
    ConfigurationsRequest,
)
from waddlebot.libs.dal import Community
from waddlebot.libs.sdk import CallScope, Rank, Refusal, Role, RouteContext
from waddlebot.libs.sdk.view import Conditions, Contribution, Range
from waddlebot.libs.testing.modules import ENTITY, Bench, crowd, opened_bench
from waddlebot.libs.web.errors import HttpError

MOD, ADMIN = Rank.MODERATOR, Rank.ADMIN


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(database_url, module, identity, reputation) as opened:
        lines = crowd([opened.event(login=name) for name in ("ann", "bob")])
        await see(opened.context(identity), lines)
        await count(opened.context(reputation), lines)
        yield opened


async def contribution(bench: Bench) -> Contribution:
    (item,) = (await bench.ask(CommunityService).configurations(ConfigurationsRequest((HOME,)))).items
    return item.contribution


def store(bench: Bench) -> CommunityStore:
    found = bench.context(module).store_in(Community(HOME))
    assert isinstance(found, CommunityStore)
    return found


async def test_rules_are_made_listed_shown_undone_and_contributed(bench: Bench) -> None:
    assert await bench.says("access list") == "There are no rules: everybody may use what their rank may."
    for line, says in (
        ("role add trolls", "There is a role trolls now."),
        ("access add rep deny role trolls",
         "The rule reputation-trolls: command reputation deny role trolls holds now."),
        ("access add 8ball require score 600 live on",
         "The rule 8ball-score: command 8ball require a score of at least 600, while the channel is live holds …"),
        ("access add 8ball allow @bob", "The rule 8ball-bob: command 8ball allow bob holds now."),
        ("access add module:reputation require limit 3 per 1h all",
         "The rule reputation-uses: module core.reputation require 3 uses in 1 h by all holds now."),
        ("access add * deny hours mon 10:00-11:00",
         "The rule all-hours: everything deny from 10:00 to 11:00 on mon (UTC) holds now."),
        ("access list", "Access rules: 8ball-bob, 8ball-score, all-hours, reputation-trolls, reputation-uses"),
        ("access list 8ball", "Access rules: 8ball-bob, 8ball-score"),
        ("access show 8ball-bob", "8ball-bob: command 8ball allow irc:bob."),
        ("access add 8ball require score 700", "The rule 8ball-score-2: …"),
        ("access remove 8ball-score-2", "The rule 8ball-score-2 is gone."),
        ("access remove 8ball-score-2", "There is no rule 8ball-score-2. See: !access list"),
    ):  # fmt: skip
        said = await bench.says(line)
        assert said == says or (says.endswith("…") and said.startswith(says[:-1])), line
    found = {rule.id: rule for rule in (await contribution(bench)).access}
    assert found["8ball-bob"].conditions.account == "irc:bob"
    assert found["8ball-score"].conditions == Conditions(score=Range(600), live=True)
    assert found["reputation-trolls"].ranks == Rank.OWNER | Rank.VIEWER
    changes = await bench.dal.list_changes(HOME)
    await bench.dal.undo(HOME, changes[0].version, actor="operator")
    assert "8ball-score-2" in {rule.id for rule in (await contribution(bench)).access}


@pytest.mark.parametrize(
    ("line", "rank", "says"),
    [
        ("access add module:reputation deny everyone", MOD, "Only admins and the owner make rules for modules"),
        ("access add * deny @bob", MOD, "Only admins and the owner make rules for modules"),
        ("access add module off allow @bob", MOD, "module off is not yours to change"),
        ("access add access add allow @bob", MOD, "No rule is made for that"),
        ("access add command:!access deny @bob", MOD, "No rule is made for that"),
        ("access add module:community deny @bob", ADMIN, "No rule is made for that"),
        ("access add rep deny rank admin", MOD, "rank admin stands above you"),
        ("access add rep deny role ghosts", MOD, "There is no role ghosts."),
        ("access add rep require cost 5", MOD, "no module keeps points here"),
        ("access add timer:water deny @bob", MOD, "A timer is nobody"),
        ("access add rep require", MOD, "Say what is required"),
        ("access add rep deny limit 3 per 1h", MOD, "write require"),
        ("access add rep require limit 101 per 1h", MOD, "A limit is 1 to 100 uses"),
        ("access add rep require limit 3 per 8d", MOD, "a week at most"),
        ("access add rep deny hours mon 25:00-26:00", MOD, "There is no condition 25:00-26:00"),
        ("access add rep deny hours mon 10:00-11:00 Mars/Base", MOD, "There is no time zone Mars/Base"),
        ("access add rep deny score 1 score 2", MOD, "is said twice"),
        ("access add rep deny colour red", MOD, "There is no condition colour. Conditions are: @name, rank, role"),
        ("access add rep @bob", MOD, "Write what the rule is for"),
        ("access add rep deny @nobody", MOD, "I have not seen nobody"),
    ],
)  # fmt: skip
async def test_refusals_say_what_to_do(bench: Bench, line: str, rank: Rank, says: str) -> None:
    assert says in await bench.says(line, rank=rank)
    assert (await contribution(bench)).access == ()


async def test_who_writes_a_rule_gives_no_more_than_they_have(bench: Bench) -> None:
    await bench.says("rank give bob admin")
    assert "Bob stands above you" in await bench.says("access add rep deny @bob", rank=MOD)
    await bench.says("access add rep deny @ann")
    assert await bench.says("access remove reputation-ann", rank=MOD) == (
        "Who made the rule reputation-ann stands above you."
    )
    await bench.says("role add helpers")
    await bench.says("access add module:reputation allow role helpers")
    for line in (
        "role give ann helpers",
        "role take ann helpers",
        "role earn helpers points 1",
        "role remove helpers",
    ):
        assert "who made it stands above you" in await bench.says(line, rank=MOD), line
    assert "Only admins and above can make or unmake a vip." in await bench.says("role add vips vip", rank=MOD)
    await bench.says("role add stars vip", rank=ADMIN)
    assert "Only admins" in await bench.says("role give bob stars", rank=MOD)
    assert "No role counts as owner" in await bench.says("role add kings owner")
    assert await bench.says("access add 8ball allow @ann", rank=MOD) == (
        "The rule 8ball-ann: command 8ball allow ann holds now."
    )
    rules = {rule.id: rule.ranks for rule in (await contribution(bench)).access}
    assert rules["8ball-ann"] == MOD | Rank.VIEWER


async def test_roles_are_given_taken_and_count_as_ranks(bench: Bench) -> None:
    for line, says in (
        ("role list", "There are no roles yet. A moderator makes one by: !role add NAME"),
        ("role add Stars vip", "There is a role stars now, which counts as vip."),
        ("role add stars", "There is a role stars already."),
        ("role add moderator", "moderator is a rank already: rank give …"),
        ("role add a!b", "A role is called by a-z, 0-9, - and _, at most 50 of them."),
        ("role give bob stars", "Bob has the role stars now."),
        ("role give bob stars", "Bob has the role stars already."),
        ("role show stars", "stars: counts as vip, held by 1."),
        ("roles", "Roles: stars"),
        ("role give bob moons", "There is no role moons. See: !role list"),
    ):
        assert await bench.says(line) == says, line
    found = await contribution(bench)
    assert found.roles == {"irc:bob": ("stars",)}
    assert found.ranks["irc:bob"] & Rank.VIP
    assert await bench.says("role take bob stars") == "Bob no longer has the role stars."
    assert await bench.says("role take bob stars") == "Bob does not have the role stars."
    await bench.says("role give bob stars")
    await bench.says("access add 8ball deny role stars")
    assert "Access rules ask for the role stars" in await bench.says("role remove stars")
    await bench.says("access remove 8ball-stars")
    assert await bench.says("role remove stars") == "The role stars is gone; 1 had it."
    assert (await contribution(bench)).roles == {}


async def test_roles_are_earned_by_who_writes_and_lost_again(bench: Bench) -> None:
    for line in ("role add keen", "role earn keen points 5", "role add old", "role earn old days 2",
                 "role add good", "role earn good score 601", "role give ann good"):  # fmt: skip
        assert (await bench.run(line)).status == "ok", line

    async def write(lines: int) -> dict[str, tuple[str, ...]]:
        batch = crowd([bench.event("hi", login="bob") for _ in range(lines)])
        await count(bench.context(reputation, f"k{bench.now}"), batch)
        await notice(bench.context(module), batch)
        return (await contribution(bench)).roles

    assert await write(1) == {"irc:ann": ("good",)}
    bench.now += 61
    assert (await write(4))["irc:bob"] == ("keen",)
    bench.now += 2 * 86_400
    assert (await write(1))["irc:bob"] == ("keen", "old")
    await bench.says("role earn keen points 500")
    bench.now += 61
    assert (await write(1))["irc:bob"] == ("old",)
    assert "points 500" in await bench.says("role earn keen medals 3")
    assert await bench.says("role earn old off") == "old is not earned any more; who has it keeps it."
    bench.now += 61
    assert (await write(1))["irc:bob"] == ("old",)
    assert (await contribution(bench)).roles["irc:ann"] == ("good",), "what was given is not earned"
    assert "earned by 500 activity points" in await bench.says("role show keen")


async def test_circumstances_are_what_was_noticed(bench: Bench) -> None:
    ask = bench.ask(CommunityService).circumstances
    nothing = await ask(CircumstancesRequest(("irc:bob",), ENTITY))
    assert (nothing.known_since, nothing.live) == (None, None)
    await bench.says("access add 8ball require age 7d")
    began = bench.now
    for kind, live in (("channel.online", True), ("channel.offline", False)):
        events = crowd([bench.event(kind=kind, login=""), bench.event("hi", login="bob")])
        await notice(bench.context(module), events)
        bench.now += 61
        found = await ask(CircumstancesRequest(("irc:ann", "irc:bob"), ENTITY))
        assert (found.known_since, found.live) == (began, live)
    late = crowd([bench.event(kind="channel.online", login="", occurred_at=began - 100)])
    await notice(bench.context(module), late)
    assert (await ask(CircumstancesRequest((), ENTITY))).live is False, "older news changes nothing"


async def test_there_is_an_end_to_rules_and_roles(bench: Bench) -> None:
    kept = store(bench)
    for n in range(RULES_MAX):
        await kept.add_access(Access(f"r{n}", "deny", "command:x", Conditions(), 127))
    assert f"{RULES_MAX} access rules already" in await bench.says("access add 8ball deny @bob")
    with pytest.raises(Refusal):
        await kept.put_access(Access("one-more", "deny", "command:x", Conditions(), 127))
    await kept.put_access(Access("r1", "allow", "command:x", Conditions(), 127))
    for n in range(ROLES_MAX):
        assert (await bench.run(f"role add r{n}")).status == "ok"
    assert f"{ROLES_MAX} roles already" in await bench.says("role add more")


async def test_what_is_held_of_an_account_is_told_and_forgotten(bench: Bench) -> None:
    for line in ("rank give bob vip", "role add stars", "role give bob stars", "access add 8ball require age 1d"):
        assert (await bench.run(line)).status == "ok"
    await notice(bench.context(module), crowd([bench.event("hi", login="bob")]))
    kept = store(bench)
    assert set(await kept.held(("irc:bob",))) == {"member", "role_holder", "known"}
    assert await kept.forget(("irc:bob", "console:console")) == 3
    assert await kept.held(("irc:bob",)) == {}
    assert set(await kept.held(("console:console",))) == {"member"}, "a community keeps its owner"


async def test_programs_read_and_write_the_same_rules(bench: Bench) -> None:
    services: Any = bench.context(module).services

    def request(**path: str) -> RouteContext[Any, Any]:
        scope = CallScope(HOME, "key:k")
        return RouteContext(services, scope, role=Role.ADMIN, key_name="k", path=path, query={}, headers={})

    body = AccessBody("slots-good", "require", "command:slots", Conditions(score=Range(600)))
    assert (await put_access(request(), body)).done == "The rule slots-good holds now."
    assert (await get_access(request())).rules == [body]
    (rule,) = (await contribution(bench)).access
    assert rule.ranks == ADMIN | Rank.VIEWER, "a key is no more than an admin"
    for wrong in (
        AccessBody("a b", "deny", "*"),
        AccessBody("a", "deny", "slots"),
        AccessBody("a", "require", "*"),
        AccessBody("a", "deny", "command:access add"),
        AccessBody("a", "deny", "module:core.community"),
        AccessBody("a", "require", "command:x", Conditions(cost=1)),
        AccessBody("a", "deny", "command:x", Conditions(rank=128)),
        AccessBody("a", "deny", "command:x", Conditions(roles=("",))),
    ):
        with pytest.raises(HttpError) as error:
            await put_access(request(), wrong)
        assert error.value.status == 400, wrong
    await bench.says("access add 8ball deny @bob")
    with pytest.raises(HttpError, match="An owner made that rule"):
        await delete_access(request(id="8ball-bob"))
    with pytest.raises(HttpError, match="An owner made that rule"):
        await put_access(request(), AccessBody("8ball-bob", "allow", "*"))
    assert (await delete_access(request(id="slots-good"))).done == "The rule slots-good is gone."
    with pytest.raises(HttpError, match="There is no rule"):
        await delete_access(request(id="slots-good"))
