"""What the module of custom commands promises."""

import msgspec

from waddlebot.libs.sdk.contract import Contract


class CommandChange(msgspec.Struct, frozen=True):
    """Changes of a command that a community made; ``None`` leaves a part as it is.

    ``name`` and ``level`` are as somebody typed them. ``ranks`` is the mask of who asks. Cooldowns are seconds.
    """

    name: str
    ranks: int
    level: str | None = None
    cooldown_s: float | None = None
    user_cooldown_s: float | None = None
    enabled: bool | None = None


class CommandChanged(msgspec.Struct, frozen=True):
    """What became of it, in words; ``found`` is False where the community made no command of that name."""

    found: bool
    words: str = ""
    refused: bool = False


class CustomCommands(Contract):
    """The commands that communities made."""

    async def change(self, request: CommandChange) -> CommandChanged:
        """Change one, so that ``!permcom`` and its like serve built-in and made commands alike."""
        raise NotImplementedError
