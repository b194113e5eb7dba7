"""Schema, backups and undo, on both engines."""

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest

from waddlebot.cli.tests.conftest import Call, Environ
from waddlebot.libs.sdk import EventBatch, Reply, Role, Send
from waddlebot.libs.testing.bots import launched
from waddlebot.libs.testing.databases import PostgreSQLServer, admin_url
from waddlebot.libs.testing.talk import joined
from waddlebot.runtime.environment import load
from waddlebot.runtime.installation import Installation, opened


def test_an_empty_database_is_told_and_upgraded(call: Call, environ: Environ) -> None:
    before = call(environ, "db", "status")
    assert before.returncode == 1
    assert "run `waddlebot db upgrade`" in before.stdout
    made = call(environ, "db", "upgrade")
    assert made.returncode == 0, made.stderr
    assert "applied delivery 0001_delivery" in made.stdout
    assert call(environ, "db", "upgrade").stdout == "The schema is up to date.\n"
    after = call(environ, "db", "status")
    assert (after.returncode, "upgrade" in after.stdout) == (0, False)


def test_a_server_is_not_upgraded_behind_its_operators_back(
    call: Call, postgresql_url: str, tmp_path: Path
) -> None:
    environ = {"DATABASE_URL": postgresql_url, "WADDLEBOT_DATA_DIR": str(tmp_path)}
    for arguments in (("run",), ("key", "list")):
        refused = call(environ, *arguments)
        assert refused.returncode == 2
        assert "run `waddlebot db upgrade`" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_another_account_may_change_the_schema(
    call: Call, postgresql_server: PostgreSQLServer, postgresql_url: str, tmp_path: Path
) -> None:
    name = postgresql_url.rpartition("/")[2].partition("?")[0]
    postgresql_server.run("create role plain_host login nosuperuser nobypassrls")
    try:
        host_url = postgresql_url.replace("waddlebot@", "plain_host@")
        environ = {
            "DATABASE_URL": host_url,
            "DATABASE_ADMIN_URL": admin_url(postgresql_url),
            "WADDLEBOT_DATA_DIR": str(tmp_path),
        }
        assert call(environ, "db", "upgrade").returncode == 0
        made = call(environ, "key", "create", "a", "--role", "user")
        assert made.returncode == 0, made.stderr
    finally:
        postgresql_server.drop(name)
        postgresql_server.run("drop role plain_host")


async def fill(environ: Environ) -> None:
    """A key, and replies in each state of the outbox."""
    async with opened(load(environ)) as found:
        await found.keys.create("kept", Role.USER)
        sends = [Send(f"s{n}", "home", "irc", "net", "#room", Reply(f"words {n}")) for n in range(2)]
        await found.delivery.answered(EventBatch("b1", []), [], sends, [], "a host")


async def outbox(found: Installation) -> dict[str, int]:
    """How many rows of the outbox there are in each state."""
    return {state: len(await found.delivery.leaving(state)) for state in ("queued", "sending", "unknown")}


async def test_a_backup_is_restored_with_its_outbox_in_quarantine(
    call: Call, upgraded: Environ, sqlite_url: str, tmp_path: Path
) -> None:
    await fill(upgraded)
    file = tmp_path / "all.waddlebot"
    assert call(upgraded, "backup", str(file)).stdout == f"{file}\n"
    again = call(upgraded, "backup", str(file))
    assert (again.returncode, "exists already" in again.stderr) == (1, True)

    other = {"WADDLEBOT_DATA_DIR": str(tmp_path / "other"), "HTTP_PORT": upgraded["HTTP_PORT"]}
    restored = call(other, "restore", str(file))
    assert restored.returncode == 0, restored.stderr
    assert "kept" in call(other, "key", "list").stdout
    async with opened(load(other)) as found:
        assert await outbox(found) == {"queued": 0, "sending": 0, "unknown": 2}
    listed = call(other, "dlq", "list").stdout
    assert "words 0" in listed
    assert "doubtful reply" in listed


async def test_a_restore_overwrites_only_by_force_and_keeps_what_it_replaces(
    call: Call, upgraded: Environ, tmp_path: Path
) -> None:
    file = tmp_path / "empty.waddlebot"
    assert call(upgraded, "backup", str(file)).returncode == 0
    await fill(upgraded)
    refused = call(upgraded, "restore", str(file))
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert "kept" in call(upgraded, "key", "list").stdout
    forced = call(upgraded, "restore", str(file), "--force")
    assert forced.returncode == 0, forced.stderr
    assert "kept" not in call(upgraded, "key", "list").stdout
    kept = re.search(r"backed up to (\S+)\.\n", forced.stderr)
    assert kept, forced.stderr
    assert call(upgraded, "restore", kept[1], "--force").returncode == 0
    assert "kept" in call(upgraded, "key", "list").stdout


def test_a_damaged_backup_changes_nothing(call: Call, lone_environ: Environ, tmp_path: Path) -> None:
    assert call(lone_environ, "key", "create", "kept", "--role", "user").returncode == 0
    file = tmp_path / "damaged.waddlebot"
    assert call(lone_environ, "backup", str(file)).returncode == 0
    file.write_bytes(file.read_bytes()[:-20])
    refused = call(lone_environ, "restore", str(file), "--force")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert "kept" in call(lone_environ, "key", "list").stdout
    assert call(lone_environ, "restore", str(tmp_path / "nowhere")).returncode == 2


async def test_a_running_bots_database_is_not_replaced(call: Call, lone_environ: Environ, tmp_path: Path) -> None:
    file = tmp_path / "now.waddlebot"
    async with launched(lone_environ):
        assert call(lone_environ, "backup", str(file)).returncode == 0
        refused = call(lone_environ, "restore", str(file), "--force")
    assert refused.returncode == 1
    assert "stop it first" in refused.stderr
    assert call(lone_environ, "restore", str(file), "--force").returncode == 0


