"""Registered modules (P11): programs in other languages say by HTTP what they are, and that they live."""

from typing import Any

import msgspec

from waddlebot.libs.contracts.registration import (
    SILENT_S,
    Manifest,
    ManifestError,
    Registration,
    TakenError,
    check_free,
    module_of,
)
from waddlebot.libs.sdk import RouteContext
from waddlebot.libs.sdk.ports import CALL_TOKEN
from waddlebot.libs.web.errors import HttpError
from waddlebot.processing.router.store import RouterStore

type Request = RouteContext[Any, RouterStore]

_REASON = "modules register for all communities"


class Registered(msgspec.Struct):
    """``token`` comes with every call to the module as ``Authorization: Bearer TOKEN``, and nobody else has it.

    Register again, or send a heartbeat, within ``silent_s`` seconds.
    """

    name: str
    token: str
    silent_s: float


class Listed(msgspec.Struct):
    """A registered module. ``state`` is ``alive`` or, where it was not heard of for too long, ``silent``."""

    name: str
    state: str
    summary: str
    http: str
    commands: list[str]
    registered_by: str
    registered_at: float
    heard_at: float


class Registrations(msgspec.Struct):
    """The registered modules, by name."""

    registrations: list[Listed]


async def known(store: RouterStore) -> list[Registration]:
    """The registered modules, as they are now."""
    store.primary = True  # a replica's answer may be older than the last heartbeat
    return await store.registrations()


async def register(ctx: Request, name: str, manifest: Manifest) -> Registered:
    """Take a module's manifest. Raises :class:`HttpError` for one that cannot be taken."""
    store = _store(ctx)
    try:
        check_free(module_of(name, manifest), ctx.services.builtin.values())
        await store.register(name, manifest, _key(ctx))
    except TakenError as taken:
        raise HttpError(
            409, "registered",
            f"{name} is registered by the key {taken} and lives: use that key, or wait until it was silent for "
            f"{SILENT_S:g} s.",
        ) from None  # fmt: skip
    except ManifestError as error:
        raise HttpError(400, "invalid_manifest", str(error)) from None
    return _registered(ctx, name)


async def beat(ctx: Request, name: str) -> Registered:
    """A module lives. Raises :class:`HttpError` 404 for one that this key did not register."""
    if not await _store(ctx).beat(name, _key(ctx)):
        raise _unknown(name)
    return _registered(ctx, name)


async def listed(ctx: Request) -> Registrations:
    """All of them."""
    return Registrations(
        [
            Listed(
                one.name, one.state, one.manifest.summary, one.manifest.http,
                [command.name for command in one.manifest.commands], one.by, one.registered_at, one.heard_at,
            )
            for one in await known(_store(ctx))
        ]
    )  # fmt: skip


async def unregister(ctx: Request, name: str) -> None:
    """Forget a module. Raises :class:`HttpError` 404 for one that is not registered."""
    if not await _store(ctx).unregister(name):
        raise _unknown(name)


def _key(ctx: Request) -> str:
    return ctx.key_name or "operator"


def _store(ctx: Request) -> RouterStore:
    if ctx.community:
        raise HttpError(
            403, "community_key",
            "Modules register for all communities: use a key of `waddlebot key create NAME --role action "
            "--installation`.",
        )  # fmt: skip
    return ctx.store_everywhere(_REASON)


def _registered(ctx: Request, name: str) -> Registered:
    return Registered(name, ctx.services.secret(CALL_TOKEN + name).hex(), SILENT_S)


def _unknown(name: str) -> HttpError:
    return HttpError(404, "not_registered", f"There is no registered module {name}: PUT its manifest first.")
