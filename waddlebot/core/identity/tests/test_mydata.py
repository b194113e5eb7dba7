"""My data: who asks gets all of it, nobody else any, and what was asked to be deleted is, come what may."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import msgspec
import pytest

from waddlebot.action.pushing.irc.module import module as pushing
from waddlebot.core.analytics.module import module as analytics
from waddlebot.core.community.module import module as community
from waddlebot.core.identity import mydata
from waddlebot.core.identity.linking import EVERYBODY
from waddlebot.core.identity.module import forget_again, module, see
from waddlebot.core.identity.store import IdentityStore
from waddlebot.core.identity.tests.test_linking import ANN, BOB, link, says, seen
from waddlebot.core.labels.module import module as labels
from waddlebot.core.reputation.module import module as reputation
from waddlebot.libs.contracts.identity import Identity, LookupRequest, PeopleRequest
from waddlebot.libs.sdk import CallError, CallScope, Rank, Role, ServiceContext
from waddlebot.libs.sdk.ports import Endpoint
from waddlebot.libs.testing.modules import Bench, crowd, opened_bench
from waddlebot.libs.testing.signing import Browser, Front, opened_front
from waddlebot.libs.web.sessions import digest_of

PLACE = "https://bot.example.org"
ACCOUNT = f"irc:{ANN}"
ON_TWITCH: dict[str, Any] = {"platform": "twitch", "server": "", "channel": "ann", "user_id": "7"}


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    modules = (community, module, reputation, analytics, labels, pushing)
    async with opened_bench(database_url, *modules) as opened:
        for id_ in (ANN, BOB, "net/~dan"):
            await seen(opened, id_)
        opened.services(module).place = PLACE
        yield opened


async def held(bench: Bench, *accounts: str) -> Mapping[str, Mapping[str, Any]]:
    """What is held, by module and table."""
    store = bench.context(module).store_in(EVERYBODY)
    person = await store.person(accounts)
    return (await mydata.exported(bench.context(module), person)).held


async def code(bench: Bench, id_: str = ANN) -> str:
    found = re.search(r"mydata forget (\w{6}) ", await says(bench, id_, "mydata forget"))
    assert found is not None
    return found[1]


async def test_only_who_proves_who_they_are_is_told(bench: Bench) -> None:
    for line in ("mydata", "mydata export", "mydata forget", "mydata forget ABCDEF"):
        assert "Anybody may take your nick" in await says(bench, "net/~dan", line)
        assert "does not prove" in await bench.says(line, platform="console", server="", channel="x", user_id="u")


async def test_a_link_goes_to_the_person_alone(bench: Bench) -> None:
    result = await bench.run("mydata export", user_id=ANN)
    assert [reply.private for reply in result.replies] == [True]
    assert f"{PLACE}/api/v1/core.identity/mydata/link/" in result.replies[0].text
    await seen(bench, "7", **{**ON_TWITCH, "login": "ann"})
    assert "I cannot write to you alone here" in await bench.says("mydata export", **ON_TWITCH)
    assert not bench.sent
    await link(bench, ANN, BOB)
    await bond(bench, "twitch:7", ACCOUNT)
    bench.sent.clear()
    assert await bench.says("mydata export", **ON_TWITCH) == "I have sent the link to your other account."
    assert {(send.account, send.reply.private) for send in bench.sent} == {(ACCOUNT, True), (f"irc:{BOB}", True)}
    bench.services(module).place = ""
    assert "waddlebot mydata export twitch:7" in await bench.says("mydata export", **ON_TWITCH)


async def bond(bench: Bench, one: str, two: str) -> None:
    """Two accounts are one person's, as if a code had been typed."""
    store = bench.context(module).store_in(EVERYBODY, actor=two)
    await store.ask(one, two, "ann", "a digest", bench.now)
    assert (await store.verify(two, "ann", "a digest", bench.now, True)).linked


