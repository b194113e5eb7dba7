"""Modules that are no Python package: what a program in another language says of itself."""

import inspect
import operator
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from waddlebot.libs.sdk.arguments import Login, Rest, Seconds
from waddlebot.libs.sdk.fields import Field
from waddlebot.libs.sdk.module import KINDS, Module
from waddlebot.libs.sdk.rank import Rank

SILENT_S = 30.0
"""A module that has not registered again for so long is not asked any more."""
COMMANDS_MAX = 100
ARGUMENTS_MAX = 20
ALIASES_MAX = 20
CHOICES_MAX = 100
REGISTRATIONS_MAX = 200
TIMEOUT_S_MAX = 30.0
COOLDOWN_S_MAX = 86_400.0
_TEXT_MAX = 300
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}\.[a-z][a-z0-9_]{0,30}")
_ARGUMENT = re.compile(r"[a-z][a-z0-9_]{0,30}")


class ManifestError(ValueError):
    """A manifest that cannot be taken; the text says what is wrong and what to do."""


class TakenError(Exception):
    """A living module has the name already, by another key: its token must not become known to whoever asks."""


class ArgumentManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An argument of a command; ``choices`` are the words it may be.

    ``type``: a ``word``, the ``text`` that is left, a whole ``integer``, a ``number``, somebody's ``login``, or a
    ``duration`` such as 5m, in seconds.
    """

    name: str
    type: Literal["word", "text", "integer", "number", "login", "duration"] = "word"
    help: str = ""
    optional: bool = False
    choices: tuple[str, ...] = ()


class CommandManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command: what users type, and the sentence by which help explains it. Times are in seconds."""

    name: str
    help: str
    arguments: tuple[ArgumentManifest, ...] = ()
    aliases: tuple[str, ...] = ()
    rank: Literal["viewer", "regular", "subscriber", "vip", "moderator", "admin", "owner"] = "viewer"
    cooldown_s: float = 0.0
    user_cooldown_s: float = 0.0
    limited: Literal["silent", "once", "say"] = "once"
    community: bool = False
    hidden: bool = False
    timeout_s: float = 10.0


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a module says of itself. ``http`` is where it is asked: ``http://HOST:PORT``, or https."""

    summary: str
    commands: tuple[CommandManifest, ...]
    http: str


class Registration(msgspec.Struct, frozen=True):
    """A registered module. ``by`` is the API key that did it; times are in seconds since 1970 by the database's
    clock. ``state`` is ``alive``, or ``silent`` where it was not heard of for too long: then nobody asks it.
    """

    name: str
    manifest: Manifest
    by: str
    registered_at: float
    heard_at: float
    state: Literal["alive", "silent"]


_TYPES: Mapping[str, Any] = {
    "word": str, "text": Rest, "integer": int, "number": float, "login": Login, "duration": Seconds,
}  # fmt: skip


def module_of(name: str, manifest: Manifest) -> Module:
    """The module that a manifest declares, as the router and help know modules. Its handlers are never called.

    Raises :class:`ManifestError`.
    """
    if not _NAME.fullmatch(name) or name.partition(".")[0] in ("waddlebot", *KINDS):
        raise ManifestError(
            f"{name!r} is no name for a registered module: write VENDOR.MODULE in a-z, 0-9 and _, with a vendor "
            f"that is none of {', '.join(KINDS)}."
        )
    _check(manifest)
    module = Module(f"{name}.module", manifest.summary, http_port=0, grpc_port=0)
    for command in manifest.commands:
        try:
            module.command(
                command.name, aliases=command.aliases, rank=Rank[command.rank.upper()],
                cooldown_s=command.cooldown_s, user_cooldown_s=command.user_cooldown_s, limited=command.limited,
                community=command.community, hidden=command.hidden, timeout_s=command.timeout_s,
            )(_handler(command))  # fmt: skip
        except (TypeError, ValueError) as error:
            raise ManifestError(f"The command {command.name!r} cannot be taken: {error}.") from None
    return module


