"""The engine of chat filters: what modules contribute as :class:`~waddlebot.libs.sdk.Filter`, run on every line.

Read ``folding`` for how a line is made plain, ``phrases`` for blocklists, ``links`` for links, ``content`` for
what is too much in one line, ``habits`` for what is too much in several, and ``engine`` for how all of it costs
two microseconds.
"""

from waddlebot.libs.filters.engine import Filters, Found
from waddlebot.libs.filters.habits import Habits

__all__ = ["Filters", "Found", "Habits"]
