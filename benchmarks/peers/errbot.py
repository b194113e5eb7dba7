"""errbot: `callback_message`, handlers called at once (`BOT_ASYNC = False`) or, with `--threads`, by its pool.

The bot has its default settings and no plug-in but the one with the commands, so neither access control nor help
looks at a message, in errbot's favour.
"""

import logging
from types import SimpleNamespace
from typing import Any

from errbot import BotPlugin, botcmd
from errbot.backends.base import Message, Person
from errbot.bootstrap import bot_config_defaults
from errbot.core import ErrBot

from benchmarks.peers.driving import PREFIX, Drive


class BenchPerson(Person):
    """Somebody known by a name."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def person(self) -> str:
        return self._name

    client = nick = aclattr = fullname = person


class BenchBackend(ErrBot):
    """As little of a back end as receiving and replying take."""

    def __init__(self, config: Any, drive: Drive) -> None:
        super().__init__(config)
        self._drive = drive
        self.bot_identifier = BenchPerson("bot")
        self.attach_plugin_manager(SimpleNamespace(get_all_active_plugins=list))
        self.attach_repo_manager(SimpleNamespace(plugin_dir=""))

    def build_reply(self, message: Any, text: str | None = None, *_: Any, **__: Any) -> Any:
        reply = self.build_message(text)
        reply.frm, reply.to = self.bot_identifier, message.frm
        return reply

    def send_message(self, message: Any) -> None:
        super().send_message(message)
        self._drive.sink(message.body)

    def build_identifier(self, text_representation: str) -> BenchPerson:
        return BenchPerson(text_representation)

    @property
    def mode(self) -> str:
        return "bench"

    # What an errbot back end must have, and these messages never call.
    def change_presence(self, *_: Any) -> None: ...
    def connect_callback(self) -> None: ...
    def disconnect_callback(self) -> None: ...
    def prefix_groupchat_reply(self, *_: Any) -> None: ...
    def query_room(self, room: str) -> None: ...
    def rooms(self) -> None: ...


def _plugin(drive: Drive, bot: Any) -> Any:
    def command(name: str) -> Any:
        def handler(self: Any, message: Any, arguments: str) -> str:
            return drive.handle(name)

        return botcmd(handler, name=name)

    return type("Bench", (BotPlugin,), {name: command(name) for name in drive.names})(bot, name="Bench")


def main() -> None:
    """Register the commands, push the messages, report."""
    drive = Drive("errbot")
    logging.disable()
    config = SimpleNamespace(BOT_PREFIX=PREFIX, BOT_ADMINS=(), BOT_ASYNC=drive.threads)
    bot_config_defaults(config)
    bot = BenchBackend(config, drive)
    bot.inject_commands_from(_plugin(drive, bot))
    sender, receiver = bot.build_identifier("viewer"), bot.build_identifier("bot")
    for text in drive.texts():
        bot.callback_message(Message(text, frm=sender, to=receiver))
    if drive.threads:
        bot.thread_pool.close()
        bot.thread_pool.join()
    drive.report()


if __name__ == "__main__":
    main()