async def test_all_linked_accounts_are_forgotten_everywhere(bench: Bench) -> None:
    await link(bench, ANN, BOB)
    await bench.says("regulars add ann", user_id="net/op", rank=Rank.OWNER)
    await bench.says("label add ann trouble", user_id="net/op", rank=Rank.OWNER)
    before = await held(bench, ACCOUNT)
    assert set(before) == {"core.identity", "core.community", "core.reputation", "core.labels"}
    assert len(before["core.identity"]["bond"]) == 1
    typed = await code(bench, BOB)
    assert "That code is not good" in await says(bench, ANN, f"mydata forget {typed}"), "it is its account's"
    bench.sent.clear()
    await says(bench, BOB, "mydata export")
    told = await says(bench, BOB, f"mydata forget {typed}")
    assert told.startswith("Done: ")
    heard = [(send.account, send.reply.text.rpartition(", ")[2], send.reply.private) for send in bench.sent]
    words = ("asked for all your data.", "had all your data deleted.")
    assert heard == [(ACCOUNT, text, True) for text in words], "the other account hears of both"
    assert "That code is not good" in await says(bench, BOB, f"mydata forget {typed}"), "it works once"
    assert await held(bench, ACCOUNT, f"irc:{BOB}") == {}
    assert (await bench.ask(Identity).people(PeopleRequest())).groups == ()
    assert (await bench.ask(Identity).lookup(LookupRequest("irc", ("ann", "bob")))).items == ()


async def test_a_code_ends_and_so_do_links_of_who_is_forgotten(bench: Bench) -> None:
    typed = await code(bench)
    bench.now += mydata.LINK_S + 1
    assert "That code is not good" in await says(bench, ANN, f"mydata forget {typed}")
    link_ = (await says(bench, ANN, "mydata export")).rpartition("/")[2]
    await says(bench, ANN, f"mydata forget {await code(bench)}")
    store = bench.context(module).store_in(EVERYBODY)
    assert await store.ticket(digest_of(link_), "mydata", bench.now) is None


async def test_what_a_rule_denies_goes_on_being_denied(bench: Bench) -> None:
    for line in ("label add ann trouble", "label add ann nice", "access add * deny label trouble"):
        await bench.says(line, user_id="net/op", rank=Rank.OWNER)
    told = await says(bench, ANN, f"mydata forget {await code(bench)}")
    assert "labels that a community's rules deny something" in told
    (left,) = (await held(bench, ACCOUNT))["core.labels"]["label"]
    assert (left["label"], left["name"]) == ("trouble", "")


async def test_what_was_on_its_way_is_forgotten_a_minute_later(bench: Bench) -> None:
    await says(bench, ANN, f"mydata forget {await code(bench)}")
    await seen(bench, ANN)
    assert await held(bench, ACCOUNT) != {}, "what was typed a moment ago"
    await forget_again(bench.context(module))
    assert await held(bench, ACCOUNT) != {}, "not yet"
    bench.now += mydata.AGAIN_S
    await forget_again(bench.context(module))
    assert await held(bench, ACCOUNT) == {}
    assert await due(bench) == []
    await see(bench.context(module), crowd([bench.event("hi", user_id=ANN)]))
    assert await held(bench, ACCOUNT) != {}, "who writes again is known again"


async def due(bench: Bench) -> list[Any]:
    found: list[Any] = await bench.context(module).store_in(EVERYBODY).due_forgettings(bench.now + 1e6)
    return found