def check_free(module: Module, others: Iterable[Module]) -> None:
    """Raise :class:`ManifestError` where another module has the same name, or one of the same words."""
    taken = {}
    for other in others:
        if other.name == module.name:
            raise ManifestError(f"There is a module {module.name} already: choose another name.")
        taken.update(dict.fromkeys(_words(other), other.name))
    for table, word in _words(module):
        if (table, word) in taken:
            raise ManifestError(
                f"The word {word!r} belongs to the module {taken[table, word]} already: choose another one."
            )


def _words(module: Module) -> set[tuple[bool, str]]:
    return {(c.community, word) for c in module.commands.values() for word in (c.name, *c.aliases)}


def _check(manifest: Manifest) -> None:
    texts = [manifest.summary, *(c.help for c in manifest.commands)]
    texts += [a.help for c in manifest.commands for a in c.arguments]
    if any(len(text) > _TEXT_MAX or not (text.isprintable() or not text) for text in texts):
        raise ManifestError(f"Summaries and helps are one line of at most {_TEXT_MAX} characters.")
    if not manifest.summary or not all(command.help for command in manifest.commands):
        raise ManifestError("A module has a summary, and each of its commands a help: users read them.")
    if not 1 <= len(manifest.commands) <= COMMANDS_MAX:
        raise ManifestError(f"A module has 1 to {COMMANDS_MAX} commands.")
    for command in manifest.commands:
        many = len(command.arguments) > ARGUMENTS_MAX or len(command.aliases) > ALIASES_MAX
        if many or any(len(argument.choices) > CHOICES_MAX for argument in command.arguments):
            raise ManifestError(
                f"A command has at most {ARGUMENTS_MAX} arguments of {CHOICES_MAX} choices, {ALIASES_MAX} aliases,"
                f" and {command.name!r} has more."
            )
        if any(len(choice) > _TEXT_MAX for argument in command.arguments for choice in argument.choices):
            raise ManifestError(f"The choices of {command.name!r} have at most {_TEXT_MAX} characters.")
        if not 0.1 <= command.timeout_s <= TIMEOUT_S_MAX:
            raise ManifestError(f"The timeout_s of {command.name!r} is 0.1 to {TIMEOUT_S_MAX:g}.")
        if not all(0 <= s <= COOLDOWN_S_MAX for s in (command.cooldown_s, command.user_cooldown_s)):
            raise ManifestError(f"The cooldowns of {command.name!r} are 0 to {COOLDOWN_S_MAX:g} seconds.")
    _check_address(manifest.http)


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fine = False
    if not fine or parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise ManifestError(f"http is where the module is asked: http://HOST:PORT or https://HOST, not {url!r}.")


def _handler(command: CommandManifest) -> Any:
    """A function with the signature of the command; only its declaration is used."""

    async def elsewhere(*values: Any) -> None:
        raise NotImplementedError(f"{command.name} runs in another program")

    hints = {argument.name: _hint(argument) for argument in command.arguments}
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter("ctx", kind)]
    for argument in command.arguments:
        if not _ARGUMENT.fullmatch(argument.name) or argument.name == "ctx":
            raise ManifestError(f"The argument {argument.name!r} has no name in a-z, 0-9 and _.")
        default = None if argument.optional else inspect.Parameter.empty
        parameters.append(inspect.Parameter(argument.name, kind, default=default, annotation=hints[argument.name]))
    elsewhere.__doc__ = command.help
    elsewhere.__qualname__ = command.name
    elsewhere.__annotations__ = hints
    vars(elsewhere)["__signature__"] = inspect.Signature(parameters)
    return elsewhere


def _hint(argument: ArgumentManifest) -> Any:
    if argument.choices and argument.type != "word":
        raise ManifestError(f"The argument {argument.name!r} has choices, so its type is word.")
    hint = _TYPES[argument.type] | None if argument.optional else _TYPES[argument.type]
    return operator.getitem(Annotated, (hint, Field(argument.help, choices=argument.choices)))
