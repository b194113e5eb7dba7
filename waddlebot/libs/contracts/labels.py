"""What core.labels promises: short words (slugs) on communities, modules, people and what modules keep."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from waddlebot.libs.sdk.context import Context
from waddlebot.libs.sdk.contract import Contract
from waddlebot.libs.sdk.event import by_key

LIMITS: Mapping[str, int] = {
    "community": 5, "module": 5, "user": 5, "group": 5, "item": 10, "event": 5, "memory": 10, "playlist": 5,
    "browser_source": 5, "command": 5, "alias": 5,
}  # fmt: skip
"""How many labels one thing of each kind may have in a community. A ``user`` is a person: all their accounts."""

OWN_KINDS = ("community", "module", "user", "group")
"""The kinds that core.labels itself can tell apart; things of the others are kept by other modules."""

CHANGES_MAX = 1_000
"""Changes in one call of ``set``, and things in one of ``of``."""

PAGE_MAX = 100
"""Things on one page of ``having``."""

LABEL_ADDED = "label.added"
"""A platform role is to be given, because of a label: ``data`` has the ``target_id`` and ``target_login``, the
``label``, and the ``role`` as the platform calls it. Whoever brings replies to that platform answers it."""

LABEL_REMOVED = "label.removed"
"""The role is to be taken back: ``data`` as of ``label.added``."""


class LabelsOfRequest(msgspec.Struct, frozen=True):
    """Things of one kind; at most 1,000. A user is named by an account, ``platform:user_id``.

    ``roles`` are what the platform says of one account now (``Event.roles``): labels that come with a role are
    among the answer then. They may be given where one user alone is asked for. ``unlinked``: as if no account were
    linked with any other.
    """

    kind: str
    things: tuple[str, ...]
    roles: tuple[str, ...] = ()
    unlinked: bool = False


class Labelled(msgspec.Struct, frozen=True):
    """A thing and its labels, sorted. ``name`` is what it was called when it was labelled, where that is known."""

    kind: str
    thing: str
    labels: tuple[str, ...]
    name: str = ""


class LabelsOf(msgspec.Struct, frozen=True):
    """One for each thing asked for, in that order; of a user all that the person has, by any account."""

    items: tuple[Labelled, ...]


class HavingRequest(msgspec.Struct, frozen=True):
    """What has a label: of one kind, or of any where none is named; ``most`` of them (1 to 100), after a place."""

    label: str
    kind: str = ""
    after: str = ""
    most: int = PAGE_MAX


class Having(msgspec.Struct, frozen=True):
    """Things, sorted by kind and name; users by the account that was labelled. ``after`` is where the next page
    begins; empty where this is the last."""

    items: tuple[Labelled, ...]
    after: str = ""


class LabelChange(msgspec.Struct, frozen=True):
    """A label to put on a thing, or to take off. ``name`` is what people call the thing, for lists."""

    kind: str
    thing: str
    label: str
    remove: bool = False
    name: str = ""


class SetRequest(msgspec.Struct, frozen=True):
    """Changes that are made together or not at all, one after the other; at most 1,000."""

    changes: tuple[LabelChange, ...]


class RowError(msgspec.Struct, frozen=True):
    """Why a change (its place among those asked for, from 0) cannot be made."""

    row: int
    error: str


class LabelsSet(msgspec.Struct, frozen=True):
    """How many records changed; none where there are ``errors``. What is so already is no error and no change."""

    changed: int
    errors: tuple[RowError, ...] = ()


class GroupsRequest(msgspec.Struct, frozen=True):
    """Names of entity groups; none named means all of the community."""

    names: tuple[str, ...] = ()


class EntityGroup(msgspec.Struct, frozen=True):
    """Channels of a community (``platform:server:channel``) under one name."""

    name: str
    entities: tuple[str, ...]


class Groups(msgspec.Struct, frozen=True):
    """The entity groups that exist, sorted by name."""

    items: tuple[EntityGroup, ...]


class Labels(Contract):
    """Labels in the asking community. Nothing here gives anybody a rank."""

    async def of(self, request: LabelsOfRequest) -> LabelsOf:
        """The labels of things."""
        raise NotImplementedError

    async def having(self, request: HavingRequest) -> Having:
        """The things that have a label."""
        raise NotImplementedError

    async def set(self, request: SetRequest) -> LabelsSet:
        """Put labels on things and take them off: all of it, or none where a row is wrong."""
        raise NotImplementedError

    async def groups(self, request: GroupsRequest) -> Groups:
        """Entity groups."""
        raise NotImplementedError


async def labels_of_asker(ctx: Context[Any, Any]) -> tuple[str, ...]:
    """The labels of whoever typed a command, with those of their roles on the platform.

    An API key may say of anybody what it likes: by it the account's own labels count, not those of a linked one's
    nor of roles.
    """
    event = ctx.event
    said = by_key(event)
    request = LabelsOfRequest("user", (event.account,), () if said else event.roles, unlinked=said)
    found = await ctx.use(Labels).of(request)
    return found.items[0].labels


def labels_here(
    account: str,
    roles: Iterable[str],
    fellows: Iterable[str],
    labels: Mapping[str, tuple[str, ...]],
    role_labels: Mapping[str, tuple[str, ...]],
) -> frozenset[str]:
    """What a router asks of ``Contribution.labels`` and ``role_labels``: all labels that hold for one event.

    ``fellows`` are the other accounts of the same person; none of them where an API key says whose event it is.
    """
    found = set(labels.get(account, ()))
    if labels:
        for fellow in fellows:
            found.update(labels.get(fellow, ()))
    if role_labels:
        platform = account.partition(":")[0]
        for role in roles:
            found.update(role_labels.get(f"{platform}:{role}", ()))
    return frozenset(found)
