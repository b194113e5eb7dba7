"""What is held about a person is told to them and deleted, whatever table it stands in.

Every table of every owner gets, for each column that can hold text, a row with a person in that column and
somebody else in all others. A table is either told and emptied of the person, or it stands here with the reason. A
new table, or a new column of one that is about people, fails until it is one or the other.
"""

import contextlib
import dataclasses
import itertools
import typing
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.isolation.test_stores import OWNERS
from tests.isolation.values import PACKED, made_up, rows_of
from waddlebot.action.security.content_filter.chat import Line
from waddlebot.action.security.content_filter.store import Target
from waddlebot.core.identity.store import EXPORTS
from waddlebot.libs.contracts.community import GLOBAL
from waddlebot.libs.dal.admin import Admin, admin
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.resource import encode_json
from waddlebot.libs.dal.table import Column, Table
from waddlebot.libs.sdk import Event
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.sdk.personal import Everywhere, Held, Person
from waddlebot.libs.testing.modules import Bench
from waddlebot.libs.testing.stores import opened_dal
from waddlebot.runtime.personal import EveryModule, own_of

WORD = "ann"
ACCOUNT, USER = "irc:ann-account", "user-of-ann"
PERSON = Person((ACCOUNT,), (USER,))
_COORDINATION = "which host does what"
_CONFIGURED = "what a community configured, in the words of who runs it"
_SUMS = "sums without names"
_SWEPT = "what is under way, kept as long as it may have to be repeated, then swept away"

IMPERSONAL: Mapping[tuple[str, str], str] = {
    **{("system", name): "numbers of versions" for name in ("config_version", "config_clock", "schema_version")},
    **{("delivery", name): _SWEPT for name in ("seen", "inbox", "result", "outbox")},
    ("delivery", "subscriber"): _COORDINATION,
    **{("coordination", name): _COORDINATION for name in ("host", "want", "lease", "turn")},
    ("web", "api_key"): "programs' keys, and who made them; whoever manages a community revokes them",
    ("web", "key_revision"): "a number",
    **{("core.analytics", name): _SUMS for name in ("hourly", "place", "command_use", "headcount", "gate")},
    ("core.community", "communities"): "names of communities",
    ("core.community", "live"): "which channels are live",
    ("core.community", "entity"): "channels, and the key that brought them in",
    **{("core.community", name): _CONFIGURED for name in ("setting", "switch", "override", "role")},
    ("core.community", "access"): "rules, which may name an account: somebody was barred by name, and stays so",
    ("core.identity", "forgetting"): "who is still to be forgotten, until it is done",
    ("core.identity", "login_failure"): "digests of whose tries failed, swept away after a day",
    **{("core.labels", name): _CONFIGURED for name in ("mapping", "entity_group")},
    ("core.reputation", "decay"): "how far the weekly decay has come",
    ("core.reputation", "enforced"): "which acts of policies hold now, told as those: a ban holds on",
    **{("cron.periodic_messages", name): _CONFIGURED for name in ("run", "channel", "timer")},
    ("cron.periodic_messages", "lines"): _SUMS,
    **{("interactive.alias", name): _CONFIGURED for name in ("counter", "custom", "alias")},
    ("processing.router", "rule_hits"): _SUMS,
    ("processing.router", "rules"): _CONFIGURED,
    ("processing.router", "registrations"): "modules in other languages, and the key that registered each",
    ("security.content_filter", "hits"): _SUMS,
    **{("security.content_filter", name): _CONFIGURED for name in ("filter", "phrase")},
}
"""Tables that are about nobody, and why what may name somebody in them stays."""

UNTOLD: Mapping[tuple[str, str], str] = {
    ("core.identity", "login_ticket"): "digests of codes and links, good for minutes",
    ("core.identity", "login_recovery"): "digests of codes",
}
"""Tables that are deleted without being told: they hold secrets alone."""

