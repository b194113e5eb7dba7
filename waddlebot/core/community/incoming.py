"""What a document may say of a community itself: what needs to know all modules, as commands do."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from waddlebot.core.community import catalogue, ranks
from waddlebot.core.community.catalogue import Catalogue
from waddlebot.core.community.roles import EARNED, MIN_MAX, name_of
from waddlebot.core.community.ruling import ID, TARGET, check_kind, check_own
from waddlebot.core.community.store import (
    Access,
    CommandOverride,
    CustomRole,
    Member,
    RoleHolder,
    Setting,
    Switch,
)
from waddlebot.libs.access import EVERYWHERE, grammar
from waddlebot.libs.sdk import FieldError, Module, Rank, Refusal
from waddlebot.libs.sdk.fields import build

_ME = "core.community"
_ACCOUNT = re.compile(r"[a-z0-9_]+:\S{1,200}")


def check(records: Mapping[str, Mapping[str, Sequence[Any]]], manifests: Mapping[str, Module]) -> None:
    """Raise ``Refusal`` for records of ours that no command would make, or that name what is not there."""
    known = Catalogue(manifests)
    own = records.get(_ME, {})
    roles = {role.name for role in own.get("role", ())}
    for resource, found in own.items():
        for record in found:
            try:
                _check(record, known, roles)
            except (Refusal, FieldError, msgspec.ValidationError) as error:
                raise Refusal(f"{_ME} {resource}: {error}") from None
    _check_settings([record for record in own.get("setting", ()) if isinstance(record, Setting)], known)


def _check(record: Any, known: Catalogue, roles: set[str]) -> None:
    match record:
        case Member():
            _check_member(record)
        case Switch():
            _check_switch(record, known)
        case CommandOverride():
            _check_override(record, known)
        case CustomRole():
            _check_role(record)
        case RoleHolder():
            _check_account(record.account)
            if record.role not in roles:
                raise Refusal(f"There is no role {record.role}, which {record.account} would have.")
        case Access():
            _check_access(record, known, roles)


def _check_member(record: Member) -> None:
    _check_account(record.account)
    if not record.ranks or any(ranks.rank_of(name) is Rank.VIEWER for name in record.ranks):
        raise Refusal(f"{record.account} needs ranks above viewer.")
    if tuple(sorted({ranks.name(ranks.rank_of(name)) for name in record.ranks})) != record.ranks:
        raise Refusal(f"The ranks of {record.account} stand once each, sorted.")


def _check_switch(record: Switch, known: Catalogue) -> None:
    found = known.module(record.module)
    if found.name != record.module:
        raise Refusal(f"Write the whole name of the module {record.module}.")
    if not record.enabled and found.always_on:
        raise Refusal(f"{found.name} cannot be switched off: without it the bot could not answer at all.")


def _check_settings(settings: Sequence[Setting], known: Catalogue) -> None:
    """All settings of a module are built at once, so that rules that join several hold, too."""
    by_module: dict[str, dict[str, Any]] = {}
    for record in settings:
        if record.module not in known.modules:
            raise Refusal(f"{_ME} setting: there is no module {record.module}.")
        info = catalogue.info_of(known.modules[record.module], record.name)
        if info.field.secret:
            raise Refusal(f"{_ME} setting: {record.module} {record.name} is a secret, which no document holds.")
        by_module.setdefault(record.module, {})[record.name] = record.value
    for module, values in by_module.items():
        shape = known.modules[module].settings
        assert shape is not None  # noqa: S101  for the type checker: settings were found in it
        try:
            build(shape, values)
        except (FieldError, msgspec.ValidationError) as error:
            raise Refusal(f"{_ME} setting: {module}: {error}") from None


def _check_override(record: CommandOverride, known: Catalogue) -> None:
    found = known.command(record.command, ())
    if found.name != record.command:
        raise Refusal(f"Write {found.name} for {record.command}.")
    own = known.modules[_ME].commands
    if record.enabled is False and record.command in own:
        raise Refusal(f"{record.command} cannot be disabled: it may be what brings the others back.")
    if record.name is not None and (not re.fullmatch(r"[^\s!#]{1,50}", record.name) or known.taken(record.name)):
        raise Refusal(f"{record.command} cannot be called {record.name[:60]}: a name is one free word.")
    if record.least is not None and not 0 < record.least <= 127:
        raise Refusal(f"least of {record.command} is a mask of ranks from 1 to 127.")
    for seconds in (record.cooldown_s, record.user_cooldown_s):
        if seconds is not None and not 0 <= seconds <= 86_400:
            raise Refusal(f"A cooldown of {record.command} is at most a day.")


def _check_role(record: CustomRole) -> None:
    if name_of(record.name) != record.name or any(record.name == ranks.name(rank) for rank in Rank):
        raise Refusal(f"{record.name} is no name for a role.")
    if record.rank and ranks.rank_of(record.rank) in (Rank.OWNER, Rank.VIEWER):
        raise Refusal(f"The role {record.name} cannot count as {record.rank}.")
    if record.earn and (record.earn not in EARNED or not 0 < record.earn_min <= MIN_MAX):
        raise Refusal(f"The role {record.name} is earned by points, score or days, and a number.")


def _check_access(record: Access, known: Catalogue, roles: set[str]) -> None:
    if not ID.fullmatch(record.id):
        raise Refusal("A rule is called by letters, digits, _, ., * and -, at most 80 of them.")
    if record.target != EVERYWHERE and not TARGET.fullmatch(record.target):
        raise Refusal(f"The rule {record.id} is for command:NAME, timer:NAME, module:NAME or *.")
    check_own(record.target, known.modules[_ME].commands)
    grammar.check(record.effect, record.conditions, person=bool(record.conditions.account))
    check_kind(known, record.target, record.conditions)
    if missing := [name for name in record.conditions.roles if name not in roles]:
        raise Refusal(f"The rule {record.id} asks for the role {missing[0]}, which is not there.")


def _check_account(account: str) -> None:
    if not _ACCOUNT.fullmatch(account):
        raise Refusal(f"{account[:60]!r} is no account: write platform:user_id.")
