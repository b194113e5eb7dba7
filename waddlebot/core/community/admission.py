"""Who may put which records of a community back, or bring them in: what the commands for them ask, too."""

from collections.abc import Iterable, Sequence
from typing import Any

from waddlebot.core.community import ranks
from waddlebot.core.community.store import (
    ROLES_MAX,
    RULES_MAX,
    Access,
    CommandOverride,
    CommunityStore,
    CustomRole,
    Entity,
    Member,
    RoleHolder,
    Setting,
    Switch,
)
from waddlebot.libs.access import EVERYWHERE
from waddlebot.libs.access.engine import covers
from waddlebot.libs.dal import ALL_RANKS, Edit
from waddlebot.libs.sdk import Rank, Refusal, admits

_FOR_ADMINS = (Entity, Setting, Switch)
_ADMIN = int(admits(Rank.ADMIN))


def check(store: CommunityStore, edits: Sequence[Edit]) -> None:
    """Raise ``Refusal`` where somebody of the store's ranks may not make these edits, or they leave too much."""
    roles = {role.name: role for role in store.list(CustomRole)}
    rules = store.list(Access)
    for edit in edits:
        record = edit.before if edit.after is None else edit.after
        match record:
            case Member():
                _check_ranks(store.ranks, edit)
            case Access():
                _check_rule(store.ranks, edit)
            case CustomRole() | RoleHolder():
                _check_role(store.ranks, edit, roles, rules)
            case CommandOverride() if _name(edit.before) != _name(edit.after):
                _check_admin(store.ranks, "rename commands")
            case _ if isinstance(record, _FOR_ADMINS):
                _check_admin(store.ranks, "change channels, settings and modules")
    _check_sums(len(rules), RULES_MAX, "access rules")
    _check_sums(len(roles), ROLES_MAX, "roles")
    left = any("owner" in edit.before.ranks for edit in edits if isinstance(edit.before, Member))
    if left and store.ranks != ALL_RANKS and not any("owner" in one.ranks for one in store.list(Member)):
        raise Refusal("Nobody would own the community any more: the last owner stays.")


def _check_ranks(mask: int, edit: Edit) -> None:
    before, after = (set(record.ranks) if record else set() for record in edit)
    for name in before ^ after:
        ranks.check_giver(ranks.rank_of(name), mask)


def _check_rule(mask: int, edit: Edit) -> None:
    for rule in edit:
        if rule is None:
            continue
        if not covers(mask, rule.ranks):
            raise Refusal(f"Who made the rule {rule.id} stands above you.")
        if rule.target == EVERYWHERE or rule.target.startswith("module:"):
            _check_admin(mask, "make rules for modules or for everything")


def _check_role(mask: int, edit: Edit, roles: dict[str, CustomRole], rules: Iterable[Access]) -> None:
    for record in edit:
        if record is None:
            continue
        name = record.role if isinstance(record, RoleHolder) else record.name
        role = roles.get(name) if isinstance(record, RoleHolder) else record
        if isinstance(record, RoleHolder) and role is None and record is edit.after:
            raise Refusal(f"There is no role {name} any more.")
        if role is not None and role.rank:
            if ranks.rank_of(role.rank) is Rank.OWNER:
                raise Refusal("No role counts as owner: a community is claimed.")
            ranks.check_giver(ranks.rank_of(role.rank), mask)
        for rule in rules:
            if name in rule.conditions.roles and not covers(mask, rule.ranks):
                raise Refusal(f"The rule {rule.id} asks for {name}, and who made it stands above you.")


def _check_admin(mask: int, what: str) -> None:
    if not mask & _ADMIN:
        raise Refusal(f"Only admins and the owner {what}.")


def _check_sums(there: int, most: int, what: str) -> None:
    if there > most:
        raise Refusal(f"There are {most} {what} at most. Remove one first.")


def _name(record: Any) -> str | None:
    return record.name if record is not None else None