_OF_ROW = "what the account or user of the same row is called, or has"
_NOBODY = "no person's"
COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(("login", "name", "email", "issuer", "subject", "device", "address", "seed"), _OF_ROW),
    **dict.fromkeys(("public_key", "password", "reason", "words", "decision"), _OF_ROW),
    **dict.fromkeys(("id", "digest", "event_id", "batch", "source", "module", "resource", "span"), _NOBODY),
    **dict.fromkeys(("server", "platform", "role", "label", "kind", "how", "deed", "state"), _NOBODY),
    **dict.fromkeys(("actor", "decided_by"), "who decided about somebody else: that one's to see, and to dispute"),
    **dict.fromkeys(("key", "before", "after"), "what was changed, so that others can follow and undo it"),
    "core.security.verdict.account": "whom moderators judged: nobody gets rid of a ban by being forgotten",
    "core.security.enforced.account": "whom platforms keep out, so that they are asked to let them in",
    "core.reputation.act.account": "whom a policy acted on: nobody gets rid of a ban by being forgotten",
    "core.reputation.act.accounts": "whom it holds for, as above",
    "core.reputation.acted.account": "when it did, as above",
    "core.analytics.optout.account": "who is not to be counted: so that they never are",
}
"""Columns of tables about people that may hold one afterwards, by name or in full, and why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Placed:
    """A column that a person was put into."""

    owner: str
    table: str
    column: str

    @property
    def reason(self) -> str:
        """What it is called in :data:`COLUMNS`."""
        whole = f"{self.owner}.{self.table}.{self.column}"
        return whole if whole in COLUMNS else self.column

    @property
    def why(self) -> str:
        """Why it may hold a person afterwards; empty where nothing says so."""
        return COLUMNS.get(self.reason, "")


async def test_every_table_is_told_and_emptied_or_says_why_not(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with opened_dal(url, *(owner for owner in OWNERS if owner.name != "system")) as dal:
        with admin(url) as opened, opened.transaction(exclusive=True):
            placed = list(fill(opened))
        modules = discover()
        everywhere = EveryModule(modules, Bench(dal, list(modules.values())).directory, lambda: own_of(dal))
        held = await everywhere.held(PERSON)
        done = await everywhere.forget(PERSON)
        after = await everywhere.held(PERSON)
        assert (held.away, done.away) == ({}, {})
        with admin(url) as opened, opened.transaction(exclusive=False):
            left = [one for one in placed if any(map(_names, cells(opened, one)))]
    about_people = set(_tables_of(held)) | UNTOLD.keys()
    every = {(owner.name, name) for owner in OWNERS for name in owner.tables if name != "_effect"}
    assert every - IMPERSONAL.keys() - about_people == set(), "tell what it holds, or say why it is about nobody"
    assert IMPERSONAL.keys() & about_people == set()
    kept = [one for one in left if (one.owner, one.table) in about_people]
    assert sorted({f"{one.owner}.{one.table}.{one.column}" for one in kept if not one.why}) == [], (
        "delete it, or say why it stays"
    )
    assert {one.reason for one in kept} == COLUMNS.keys(), "what is said to stay does"
    keeping = {name: module.keeping for name, module in modules.items() if module.keeping} | dict(own_of(dal))
    for module, table in _tables_of(after):
        assert keeping[module].stays[table] in done.found[module].stays, "who asks is told what stays"
    assert {(name, table) for name, one in keeping.items() for table in one.stays} <= about_people


def _tables_of(held: Everywhere[Held]) -> Iterator[tuple[str, str]]:
    for module, one in held.found.items():
        yield from ((module, records.table) for records in one.tables)


def fill(opened: Admin) -> Iterator[Placed]:
    """Put the person into each column of each table, in a row of its own."""
    numbers = itertools.count(1)
    for owner in OWNERS:
        for name, table in owner.tables.items():
            for column in table.columns:
                value = None if name == "_effect" else _person_in(owner, table, column)
                if value is None:
                    continue
                row = _row(owner, table, f"other{next(numbers)}", next(numbers)) | {column.name: value}
                names = ", ".join(f'"{one}"' for one in row)
                bound = ", ".join(opened.dialect.bound(one) for one in row)
                qualified = opened.dialect.qualified(owner.name, name)
                opened.run(f"insert into {qualified} ({names}) values ({bound})", row)
                yield Placed(owner.name, name, column.name)


def cells(opened: Admin, place: Placed) -> list[Any]:
    """All that a column holds."""
    qualified = opened.dialect.qualified(place.owner, place.table)
    return [cell for (cell,) in opened.run(f'select "{place.column}" from {qualified}')]


def _names(cell: Any) -> bool:
    """Whether a cell names the person."""
    if isinstance(cell, str):
        return WORD_OF_ACCOUNT in cell or USER in cell
    with contextlib.suppress(zlib.error):
        cell = zlib.decompress(cell)
    return WORD_OF_ACCOUNT.encode() in cell


def _row(owner: Owner, table: Table, word: str, number: int) -> dict[str, Any]:
    """Somebody else's row, unlike all others."""
    community = GLOBAL if table.name == "bond" else f"home-{number}"
    made = rows_of(owner, community, word)[table.name] if table.scoped else {}
    row = {
        column.name: made.get(column.name, _cell(owner, table, column, word, number)) for column in table.columns
    }
    for column in table.columns:
        if column.type == "integer" and column.name in table.key:
            row[column.name] = number
    return {**row, **FIXED.get((owner.name, table.name), {})}


