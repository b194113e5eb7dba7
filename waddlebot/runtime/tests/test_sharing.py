"""The plan: fair, quiet, and the most important first."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from waddlebot.runtime.sharing import Wish, plan

HOSTS = [f"host-{n}" for n in range(5)]
NAMES = [f"name-{n}" for n in range(30)]

holders = st.dictionaries(st.sampled_from(NAMES), st.sampled_from([*HOSTS, "host-gone", ""]))
priorities = st.fixed_dictionaries(dict.fromkeys(NAMES, st.integers(0, 3)))


@given(st.integers(1, 5), holders, priorities)
def test_equal_replicas_get_equal_shares_by_the_fewest_moves(
    count: int, held: dict[str, str], names: dict[str, int]
) -> None:
    hosts = HOSTS[:count]
    planned = plan(dict.fromkeys(hosts, Wish(names)), held)
    assert planned.keys() == set(NAMES)
    load = Counter(planned.values())
    assert max(load.values()) - min(load[host] for host in hosts) <= 1
    # The fewest moves there can be: each host keeps what it has up to its share, and somebody has the larger ones.
    small, larger = divmod(len(NAMES), count)
    had = [sum(held.get(name) == host for name in NAMES) for host in hosts]
    above = sum(count > small for count in had)
    kept = sum(min(count, small) for count in had) + min(above, larger)
    assert sum(held.get(name) == host for name, host in planned.items()) == kept


@given(holders, priorities)
def test_names_that_move_are_of_the_lowest_priority(held: dict[str, str], names: dict[str, int]) -> None:
    planned = plan(dict.fromkeys(HOSTS, Wish(names)), held)
    for host in HOSTS:
        kept = [names[name] for name in NAMES if held.get(name) == host and planned[name] == host]
        lost = [names[name] for name in NAMES if held.get(name) == host and planned[name] != host]
        assert not kept or not lost or min(kept) >= max(lost)


@given(st.integers(1, 5), st.integers(1, 5), holders, priorities)
def test_where_room_is_short_the_most_important_are_held(
    count: int, most: int, held: dict[str, str], names: dict[str, int]
) -> None:
    planned = plan(dict.fromkeys(HOSTS[:count], Wish(names, most)), held)
    assert len(planned) == min(count * most, len(NAMES))
    assert max(Counter(planned.values()).values()) <= most
    out = [names[name] for name in NAMES if name not in planned]
    assert not out or min(names[name] for name in planned) >= max(out)


@given(st.dictionaries(st.sampled_from(HOSTS), st.sets(st.sampled_from(NAMES))), holders)
def test_what_replicas_want_differently_is_left_to_nobody(
    wanted: dict[str, set[str]], held: dict[str, str]
) -> None:
    wishes = {host: Wish(dict.fromkeys(names, 0)) for host, names in wanted.items()}
    planned = plan(wishes, held)
    assert planned.keys() == set().union(*wanted.values()) if wanted else planned == {}
    assert all(name in wanted[host] for name, host in planned.items())
    assert plan(wishes, planned) == planned, "a plan that was carried out stays as it is"


@given(st.integers(1, 5), st.integers(1, 8), holders, priorities)
def test_a_plan_that_was_carried_out_stays(
    count: int, most: int, held: dict[str, str], names: dict[str, int]
) -> None:
    wishes = dict.fromkeys(HOSTS[:count], Wish(names, most))
    planned = plan(wishes, held)
    assert plan(wishes, planned) == planned
