"""The module's HTTP: what has which labels, and many changes at once. A key sees its own community alone."""

from typing import Any

import msgspec

from waddlebot.core.labels.store import LabelStore
from waddlebot.libs.contracts.labels import (
    CHANGES_MAX,
    LIMITS,
    PAGE_MAX,
    HavingRequest,
    LabelChange,
    Labelled,
    Labels,
    LabelsOfRequest,
    RowError,
    SetRequest,
)
from waddlebot.libs.sdk import RouteContext
from waddlebot.libs.web.errors import HttpError

type Request = RouteContext[Any, LabelStore]


class Page(msgspec.Struct):
    """Things that have a label; ``after`` is what to ask for next, empty on the last page."""

    items: list[Labelled]
    after: str = ""


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """One change: a user is an account, ``platform:user_id``."""

    kind: str
    thing: str
    label: str
    remove: bool = False
    name: str = ""


class Changes(msgspec.Struct, forbid_unknown_fields=True):
    """Changes that are made together or not at all."""

    changes: list[Change]


class Outcome(msgspec.Struct):
    """How many records changed; with ``errors``, by row from 0, none did."""

    changed: int
    errors: list[RowError]


async def find(ctx: Request) -> Page:
    """What has a label: ``?label=…&kind=…&after=…&most=…``."""
    query = ctx.query
    if not query.get("label"):
        raise HttpError(400, "no_label", "Say which label: ?label=vip, and &kind=user for one kind alone.")
    most = query.get("most", str(PAGE_MAX))
    if not (most.isascii() and most.isdigit() and 1 <= int(most[:9]) <= PAGE_MAX):
        raise HttpError(400, "invalid_most", f"most is a number from 1 to {PAGE_MAX}.")
    _check_kind(query.get("kind", ""))
    request = HavingRequest(query["label"].lower(), query.get("kind", ""), query.get("after", ""), int(most))
    found = await ctx.use(Labels).having(request)
    return Page(list(found.items), found.after)


async def show(ctx: Request) -> Labelled:
    """The labels of one thing."""
    _check_kind(ctx.path["kind"])
    found = await ctx.use(Labels).of(LabelsOfRequest(ctx.path["kind"], (ctx.path["thing"],)))
    return found.items[0]


async def change(ctx: Request, posted: Changes) -> Outcome:
    """Make up to 1,000 changes, all of them or none. Posted again, it changes nothing."""
    if len(posted.changes) > CHANGES_MAX:
        raise HttpError(400, "too_many", f"At most {CHANGES_MAX:,} changes at once: post them in parts.")
    changes = tuple(LabelChange(c.kind, c.thing, c.label.lower(), c.remove, c.name) for c in posted.changes)
    done = await ctx.use(Labels).set(SetRequest(changes))
    return Outcome(done.changed, list(done.errors))


def _check_kind(kind: str) -> None:
    if kind and kind not in LIMITS:
        raise HttpError(400, "no_such_kind", f"A kind is one of: {', '.join(LIMITS)}.")
