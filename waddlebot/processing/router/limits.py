"""How many commands a minute: what a community may set, and the windows that count (P5)."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from waddlebot.libs.sdk import Event, Field
from waddlebot.libs.sdk.fields import FieldError, build
from waddlebot.libs.web.limits import SlidingWindow

WINDOW_S = 60.0
_KEYS_MAX = 200_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits in any sixty seconds; 0 is none."""

    account_commands: Annotated[
        int, Field("Commands that one account may use in a minute; 0 for any number.", at_least=0, at_most=10_000)
    ] = 60
    command_uses: Annotated[
        int,
        Field("Times that one command may be used in a minute; 0 for any number.", at_least=0, at_most=100_000),
    ] = 0
    entity_commands: Annotated[
        int, Field("Commands in one channel in a minute; 0 for any number.", at_least=0, at_most=100_000)
    ] = 0


def settings_of(values: Mapping[str, object]) -> Settings:
    """The limits that a community set; the standard ones where its values are no longer taken."""
    try:
        return build(Settings, values)
    except FieldError:
        return Settings()


class Limits:
    """Counts commands by account, command and entity in sliding windows."""

    def __init__(self) -> None:
        self._window = SlidingWindow(0, WINDOW_S, keys_max=_KEYS_MAX)

    def counted(self) -> Iterator[tuple[Hashable, float]]:
        """Commands of the last minute by what is limited, its community first."""
        return self._window.counted()

    def restore(self, counted: Iterable[tuple[Hashable, float]], age_s: float) -> None:
        """Count what another owner of the partition had counted ``age_s`` ago."""
        left = 1 - age_s / WINDOW_S
        for key, times in counted if left > 0 else ():
            self._window.put(key, round(times * left))

    def refuse(self, event: Event, command: str, limits: Settings) -> str | None:
        """Count one command. Why it is one too many, or ``None``."""
        take = self._window.take
        most = limits.account_commands
        if most and take((event.community, event.platform, event.user_id), most):
            return f"more than {most} commands a minute by the same account"
        most = limits.command_uses
        if most and take((event.community, command), most):
            return f"more than {most} uses of the command a minute"
        most = limits.entity_commands
        if most and take((event.community, event.platform, event.server, event.channel), most):
            return f"more than {most} commands a minute in this channel"
        return None
