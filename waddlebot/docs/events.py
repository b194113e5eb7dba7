"""The page of events: what one looks like, and who listens to which kinds."""

from collections.abc import Sequence
from typing import get_type_hints

import msgspec

from waddlebot.docs.pages import Page, Section, code, summary_of, table, type_name
from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.module import Module
from waddlebot.processing.router.door import PostedEvent

_ABOUT = """
An event is something that happened, in our words. Receivers make events, the bus carries them in batches, the
router decides what they mean, observers count them.
"""


def page(manifests: Sequence[Module]) -> Page:
    """The event's fields, the JSON of the REST door, and the kinds that modules name."""
    return Page(
        "events",
        "Events",
        _ABOUT,
        [
            Section("Fields", _fields()),
            Section("At the REST door", _posted()),
            Section("Kinds and who listens", _kinds(manifests)),
        ],
    )


def _fields() -> str:
    words = (Event.__doc__ or "").split("\n\n", 1)[1].replace("``", "`").replace("beside this file", "in libs/sdk")
    about = "\n".join(line.strip() for line in words.splitlines())
    return f"{about.strip()}\n\n" + _table(Event)


def _posted() -> str:
    about = (
        "`POST /api/v1/processing.router/events` takes one of these, or a list of up to 100. Unknown fields are "
        "refused by name, missing ones named."
    )
    return f"{about} {summary_of(PostedEvent).replace('``', '`')}\n\n" + _table(PostedEvent)


def _table(shape: type[msgspec.Struct]) -> str:
    hints = get_type_hints(shape)
    rows = []
    for number, field in enumerate(msgspec.structs.fields(shape)):
        default = "must be there" if field.required else code(repr(_default(field)))
        rows.append((str(number), code(field.name), code(type_name(hints[field.name])), default))
    return table(("Place", "Field", "Type", "Default"), rows)


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default_factory() if callable(field.default_factory) else field.default


def _kinds(manifests: Sequence[Module]) -> str:
    listeners: dict[str, list[str]] = {}
    for module in manifests:
        for answer in module.answering:
            listeners.setdefault(answer.kind, []).append(f"{code(module.name)} answers")
        for observer in module.observers:
            for kind in observer.kinds:
                listeners.setdefault(kind, []).append(f"{code(module.name)} observes")
    about = "Of every kind, the router matches `chat.message` against commands and rules. `*` is every kind.\n\n"
    return about + table(
        ("Kind", "Who listens"), [(code(k), ", ".join(who)) for k, who in sorted(listeners.items())]
    )
