"""Linking accounts: by a code that one asks for and the other types, and nothing else."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from waddlebot.action.pushing.irc.module import module as pushing
from waddlebot.core.community.module import module as community
from waddlebot.core.identity.module import module, see
from waddlebot.core.identity.store import REQUESTS_MAX, TRIES, VALID_S
from waddlebot.core.reputation.module import count
from waddlebot.core.reputation.module import module as reputation
from waddlebot.libs.contracts.identity import Identity, LookupRequest, PeopleRequest
from waddlebot.libs.sdk.codes import ALPHABET, LENGTH
from waddlebot.libs.testing.modules import Bench, crowd, opened_bench

ANN, BOB, CARA = ("net/ann", "net/bob", "net/cara")
LINES = 50
OTHER: dict[str, Any] = {"platform": "twitch", "server": "", "channel": "ann", "user_id": "7"}


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(database_url, community, module, reputation, pushing) as opened:
        for id_ in (ANN, BOB, CARA, "net/~dan"):
            await seen(opened, id_)
        yield opened


async def seen(bench: Bench, id_: str, **fields: str) -> None:
    login = fields.pop("login", "") or id_.rpartition("/")[2].removeprefix("~")
    lines = crowd([bench.event("hi", login=login, **{"user_id": id_, **fields}) for _ in range(LINES)])
    await see(bench.context(module), lines)
    await count(bench.context(reputation), lines)


async def says(bench: Bench, id_: str, line: str, **fields: str) -> str:
    login = id_.rpartition("/")[2].removeprefix("~")
    return await bench.says(line, login=login, **{"user_id": id_, **fields})


async def code(bench: Bench, id_: str = ANN, to: str = "irc bob") -> str:
    found = re.search(rf"verify ([{ALPHABET}]{{{LENGTH}}}) ", await says(bench, id_, f"identity link {to}"))
    assert found is not None
    return found[1]


async def groups(bench: Bench) -> set[tuple[str, ...]]:
    return set((await bench.ask(Identity).people(PeopleRequest())).groups)


async def link(bench: Bench, one: str, two: str) -> None:
    name = two.rpartition("/")[2]
    assert "one person now" in await says(bench, two, f"verify {await code(bench, one, f'irc {name}')} yes")


async def test_a_code_is_told_to_who_asks_and_typed_by_the_other(bench: Bench) -> None:
    result = await bench.run("identity link IRC @Bob", user_id=ANN)
    (reply,) = result.replies
    assert reply.private
    assert "as Bob on irc within 10 minutes" in reply.text
    assert "reputation of 600.5 (50 points) and theirs of 600.5 (50 points) make 601.0 (100 points)" in reply.text
    found = re.search(r"verify (\w+)", reply.text)
    assert found is not None
    asked = await says(bench, BOB, f"verify {found[1].lower()}")
    assert asked.startswith(
        "Ann on irc asks to be one person with you: whatever you may do anywhere, they may then."
    )
    assert await groups(bench) == set(), "first they are told what it does"
    answer = await says(bench, BOB, f"verify {found[1].lower()} yes")
    assert answer == "Bob and Ann on irc are one person now. !identity unlink undoes it."
    assert await groups(bench) == {("irc:net/ann", "irc:net/bob")}
    (notice,) = bench.sent
    assert (notice.account, notice.user_name, notice.entity) == ("irc:net/ann", "ann", "irc:net:#room")
    assert notice.reply.private
    assert "linked with Bob on irc now" in notice.reply.text
    (account,) = (await bench.ask(Identity).lookup(LookupRequest("irc", ("bob",)))).items
    assert account.person == "irc:net/ann"
    shown = await bench.run("identity", login="bob", user_id=BOB)
    assert (shown.replies[0].text, shown.replies[0].private) == (
        "You are Bob on irc, linked with Ann on irc.", True
    )  # fmt: skip


async def test_nobody_else_can_use_a_code_and_nobody_uses_it_twice(bench: Bench) -> None:
    word = await code(bench)
    for who in (ANN, CARA):
        assert "no code for you" in await says(bench, who, f"verify {word}")
    assert "one person now" in await says(bench, BOB, f"verify {word} yes")
    await says(bench, BOB, "identity unlink")
    assert "no code for you" in await says(bench, BOB, f"verify {word} yes")
    assert await groups(bench) == set()


async def test_a_code_is_guessed_five_times_at_most(bench: Bench) -> None:
    word = await code(bench)
    for left in reversed(range(1, TRIES)):
        assert f"tried {left} times more" in await says(bench, BOB, "verify WRONG2")
    assert "no code for you" in await says(bench, BOB, "verify WRONG2")
    assert "no code for you" in await says(bench, BOB, f"verify {word}")


async def test_a_code_ends_and_a_new_one_ends_the_one_before(bench: Bench) -> None:
    first = await code(bench)
    second = await code(bench)
    assert "tried 4 times more" in await says(bench, BOB, f"verify {first}")
    bench.now += VALID_S
    assert "no code for you" in await says(bench, BOB, f"verify {second}")


async def test_nobody_asks_for_many_codes(bench: Bench) -> None:
    for _ in range(REQUESTS_MAX):
        await code(bench)
    assert "several codes" in await says(bench, ANN, "identity link irc cara")
    bench.now += 3_601
    await code(bench)


async def test_a_nick_that_anybody_may_take_is_not_linked(bench: Bench) -> None:
    assert "anybody may take that nick" in await says(bench, ANN, "identity link irc dan")
    for line in ("identity link irc bob", "verify ABCDEF", "identity unlink"):
        assert "Anybody may take your nick" in await says(bench, "net/~dan", line)


async def test_an_api_key_proves_nobody(bench: Bench) -> None:
    word = await code(bench)
    for line in ("identity", "identity link irc ann", f"verify {word} yes", "identity unlink"):
        assert "does not prove" in await says(bench, BOB, line, source="key:1")
    assert await groups(bench) == set()


async def test_who_was_never_seen_and_oneself_are_refused(bench: Bench) -> None:
    assert "not seen nobody on irc" in await says(bench, ANN, "identity link irc nobody")
    assert "not seen bob on twitch" in await says(bench, ANN, "identity link twitch bob")
    assert "typing with" in await says(bench, ANN, "identity link irc ann")
    await link(bench, ANN, BOB)
    assert "linked with Bob on irc already" in await says(bench, ANN, "identity link irc bob")
    assert "not linked with cara on irc" in await says(bench, ANN, "identity unlink irc cara")
    assert "linked with no other" in await says(bench, CARA, "identity unlink")
    assert "Usage" in await says(bench, ANN, "identity unlink irc")
    assert "linked with no other account. !identity link" in await says(bench, CARA, "identity")


async def test_of_several_networks_one_has_to_be_named(bench: Bench) -> None:
    await seen(bench, "far/bob", server="far")
    assert "on several networks: add one of far, net" in await says(bench, ANN, "identity link irc bob")
    word = await code(bench, ANN, "irc bob far")
    assert "no code for you" in await says(bench, BOB, f"verify {word}")
    assert "one person now" in await says(bench, "far/bob", f"verify {word} yes", server="far")


async def test_where_nothing_can_be_told_alone_it_is_said_aloud(bench: Bench) -> None:
    await seen(bench, "7", **OTHER | {"login": "ann"})
    result = await bench.run("identity link irc bob", login="ann", **OTHER)
    assert not result.replies[0].private
    found = re.search(r"verify (\w+)", result.replies[0].text)
    assert found is not None
    assert "Ann on twitch are one person" in await says(bench, BOB, f"verify {found[1]} yes")
    assert bench.sent == []
    assert (await bench.run("identity", login="ann", **OTHER)).replies[
        0
    ].text == "Ann is linked with 1 more: on irc."


async def test_people_are_merged_and_parted_as_they_were(bench: Bench) -> None:
    await seen(bench, "net/eve")
    await link(bench, ANN, BOB)
    await link(bench, CARA, "net/eve")
    before = await groups(bench)
    await link(bench, BOB, CARA)
    assert await groups(bench) == {("irc:net/ann", "irc:net/bob", "irc:net/cara", "irc:net/eve")}
    assert "nor are those that were linked through it" in await says(bench, ANN, "identity unlink irc cara")
    assert await groups(bench) == before
    assert "Bob on irc is on its own" in await says(bench, ANN, "identity unlink irc bob")
    assert "Cara on irc is on its own" in await says(bench, CARA, "identity unlink irc cara")
    assert await groups(bench) == set()


async def test_a_name_that_others_had_or_took_is_nobodys(bench: Bench) -> None:
    await seen(bench, "net/mallory", login="bob")
    word = await code(bench)  # the account that is called bob, not who is logged in as another
    assert "no code for you" in await bench.says(f"verify {word} yes", login="bob", user_id="net/mallory")
    assert "no code for you" in await bench.says(f"verify {word} yes", login="robert", user_id=BOB)
    await seen(bench, "7", **OTHER | {"login": "eve"})
    await seen(bench, "8", **OTHER | {"login": "eve", "user_id": "8"})
    assert "Several accounts went by eve" in await says(bench, ANN, "identity link twitch eve")


async def test_the_console_proves_nobody(bench: Bench) -> None:
    assert "does not prove" in await says(bench, ANN, "identity link irc bob", platform="console")
    assert "cannot be linked" in await says(bench, ANN, "identity link console boss")


async def test_a_repeated_delivery_says_the_same(bench: Bench) -> None:
    await link(bench, ANN, BOB)
    for line, answer in (("identity unlink irc bob", "on its own"), ("identity link irc bob", "Type !verify")):
        results = [await bench.run(line, login="ann", user_id=ANN, id="once" + answer) for _ in range(2)]
        assert results[0].replies[0].text == results[1].replies[0].text
        assert answer in results[0].replies[0].text


async def test_a_person_has_the_reputation_of_all_their_accounts_and_each_its_own_again(bench: Bench) -> None:
    alone = await says(bench, ANN, "reputation")
    await link(bench, ANN, BOB)
    assert await says(bench, ANN, "activity") == "Ann has 100 activity points."
    assert await says(bench, BOB, "reputation @ann") == await says(bench, ANN, "reputation") != alone
    await says(bench, ANN, "identity unlink")
    assert await says(bench, ANN, "reputation") == alone
    assert await says(bench, BOB, "activity") == "Bob has 50 activity points."
