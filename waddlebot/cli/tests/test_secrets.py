"""No secret of the environment is ever shown: everything that is written is searched for a canary."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from waddlebot.cli.tests.conftest import Call
from waddlebot.libs.sdk import Role
from waddlebot.libs.testing.bots import environ_of, launched
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.waiting import until

CANARY = "c4nary"
COMMANDS = (
    ("run",), ("doctor", "--offline"), ("modules", "--env"), ("key", "list"), ("db", "status"), ("db", "upgrade"),
    ("undo",), ("dlq", "list"), ("explain", "e1"), ("backup",),
)  # fmt: skip


@contextlib.asynccontextmanager
async def telltale() -> AsyncIterator[int]:
    """A chat server that refuses every login and repeats its password; yields the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            if line.startswith(b"PASS "):
                words = line.removeprefix(b"PASS ").strip()
                writer.write(b":s NOTICE * :No: " + words + b"\r\nERROR :the word " + words + b" is wrong\r\n")
                break
        writer.close()

    port = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        yield port


def check_unseen(*texts: str, folder: Path) -> None:
    """Neither the texts nor any file in the folder hold a canary."""
    for text in texts:
        assert CANARY not in text
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert [file for file in files if CANARY.encode() in file.read_bytes()] == []


async def test_servers_that_repeat_passwords_do_not_spread_them(call: Call, tmp_path: Path) -> None:
    async with telltale() as port:
        environ = environ_of(
            tmp_path / "data",
            IRC_URLS=f"irc://bot:{CANARY}%2Birc@127.0.0.1:{port}/%23a%20{CANARY}-key?sasl=off&name=told "
            f"irc://bot:{CANARY}-gone@127.0.0.1:{free_port()}/%23a?name=gone",
            TWITCH_CHANNELS="somebody",
            TWITCH_BOT_LOGIN="bot",
            TWITCH_BOT_TOKEN=f"oauth:{CANARY}twitch",
            TWITCH_IRC_URL=f"irc://127.0.0.1:{port}",
            REDIS_URL=f"redis://:{CANARY}-redis@localhost/0",
            LOG_LEVEL="DEBUG",
        )
        async with launched(environ) as bot, aiohttp.ClientSession() as session:
            key = await bot.key("status", Role.ADMIN)

            async def errors(module: str) -> str:
                url = f"{bot.url}/api/v1/{module}/status"
                async with session.get(url, headers={"X-API-Key": key}) as answer:
                    return await answer.text()

            for module in ("poller.irc", "receiver.twitch"):

                async def told(module: str = module) -> bool:
                    return "the word [redacted] is wrong" in await errors(module)

                await until(told)
            assert bot.log().count("the word [redacted] is wrong") >= 2, "in the log, too"
            said = call(environ, "doctor", "--offline")
            shown = [said.stdout, said.stderr, await errors("poller.irc"), await errors("receiver.twitch")]
    check_unseen(*shown, folder=tmp_path)


WRONG = (
    {"DATABASE_URL": f"postgresql://bot:{CANARY}%zz@127.0.0.1:1/none"},
    {"DATABASE_URL": f"postgresql://bot:{CANARY}#1@127.0.0.1:1/none"},
    {"DATABASE_URL": f"postgresql://bot:{CANARY}@127.0.0.1:1/none?{CANARY}=1"},
    {"DATABASE_URL": f"mysql://bot:{CANARY}@127.0.0.1/none"},
    {"DATABASE_URL": f"postgresql://bot@[::1{CANARY}/none"},
    {"IRC_URLS": f"ircs://bot:{CANARY}/1@irc.example/%23a"},
    {"IRC_URLS": f"ircs://bot:1?{CANARY}@irc.example/%23a"},
    {"IRC_URLS": f"bot:{CANARY}@irc.example"},
    {"TWITCH_BOT_TOKEN": f"{CANARY} token", "TWITCH_BOT_LOGIN": "bot", "TWITCH_CHANNELS": "somebody"},
    {"TWITCH_BOT_TOKEN": f"{CANARY}", "TWITCH_CHANNELS": "somebody"},
)


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_settings_are_told_without_their_secrets(call: Call, tmp_path: Path, number: int) -> None:
    """Each command meets three of them, each of them three commands and `run`: all pairs would take minutes."""
    data = tmp_path / "data"
    environ = {**environ_of(data), **WRONG[number], "WADDLEBOT_DATA_DIR": str(data)}
    refused = call(environ, "run")
    assert refused.returncode == 2, refused.stderr
    assert refused.stderr.startswith("waddlebot: ")
    for arguments in (COMMANDS * 2)[number : number + 3]:
        told = call(environ, *arguments)
        check_unseen(told.stdout, told.stderr, folder=tmp_path)
