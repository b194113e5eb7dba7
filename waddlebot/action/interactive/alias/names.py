"""Names: which words a community's commands go by, and where aliases lead."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from waddlebot.libs.contracts.community import CommunityService, ConfigurationsRequest
from waddlebot.libs.sdk import Command, Contribution, Module, Override, Refusal

DEPTH_MAX = 8
"""Aliases that may lead to one another."""


class BuiltIns:
    """The commands of modules, by the words they go by in one community."""

    def __init__(self, manifests: Mapping[str, Module], overrides: Iterable[Override]) -> None:
        self._overrides = {override.command: override for override in overrides}
        self._tables: dict[bool, dict[str, Command]] = {False: {}, True: {}}
        for module in manifests.values():
            for command in module.commands.values():
                for word in self._words(command):
                    self._tables[command.community].setdefault(word, command)
        self._firsts = {word.partition(" ")[0] for word in self._tables[False]}

    def _words(self, command: Command) -> Iterable[str]:
        changed = self._overrides.get(command.name)
        if changed is None:
            return (command.name, *command.aliases)
        if changed.enabled is False:
            return ()
        return (changed.name or command.name, *command.aliases)

    def has(self, word: str) -> bool:
        """Whether a word, without prefix, is or begins a built-in command."""
        return word in self._firsts

    def find(self, line: str, *, community: bool = False) -> Command | None:
        """The command that a line without prefix calls; of community modules where told so."""
        table = self._tables[community]
        words = line.lower().split(None, 2)
        return table.get(" ".join(words[:2])) or (table.get(words[0]) if words else None)

    def least(self, command: Command) -> int:
        """The mask of ranks that may use a command here."""
        changed = self._overrides.get(command.name)
        return command.least if changed is None or changed.least is None else changed.least


@dataclasses.dataclass(frozen=True, slots=True)
class Here:
    """What commands begin with in a community, and which its modules have there."""

    prefix: str
    community_prefix: str
    built_in: BuiltIns


async def here_of(service: CommunityService, community: str, manifests: Mapping[str, Module]) -> Here:
    """What holds for names in a community."""
    found = (await service.configurations(ConfigurationsRequest((community,)))).items
    given = found[0].contribution if found else Contribution()
    return Here(given.prefix or "!", given.community_prefix or "#", BuiltIns(manifests, given.overrides))


def check_rings(name: str, line: str, lines: Mapping[str, str], is_command: Callable[[str], bool]) -> None:
    """Raise ``Refusal`` unless an alias leads to a command, and all others still do.

    ``lines`` are the other aliases of the community: what each stands for, without prefix.
    """
    whole = {**lines, name: line}
    path = _path(name, whole, is_command)
    if path[-1] in path[:-1]:
        raise Refusal(f"That would go round in a ring: {' → '.join(path)}.")
    if not is_command(path[-1]):
        raise Refusal(f"There is no command {path[-1]} here.")
    if any(len(_path(other, whole, is_command)) - 1 > DEPTH_MAX for other in whole):
        raise Refusal(f"More than {DEPTH_MAX} aliases would lead to one another. Let {name} stand for the last.")


def check_no_rings(lines: Mapping[str, str], is_command: Callable[[str], bool]) -> None:
    """Raise ``Refusal`` where an alias leads back to itself, or by too many others; wherever they end."""
    for name in lines:
        path = _path(name, lines, is_command)
        if path[-1] in path[:-1]:
            raise Refusal(f"That would go round in a ring: {' → '.join(path)}.")
        if len(path) - 1 > DEPTH_MAX:
            raise Refusal(f"More than {DEPTH_MAX} aliases would lead to one another from {name} on.")


def _path(name: str, lines: Mapping[str, str], is_command: Callable[[str], bool]) -> list[str]:
    """The words from an alias to its command, or to the first word that comes again or is nothing."""
    path = [name]
    while path[-1] in lines and (len(path) == 1 or not is_command(path[-1])):
        word = lines[path[-1]].split(None, 1)[0].lower()
        path.append(word)
        if word in path[:-1]:
            break
    return path
