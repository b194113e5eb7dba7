"""Access rules at work: who is answered, what is asked first, what is used up, and what the trace says."""

import asyncio
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waddlebot.libs.access.conditions import Need
from waddlebot.libs.matching import Matchers
from waddlebot.libs.sdk import Alias, Contribution, DynamicCommand, Event, EventBatch, Rank, Restriction
from waddlebot.libs.sdk.view import AccessRule, Conditions, Hours, Range
from waddlebot.libs.testing.waiting import until
from waddlebot.processing.router import deciding
from waddlebot.processing.router.checkpoint import Checkpoint
from waddlebot.processing.router.deciding import Known
from waddlebot.processing.router.tests.desk import MOD, Desk
from waddlebot.processing.router.view import build

OWNER = int(Rank.OWNER) | 1


def rule(
    effect: Any, target: str = "command:pat", id_: str = "r", ranks: int = OWNER, **conditions: Any
) -> AccessRule:
    return AccessRule(id_, effect, target, Conditions(**conditions), ranks)


def desk(*rules: AccessRule, **more: Any) -> Desk:
    return Desk(Contribution(access=rules, **more))


async def test_without_rules_nothing_is_looked_at() -> None:
    plain = Desk()
    assert plain.router.views["c"].access is None
    assert await plain.say("!pat") == ["pats ann", "moo"]
    other = desk(rule("deny", "command:other"))
    assert await other.say("!pat") == ["pats ann", "moo"]


async def test_a_role_is_denied_without_a_word_and_the_trace_names_the_rule() -> None:
    there = desk(rule("deny", id_="pat-trolls", roles=("trolls",)), roles={"p:eve": ("trolls",)})
    assert await there.say("!pat", "eve") == []
    assert there.why() == "denied to role trolls (rule pat-trolls on command pat)"
    assert await there.say("!stroke", "eve") == [], "under its other word, too"
    assert await there.say("!pat") == ["pats ann", "moo"]


async def test_a_label_is_required_in_words() -> None:
    there = desk(rule("require", id_="pat-trusted", labels=("trusted",)), labels={"p:bob": ("trusted",)})
    assert await there.say("!pat") == ["@ann Only for label trusted: !pat."]
    assert there.why() == "only for label trusted (rule pat-trusted on command pat)"
    assert await there.say("!pat", "bob") == ["pats bob", "moo"]
    there.router.know([("p:bob", "p:ann")])
    assert await there.say("!pat") == ["pats ann", "moo"], "what one account has, the person has"


async def test_allow_lets_in_whom_the_rank_does_not_but_no_further_than_its_maker() -> None:
    bob: dict[str, Any] = {"account": "p:bob"}
    there = desk(rule("allow", "command:sell", **bob))
    assert await there.say("!sell", "bob") == ["sold"]
    assert await there.say("!sell") == ["@ann Only moderator and above may use !sell."]
    by_mod = desk(rule("allow", "command:sell all", ranks=int(Rank.MODERATOR) | 1, **bob))
    assert "all sold" not in await by_mod.say("!sell all", "bob")
    by_admin = desk(rule("allow", "command:sell all", ranks=int(Rank.ADMIN) | 1, **bob))
    assert await by_admin.say("!sell all", "bob") == ["all sold"]


async def test_an_alias_of_somebody_lesser_opens_nothing() -> None:
    rules = (rule("allow", "command:sell", account="p:bob"),)
    for ranks, said in ((1, []), (OWNER, ["sold"])):
        there = desk(*rules, aliases=(Alias("s", "sell", "main", ranks),))
        answer = await there.say("!s", "bob")
        assert ("sold" in answer) is bool(said)


async def test_an_alias_has_the_rules_of_its_command_and_its_own() -> None:
    aliases = (Alias("s", "no", "main", OWNER), Alias("t", "s", "main", OWNER))
    for ruled, silent in (("no", {"!no", "!s", "!t"}), ("s", {"!s", "!t"}), ("t", {"!t"})):
        there = desk(rule("deny", f"command:{ruled}"), aliases=aliases)
        assert {line for line in ("!no", "!s", "!t") if not await there.say(line)} == silent


