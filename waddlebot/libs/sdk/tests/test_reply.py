"""Lists in chat lines."""

import pytest

from waddlebot.libs.sdk import listed
from waddlebot.libs.sdk.reply import LIST_CHARACTERS_MAX


@pytest.mark.parametrize(("parts", "text"), [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b, c")])
def test_a_short_list_is_said_whole(parts: list[str], text: str) -> None:
    assert listed(parts) == text


def test_of_a_long_list_is_said_how_many_are_left() -> None:
    parts = ["x" * 98] * 10
    text = listed(parts)
    assert text == ", ".join(parts[:4]) + " and 6 more"
    assert LIST_CHARACTERS_MAX < len(text) < LIST_CHARACTERS_MAX + 20
