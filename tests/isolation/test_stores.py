"""Every method of every store, asked by one community for what is another's.

Two databases differ in one thing: in the first there is another community with a row in every table. Whatever a
store's method does for our community must then be the same in both, and leave the other's rows as they are. A new
method, table or module is covered at birth.
"""

import contextlib
import inspect
import typing
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.isolation.values import made_up, rows_of
from waddlebot.action.interactive.alias.names import BuiltIns
from waddlebot.action.security.content_filter.chat import pack
from waddlebot.libs.contracts.registration import CommandManifest, Manifest
from waddlebot.libs.contracts.router import Trace
from waddlebot.libs.dal import Batch, Community, DalError, Scope
from waddlebot.libs.dal.admin import admin
from waddlebot.libs.dal.asyncdal import AsyncDAL
from waddlebot.libs.dal.facade import Facade
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.dal.scoping import Scoping
from waddlebot.libs.dal.statements import Statements
from waddlebot.libs.sdk import Refusal
from waddlebot.libs.sdk.discovery import discover
from waddlebot.libs.testing.databases import PostgreSQLServer, admin_url
from waddlebot.libs.testing.stores import opened_dal
from waddlebot.processing.router.store import StringRule
from waddlebot.runtime import environment
from waddlebot.runtime.host import database

OURS, THEIRS = "ours", "theirs"
OWNERS = database(environment.load({}), discover()).owners
SHARED = {
    ("core.community", "adopt"): "a channel belongs to one community of all there are: the second is refused it",
    **{
        ("processing.router", name): "modules in other languages are the installation's, whoever asks"
        for name in ("register", "registrations", "unregister")
    },
}
"""Methods whose answer may depend on what others have, and why. They leave others' rows untouched, too."""


_FAILS = "fails"


def _whose(word: str) -> str:
    """The community that rows in an argument name: what is theirs must be refused."""
    return THEIRS if word == "red" else OURS


TAUGHT: Mapping[tuple[str, str, str], Callable[[str], Any]] = {
    ("core.community", "override", "changes"): lambda word: {"enabled": False},
    ("core.reputation", "add", "gains"): lambda word: [(f"irc:{word}-account", _whose(word), 1.0, 1.0, 1.0)],
    ("cron.periodic_messages", "count", "counts"): lambda word: [(_whose(word), f"irc:{word}:#{word}", 7, 1)],
    ("cron.periodic_messages", "settle", "due"): lambda word: [(_whose(word), f"{word}-name", 1.0)],
    ("processing.router", "count_hits", "hits"): lambda word: [(_whose(word), f"{word}-name", 1)],
    ("processing.router", "keep_failures", "traces"): lambda word: [
        msgspec.structs.replace(made_up(Trace, "trace", word), community=_whose(word))
    ],
    ("processing.router", "save", "rule"): lambda word: StringRule(f"{word}-name", f"{word}-pattern"),
    ("processing.router", "register", "name"): lambda word: f"acme.{word}",
    ("processing.router", "register", "manifest"): lambda word: Manifest(
        "x", (CommandManifest(word, "x"),), "http://127.0.0.1:1"
    ),
    ("security.content_filter", "count", "hits"): lambda word: [(_whose(word), f"{word}-kind", True, 1)],
    ("security.content_filter", "keep", "rows"): lambda word: [(_whose(word), 4_000_000_000.0, 0, pack([]))],
    ("security.content_filter", "forget_before", "community"): _whose,
    **{
        ("interactive.alias", name, "built_in"): lambda word: BuiltIns({}, ())
        for name in ("add", "add_alias", "keep", "rename")
    },
}
"""Arguments that their types do not tell, by owner, method and name; of a word."""


def methods() -> Iterator[tuple[Owner, str]]:
    """Every method of a store that has rows of communities, by its owner."""
    for owner in OWNERS:
        if any(table.scoped for table in owner.tables.values()):
            for name, found in inspect.getmembers(owner.store, inspect.isfunction):
                if hasattr(found, "__wrapped__") and not name.startswith("_"):
                    yield owner, name


@contextlib.asynccontextmanager
async def two(new_url: Callable[[], str]) -> AsyncIterator[tuple[AsyncDAL, AsyncDAL, str]]:
    """The same bot twice, once beside another community; and the URL of that one."""
    urls = new_url(), new_url()
    async with opened_dal(urls[0], *_registered()) as alone, opened_dal(urls[1], *_registered()) as beside:
        for url in urls:
            fill(url, OURS, "green")
        fill(urls[1], THEIRS, "red")
        yield alone, beside, urls[1]


def _registered() -> list[Owner]:
    return [owner for owner in OWNERS if owner.name != "system"]


