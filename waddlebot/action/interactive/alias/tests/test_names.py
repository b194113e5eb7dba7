"""Where aliases lead: never round in a ring."""

import itertools
import random

import pytest

from waddlebot.action.interactive.alias.names import DEPTH_MAX, BuiltIns, check_rings
from waddlebot.core.community.module import module as community
from waddlebot.core.reputation.module import module as reputation
from waddlebot.libs.sdk import Override, Rank, Refusal, admits

MANIFESTS = {module.name: module for module in (community, reputation)}


def built_in(word: str) -> bool:
    return word in ("so", "hi")


def test_an_alias_of_itself_is_a_ring() -> None:
    with pytest.raises(Refusal, match="a → a"):
        check_rings("a", "a x", {}, built_in)


def test_a_ring_over_others_is_shown() -> None:
    lines = {"b": "c {args}", "c": "A"}
    with pytest.raises(Refusal, match="a → b → c → a"):
        check_rings("a", "b", lines, built_in)


def test_an_alias_of_nothing_is_refused() -> None:
    with pytest.raises(Refusal, match="no command nothing"):
        check_rings("a", "nothing at all", {}, built_in)


def test_a_command_ends_a_chain_whatever_else_goes_by_its_name() -> None:
    check_rings("a", "so x", {"so": "a"}, built_in)


def test_chains_have_a_bound_from_either_end() -> None:
    lines = {f"a{n}": f"a{n + 1}" for n in range(1, DEPTH_MAX)} | {f"a{DEPTH_MAX}": "hi"}
    check_rings("a1", lines.pop("a1"), lines, built_in)
    lines["a1"] = "a2"
    with pytest.raises(Refusal, match="More than 8"):
        check_rings("a0", "a1", lines, built_in)
    del lines[f"a{DEPTH_MAX}"]
    lines["a0"] = "a1"
    with pytest.raises(Refusal, match="More than 8"):
        check_rings(f"a{DEPTH_MAX}", "hi", lines, built_in)


def test_no_order_of_saving_makes_a_ring() -> None:
    chance = random.Random(7)
    for _ in range(300):
        lines: dict[str, str] = {}
        for _ in range(20):
            name, target = chance.choice("abcdef"), chance.choice(["so", *"abcdef"])
            others = {n: line for n, line in lines.items() if n != name}
            try:
                check_rings(name, target, others, built_in)
            except Refusal:
                continue
            lines[name] = target
        for start in lines:
            word = start
            for steps in itertools.count():
                assert steps <= len(lines)
                if word not in lines:
                    break
                word = lines[word]
            assert word == "so"


def test_built_in_commands_go_by_the_names_they_have_here() -> None:
    plain = BuiltIns(MANIFESTS, ())
    assert plain.has("reputation")
    assert plain.has("rep")
    assert plain.has("rank")
    assert not plain.has("karma")
    found = plain.find("rank give bob vip")
    assert found is not None
    assert found.name == "rank give"
    assert plain.find("rank bob") is not None
    assert plain.find("") is None

    changed = BuiltIns(
        MANIFESTS,
        (Override("activity", name="karma", least=admits(Rank.VIP)), Override("claim", enabled=False)),
    )
    assert changed.has("karma")
    assert not changed.has("activity")
    assert not changed.has("claim")
    karma = changed.find("karma")
    assert karma is not None
    assert changed.least(karma) == admits(Rank.VIP)
