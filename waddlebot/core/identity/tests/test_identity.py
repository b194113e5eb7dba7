"""Accounts on their way from events to whoever asks for them."""

from collections.abc import AsyncIterator

import pytest

from waddlebot.core.community.module import module as community
from waddlebot.core.identity.module import NAMES_MAX, module, see
from waddlebot.core.identity.seen import REWRITE_AFTER_S
from waddlebot.core.reputation.module import count
from waddlebot.core.reputation.module import module as reputation
from waddlebot.libs.contracts.community import HOME
from waddlebot.libs.contracts.identity import Account, Identity, LookupRequest, PeopleRequest, SeenRequest
from waddlebot.libs.sdk import CallError
from waddlebot.libs.testing.modules import Bench, crowd, opened_bench


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(database_url, community, module, reputation) as opened:
        yield opened


async def names(bench: Bench, *logins: str) -> list[str]:
    return [found.name for found in (await bench.ask(Identity).lookup(LookupRequest("irc", logins))).items]


async def test_who_was_seen_is_found_by_login_on_their_platform(bench: Bench) -> None:
    await see(bench.context(module), crowd([bench.event("hi"), bench.event("hi", login="bob", platform="twitch")]))
    found = await bench.ask(Identity).lookup(LookupRequest("irc", ("ann", "bob")))
    assert found.items == (Account("irc:ann", "ann", "Ann", "irc:ann"),)
    assert (await bench.ask(Identity).people(PeopleRequest())).groups == ()


async def test_names_are_written_anew_when_they_are_old_or_the_login_changed(bench: Bench) -> None:
    async def speak(**fields: str) -> None:
        await see(bench.context(module), crowd([bench.event("hi", **fields)]))

    await speak()
    await speak(user_name="ANN")
    assert await names(bench, "ann") == ["Ann"], "written a moment ago"
    bench.now += REWRITE_AFTER_S
    await speak(user_name="ANN")
    assert await names(bench, "ann") == ["ANN"]
    await speak(user_login="anna", user_name="Anna")
    assert await names(bench, "ann", "anna") == ["Anna"]


async def test_each_community_finds_the_account_it_knows_with_a_login(bench: Bench) -> None:
    here, there = bench.event("hi", user_id="1"), bench.event("hi", user_id="2", community="away")
    for event in (here, there, bench.event("hi", user_id="3", login="bob", community="away")):
        await see(bench.context(module), crowd([event]))
        await count(bench.context(reputation), crowd([event]))
        bench.now += 1
    request = LookupRequest("irc", ("ann", "bob"))
    for place, expected in ((HOME, ["irc:1", "irc:3"]), ("away", ["irc:2", "irc:3"]), ("", ["irc:2", "irc:3"])):
        found = await bench.ask(Identity, place).lookup(request)
        assert [account.account for account in found.items] == expected, place
    await count(bench.context(reputation), crowd([bench.event("hi", user_id="2")]))
    found = await bench.ask(Identity, HOME).lookup(request)
    assert found.items[0].account == "irc:2", "both are known here now: who had it last"


async def test_who_was_ever_seen_is_known(bench: Bench) -> None:
    await see(bench.context(module), crowd([bench.event("hi"), bench.event("hi", login="bob", community="away")]))
    asked = ("irc:bob", "irc:nobody", "irc:ann")
    assert (await bench.ask(Identity).seen(SeenRequest(asked))).accounts == ("irc:bob", "irc:ann")


async def test_a_failed_write_is_tried_again_with_the_next_line(bench: Bench) -> None:
    await bench.dal.close()
    with pytest.raises(Exception, match="not open"):
        await see(bench.context(module), crowd([bench.event("hi")]))
    await bench.dal.open()
    await see(bench.context(module), crowd([bench.event("hi")]))
    assert await names(bench, "ann") == ["Ann"]


async def test_too_many_names_in_one_call_are_refused(bench: Bench) -> None:
    many = ("ann",) * (NAMES_MAX + 1)
    with pytest.raises(CallError, match="at most"):
        await bench.ask(Identity).lookup(LookupRequest("irc", many))
    with pytest.raises(CallError, match="at most"):
        await bench.ask(Identity).people(PeopleRequest(many))
    with pytest.raises(CallError, match="at most"):
        await bench.ask(Identity).seen(SeenRequest(many))
