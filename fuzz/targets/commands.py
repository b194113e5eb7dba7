"""The command parser: which command a line calls, and its typed arguments."""

from functools import cache

from waddlebot.libs.matching import Matchers
from waddlebot.libs.sdk import Contribution, DynamicCommand
from waddlebot.libs.sdk.arguments import UsageError, parse
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.sdk.module import Command
from waddlebot.processing.router.view import Catalogue, View, build

from fuzz.inputs import Input

DOOR = (
    "waddlebot.libs.sdk.arguments", "waddlebot.libs.sdk.fields", "waddlebot.processing.router.view",
)  # fmt: skip
SIZE_MAX = 600
TEXT_MAX = 5_000
SEEDS = (
    b"\0\0!help rank", b"\1\0?rank give @Ann moderator", b"\0\3!timer add spam 15m \"a b\" c", b"\0\0hello",
    b"\2\0bot, stats", b"\0\0!rule add x regex warn \"a \\\" b\" no", b"\0\5#label x", b"\0\0\xef\xbc\x81help",
    b"\x15\0 1h30m 9999999999999999999 -5 1e309 true", b"\x20\7\"", b"\0\0good morning everyone",
)  # fmt: skip
WORDS = (
    "!", "#", "?", "bot, ", "@", "\"", "\\\"", "\\\\", "1h30m", "5m", "-1", "1e309", "nan",
    "99999999999999999999999", "true", "off", "regex", "warn", "moderator", "\u3000", "\u00a0", "\u0130", "ß",
    "！", "²", "٣",
)  # fmt: skip

_PREFIXES = (("!", "#"), ("?", "!"), ("bot, ", "§"), ("!!", "!"))


@cache
def _catalogue() -> Catalogue:
    return Catalogue(discover())


@cache
def _commands() -> list[tuple[str, Command]]:
    return [
        (name, command) for name, module in _catalogue().modules.items() for command in module.commands.values()
    ]


@cache
def _view(prefixes: tuple[str, str]) -> View:
    own = (
        DynamicCommand("hi", "custom"), DynamicCommand("good morning", "custom", bare=True),
        DynamicCommand("rank", "custom"), DynamicCommand("ß", "custom"),
    )  # fmt: skip
    given = Contribution(prefix=prefixes[0], community_prefix=prefixes[1], commands=own)
    return build("home", 1, _catalogue(), {"interactive.alias": given}, Matchers())


def check(data: bytes) -> None:
    """A line calls a command or none, and arguments are values of their types or refused with the usage."""
    given = Input(data)
    module, command = given.choice(_commands())
    view = _view(given.choice(_PREFIXES))
    text = given.texts(1)[0]
    raw = given.long(text, TEXT_MAX)
    _check_found(view, text)
    _check_found(view, raw)
    _check_arguments(command, raw)
    found = view.find(f"{view.prefix}{command.name} {raw}")
    assert command.community or (found is not None and found[0].module in (module, "interactive.alias"))


def _check_found(view: View, text: str) -> None:
    found = view.find(text)
    if found is None:
        return
    entry, word, rest = found
    assert text.startswith((view.prefix, view.community_prefix)) or text.lower().startswith(word), text
    assert text.endswith(rest), text
    assert entry.verbs or entry.handler, text


def _check_arguments(command: Command, raw: str) -> None:
    try:
        values = parse(command.arguments, raw, command.usage)
    except UsageError as error:
        assert command.usage in str(error), error
        return
    assert len(values) == len(command.arguments)
    for argument, value in zip(command.arguments, values, strict=True):
        kind = getattr(argument.info.type, "__supertype__", argument.info.type)
        expected = (kind,) if isinstance(kind, type) else (str,)
        assert (
            (argument.optional and value == argument.info.default) or value is None or isinstance(value, expected)
        )