async def test_what_chat_configured_is_listed_and_undone(call: Call, environ: Environ) -> None:
    async with launched(environ) as bot, joined(bot, "lab") as chat:
        await chat.own("ann")
        await chat.say("!rule add greet word reply hello Hi there", as_="ann")
        await chat.hears("The rule greet holds now…")
        chat.say("hello", as_="bob")
        await chat.hears("Hi there", within_s=5)

        listed = call(environ, "undo", "--community", "lab").stdout
        row = next(line for line in listed.splitlines() if "StringRule" in line or "greet" in line)
        assert "test:ann" in row
        assert "'hello'" in listed
        number = row.split()[0]
        undone = call(environ, "undo", number, "--community", "lab")
        assert undone.returncode == 0, undone.stderr
        assert f"Change {number} is undone by change" in undone.stdout

        chat.say("hello", as_="bob")
        await chat.hears_nothing(within_s=5)
        assert "operator" in call(environ, "undo", "--list", "--community", "lab").stdout

        # The record is as it was: undoing the same change again contradicts it, and forcing it changes nothing.
        again = call(environ, "undo", number, "--community", "lab")
        assert again.returncode in (0, 1)
        assert "Traceback" not in again.stderr
        unknown = call(environ, "undo", "999999", "--community", "lab")
        assert unknown.returncode == 1
        assert "There is no change 999999" in unknown.stderr


async def test_a_later_change_is_not_lost_without_force(call: Call, lone_environ: Environ) -> None:
    async with launched(lone_environ) as bot, joined(bot, "lab") as chat:
        await chat.own("ann")
        for words in ("One", "Two"):
            await chat.say(f"!rule add greet word reply hello {words}", as_="ann")
            await chat.hears("The rule greet holds now…")
        listed = call(lone_environ, "undo", "--community", "lab").stdout
        first = next(line.split()[0] for line in reversed(listed.splitlines()) if "greet" in line)
        refused = call(lone_environ, "undo", first, "--community", "lab")
        assert refused.returncode == 1
        assert "--force" in refused.stderr
        assert call(lone_environ, "undo", first, "--community", "lab", "--force").returncode == 0
        chat.say("hello", as_="bob")
        await chat.hears_nothing(within_s=5)


async def test_several_changes_are_taken_back_newest_first_and_what_cannot_be_is_named(
    call: Call, environ: Environ
) -> None:
    async with launched(environ) as bot, joined(bot, "lab") as chat:
        await chat.own("ann")
        for name, words in (("greet", "One"), ("greet", "Two"), ("part", "Bye"), ("part", "See you")):
            await chat.say(f"!rule add {name} word reply {name} {words}", as_="ann")
            await chat.hears(f"The rule {name} holds now…")
        listed = call(environ, "undo", "--community", "lab").stdout.splitlines()
        (second, first) = [line.split()[0] for line in listed if " greet" in line]
        parts = [line.split()[0] for line in listed if " part" in line]

        # Oldest first on the command line, and one twice: undone in this order, the first would be refused.
        done = call(environ, "undo", first, "999999", parts[-1], second, first, "--community", "lab")
        assert done.returncode == 1
        assert re.findall(r"Change (\d+) is undone by", done.stdout) == [second, first]
        refusals = done.stderr.splitlines()
        assert len(refusals) == 2
        assert "There is no change 999999 in lab" in refusals[0]
        assert refusals[1].startswith(f"Change {parts[-1]} is not undone:")
        assert refusals[1].endswith("(--force)")
        chat.say("greet", as_="bob")
        await chat.hears_nothing(within_s=5)
        chat.say("part", as_="bob")
        await chat.hears("See you", within_s=5)

        undone = call(environ, "undo", *parts, "--community", "lab")
        assert (undone.returncode, undone.stderr) == (0, "")
        chat.say("part", as_="bob")
        await chat.hears_nothing(within_s=5)


async def test_a_change_of_a_module_that_is_gone_is_not_undone(
    call: Call, lone_environ: Environ, tmp_path: Path
) -> None:
    async with launched(lone_environ) as bot, joined(bot, "lab") as chat:
        await chat.own("ann")
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "waddlebot.db")) as database, database:
        database.execute("update system__change set module = 'vendor.gone' where community = 'lab'")
    number = re.search(r"^(\d+) ", call(lone_environ, "undo", "--community", "lab").stdout, re.MULTILINE)
    assert number
    refused = call(lone_environ, "undo", number[1], "--community", "lab")
    assert refused.returncode == 1
    assert "vendor.gone is not installed" in refused.stderr


def test_without_changes_undo_says_so(call: Call, lone_environ: Environ) -> None:
    told = call(lone_environ, "undo", "--community", "nowhere")
    assert (told.returncode, told.stdout) == (0, "")
    assert "Nothing was changed" in told.stderr


@pytest.mark.parametrize("url", ["mysql://x", "postgresql://nobody@127.0.0.1:1/none"])
def test_a_database_that_cannot_be_had_is_told_plainly(call: Call, tmp_path: Path, url: str) -> None:
    environ = {"DATABASE_URL": url, "WADDLEBOT_DATA_DIR": str(tmp_path)}
    for arguments in (("run",), ("key", "list"), ("db", "status"), ("backup", str(tmp_path / "x"))):
        refused = call(environ, *arguments)
        assert refused.returncode == 2
        assert refused.stderr.startswith("waddlebot: ")
        assert "Traceback" not in refused.stderr
