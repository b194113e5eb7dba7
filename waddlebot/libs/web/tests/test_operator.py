"""The operator's tokens: who has not the secret makes none, and a minute later nobody has one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.sdk import Role
from waddlebot.libs.web.operator import PREFIX, VALID_S, OperatorTokens

SECRET = b"of this installation"


def test_a_token_counts_as_a_key_of_its_role_and_community() -> None:
    tokens = OperatorTokens(SECRET)
    key = tokens.find(tokens.make(Role.USER, "lab"))
    assert key is not None
    assert (key.role, key.community, key.entity, key.actor) == (Role.USER, "lab", "", "operator")
    assert key.admits(Role.USER)
    assert not key.admits(Role.ADMIN)


def test_another_secret_opens_nothing() -> None:
    assert OperatorTokens(SECRET).find(OperatorTokens(b"of another one").make(Role.ADMIN, "home")) is None


@pytest.mark.parametrize("seconds", [VALID_S + 1, -VALID_S - 1])
def test_a_token_is_good_for_a_minute(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    tokens = OperatorTokens(SECRET)
    raw = tokens.make(Role.ADMIN, "home")
    now = time.time()
    assert tokens.find(raw) is not None
    monkeypatch.setattr(time, "time", lambda: now + seconds)
    assert tokens.find(raw) is None


@given(st.integers(0, 200), st.characters())
def test_a_changed_token_opens_nothing(place: int, letter: str) -> None:
    tokens = OperatorTokens(SECRET)
    raw = tokens.make(Role.USER, "home")
    place %= len(raw)
    if raw[place] != letter:
        assert tokens.find(raw[:place] + letter + raw[place + 1 :]) is None


@given(st.text(), st.text())
def test_text_is_no_token(claims: str, signature: str) -> None:
    tokens = OperatorTokens(SECRET)
    assert tokens.find(f"{PREFIX}{claims}.{signature}") is None
    assert tokens.find(claims) is None
