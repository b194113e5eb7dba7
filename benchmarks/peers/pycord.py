"""py-cord: `Bot.process_commands`, given messages that are already built."""

import asyncio
from types import SimpleNamespace
from typing import Any

import discord
from discord.ext import commands

from benchmarks.peers.driving import PREFIX, Drive


def _command(drive: Drive, name: str) -> Any:
    async def handler(context: Any) -> None:
        drive.sink(drive.handle(name))

    return commands.Command(handler, name=name)


async def main() -> None:
    """Register the commands, push the messages, report."""
    drive = Drive("py-cord")
    bot = commands.Bot(PREFIX, intents=discord.Intents.none(), help_command=None)
    bot._connection.user = SimpleNamespace(id=1)  # as after a login
    for name in drive.names:
        bot.add_command(_command(drive, name))
    author = SimpleNamespace(id=2, bot=False)
    channel = SimpleNamespace(id=3)
    for text in drive.texts():
        message = SimpleNamespace(content=text, author=author, channel=channel, guild=None, _state=bot._connection)
        await bot.process_commands(message)
    drive.report()


if __name__ == "__main__":
    asyncio.run(main())
