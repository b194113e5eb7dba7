"""Orders: what a platform is asked to do about somebody or something said, beside saying words.

An order is a :class:`Reply` of the action ``general``. The platform's pusher carries it out where it can, and says
its words where it cannot.
"""

from typing import Literal

from waddlebot.libs.sdk.event import Event
from waddlebot.libs.sdk.reply import Reply

type Deed = Literal["delete", "timeout", "untimeout", "ban", "unban"]


def order(
    deed: Deed, words: str, *, user_id: str, user_login: str = "", message_id: str = "", seconds: int = 0
) -> Reply:
    """Have the platform do something to a user or a message of theirs.

    ``user_id`` and ``message_id`` are the platform's own; ``seconds`` is how long a timeout lasts. ``words`` are
    for the chat, and may be empty.
    """
    data = {
        "do": deed, "message_id": message_id, "user_id": user_id, "user_login": user_login, "seconds": seconds,
    }  # fmt: skip
    return Reply(words, action="general", data=data)


def punish(event: Event, words: str, seconds: int = 0) -> Reply:
    """Have the line of an event deleted, or with ``seconds`` its writer timed out, which deletes it too."""
    deed: Deed = "timeout" if seconds else "delete"
    return order(
        deed, words, user_id=event.user_id, user_login=event.user_login, message_id=event.id, seconds=seconds
    )
