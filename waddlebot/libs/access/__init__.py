"""Who may use what, and when: one engine for the rules of commands, timers and modules. It asks nobody anything.

``facts`` is what is known of who asks and of the occasion, ``conditions`` says of one rule whether it holds,
``engine`` decides by all of them, ``grammar`` reads and words them, ``levels`` are other bots' names of ranks.
"""

from waddlebot.libs.access.engine import Access, Decided, Policy
from waddlebot.libs.access.facts import EVERYWHERE, NOBODY, Facts, Who

__all__ = ["EVERYWHERE", "NOBODY", "Access", "Decided", "Facts", "Policy", "Who"]