async def test_what_a_key_says_of_somebody_allows_nobody_but_denies() -> None:
    there = desk(
        rule("allow", "command:sell all", account="p:boss"), rule("deny", id_="d", account="p:eve"), native=("p",)
    )

    async def by_key(text: str, user: str) -> list[str]:
        event = msgspec.structs.replace(there.event(text, user), source="key:k")
        there.sent.clear()
        there.router.handle(EventBatch("live", [event]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return [send.reply.text for send in there.sent]

    assert await there.say("!sell all", "boss") == ["all sold"]
    assert "all sold" not in await by_key("!sell all", "boss")
    there.router.know([("p:eve", "q:eve"), ("p:ann", "p:boss")])
    assert await by_key("!pat", "eve") == []
    assert "all sold" not in await by_key("!sell all", "ann"), "no link lends what a key claims"


async def test_modules_answers_custom_commands_and_the_second_module_of_a_word() -> None:
    there = desk(rule("deny", "module:interactive.farm"))
    assert await there.say("!pat") == ["pats ann"], "the other module's part is missing"
    pets_off = desk(rule("deny", "module:interactive.pets", id_="p"))
    assert await pets_off.say("", kind="channel.raided") == ["farm greets"]
    assert await desk().say("", kind="channel.raided") == ["farm greets", "pets greet"]
    own = desk(
        rule("deny", "command:hug"), rule("deny", "command:gg", "g"),
        commands=(DynamicCommand("hug", "custom"), DynamicCommand("gg", "custom", bare=True)),
    )  # fmt: skip
    own.router.views["c"] = build(
        "c",
        1,
        own.catalogue,
        {"core.community": own.contribution, "interactive.pets": own.contribution},
        Matchers(),
    )
    assert await own.say("!hug") == []
    assert await own.say("gg") == []
    assert "(rule g on command gg)" in own.why()


async def test_limits_and_shared_cooldowns_are_used_up_together_and_handed_on() -> None:
    rules = (
        rule("require", uses=2, per_s=100.0, id_="two"),
        rule("require", group="games", group_s=50.0, id_="g1", target="command:no"),
        rule("require", group="games", group_s=50.0, id_="g2", target="command:stroke"),
        rule("require", group="games", group_s=50.0, id_="g3", target="command:feed"),
    )
    there = desk(*rules)
    assert await there.say("!pat") == ["pats ann", "moo"]
    assert await there.say("!pat") == ["pats ann", "moo"]
    assert await there.say("!pat") == ["@ann Wait another 100 s for !pat."]
    assert "2 uses are used up" in there.why()
    assert await there.say("!pat", "bob") == ["pats bob", "moo"], "each person has their own"
    assert await there.say("!pat", "mod", roles=MOD)
    assert await there.say("!no") == ["Not today."]
    assert await there.say("!feed") == ["@ann Wait another 50 s for !feed."]
    assert await there.say("!feed", "mod", roles=MOD) == ["munch"], "staff need not wait"
    partition = list(range(64))
    packed = Checkpoint(there.router).changed(partition)
    after = desk(*rules)
    for number, state in packed.items():
        Checkpoint(after.router).restore(number, state, 0.0)
    assert "pats ann" not in await after.say("!pat")


async def test_what_is_not_in_memory_is_asked_once_and_the_persons_lines_keep_their_order() -> None:
    there = desk(rule("require", score=Range(600)))
    asked: list[tuple[str, frozenset[Need]]] = []
    gate = asyncio.Event()

    async def asker(event: Event, accounts: tuple[str, ...], needs: frozenset[Need]) -> Known:
        asked.append((event.account, needs))
        await gate.wait()
        return Known(needs, score=700.0 if event.user_id == "ann" else 500.0)

    there.router.questions.asker = asker
    assert await there.say("!no") == ["Not today."], "no rule needs anything for it"
    assert asked == []
    there.router.handle(
        EventBatch("live", [there.event("!pat one"), there.event("!no"), there.event("!pat", "bob")])
    )
    await until(lambda: len(asked) == 2)
    assert [send.reply.text for send in there.sent] == ["Not today."]
    gate.set()
    await until(lambda: len(there.sent) == 5)
    assert [s.reply.text for s in there.sent if s.account == "p:ann"][1:] == ["pats one", "moo", "Not today."]
    assert [s.reply.text for s in there.sent if s.account == "p:bob"] == [
        "@bob Only for a score of at least 600: !pat."
    ]
    assert await there.say("!pat two") == ["pats two", "moo"]
    assert len(asked) == 2, "the answer is kept"
    assert not there.router.lanes.busy


@pytest.mark.parametrize("how", ["slow", "broken", "unknown"])
async def test_nobody_is_let_in_by_what_nobody_can_tell(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "DEADLINE_S", 0.05)
    there = desk(rule("require", live=True), rule("deny", "command:no", "d", score=Range(below=400)))

    async def asker(event: Event, accounts: tuple[str, ...], needs: frozenset[Need]) -> Known:
        if how == "slow":
            await asyncio.sleep(10)
        if how == "broken":
            raise ZeroDivisionError
        return Known(needs)

    there.router.questions.asker = asker
    (result,) = await there.post(there.event("!pat"))
    assert result.status == "refused"
    assert "only while the channel is live, and nobody can tell that now" in result.reason
    (result,) = await there.post(there.event("!no"))
    assert (result.status, result.replies) == ("refused", ())
    assert not there.router.lanes.busy


async def test_a_fault_while_something_is_asked_ends_that_line_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    there = desk(rule("require", score=Range(600)))
    monkeypatch.setattr(deciding, "facts_of", lambda trip: 1 / 0)
    there.router.handle(EventBatch("live", [there.event("!pat")]))
    await until(lambda: there.buried)
    monkeypatch.undo()
    assert not there.router.lanes.busy
    assert await there.say("!no") == ["Not today."]


async def test_hours_channels_and_platforms() -> None:
    day = int(time.time() // 86_400 + 3) % 7
    never = Hours(1 << (day + 3) % 7, 0, 1_440)
    there = desk(rule("deny", entities=("p:s:main",)), rule("require", "command:no", "h", hours=never))
    assert await there.say("!pat") == []
    assert await there.say("!pat", channel="side") == ["pats ann", "moo"]
    assert (await there.say("!no"))[0].startswith("@ann Only from 00:00 to 24:00 on ")
    assert await desk(rule("deny", platforms=("q",))).say("!pat")


PEOPLE = ("ann", "bob", "eve")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("deny"), st.sampled_from(PEOPLE)),
        st.tuples(st.just("deny role"), st.sampled_from(PEOPLE)),
        st.tuples(st.just("allow"), st.sampled_from(PEOPLE)),
        st.tuples(st.just("allow all"), st.just("")),
        st.tuples(st.just("ban"), st.sampled_from(PEOPLE)),
        st.tuples(st.just("link"), st.permutations(PEOPLE).map(lambda names: "+".join(names[:2]))),
        st.tuples(st.just("require"), st.just("")),
    ),
    max_size=8,
)


