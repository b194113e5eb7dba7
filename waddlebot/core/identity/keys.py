"""API keys on the bot's pages: owners of a community make, list, rotate and revoke those of their community.

A key makes no key: who got hold of one for an hour must not have one for ever. So these are for people, who prove
anew who they are before they make or rotate one.
"""

from typing import Annotated

import msgspec

from waddlebot.core.identity.login.desk import Desk, Request, fresh, visitor_of
from waddlebot.libs import audit
from waddlebot.libs.dal import Conflict
from waddlebot.libs.sdk import Role
from waddlebot.libs.web import HttpError, KeyInfo, KeyRing
from waddlebot.libs.web.keys import EVERY

DAYS_MAX = 3_650
GRACE_S_MAX = 7 * 24 * 3_600.0
_DAY_S = 24 * 3_600.0


class KeyItem(msgspec.Struct):
    """A key, all but itself. ``entity`` is set where it is bound to one channel. Times: seconds since 1970."""

    id: str
    name: str
    role: str
    scopes: tuple[str, ...]
    entity: str
    created_at: float
    created_by: str
    expires_at: float | None
    last_used_at: float | None
    state: str


class KeyItems(msgspec.Struct):
    """The keys of a community, the newest first."""

    keys: list[KeyItem]


class NewKeyOrder(msgspec.Struct):
    """What a new key is to be: ``scopes`` as ``module``, ``module:read`` or ``module:write``; none for all."""

    name: str
    role: Role
    scopes: tuple[str, ...] = ()
    entity: str = ""
    expires_days: Annotated[int, msgspec.Meta(ge=1, le=DAYS_MAX)] | None = None


class Rotation(msgspec.Struct):
    """How many seconds the old key still opens."""

    grace_s: Annotated[float, msgspec.Meta(ge=0, le=GRACE_S_MAX)] = _DAY_S


class MadeKey(msgspec.Struct):
    """A new key, shown this once."""

    key: str
    made: KeyItem


async def listed(ctx: Request) -> KeyItems:
    """The keys of the community and of its channels."""
    return KeyItems([_item(ctx, key) for key in await _keys(ctx)])


async def create(ctx: Request, desk: Desk, order: NewKeyOrder) -> MadeKey:
    """Make a key of the community, or of a channel of it."""
    _person(ctx)
    desk.begin(ctx.address)
    if order.entity and ctx.entities.get(order.entity) != ctx.community:
        raise HttpError(404, "no_entity", f"{order.entity} is no channel of {ctx.community}.")
    for scope in order.scopes:
        module = scope.partition(":")[0]
        if module not in (EVERY, *ctx.manifests):
            raise HttpError(
                400, "no_module", f"There is no module {module!r}; there are: {', '.join(ctx.manifests)}."
            )
    until = ctx.now() + order.expires_days * _DAY_S if order.expires_days else None
    try:
        raw, info = await _ring(ctx).create(
            order.name,
            order.role,
            community="" if order.entity else ctx.community,
            entity=order.entity,
            expires_at=until,
            created_by=visitor_of(ctx).actor,
            scopes=order.scopes,
        )
    except ValueError as error:
        raise HttpError(400, "bad_key_order", str(error)) from None
    except Conflict:
        raise HttpError(409, "name_taken", f"There is a key {order.name!r} here already.") from None
    _note(ctx, "key_create", info)
    return MadeKey(raw, _item(ctx, info))


async def rotate(ctx: Request, desk: Desk, order: Rotation) -> MadeKey:
    """Make a key in the place of one, with its name, role, binding and scopes."""
    _person(ctx)
    desk.begin(ctx.address)
    old = await _living(ctx)
    try:
        raw, info = await _ring(ctx).rotate(old, grace_s=order.grace_s, actor=visitor_of(ctx).actor)
    except Conflict as error:
        raise HttpError(409, "key_ended", f"Nothing was done: {error}.") from None
    _note(ctx, "key_rotate", info)
    return MadeKey(raw, _item(ctx, info))


async def revoke(ctx: Request) -> None:
    """End a key."""
    _person(ctx)
    old = await _living(ctx)
    await _ring(ctx).revoke(old.id)
    _note(ctx, "key_revoke", old)


def _person(ctx: Request) -> None:
    if ctx.visitor is None:
        raise HttpError(403, "people_only", "A key makes and ends no key: sign in, or ask the operator for one.")
    fresh(ctx)


async def _keys(ctx: Request) -> list[KeyInfo]:
    known = await _ring(ctx).list_keys()
    return [key for key in known if ctx.community in (key.community, ctx.entities.get(key.entity))]


async def _living(ctx: Request) -> KeyInfo:
    for key in await _keys(ctx):
        if key.id == ctx.path["id"] and _state(ctx, key) in ("living", "replaced"):
            return key
    raise HttpError(404, "no_key", f"{ctx.community} has no living key of that id.")


def _state(ctx: Request, key: KeyInfo) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= ctx.now():
        return "expired"
    return "living" if key.replaced_at is None else "replaced"


def _item(ctx: Request, key: KeyInfo) -> KeyItem:
    return KeyItem(
        key.id, key.name, key.role.value, key.scopes, key.entity, key.created_at, key.created_by, key.expires_at,
        key.last_used_at, _state(ctx, key),
    )  # fmt: skip


def _ring(ctx: Request) -> KeyRing:
    keys = ctx.services.keys()
    if not isinstance(keys, KeyRing):
        raise HttpError(503, "no_keys", "This host has no API keys.")
    return keys


def _note(ctx: Request, action: str, key: KeyInfo) -> None:
    actor = visitor_of(ctx).actor
    audit.event(
        audit.Category.AUTHZ, "core.identity", ctx.community, actor, action, "OK",
        key=key.name, role=key.role, scopes=" ".join(key.scopes), address=ctx.address,
    )  # fmt: skip
