"""The router at work: what becomes of lines, events, calls and batches."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any, cast

import msgspec
import pytest

from waddlebot.libs.matching import Matchers
from waddlebot.libs.sdk import (
    Alias,
    Call,
    Contribution,
    DynamicCommand,
    EventBatch,
    Override,
    Rank,
    Reply,
    Restriction,
    Result,
    Rule,
    admits,
)
from waddlebot.libs.sdk.ports import Endpoint
from waddlebot.libs.testing.waiting import until
from waddlebot.processing.router.engine import TRIES_MAX
from waddlebot.processing.router.tests.desk import MOD, Desk
from waddlebot.processing.router.view import build


async def test_commands_aliases_verbs_and_everything_else() -> None:
    desk = Desk()
    assert await desk.say("!pat Bob") == ["pats Bob", "moo"], "both modules answer, in order"
    assert await desk.say("!STROKE  Bob ") == ["pats Bob"]
    assert await desk.say("!pat \U000e0000") == ["pats ann", "moo"], "chat clients' stuffing is no argument"
    for plain in ("hello", "!", "!unknown", "! pat", "?pat", "", "#pat", "x !pat"):
        assert await desk.say(plain) == []
        assert desk.why() == "no match"
    assert await desk.say("!sell all", roles=MOD) == ["@ann Only admin and above may use !sell all."]
    assert await desk.say("!sell now please", roles=MOD) == ["Usage: sell"]
    assert await desk.say("!no") == ["Not today."]
    assert desk.router.traces.counts["answered"] == 3


async def test_answered_commands_and_warnings_are_announced_together() -> None:
    desk = Desk(Contribution(rules=(Rule("r1", "bad", "word"),)))
    desk.router.handle(
        EventBatch("live", [desk.event(text, user=user) for text, user in (
            ("!pat", "ann"), ("hello", "ann"), ("!stroke", "bob"), ("!sell all", "ann"), ("a bad day", "eve"),
            ("!no", "ann"),
        )])
    )  # fmt: skip
    await until(lambda: desk.published)
    (batch,) = desk.published
    assert not batch.inboxed
    assert [
        (e.kind, e.user_id, e.data.get("command", e.data.get("target_id")), e.data.get("status"))
        for e in batch.events
    ] == [
        ("command.executed", "ann", "pat", "answered"),
        ("command.executed", "bob", "pat", "answered"),
        ("member.warned", "", "eve", None),
        ("command.executed", "ann", "no", "refused"),
    ], "not of plain lines nor of who may not"


async def test_what_follows_from_an_accepted_batch_is_committed_with_its_results() -> None:
    desk = Desk()
    await desk.post(desk.event("!pat", id="e1"), desk.event("hello"))
    (following,) = desk.following
    assert [(event.id, event.source) for event in following] == [("e1:command.executed", "test")]
    assert desk.router.traces.find("e1:command.executed") is None, "the command has a trace already"
    await desk.post(desk.event("hello"))
    await desk.router.probe(desk.event("!pat"))
    assert desk.following[1:] == [[]]
    assert desk.published == []


async def test_live_commands_are_announced_only_where_somebody_wants_to_hear_of_them() -> None:
    desk = Desk(Contribution(rules=(Rule("r1", "bad", "word"),)), tells_executed=False)
    desk.router.handle(EventBatch("live", [desk.event("!pat"), desk.event("a bad day")]))
    await until(lambda: desk.published)
    assert [event.kind for event in desk.published[0].events] == ["member.warned"]
    await desk.post(desk.event("!pat", id="e1"))
    assert [event.id for event in desk.following[0]] == ["e1:command.executed"], "who is away now may come back"


async def test_a_fault_in_looking_at_a_line_ends_that_line_alone() -> None:
    desk = Desk(Contribution(rules=(Rule("r1", "bad", "word"),)))

    class Faulty:
        def match(self, text: str) -> tuple[int, ...]:
            if "boom" in text:
                raise ZeroDivisionError
            return ()

    desk.router.views["c"].matcher = cast(Any, Faulty())
    lines = [desk.event("boom", id="e1"), desk.event("!pat"), desk.event("hello")]
    desk.router.handle(EventBatch("live", lines))
    await until(lambda: desk.buried)
    assert [(id_, reason) for id_, reason, _ in desk.buried] == [("e1", "ZeroDivisionError: ")]
    assert [send.reply.text for send in desk.sent] == ["pats ann", "moo"]


async def test_the_same_event_twice_is_one() -> None:
    desk = Desk()
    assert await desk.say("!pat", id="same")
    assert await desk.say("!pat", id="same") == []
    assert desk.why() == "a repeated event"


async def test_a_restricted_account_is_not_answered_until_its_time_is_over() -> None:
    past, future = time.time() - 1, time.time() + 100
    for end, answered in ((0.0, False), (future, False), (past, True)):
        desk = Desk(Contribution(restrictions=(Restriction("p:ann", "spam", end),)))
        assert bool(await desk.say("!pat")) is answered
        assert answered or desk.why() == "restricted: spam"
        assert await desk.say("!pat", "bob")


async def test_a_restricted_account_may_still_use_what_is_allowed_to_it() -> None:
    desk = Desk(Contribution(restrictions=(Restriction("p:ann", "spam", allows=("pat", "no")),)))
    assert await desk.say("!pat") == ["pats ann", "moo"]
    for line in ("!help", "hello", "pat", "!pattern"):
        assert await desk.say(line) == []
        assert desk.why() == "restricted: spam"


async def test_a_restriction_of_a_person_holds_for_all_their_accounts_while_they_are_linked() -> None:
    for person in (True, False):
        desk = Desk(Contribution(restrictions=(Restriction("p:bob", "spam", person=person),)))
        desk.router.know([("p:ann", "p:bob")])
        assert bool(await desk.say("!pat")) is not person
        assert await desk.say("!pat", "bob") == []
        desk.router.know([])
        assert await desk.say("!pat")
        assert await desk.say("!pat", "bob") == []


async def test_two_modules_that_keep_somebody_out_both_do() -> None:
    over = Restriction("p:ann", "caps", time.time() - 1)
    for given in ((over, Restriction("p:ann", "spam")), (Restriction("p:ann", "spam"), over)):
        desk = Desk(Contribution(restrictions=given))
        assert await desk.say("!pat") == []
        assert desk.why() == "restricted: spam"


@pytest.mark.parametrize(
    ("rule", "text", "replies", "why"),
    [
        (Rule("r", "bad", "word", value="Mind your words."), "a bad day", ["Mind your words."], "string rule r"),
        (Rule("r", "bad", "word"), "a bad day", ["@ann, that is not allowed here."], "string rule r"),
        (
            Rule("r", "bad", "word", "block", seconds=60),
            "bad",
            ["@ann, that is not allowed here."],
            "string rule r",
        ),
        (Rule("r", "hi", "exact", "reply", "Hello!"), "HI", ["Hello!"], "no match"),
        (Rule("r", "cow", "contains", "command", "pat"), "my cow", ["pats my cow", "moo"], ""),
        (Rule("r", "cow", "contains", "command", "pat"), "!no cow", ["Usage: no"], "Usage: no"),
        (Rule("r", "", "*", "reply", "always"), "whatever", ["always"], "no match"),
        (Rule("r", "bad", "word", entities=("p:s:other",)), "bad", [], "no match"),
        (Rule("r", "bad", "word", exempt=admits(Rank.VIEWER)), "bad", [], "no match"),
    ],
)
async def test_string_rules(rule: Rule, text: str, replies: list[str], why: str) -> None:
    desk = Desk(Contribution(rules=(rule,)))
    assert await desk.say(text) == replies
    assert desk.why() == why
    assert bool(desk.router.rules.hits) is (bool(replies) or "cow" in text)


async def test_rules_go_by_priority_and_all_that_match_count() -> None:
    rules = (
        Rule("low", "x", "contains", "warn", "low", priority=1),
        Rule("high", "x", "contains", "reply", "high", priority=9),
        Rule("mid", "x", "contains", "block", "mid", seconds=5, priority=5),
    )
    desk = Desk(Contribution(rules=rules))
    assert await desk.say("x") == ["high", "mid"]
    assert desk.sent[1].reply.action == "general"
    assert desk.sent[1].reply.data["do"] == "timeout"
    assert dict(desk.router.rules.hits) == {("c", "high"): 1, ("c", "mid"): 1}


async def test_a_rule_gives_nobody_more_rights_than_its_maker_has() -> None:
    boss = {"p:boss": int(Rank.OWNER)}
    for ranks, said in ((int(Rank.MODERATOR), False), (int(Rank.ADMIN), True)):
        rule = Rule("r", "morning", "word", "command", "sell all", ranks=ranks)
        desk = Desk(Contribution(rules=(rule,), ranks=boss))
        assert ("Usage: sell all" in await desk.say("good morning", "boss")) is said
        assert await desk.say("!sell all", "boss") == ["all sold"]
        assert "Usage: sell all" not in await desk.say("good morning")


async def test_late_events_count_but_are_not_answered() -> None:
    desk = Desk(Contribution(late_s=5))
    now = time.time()
    assert await desk.say("!pat", occurred_at=now - 6, received_at=now) == []
    assert "late" in desk.why()
    assert await desk.say("!pat", occurred_at=now - 4, received_at=now)


async def test_switched_off_modules_and_commands() -> None:
    desk = Desk(Contribution(disabled=("interactive.pets",)))
    assert await desk.say("!feed") == []
    assert desk.why() == "the module interactive.pets is switched off here"
    desk = Desk(Contribution(overrides=(Override("feed", enabled=False),)))
    assert await desk.say("!feed") == []
    assert desk.why() == "the command is switched off here"


async def test_overrides_rename_rerank_and_cool() -> None:
    desk = Desk(
        Contribution(
            overrides=(
                Override("feed", name="futter", cooldown_s=0, user_cooldown_s=0),
                Override("sell", least=127),
            )
        )
    )
    assert await desk.say("!futter") == ["munch"]
    assert await desk.say("!futter") == ["munch"]
    assert await desk.say("!feed") == []
    assert await desk.say("!sell") == ["sold"]


async def test_prefixes_are_a_setting() -> None:
    desk = Desk(Contribution(prefix="wb!", community_prefix="~"))
    assert await desk.say("wb!sell", roles=MOD) == ["sold"]
    assert await desk.say("!sell", roles=MOD) == []


async def test_platforms_make_nobody_more_than_a_moderator() -> None:
    desk = Desk(Contribution(ranks={"p:boss": int(Rank.ADMIN)}))
    assert await desk.say("!sell") == ["@ann Only moderator and above may use !sell."]
    assert await desk.say("!sell") == [], "told once"
    assert await desk.say("!sell", roles=("vip", "subscriber")) == []
    assert await desk.say("!sell all", "owner", roles=("owner", "admin", "broadcaster")) != ["all sold"]
    assert await desk.say("!sell all", "boss") == ["all sold"]


async def test_cooldowns_for_all_for_each_and_never_for_staff() -> None:
    desk = Desk()
    assert await desk.say("!feed") == ["munch"]
    assert await desk.say("!feed", "bob") == ["@bob Wait another 100 s for !feed."]
    assert await desk.say("!feed", "bob") == []
    assert await desk.say("!feed", "mod", roles=MOD) == ["munch"]
    assert await desk.say("!loud") == ["WOOF"]
    assert len(await desk.say("!loud")) == len(await desk.say("!loud")) == 1, "told every time"
    assert await desk.say("!shh") == ["…"]
    assert await desk.say("!shh") == []


async def test_limits_by_account_command_and_channel() -> None:
    values: dict[str, dict[str, object]] = {"processing.router": {"account_commands": 2}}
    desk = Desk(Contribution(settings=values))
    assert [bool(await desk.say("!pat")) for _ in range(3)] == [True, True, False]
    assert await desk.say("!pat", "bob")
    desk = Desk(Contribution(settings={"processing.router": {"account_commands": 0, "command_uses": 1}}))
    assert [bool(await desk.say("!pat", f"u{n}")) for n in range(2)] == [True, False]
    desk = Desk(Contribution(settings={"processing.router": {"account_commands": 0, "entity_commands": 1}}))
    assert [bool(await desk.say("!pat", f"u{n}")) for n in range(2)] == [True, False]
    assert await desk.say("!pat", channel="other")


async def test_dynamic_commands_with_and_without_prefix() -> None:
    made = (
        DynamicCommand("hi", "custom", b"1"),
        DynamicCommand("good morning", "custom", b"2", bare=True),
        DynamicCommand("good", "custom", b"3", bare=True),
        DynamicCommand("off", "custom", enabled=False),
    )
    desk = Desk()
    given = {"interactive.pets": Contribution(commands=made)}
    desk.router.views["c"] = build("c", 1, desk.catalogue, given, Matchers())
    assert await desk.say("!hi there") == ["custom 1|there"]
    assert await desk.say("Good MORNING all") == ["custom 2|all"]
    assert await desk.say("good") == ["custom 3|"]
    assert await desk.say("goodness") == []
    assert await desk.say("!off") == []


async def test_what_one_account_may_do_all_accounts_of_the_person_may() -> None:
    desk = Desk(Contribution(ranks={"p:boss": int(Rank.ADMIN), "p:cat": int(Rank.REGULAR)}))
    assert await desk.say("!sell 1", "bob") == ["@bob Only moderator and above may use !sell."]
    desk.router.know([("p:bob", "p:boss")])
    assert await desk.say("!sell all", "bob") == ["all sold"]
    said = msgspec.structs.replace(desk.event("!sell all", "bob"), source="key:1")
    assert [result.status for result in await desk.post(said)] == ["refused"], "a key may name anybody"
    desk.router.know([])
    assert await desk.say("!sell all", "bob") == []


async def test_what_has_to_be_typed_runs_by_no_alias_and_no_rule() -> None:
    rule = Rule("r", "morning", "word", "command", "swear")
    given = Contribution(aliases=(Alias("hug", "swear"),), rules=(rule,))
    desk = Desk(given)
    assert await desk.say("!swear") == ["sworn"]
    assert await desk.say("!hug", "bob") == []
    assert await desk.say("good morning", "cat") == []
    assert desk.why() == "who it concerns has to type it; an alias or rule may not"


async def test_several_modules_answer_an_event_by_priority() -> None:
    desk = Desk()
    assert await desk.say("", kind="channel.raided") == ["farm greets", "pets greet"]
    assert await desk.say("", kind="channel.followed") == []


async def test_one_person_is_answered_in_order_and_others_meanwhile() -> None:
    gate = asyncio.Event()
    desk = Desk(gate=gate)
    desk.router.know([("p:ann", "p:ann2")])
    desk.router.handle(
        EventBatch("x", [desk.event("!slow 1"), desk.event("!slow 2", "ann2"), desk.event("!pat", "bob")])
    )
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [send.reply.text for send in desk.sent] == ["pats bob", "moo"]
    gate.set()
    await until(lambda: len(desk.sent) == 4)
    assert [send.reply.text for send in desk.sent[2:]] == ["slow 1, after 2", "slow 2, after 4"]


async def test_a_command_is_decided_after_those_before_it() -> None:
    gate = asyncio.Event()
    desk = Desk(gate=gate)
    lines = ("!slow 1", "!mew", "!unknown", "hello", "!slow 2", "!mew")
    desk.router.handle(EventBatch("x", [desk.event(line) for line in lines]))
    assert desk.router.traces.counts["ignored"] == 1, "a plain line waits for nobody"
    changed = Contribution(commands=(DynamicCommand("mew", "custom", b"new"),))
    desk.router.views["c"] = build("c", 2, desk.catalogue, {"interactive.pets": changed}, Matchers())
    gate.set()
    await until(lambda: len(desk.sent) == 4)
    assert [send.reply.text for send in desk.sent] == [
        "slow 1, after 2", "custom new|", "slow 2, after 4", "custom new|",
    ]  # fmt: skip
    assert not desk.router.lanes.busy


async def test_a_full_lane_refuses() -> None:
    gate = asyncio.Event()
    desk = Desk(Contribution(settings={"processing.router": {"account_commands": 0}}), gate=gate)
    desk.router.handle(EventBatch("x", [desk.event(f"!slow {n}") for n in range(40)]))
    assert desk.router.traces.counts["refused"] == 19
    gate.set()
    await until(lambda: not desk.router.lanes.under_way)


async def test_a_call_that_takes_too_long_is_given_up() -> None:
    desk = Desk(gate=asyncio.Event())
    desk.router.handle(EventBatch("x", [desk.event("!slow 1")]))
    desk.router.lanes.sweep(time.monotonic() + 4)
    await asyncio.sleep(0)
    assert desk.router.lanes.under_way == 1
    desk.router.lanes.sweep(time.monotonic() + 6)
    await until(lambda: desk.buried)
    assert desk.buried[0][1] == "no answer within 5 s"
    assert "Something went wrong" in desk.sent[0].reply.text


async def test_an_accepted_event_is_asked_for_again_where_no_answer_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waddlebot.processing.router.engine._FIRST_PAUSE_S", 0.0)
    gate = asyncio.Event()
    desk = Desk(gate=gate)
    posting = asyncio.create_task(desk.post(desk.event("!slow 1")))
    await until(lambda: desk.router.lanes.under_way)
    desk.router.lanes.sweep(time.monotonic() + 6)
    gate.set()  # a database that came back, say
    (result,) = await posting
    assert result.status == "answered"
    assert [reply.text for reply in result.replies] == ["slow 1, after 3"], "it was asked twice"
    assert not desk.buried
    assert not desk.router.lanes.busy


async def test_an_accepted_event_without_any_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waddlebot.processing.router.engine._FIRST_PAUSE_S", 0.0)
    desk = Desk(gate=asyncio.Event())
    posting = asyncio.create_task(desk.post(desk.event("!slow 1")))
    while not posting.done():
        desk.router.lanes.sweep(time.monotonic() + 6)
        await asyncio.sleep(0)
    (result,) = await posting
    assert result.status == "failed"
    assert desk.buried == [("e1", "no answer within 5 s", TRIES_MAX)]


async def test_a_failure_is_told_and_kept(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    said = await desk.say("!bad")
    assert said == ["Something went wrong with 'bad'; it is noted as e1."]
    await until(lambda: desk.buried)
    assert desk.buried == [("e1", "ZeroDivisionError: no", 1)]
    assert "ZeroDivisionError" in caplog.text
    ((told,),) = (batch.events for batch in desk.published)
    assert (told.id, told.data["status"]) == ("e1:command.executed:failed", "failed")


async def test_an_accepted_event_is_tried_five_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waddlebot.processing.router.engine._FIRST_PAUSE_S", 0.0)
    desk = Desk()
    (result,) = await desk.post(desk.event("!bad"))
    assert result.status == "failed"
    assert desk.buried[0][2] == TRIES_MAX
    assert [event.data["status"] for event in desk.following[0]] == ["failed"], "once, not for each try"


async def test_an_accepted_event_waits_for_a_module_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waddlebot.processing.router.engine._ALONE_PAUSE_S", 0.0)
    desk = Desk()
    directory, desk.router.directory = desk.router.directory, {}
    posting = asyncio.create_task(desk.post(desk.event("!pat")))
    for _ in range(10 * TRIES_MAX):
        await asyncio.sleep(0)
    desk.router.directory = directory
    assert [result.status for result in await posting] == ["answered"]


async def test_an_accepted_event_waits_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waddlebot.processing.router.engine._ALONE_PAUSE_S", 0.0)
    monkeypatch.setattr("waddlebot.processing.router.engine.PATIENCE_S", 0.0)  # that is for modules
    desk = Desk()
    pets = desk.router.directory["interactive.pets"]
    tries = 0

    class Stalled:
        """A module whose database is away for more tries than a broken one gets."""

        def execute(self, call: Call) -> Awaitable[Result] | Result:
            nonlocal tries
            tries += 1
            stalled = Result("failed", (), "the database is gone", retry=True, stalled=True)
            return stalled if tries <= 2 * TRIES_MAX else pets.execute(call)

    desk.router.directory = {**desk.router.directory, "interactive.pets": cast("Endpoint", Stalled())}
    (result,) = await desk.post(desk.event("!pat"))
    assert (result.status, tries, desk.buried) == ("answered", 2 * TRIES_MAX + 1, [])


async def test_a_full_outbox_answers_busy() -> None:
    desk = Desk()
    desk.has_room = False
    assert await desk.say("!pat") == []
    (result,) = await desk.post(desk.event("!pat"))
    assert result.status == "refused"
    assert "busy" in result.replies[0].text


async def test_an_accepted_batch_has_a_result_for_every_event() -> None:
    desk = Desk()
    results = await desk.post(desk.event("!pat"), desk.event("hello"), desk.event("!sell"), desk.event("!no"))
    assert [(r.status, r.reason) for r in results] == [
        ("answered", ""),
        ("ignored", "no match"),
        ("refused", "only for moderator and above"),
        ("refused", "Not today."),
    ]
    again = await desk.post(desk.event("!pat", id="e1"))
    assert again[0].status == "answered", "the inbox has looked for repeats, the router does not"


async def test_events_wait_for_their_view_and_views_are_compiled_anew() -> None:
    desk = Desk()
    desk.version = 99
    del desk.router.views["c"]
    with_retry = await asyncio.wait_for(desk.post(desk.event("!pat"), desk.event("!sell", roles=MOD)), 10)
    assert [r.status for r in with_retry] == ["answered", "answered"]
    desk.contribution, desk.version = Contribution(prefix="?"), 100
    desk.router.refresh(["c", "unknown"])
    await until(lambda: desk.router.views["c"].version == 100)
    assert await desk.say("?pat")
    desk.version = 50
    desk.router.refresh(["c"])
    for _ in range(5):
        await asyncio.sleep(0)
    assert desk.router.views["c"].version == 100, "an older view never replaces a newer one"


async def test_a_module_that_no_host_runs_is_said() -> None:
    desk = Desk()
    desk.router.directory = {}
    assert "Something went wrong" in (await desk.say("!pat"))[0]
    await until(lambda: desk.buried)
    assert "no host runs" in desk.buried[0][1]


async def test_a_broken_stage_ends_one_event_only(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    desk.router.rank_masks = None  # type: ignore[assignment]  # breaks the stage that asks for ranks
    results = await desk.post(desk.event("!pat"), desk.event("hello"))
    assert sorted(r.status for r in results) == ["failed", "ignored"]


async def test_a_remote_endpoint_may_answer_later() -> None:
    desk = Desk()

    class Later:
        def execute(self, call: Call) -> Awaitable[Result] | Result:
            return asyncio.sleep(0, Result("ok", (Reply(f"later {call.handler}"),)))

    desk.router.directory = {"interactive.pets": Later()}  # type: ignore[dict-item]  # commands ask it nothing else
    (result,) = await desk.post(desk.event("!feed"))
    assert result.replies[0].text == "later command:feed"


async def test_traces_explain_every_stage() -> None:
    desk = Desk()
    await desk.say("!sell", id="why-me")
    trace = desk.router.traces.find("why-me", "c")
    assert trace is not None
    assert trace.steps[-1].stage == "permit"
    assert trace.steps[-1].decision == "only for moderator and above"
    assert all(step.decision == "passed" for step in trace.steps[:-1])
    assert trace.in_words() == "The command sell was refused: only for moderator and above. [why-me]"
    assert desk.router.traces.find("why-me", "another") is None
    await desk.say("hello", id="plain")
    plain = desk.router.traces.find("plain")
    assert plain is not None
    assert plain.in_words() == "The message was ignored: no match. [plain]"
    await desk.say("!pat")
    assert [t.command for t in desk.router.traces.recent("c", "p:s:main")] == ["pat", "sell"]
    assert [t.command for t in desk.router.traces.recent("c", most=1)] == ["pat"]
