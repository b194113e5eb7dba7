"""What there is to configure: modules, their settings and their commands, found by what people call them."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin

import msgspec

from waddlebot.core.community.earning import Watch
from waddlebot.core.community.store import CommandOverride
from waddlebot.libs.sdk import Command, FieldError, Module, Refusal
from waddlebot.libs.sdk.fields import FieldInfo, build, fields_of, type_words

_BOOLEANS = {"on": "true", "yes": "true", "off": "false", "no": "false"}


class Catalogue:
    """The manifests of all modules, for look-ups by users' words; ``watch`` is what is noticed of chat."""

    def __init__(self, manifests: Mapping[str, Module]) -> None:
        self.modules = manifests
        self.watch = Watch()

    @property
    def _commands(self) -> Mapping[str, Command]:
        """By every word; made when somebody asks, since modules register and leave."""
        found: dict[str, Command] = {}
        for module in self.modules.values():
            for command in module.commands.values():
                for word in (command.name, *command.aliases):
                    found.setdefault(word, command)
        return found

    def module(self, word: str) -> Module:
        """The module of a name such as ``core.reputation``, or ``reputation`` where that is enough.

        Raises ``Refusal``.
        """
        word = word.lower()
        if word in self.modules:
            return self.modules[word]
        found = [module for name, module in self.modules.items() if name.rpartition(".")[2] == word]
        if len(found) == 1:
            return found[0]
        if found:
            raise Refusal(f"{word} may be {' or '.join(module.name for module in found)}: which one?")
        raise Refusal(f"There is no module {word}. Modules are: {', '.join(self.modules)}.")

    def needing(self, module: Module) -> list[str]:
        """The modules that ask this one something."""
        kept = {contract for contract, _ in module.promises}
        return [
            name
            for name, other in self.modules.items()
            if other is not module and any(contract.__name__ in kept for contract in other.uses)
        ]

    def command(self, words: str, overrides: Iterable[CommandOverride]) -> Command:
        """A built-in command by its name, an alias, or the name it was given here. Raises ``Refusal``."""
        word = " ".join(words.lower().split())
        if word[:1] and not word[0].isalnum():
            word = word[1:]  # people type the prefix too
        renamed = {override.name: override.command for override in overrides if override.name}
        found = self._commands.get(renamed.get(word, word))
        if found is None:
            raise Refusal(
                f"There is no built-in command {word}. A command that was made in chat is changed by: "
                f"command options {word} …"
            )
        return found

    def taken(self, word: str) -> bool:
        """Whether a built-in command goes by this word."""
        return word in self._commands


def info_of(module: Module, name: str) -> FieldInfo:
    """A module's setting by name. Raises ``Refusal`` with the names there are."""
    infos = {info.name: info for info in settings_of(module)}
    name = name.lower()
    if name not in infos:
        known = f"Its settings are: {', '.join(infos)}." if infos else "It has none."
        raise Refusal(f"{module.name} has no setting {name}. {known}")
    return infos[name]


def settings_of(module: Module) -> tuple[FieldInfo, ...]:
    """A module's settings in the order they are declared."""
    return fields_of(module.settings) if module.settings else ()


def value_of(module: Module, info: FieldInfo, text: str, stored: Mapping[str, Any]) -> Any:
    """What a user typed as the setting's value, in plain types.

    All settings of the module are built with it, so that rules that join several settings hold too.
    Raises ``Refusal`` that says what the setting takes.
    """
    if info.field.secret:
        raise Refusal(f"{info.name} is a secret: it is not for chat, where everybody can read it.")
    assert module.settings is not None  # noqa: S101  for the type checker: the setting was found in them
    try:
        built: Any = build(module.settings, {**known(module, stored), info.name: _typed(info, text)})
    except (FieldError, msgspec.ValidationError) as error:
        raise Refusal(f"{error} ({info.field.help})") from None
    return msgspec.to_builtins(getattr(built, info.name))


def _typed(info: FieldInfo, text: str) -> Any:
    """The text as far as chat has its own ways to write it: on and off, lists with commas."""
    if info.type is bool:
        return _BOOLEANS.get(text.lower(), text)
    if get_origin(info.type) in (tuple, list, frozenset, set):
        inner = get_args(info.type)[0]
        return [msgspec.convert(part.strip(), inner, strict=False) for part in text.split(",") if part.strip()]
    return text


def known(module: Module, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The stored settings that the module still declares."""
    names = {info.name for info in settings_of(module)}
    return {name: value for name, value in stored.items() if name in names}


def shown(info: FieldInfo, stored: Mapping[str, Any]) -> str:
    """``name = value`` as chat shows it; a secret only whether it is set."""
    value = stored.get(info.name, info.default)
    if info.field.secret:
        return f"{info.name} is {'set' if value else 'not set'}"
    if isinstance(value, bool):
        value = "on" if value else "off"
    elif isinstance(value, (tuple, list)):
        value = ", ".join(map(str, value))
    return f"{info.name} = {value}"


def meaning(info: FieldInfo) -> str:
    """What a setting means and takes, in one line."""
    takes = " or ".join(info.field.choices) if info.field.choices else type_words(info)
    return f"{info.field.help} It takes {takes}."