@given(STEPS)
@settings(max_examples=60)
async def test_a_denied_person_never_gets_an_answer(steps: list[tuple[str, str]]) -> None:
    """Whatever else is allowed, linked, required: who is denied, or linked with them, or banned, hears none."""
    rules: list[AccessRule] = []
    groups: list[set[str]] = [{name} for name in PEOPLE]
    roles: dict[str, tuple[str, ...]] = {}
    banned: set[str] = set()
    denied: set[str] = set()
    for number, (what, who) in enumerate(steps):
        id_ = f"r{number}"
        if what == "deny":
            rules.append(rule("deny", id_=id_, account=f"p:{who}"))
            denied.add(who)
        elif what == "deny role":
            roles[f"p:{who}"] = ("trolls",)
            rules.append(rule("deny", "*", id_=id_, roles=("trolls",)))
        elif what.startswith("allow"):
            rules.append(rule("allow", id_=id_, account=f"p:{who}" if who else ""))
        elif what == "ban":
            banned.add(who)
        elif what == "link":
            one, other = who.split("+")
            together = set().union(*(group for group in groups if group & {one, other}))
            groups = [group for group in groups if not group & together] + [together]
        else:
            rules.append(rule("require", id_=id_, labels=("trusted",)))
    restrictions = tuple(Restriction(f"p:{name}", "spam") for name in banned)
    there = desk(*rules, roles=roles, restrictions=restrictions)
    there.router.know([sorted(f"p:{name}" for name in group) for group in groups if len(group) > 1])
    allowed = {who for what, who in steps if what == "allow"}
    for name in PEOPLE:
        group = next(group for group in groups if name in group)
        said = await there.say("!pat", name)
        by_role = any(f"p:{one}" in roles for one in group) and not group & allowed
        if group & denied or name in banned or by_role:
            assert said == [], (name, steps)
        elif not any(what == "require" for what, _ in steps):
            assert said == [f"pats {name}", "moo"], (name, steps)
