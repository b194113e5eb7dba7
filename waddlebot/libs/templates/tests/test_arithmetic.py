"""Calculations."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.templates.arithmetic import ArithmeticProblem, calculate

RESULTS = {
    "2 + 3 * 4": "14",
    "(2 + 3) * 4": "20",
    "2 ^ 3 ^ 2": "512",
    "-2 ^ 2": "-4",
    "2 ^ -1": "0.5",
    "0.1 + 0.2": "0.3",
    "10 / 4": "2.5",
    "7 % 3": "1",
    "-7 mod 3": "2",
    "5!": "120",
    "sqrt(16) + max(1, 2, 3)": "7",
    "round(2.567, 2)": "2.57",
    "round(2.5) + round(-2.5)": "0",
    "floor(-1.5)": "-2",
    "PI": "3.1415926535898",
    "log(8, 2)": "3",
    "1e3": "1000",
    ".5 × 4 ÷ 2": "1",
    "10 ^ 21": "1e+21",
    "1 - - 1": "2",
}
PROBLEMS = [
    "",
    "1 / 0",
    "9 ^ 9 ^ 9",
    "171!",
    "(-1) ^ 0.5",
    "sqrt(-1)",
    "(" * 50 + "1" + ")" * 50,
    "1" * 301,
    "1 +",
    "(1",
    "1 2",
    "x",
    "__import__('os')",
    "max()",
    "sqrt(1, 2)",
    "infinity - infinity",
    "2 $ 3",
]


@pytest.mark.parametrize(("expression", "result"), RESULTS.items())
def test_results(expression: str, result: str) -> None:
    assert calculate(expression) == result


@pytest.mark.parametrize("expression", PROBLEMS)
def test_problems(expression: str) -> None:
    with pytest.raises(ArithmeticProblem):
        calculate(expression)


@given(st.text(alphabet="0123456789.+-*/%^!(),e sqrtpimax", max_size=60))
def test_any_text_has_a_result_or_a_problem(expression: str) -> None:
    with contextlib.suppress(ArithmeticProblem):
        assert not math.isnan(float(calculate(expression)))
