"""Comparing with an earlier commit."""

import pytest

from benchmarks.pairs import confident


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Tables of the sign test's intervals, as in Conover, Practical Nonparametric Statistics: ranks 6 and 15 of 20.
    [(20, 6, 15), (10, 2, 9), (6, 1, 6), (2, 1, 2)],
)
def test_the_range_of_the_median_is_that_of_the_sign_test(count: int, low: int, high: int) -> None:
    assert confident([float(n) for n in range(count, 0, -1)]) == (low, high)
