"""String rules matched in linear time by RE2, thousands at once (P3).

All of a community's patterns become one RE2 Set: about a microsecond a line whatever their number, and
no pattern can stall the bot. Equal sets are compiled once and shared by digest.
"""

from waddlebot.libs.matching.matcher import Matcher, Matchers
from waddlebot.libs.matching.pattern import PatternError, check_pattern, expression

__all__ = ["Matcher", "Matchers", "PatternError", "check_pattern", "expression"]
