"""twitchio: an EventSub `channel.chat.message` notification, made a `ChatMessage` and given to `event_message`.

The task that `Client.dispatch` would start for every event is left out, in twitchio's favour.
"""

import asyncio
from typing import Any

from twitchio.ext import commands
from twitchio.models.eventsub_ import create_event_instance

from benchmarks.peers.driving import PREFIX, Drive

# https://dev.twitch.tv/docs/eventsub/eventsub-subscription-types/#channelchatmessage
EVENT = {
    "broadcaster_user_id": "1971641",
    "broadcaster_user_login": "streamer",
    "broadcaster_user_name": "streamer",
    "chatter_user_id": "4145994",
    "chatter_user_login": "viewer32",
    "chatter_user_name": "viewer32",
    "message_id": "cc106a89-1814-919d-454c-f4f2f970aae7",
    "color": "#00FF7F",
    "badges": [{"set_id": "moderator", "id": "1", "info": ""}, {"set_id": "subscriber", "id": "12", "info": "16"}],
    "message_type": "text",
    "cheer": None,
    "reply": None,
    "channel_points_custom_reward_id": None,
    "channel_points_animation_id": None,
    "source_broadcaster_user_id": None,
    "source_broadcaster_user_login": None,
    "source_broadcaster_user_name": None,
    "source_message_id": None,
    "source_badges": None,
}


def _command(drive: Drive, name: str) -> Any:
    async def handler(context: Any) -> None:
        drive.sink(drive.handle(name))

    return commands.Command(handler, name=name)


async def main() -> None:
    """Register the commands, push the messages, report."""
    drive = Drive("twitchio")
    bot: Any = commands.Bot(client_id="x", client_secret="x", bot_id="1", owner_id="2", prefix=PREFIX)
    for name in drive.names:
        bot.add_command(_command(drive, name))
    metadata = {"message_type": "notification", "subscription_type": "channel.chat.message"}
    for text in drive.texts():
        fragments = [{"type": "text", "text": text, "cheermote": None, "emote": None, "mention": None}]
        event = EVENT | {"message": {"text": text, "fragments": fragments}}
        notification = {"metadata": metadata, "payload": {"subscription": {}, "event": event}}
        await bot.event_message(create_event_instance("channel.chat.message", notification, http=bot._http))
    drive.report()


if __name__ == "__main__":
    asyncio.run(main())
