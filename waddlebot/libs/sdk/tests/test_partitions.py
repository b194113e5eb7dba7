"""A community's partition is part of the wire: streams and leases of every version are named by it."""

from collections import Counter

from waddlebot.libs.sdk.ports import PARTITIONS, partition_of


def test_the_partition_of_a_community_never_changes() -> None:
    assert [partition_of(community) for community in ("home", "zürich", "a-b", "")] == [16, 34, 30, 0]


def test_communities_spread_over_all_partitions() -> None:
    counts = Counter(partition_of(f"community-{number}") for number in range(PARTITIONS * 100))
    assert sorted(counts) == list(range(PARTITIONS))
    assert max(counts.values()) < 200