def _cell(owner: Owner, table: Table, column: Column, word: str, number: int) -> Any:
    if shape := SHAPES.get((owner.name, table.name, column.name)):
        return shape(word)
    values = {"text": f"{word}-{column.name}", "bytes": word.encode(), "json": "[]", "boolean": True}
    return values.get(column.type, number)


def _person_in(owner: Owner, table: Table, column: Column) -> Any:
    """The person, as the column could hold them; None where it cannot."""
    place = owner.name, table.name, column.name
    if column.name == "community" or column.type not in ("text", "json", "bytes"):
        return None
    if shape := SHAPES.get(place):
        return shape(WORD)
    if shape := PACKED.get(place):
        return msgspec.msgpack.encode(made_up(shape, column.name, WORD))
    if declared := {one.table.name: one for one in owner.resources.values()}.get(table.name):
        hint = typing.get_type_hints(declared.type, include_extras=True)[column.name]
        made = made_up(hint, column.name, WORD)
        if column.type == "json":
            return encode_json(made)
        return ACCOUNT if isinstance(made, str) and not _limited(hint) else None
    if column.type == "text":
        return USER if column.name == "user_id" or place == ("core.identity", "login_user", "id") else ACCOUNT
    return ACCOUNT.encode() if column.type == "bytes" else encode_json([ACCOUNT])


def _limited(hint: Any) -> bool:
    """Whether a text is one of a few words."""
    while isinstance(hint, typing.TypeAliasType):
        hint = hint.__value__
    return typing.get_origin(hint) is typing.Literal


def _event_of(word: str) -> bytes:
    event = made_up(Event, "event", word)
    return msgspec.msgpack.encode(msgspec.structs.replace(event, platform="irc", user_id=f"{word}-account"))


def _line_of(word: str) -> bytes:
    return zlib.compress(msgspec.msgpack.encode([_by(made_up(Line, "line", word), word)]))


def _targets_of(word: str) -> bytes:
    return msgspec.msgpack.encode([_by(made_up(Target, "target", word), word)])


def _by[T: msgspec.Struct](said: T, word: str) -> T:
    return msgspec.structs.replace(said, entity="irc:net:#room", user_id=f"{word}-account")


def _ticket_of(word: str) -> str:
    return msgspec.json.encode(Person((f"irc:{word}-account",))).decode()


WORD_OF_ACCOUNT = "ann-account"
SHAPES: Mapping[tuple[str, str, str], Callable[[str], Any]] = {
    ("delivery", "dead", "event"): _event_of,
    ("security.content_filter", "chat", "packed"): _line_of,
    ("security.content_filter", "nuke", "targets"): _targets_of,
    ("core.identity", "login_ticket", "data"): _ticket_of,
    ("core.identity", "forgetting", "person"): _ticket_of,
}
"""What columns hold that are read by other types than those of a store's rows, of a word."""
FIXED: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("core.identity", "login_ticket"): {"kind": EXPORTS},
    ("core.labels", "label"): {"kind": "user"},
}
"""What rows must be, to be about people."""


async def test_a_module_that_tells_nothing_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(discover()["core.labels"], "keeping", None)
    with pytest.raises(AssertionError, match="tell what it holds"):
        await test_every_table_is_told_and_emptied_or_says_why_not(tmp_path)
