"""NoneBot2: `handle_event` with `on_command` matchers, through the smallest adapter there can be."""

import asyncio
from collections.abc import Iterable
from typing import Any

import nonebot
from nonebot.adapters import Adapter, Bot, Event, Message, MessageSegment
from nonebot.exception import NoLogException
from nonebot.log import logger
from nonebot.message import handle_event

from benchmarks.peers.driving import PREFIX, Drive


class BenchSegment(MessageSegment):
    """A piece of text."""

    @classmethod
    def get_message_class(cls) -> type[Any]:
        return BenchMessage

    def __str__(self) -> str:
        return str(self.data["text"])

    def is_text(self) -> bool:
        return True


class BenchMessage(Message):
    """A text of one piece."""

    @classmethod
    def get_segment_class(cls) -> type[Any]:
        return BenchSegment

    @staticmethod
    def _construct(msg: str) -> Iterable[Any]:
        yield BenchSegment("text", {"text": msg})


class BenchEvent(Event):
    """Somebody said something."""

    said: BenchMessage

    def get_type(self) -> str:
        return "message"

    def get_event_name(self) -> str:
        return "message"

    def get_event_description(self) -> str:
        return str(self.said)

    def get_log_string(self) -> str:
        raise NoLogException("bench")

    def get_user_id(self) -> str:
        return "2"

    def get_session_id(self) -> str:
        return "2"

    def get_message(self) -> Any:
        return self.said

    def is_tome(self) -> bool:
        return False


class BenchBot(Bot):
    """A bot that listens."""

    async def send(self, event: Any, message: Any, **kwargs: Any) -> None:
        raise NotImplementedError("handlers hand their replies to the sink")


class BenchAdapter(Adapter):
    """A platform without a network."""

    @classmethod
    def get_name(cls) -> str:
        return "bench"

    async def _call_api(self, bot: Any, api: str, **data: Any) -> None:
        raise NotImplementedError("no handler calls a platform")


def _add_command(drive: Drive, name: str) -> None:
    async def handler() -> None:
        drive.sink(drive.handle(name))

    nonebot.on_command(name, handlers=[handler])


async def main() -> None:
    """Register the commands, push the messages, report."""
    logger.remove()
    drive = Drive("nonebot2")
    nonebot.init(driver="~none", command_start={PREFIX}, _env_file=None, log_level="ERROR")
    for name in drive.names:
        _add_command(drive, name)
    bot = BenchBot(BenchAdapter(nonebot.get_driver()), "1")
    for text in drive.texts():
        await handle_event(bot, BenchEvent(said=BenchMessage(text)))
    drive.report()


if __name__ == "__main__":
    asyncio.run(main())
