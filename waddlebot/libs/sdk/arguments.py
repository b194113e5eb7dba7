"""Typed command arguments: what follows the command word, parsed as the handler's signature says."""

import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any, NewType, get_type_hints

from waddlebot.libs.sdk.fields import (
    Field,
    FieldError,
    FieldInfo,
    check,
    literal_choices,
    split_annotation,
    unwrap_optional,
)
from waddlebot.libs.sdk.reply import Refusal

Login = NewType("Login", str)
"""A user's login: one word, a leading ``@`` removed, lower case."""

Rest = NewType("Rest", str)
"""All the text that is left, as typed."""

Seconds = NewType("Seconds", float)
"""A duration such as ``90``, ``5m``, ``1h30m`` or ``2d``, in seconds."""

_PLAIN: dict[Any, type] = {Login: str, Rest: str, Seconds: float}
_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", re.ASCII)
_WEIGHTS_S = (604_800, 86_400, 3_600, 60, 1)
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_DURATION_S_MAX = 10 * 365 * 86_400


class UsageError(Refusal):
    """The user typed arguments that the command does not take; the text says how to use it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command: name, type, meaning, and its default when it may be left out.

    ``plain`` is the same with the type of its values: ``str`` for a :data:`Login`.
    """

    info: FieldInfo
    optional: bool
    plain: FieldInfo

    @property
    def usage(self) -> str:
        """How help shows it: ``<streamer>``, ``[count]``, ``on|off``."""
        choices = self.info.field.choices or literal_choices(self.info.type)
        word = "|".join(choices) if choices else self.info.name.replace("_", " ")
        if self.info.type is Rest:
            word += "…"
        if self.optional:
            return f"[{word}]"
        return word if choices else f"<{word}>"


def arguments_of(handler: Callable[..., Any]) -> tuple[Argument, ...]:
    """The arguments that a command handler takes after its context.

    Raises ``TypeError`` at declaration for what no typed line could fill: a parameter without annotation,
    one that cannot be passed by position, one after a ``Rest``, and a required one after an optional one.
    """
    hints = get_type_hints(handler, include_extras=True)
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    found: list[Argument] = []
    for parameter in parameters:
        named = f"{handler.__qualname__}: argument {parameter.name}"
        if parameter.name not in hints:
            raise TypeError(f"{named} has no type")
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            raise TypeError(f"{named} cannot be passed by position; take the text that is left as Rest")
        if found and found[-1].info.type is Rest:
            raise TypeError(f"{handler.__qualname__}: nothing can follow the Rest argument {found[-1].info.name}")
        plain, field = split_annotation(hints[parameter.name])
        plain, nullable = unwrap_optional(plain)
        default = parameter.default
        has_default = default is not inspect.Parameter.empty
        info = FieldInfo(
            parameter.name, plain, field or Field(""), default if has_default else dataclasses.MISSING
        )
        optional = has_default or nullable
        if found and found[-1].optional and not optional:
            raise TypeError(f"{named} is required, so it cannot follow the optional {found[-1].info.name}")
        found.append(Argument(info, optional, dataclasses.replace(info, type=_PLAIN.get(plain, plain))))
    return tuple(found)


def parse(arguments: tuple[Argument, ...], raw: str, usage: str) -> list[Any]:
    """The values of ``arguments`` from the text after the command word.

    Raises :class:`UsageError` with the usage when something is missing, left over or of the wrong type.
    """
    values: list[Any] = []
    position = 0
    for argument in arguments:
        if argument.info.type is Rest:
            rest = raw[position:].strip()
            if not rest and not argument.optional:
                raise UsageError(f"Usage: {usage}")
            values.append(_convert(argument, rest, usage) if rest else _default(argument))
            return values  # nothing can follow it
        found = _WORD.search(raw, position)
        if found is None:
            if not argument.optional:
                raise UsageError(f"Usage: {usage}")
            values.append(_default(argument))
            continue
        position = found.end()
        word = found[2] if found[1] is None else re.sub(r"\\(.)", r"\1", found[1])
        values.append(_convert(argument, word, usage))
    if raw[position:].strip():
        raise UsageError(f"Usage: {usage}")
    return values


def parse_duration(word: str) -> float:
    """Seconds of ``90``, ``5m``, ``1h30m``, ``2d``, ``1w``.

    Raises ``ValueError`` for anything else and for more than ten years.
    """
    found = _DURATION.fullmatch(word.lower())
    if found is None or not word or len(word) > 30:
        raise ValueError(word)
    seconds = float(sum(int(n) * weight for n, weight in zip(found.groups(), _WEIGHTS_S, strict=True) if n))
    if seconds > _DURATION_S_MAX:
        raise ValueError(word)
    return seconds


def _default(argument: Argument) -> Any:
    return None if argument.info.required else argument.info.default


def _convert(argument: Argument, word: str, usage: str) -> Any:
    value: Any = word
    kind = argument.info.type
    if kind is Login:
        value = word.removeprefix("@").lower()
        if not value:
            raise UsageError(f"Usage: {usage}")
    elif kind is Seconds:
        try:
            value = parse_duration(word)
        except ValueError:
            name = argument.info.name
            raise UsageError(f"{name} is a time such as 90, 5m or 1h30m. Usage: {usage}") from None
    try:
        return check(argument.plain, value)
    except FieldError as error:
        raise UsageError(f"{error} Usage: {usage}") from None
