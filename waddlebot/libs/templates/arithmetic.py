"""Arithmetic as math.js writes it, on floating-point numbers alone: bounded in time and size by construction.

Operators by rising strength: `+ -`, `* / %` (also `mod`), unary `+ -`, `^` (right to left), `!`. An expression may
have 300 characters and 40 levels of brackets. No name but those below means anything.
"""

import math
import re
from collections.abc import Callable

LENGTH_MAX = 300
"""Longest expression in characters."""

_DEPTH_MAX = 40
_LEXEME = re.compile(
    r"\s*(?:(\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|([a-z]\w*)|(.))", re.IGNORECASE | re.DOTALL
)

_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau, "phi": (1 + math.sqrt(5)) / 2, "infinity": math.inf}


def _round(number: float, digits: float = 0.0) -> float:
    """Half away from zero, as JavaScript people expect, and not to even."""
    places = int(max(0, min(15, digits)))
    scaled = abs(number) * 10.0**places
    return math.copysign(math.floor(scaled + 0.5) / 10.0**places, number) if scaled < 2**52 else number


_FUNCTIONS: dict[str, tuple[int, int, Callable[..., float]]] = {
    # name: least and most arguments, function
    "abs": (1, 1, abs),
    "acos": (1, 1, math.acos),
    "asin": (1, 1, math.asin),
    "atan": (1, 1, math.atan),
    "atan2": (2, 2, math.atan2),
    "cbrt": (1, 1, math.cbrt),
    "ceil": (1, 1, lambda x: float(math.ceil(x))),
    "cos": (1, 1, math.cos),
    "exp": (1, 1, math.exp),
    "fix": (1, 1, lambda x: float(math.trunc(x))),
    "floor": (1, 1, lambda x: float(math.floor(x))),
    "hypot": (1, 16, math.hypot),
    "log": (1, 2, math.log),
    "log10": (1, 1, math.log10),
    "log2": (1, 1, math.log2),
    "max": (1, 16, max),
    "mean": (1, 16, lambda *xs: math.fsum(xs) / len(xs)),
    "min": (1, 16, min),
    "mod": (2, 2, lambda x, y: x - y * math.floor(x / y)),
    "pow": (2, 2, math.pow),
    "round": (1, 2, _round),
    "sign": (1, 1, lambda x: math.copysign(1.0, x) if x else 0.0),
    "sin": (1, 1, math.sin),
    "sqrt": (1, 1, math.sqrt),
    "sum": (1, 16, lambda *xs: math.fsum(xs)),
    "tan": (1, 1, math.tan),
}


class ArithmeticProblem(ValueError):  # noqa: N818 -- its text is an answer shown in chat, not an error of ours
    """An expression without a result; the text says why."""


def calculate(expression: str) -> str:
    """The value of an expression, as text with at most 14 digits.

    Raises:
        ArithmeticProblem: It is too long, or not arithmetic, or has no real result.
    """
    if len(expression) > LENGTH_MAX:
        raise ArithmeticProblem("the calculation is too long")
    try:
        return _text(_Parser(expression).result())
    except ZeroDivisionError:
        raise ArithmeticProblem("division by zero") from None
    except (OverflowError, ValueError) as error:
        if isinstance(error, ArithmeticProblem):
            raise
        raise ArithmeticProblem("there is no such number") from None


def _text(number: float) -> str:
    if math.isnan(number):
        raise ArithmeticProblem("there is no such number")
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return format(number, ".14g")


class _Parser:
    """Precedence climbing over a list of lexemes."""

    def __init__(self, expression: str) -> None:
        self._lexemes: list[float | str] = []
        for digits, name, sign in _LEXEME.findall(expression.strip()):
            self._lexemes.append(float(digits) if digits else name.lower() or sign)
        self._lexemes.append("")
        self._at = 0
        self._depth = 0

    def result(self) -> float:
        value = self._sum()
        if self._lexemes[self._at] != "":
            raise ArithmeticProblem(f"I do not understand {self._lexemes[self._at]!r} in the calculation")
        return value

    def _take(self, *signs: str) -> str:
        lexeme = self._lexemes[self._at]
        if isinstance(lexeme, str) and lexeme in signs:
            self._at += 1
            return lexeme
        return ""

    def _sum(self) -> float:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise ArithmeticProblem("the calculation has too many brackets")
        value = self._product()
        while sign := self._take("+", "-"):
            other = self._product()
            value = value + other if sign == "+" else value - other
        self._depth -= 1
        return value

    def _product(self) -> float:
        value = self._signed()
        while sign := self._take("*", "/", "%", "mod", "×", "÷"):
            other = self._signed()
            if sign in "*×":
                value *= other
            elif sign in "/÷":
                value /= other
            else:
                value -= other * math.floor(value / other)
        return value

    def _signed(self) -> float:
        negative = False
        while sign := self._take("+", "-"):
            negative ^= sign == "-"
        value = self._power()
        return -value if negative else value

    def _power(self) -> float:
        base = self._factorial()
        exponents = [base]
        while self._take("^"):
            negative = bool(self._take("-"))
            exponent = self._factorial()
            exponents.append(-exponent if negative else exponent)
        value = exponents.pop()
        while exponents:
            value = math.pow(exponents.pop(), value)
        return value

    def _factorial(self) -> float:
        value = self._atom()
        while self._take("!"):
            if value < 0 or value != int(value) or value > 170:
                raise ArithmeticProblem("factorials go from 0 to 170")
            value = float(math.factorial(int(value)))
        return value

    def _atom(self) -> float:
        lexeme = self._lexemes[self._at]
        self._at += 1
        if isinstance(lexeme, float):
            return lexeme
        if lexeme == "(":
            value = self._sum()
            self._close()
            return value
        if lexeme in _FUNCTIONS and self._take("("):
            return self._call(lexeme)
        if lexeme in _CONSTANTS:
            return _CONSTANTS[lexeme]
        raise ArithmeticProblem(
            f"I do not understand {lexeme!r} in the calculation" if lexeme else "the calculation ends early"
        )

    def _call(self, name: str) -> float:
        args = [self._sum()]
        while self._take(","):
            args.append(self._sum())
        self._close()
        least, most, function = _FUNCTIONS[name]
        if not least <= len(args) <= most:
            raise ArithmeticProblem(
                f"{name} takes {least} to {most} numbers" if most > least else f"{name} takes {least}"
            )
        return float(function(*args))

    def _close(self) -> None:
        if not self._take(")"):
            raise ArithmeticProblem("a bracket is not closed")