class Away:
    """A module's endpoint on a host that is gone."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.execute, self.deliver = endpoint.execute, endpoint.deliver

    async def call(self, contract: str, method: str, raw: object, scope: CallScope) -> object:
        raise CallError("no host runs core.reputation")


async def test_a_module_that_is_away_forgets_when_it_is_back(bench: Bench) -> None:
    there = bench.directory[reputation.name]
    bench.directory[reputation.name] = Away(there)
    told = await says(bench, ANN, f"mydata forget {await code(bench)}")
    assert "Still to be done, by itself: core.reputation." in told
    for _ in range(2):
        bench.now += mydata.RETRY_S
        await forget_again(bench.context(module))
    (waiting,) = await due(bench)
    assert waiting.tries == 2
    bench.directory[reputation.name] = there
    assert set(await held(bench, ACCOUNT)) == {"core.reputation"}
    bench.now += mydata.RETRY_S
    await forget_again(bench.context(module))
    assert await held(bench, ACCOUNT) == {}
    assert await due(bench) == []


def test_modules_that_are_not_of_the_core_may_ask_for_nothing(bench: Bench) -> None:
    context: ServiceContext[Any, Any] = ServiceContext(bench.services(pushing))
    with pytest.raises(PermissionError):
        context.personal()


@pytest.fixture
async def front(database_url: str) -> AsyncIterator[Front]:
    async with opened_front(database_url) as opened:
        yield opened


async def test_who_signed_in_gets_their_data_and_deletes_it(front: Front) -> None:
    user = await front.user()
    await front.store.link_account(user, ACCOUNT, "chat", 0.0)
    async with aiohttp.ClientSession() as session:
        ann, stranger = Browser(session, front.url), Browser(session, front.url)
        await ann.login()
        status, found = await ann.ask("GET", "/mydata")
        assert (status, found["accounts"]) == (200, [ACCOUNT])
        assert found["held"]["core.identity"]["login_user"][0]["email"] == "ann@example.org"
        assert "argon2" not in msgspec.json.encode(found).decode()
        assert (await stranger.ask("GET", "/mydata"))[0] == 401
        assert (await stranger.ask("POST", "/mydata/forget", {"yes": True}))[0] == 401
        status, answer = await ann.ask("POST", "/mydata/forget", {"yes": False})
        assert (status, answer["error"]) == (400, "not_sure")
        csrf, ann.csrf = ann.csrf, ""
        assert (await ann.ask("POST", "/mydata/forget", {"yes": True}))[0] == 403, "another site's page asks"
        ann.csrf = csrf
        status, answer = await ann.ask("POST", "/mydata/forget", {"yes": True})
        assert (status, answer["later"]) == (200, [])
        assert answer["rows"]["core.identity"] >= 3
        assert (await ann.ask("GET", "/session"))[0] == 401
    assert await front.store.user(user) is None


async def test_whoever_types_anothers_code_learns_and_deletes_nothing_of_their_sign_in(front: Front) -> None:
    user = await front.user()
    await front.store.link_account(user, "irc:net/eve", "chat", 0.0)
    context = front.bench.context(module)
    person = await front.store.person(("irc:net/eve",))
    found = await mydata.exported(context, person)
    assert "ann@example.org" not in msgspec.json.encode(found).decode()
    assert set(found.held["core.identity"]) == {"login_account"}
    await mydata.forgotten(context, person, "1")
    assert await front.store.user(user) is not None
    assert await front.store.accounts(user) == []


async def test_links_are_limited_and_told_apart_from_nothing_else(front: Front) -> None:
    async with aiohttp.ClientSession() as session:
        browser = Browser(session, front.url)
        statuses = [(await browser.ask("POST", f"/mydata/link/{number}"))[0] for number in range(60)]
    assert set(statuses) == {404, 429}
    assert statuses == sorted(statuses)


async def test_data_of_others_is_the_operators_to_ask_for(front: Front) -> None:
    raw, _ = await front.keys.create("admin", Role.ADMIN)
    async with aiohttp.ClientSession() as session:
        browser = Browser(session, front.url, **{"X-API-Key": raw})
        for method, what in (("GET", "data"), ("POST", "forget")):
            status, answer = await browser.ask(method, f"/people/{what}/{ACCOUNT}")
            assert (status, answer["error"]) == (403, "operator_only")


async def test_a_person_is_found_by_account_or_user(bench: Bench) -> None:
    await link(bench, ANN, BOB)
    store = bench.context(module).store_in(EVERYBODY)
    assert isinstance(store, IdentityStore)
    await store.add_user("u", "ann@example.org", (), 0.0)
    await store.link_account("u", f"irc:{BOB}", "chat", 0.0)
    assert await store.person((), "u") == await store.person((ACCOUNT,), "u")
    assert (await store.person((ACCOUNT,))).accounts == (ACCOUNT, f"irc:{BOB}")