def fill(url: str, community: str, word: str) -> None:
    """Put a row of a community into every table."""
    with admin(admin_url(url) or url) as opened, opened.transaction(exclusive=True):
        for owner in OWNERS:
            for table, row in rows_of(owner, community, word).items():
                names = ", ".join(f'"{name}"' for name in row)
                bound = ", ".join(opened.dialect.bound(name) for name in row)
                qualified = opened.dialect.qualified(owner.name, table)
                opened.run(f"insert into {qualified} ({names}) values ({bound})", row)


def theirs(url: str) -> dict[str, list[Any]]:
    """All rows of the other community."""
    with admin(admin_url(url) or url) as opened, opened.transaction(exclusive=False):
        bound = opened.dialect.bound("community")
        return {
            f"{owner.name}.{name}": sorted(
                opened.run(
                    f"select * from {opened.dialect.qualified(owner.name, name)} where community = {bound}",
                    {"community": THEIRS},
                ),
                key=repr,
            )
            for owner in OWNERS
            for name, table in owner.tables.items()
            if table.scoped
        }


async def outcome(dal: AsyncDAL, owner: Owner, name: str, scope: Scope, word: str) -> str:
    """What a method gives, in words, or how it is refused; it fails where the argument makes no sense."""
    store = dal.bind(owner.name, scope, actor=f"irc:{word}-account")
    bound = getattr(store, name)
    hints = typing.get_type_hints(inspect.unwrap(getattr(owner.store, name)))
    wanted = [p for p in inspect.signature(inspect.unwrap(bound)).parameters.values() if p.name != "self"]
    arguments = {p.name: _argument(owner, name, p.name, hints[p.name], word) for p in wanted}
    try:
        return repr(await bound(**arguments))
    except (DalError, Refusal) as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:
        return f"{_FAILS}: {type(error).__name__}: {error}"


def _argument(owner: Owner, method: str, name: str, hint: Any, word: str) -> Any:
    if taught := TAUGHT.get((owner.name, method, name)):
        return taught(word)
    return _whose(word) if name == "community" else made_up(hint, name, word)


async def leaks(new_url: Callable[[], str]) -> list[str]:
    """Every method by which one community sees or changes what is another's, and how."""
    found = []
    async with two(new_url) as (alone, beside, url):
        before = theirs(url)
        assert all(before.values()), "every table has a row of theirs"
        for owner, name in methods():
            for scope in (Community(OURS), Batch(frozenset((OURS,)))):
                for word in ("red", "green"):
                    both = (alone, beside) if (owner.name, name) not in SHARED else (beside, beside)
                    said = [await outcome(dal, owner, name, scope, word) for dal in both]
                    if said[0].startswith(_FAILS):
                        found.append(f"{owner.name}.{name} {said[0]}: teach its arguments above")
                    if said[0] != said[1]:
                        found.append(f"{owner.name}.{name} tells in {scope}: {said[1]}, alone {said[0]}")
            if (after := theirs(url)) != before:
                changed = [table for table, rows in after.items() if rows != before[table]]
                found.append(f"{owner.name}.{name} changes {', '.join(changed)}")
                before = after
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Databases of a test's own."""
    if request.param == "postgresql":
        server: PostgreSQLServer = request.getfixturevalue("postgresql_server")
        return lambda: server.url(server.create())
    numbers = iter(range(9))
    return lambda: f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"


async def test_no_method_tells_or_changes_what_is_another_communitys(new_url: Callable[[], str]) -> None:
    assert len(list(methods())) > 60
    assert not await leaks(new_url)


def forget_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the program's own check off: what it asks the database for is everybody's."""
    monkeypatch.setattr(Statements, "_condition", lambda self, scope, alias: "true")
    monkeypatch.setattr(Scoping, "_condition", lambda self, table: None)
    monkeypatch.setattr(Scoping, "_check_moves", lambda self, fields, scope: None)
    stamped = Facade._stamped
    monkeypatch.setattr(
        Facade,
        "_stamped",
        lambda self, upsert, rows: (
            (upsert, rows) if "community" in upsert.columns else stamped(self, upsert, rows)
        ),
    )


async def test_row_level_security_holds_where_the_program_forgets_to_ask_for_one_community_alone(
    monkeypatch: pytest.MonkeyPatch, postgresql_server: PostgreSQLServer
) -> None:
    forget_scopes(monkeypatch)
    assert not await leaks(lambda: postgresql_server.url(postgresql_server.create()))


async def test_the_proof_finds_what_would_leak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_scopes(monkeypatch)
    numbers = iter(range(9))
    found = await leaks(lambda: f"sqlite:///{tmp_path / f'{next(numbers)}.db'}")
    assert len(found) > 20  # there is no second wall on SQLite
    assert any("changes" in leak for leak in found)


def test_what_is_taught_here_is_there() -> None:
    named = {(owner.name, name) for owner, name in methods()}
    assert named >= SHARED.keys()
    assert named >= {(owner, method) for owner, method, _ in TAUGHT}
