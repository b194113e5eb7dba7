"""What the console promises: the chat window of the web page and of the terminal."""

import base64
import hashlib

import msgspec

from waddlebot.libs.sdk.contract import Contract

PLATFORM = "console"
ENTITY = "console:local:main"
"""The one channel of the console. It belongs to the community ``home``."""

OWNER_ID = "console"
"""The user id of whoever sits at the console; the account is ``console:console``."""

SECRET_PURPOSE = "access"  # noqa: S105  the name of a secret, not one
"""What the module asks its secret for: on a host it derives from ``receiver.console/access``."""


class ConsoleLine(msgspec.Struct, frozen=True):
    """A line that the bot says. ``id`` makes it appear once; ``to`` and ``to_name`` are whom it answers."""

    id: str
    text: str
    private: bool = False
    to: str = ""
    to_name: str = ""
    action: str = "chat"


class ShowRequest(msgspec.Struct, frozen=True):
    """Lines in the order in which they are to appear."""

    lines: tuple[ConsoleLine, ...]


class Shown(msgspec.Struct, frozen=True):
    """The ids of the lines that are in the window now, also those that were before."""

    ids: tuple[str, ...]


class Console(Contract):
    """The window that people at the console look at."""

    async def show(self, request: ShowRequest) -> Shown:
        """Show lines of the bot to everybody who looks."""
        raise NotImplementedError


def access_token(secret: bytes) -> str:
    """What a browser elsewhere, or the terminal's chat, shows to be let in as the owner.

    ``secret`` is the module's secret for ``SECRET_PURPOSE``.
    """
    return (
        base64.urlsafe_b64encode(hashlib.sha256(b"console access token\0" + secret).digest()).decode().rstrip("=")
    )
