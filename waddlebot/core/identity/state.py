"""What the module keeps in memory."""

import dataclasses

from waddlebot.core.identity.login.desk import Desk
from waddlebot.core.identity.seen import Seen


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """Whom the database knows already, and the desk where people sign in."""

    seen: Seen
    desk: Desk
