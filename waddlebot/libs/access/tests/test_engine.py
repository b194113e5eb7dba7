"""What rules decide together, whatever they are."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.access import Access, Facts, Policy, Who
from waddlebot.libs.access.engine import FREE, covers, level_of
from waddlebot.libs.sdk import Rank, admits
from waddlebot.libs.sdk.view import AccessRule, Conditions, Effect, Hours, Range

VIEWER, MOD, ADMIN, OWNER = 1, 1 | int(Rank.MODERATOR), 1 | int(Rank.ADMIN), 1 | int(Rank.OWNER)
MODS = admits(Rank.MODERATOR)
NOON = 1_748_779_200.0  # Sunday, 1 June 2025, 12:00 UTC

CONDITIONS = st.builds(
    Conditions,
    account=st.sampled_from(["", "", "p:ann", "p:bob"]),
    rank=st.sampled_from([0, 0, 4, MODS]),
    roles=st.sampled_from([(), (), ("trolls",), ("helpers", "trolls")]),
    labels=st.sampled_from([(), (), ("trusted",)]),
    score=st.sampled_from([None, None, Range(600), Range(below=500)]),
    platforms=st.sampled_from([(), (), ("p",), ("q",)]),
    live=st.sampled_from([None, None, True, False]),
    hours=st.sampled_from([None, None, Hours(64, 600, 780), Hours(1)]),
)
RULES = st.lists(
    st.builds(
        AccessRule,
        id=st.uuids().map(str),
        effect=st.sampled_from(["allow", "deny", "require"]),
        target=st.sampled_from(["command:slots", "module:games", "*"]),
        conditions=CONDITIONS,
        ranks=st.sampled_from([VIEWER, MOD, ADMIN, OWNER]),
    ),
    max_size=6,
)
WHO = st.builds(
    Who,
    accounts=st.sampled_from([frozenset({"p:ann"}), frozenset({"p:bob", "q:bob"})]),
    ranks=st.sampled_from([VIEWER, 5, MOD, OWNER]),
    roles=st.sets(st.sampled_from(["trolls", "helpers"])).map(frozenset),
    labels=st.sets(st.sampled_from(["trusted"])).map(frozenset),
)
FACTS = st.builds(
    lambda who, **more: Facts(who, who, **more),
    WHO,
    platform=st.sampled_from(["p", "q"]),
    now=st.sampled_from([NOON, NOON + 86_400]),
    bound=st.sampled_from([127, 127, MOD, VIEWER]),
    live=st.sampled_from([None, True, False]),
    score=st.sampled_from([None, 450.0, 700.0]),
)
LEAST = st.sampled_from([127, MODS, admits(Rank.ADMIN)])


def may(rules: list[AccessRule], facts: Facts, least: int) -> bool:
    """Whether somebody is let in, by rank or rule."""
    decided = Policy(rules).decide(facts, least)
    return decided.may and (decided.admitted or bool(facts.who.ranks & least))


@given(RULES, FACTS, LEAST, st.randoms())
def test_the_order_of_rules_never_matters(rules: list[AccessRule], facts: Facts, least: int, chance: Any) -> None:
    shuffled = list(rules)
    chance.shuffle(shuffled)
    assert Policy(rules).decide(facts, least) == Policy(shuffled).decide(facts, least)


@given(RULES, RULES, FACTS, LEAST)
def test_a_further_deny_or_require_lets_nobody_in(
    rules: list[AccessRule], more: list[AccessRule], facts: Facts, least: int
) -> None:
    stricter = [*rules, *(rule for rule in more if rule.effect != "allow")]
    assert may(rules, facts, least) or not may(stricter, facts, least)


@given(RULES, RULES, FACTS, LEAST)
def test_a_deny_is_never_overruled_by_its_own_or_a_lower_level(
    rules: list[AccessRule], more: list[AccessRule], facts: Facts, least: int
) -> None:
    sure = dataclasses.replace(facts, live=True, score=700.0)
    for deny in (rule for rule in rules if rule.effect == "deny"):
        if not Policy([deny]).decide(sure, least).may:
            lower = [rule for rule in more if level_of(rule) <= level_of(deny)]
            assert not Policy([deny, *lower]).decide(sure, least).may


@given(RULES, RULES, FACTS, LEAST)
def test_nobody_gives_more_than_they_have(
    rules: list[AccessRule], more: list[AccessRule], facts: Facts, least: int
) -> None:
    """What moderators add overrules no rule of those above them, and opens no command that they may not use."""
    mine = [
        AccessRule(rule.id, rule.effect, rule.target, rule.conditions, MOD)
        for rule in more
        if rule.effect == "allow"
    ]
    theirs = [rule for rule in rules if not covers(MOD, rule.ranks)]
    assert may(theirs, facts, least) or least == 127 or least & MOD or not may([*theirs, *mine], facts, least)
    refused = Policy([rule for rule in theirs if rule.effect != "allow"]).decide(facts, least)
    if not refused.may:
        assert not Policy([*(rule for rule in theirs if rule.effect != "allow"), *mine]).decide(facts, least).may


@given(FACTS, LEAST)
def test_without_rules_all_is_as_ever(facts: Facts, least: int) -> None:
    assert Policy([]).decide(facts, least) == FREE
    assert Access([]).of("command:slots", "games") is None
    assert may([], facts, least) == bool(facts.who.ranks & least)


@given(RULES, FACTS, LEAST)
def test_what_nobody_knows_lets_nobody_in(rules: list[AccessRule], facts: Facts, least: int) -> None:
    unknown = dataclasses.replace(facts, live=None, score=None)
    if may(rules, unknown, least):
        for live in (True, False):
            for score in (450.0, 700.0):
                assert may(rules, dataclasses.replace(facts, live=live, score=score), least)


def rule(effect: Effect, target: str = "command:slots", ranks: int = OWNER, **conditions: Any) -> AccessRule:
    return AccessRule(f"{effect}-{target}", effect, target, Conditions(**conditions), ranks)


ANN = Who(frozenset({"p:ann"}), roles=frozenset({"trolls"}))


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([rule("deny")], "denied to everybody (rule deny-command:slots on command slots)"),
        ([rule("deny", roles=("trolls",)), rule("allow")], "denied to role trolls (rule deny-command:slots on …"),
        ([rule("deny", roles=("trolls",)), rule("allow", account="p:ann")], ""),
        ([rule("deny", account="p:ann"), rule("allow", account="p:ann")], "denied to p:ann …"),
        ([rule("deny", "module:games"), rule("allow")], ""),
        ([rule("deny", "*"), rule("allow", "module:games")], ""),
        ([rule("deny", "module:games"), rule("allow", ranks=MOD)], "denied to everybody (… on module games)"),
        ([rule("require", labels=("trusted",))], "only for label trusted (rule require-command:slots on …"),
        ([rule("require", labels=("trusted",)), rule("allow", roles=("trolls",))], ""),
        ([rule("require", score=Range(600))], "only for a score of at least 600, and nobody can tell that now (…"),
        ([rule("require", live=True)], "only while the channel is live, and nobody can tell that now (…"),
        ([rule("require", cost=5)], "no module keeps points here (…"),
    ],
)
def test_levels_and_reasons(rules: list[AccessRule], reason: str) -> None:
    decided = Policy(rules).decide(Facts(ANN, ANN), 127)
    assert decided.may is not bool(reason)
    first, _, last = reason.partition("…")
    assert decided.admitted is not bool(reason)
    assert not reason or (decided.reason.startswith(first) and decided.reason.endswith(last))


def test_only_what_is_sure_allows_and_all_that_may_be_denies() -> None:
    linked = Who(frozenset({"p:ann", "q:boss"}))
    facts = Facts(linked, Who(frozenset({"p:ann"})))
    assert not Policy([rule("deny", account="q:boss")]).decide(facts, 127).may
    assert not Policy([rule("allow", account="q:boss")]).decide(facts, MODS).admitted
    assert Policy([rule("allow", account="p:ann")]).decide(facts, MODS).admitted


@pytest.mark.parametrize(
    ("hours", "hour", "inside"),
    [
        (Hours(64, 600, 780), 0, True), (Hours(64, 600, 720), 0, False), (Hours(1, 600, 780), 0, False),
        (Hours(64, 1_320, 480), 11, True), (Hours(64, 1_320, 480), 19, True), (Hours(64, 1_320, 480), 21, False),
        (Hours(32, 1_320, 480), -5, True), (Hours(64, 0, 1_440), 11.9, True), (Hours(64, 0, 0), 11.9, True),
        (Hours(64, 840, 850, "Europe/Berlin"), 0.1, True), (Hours(64, 840, 850), 0.1, False),
    ],
)  # fmt: skip
def test_hours_of_the_week(hours: Hours, hour: float, inside: bool) -> None:
    facts = Facts(ANN, ANN, now=NOON + hour * 3_600)
    assert Policy([rule("require", hours=hours)]).decide(facts, 127).may is inside


def test_a_timer_is_nobody() -> None:
    rules = [rule("deny", "*", roles=("trolls",)), rule("require", "*", score=Range(600))]
    assert Access(rules).of_timer("water", "cron.periodic_messages") is None
    policy = Access([*rules, rule("require", "timer:water", live=True)]).of_timer(
        "water", "cron.periodic_messages"
    )
    assert policy is not None
    assert policy.decide(Facts(ANN, ANN, live=True), 127).may
    assert not policy.decide(Facts(ANN, ANN, live=False), 127).may
