"""A token opens one host, for a minute, to hosts of the same installation."""

import pytest

from waddlebot.libs.adapters.service_tokens import VALID_S, Proof, ServiceTokens, TokenError, bearer_of

SECRET = b"s" * 32


def tokens(host: str, *audiences: str, secret: bytes = SECRET, now: float = 1_000.0) -> ServiceTokens:
    return ServiceTokens(secret, lambda: host, audiences, lambda: now)


def test_a_token_says_whose_it_is() -> None:
    raw = tokens("host-a").make("b:1")
    assert tokens("host-b", "b:1", "https://b").check(raw) == Proof("host-a", 1_000.0)


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        (tokens("host-b", "b:1", secret=b"x" * 32), "another installation"),
        (tokens("host-c", "c:1"), "for b:1, which is not this host"),
        (tokens("host-b", "b:1", now=1_000.0 + VALID_S + 1), "over"),
        (tokens("host-b", "b:1", now=1_000.0 - VALID_S - 1), "over"),
    ],
)
def test_a_token_that_opens_nothing_says_why(reader: ServiceTokens, words: str) -> None:
    raw = tokens("host-a").make("b:1")
    with pytest.raises(TokenError, match=words) as caught:
        reader.check(raw)
    assert raw not in str(caught.value)


@pytest.mark.parametrize("raw", ["", "wbs_", "wbs_.", "wbs_e30.x", "wbo_e30.x", "wbs_" + "x" * 2_000, "wbs_ü.x"])
def test_what_is_no_token_is_refused(raw: str) -> None:
    with pytest.raises(TokenError, match="no service token"):
        tokens("host-b", "b:1").check(raw)


def test_a_changed_token_is_refused() -> None:
    raw = tokens("host-a").make("b:1")
    with pytest.raises(TokenError):
        tokens("host-b", "b:1").check(raw[:6] + ("A" if raw[6] != "A" else "B") + raw[7:])


def test_bearers() -> None:
    assert bearer_of("Bearer wbs_x") == "wbs_x"
    assert bearer_of("bearer  wbs_x ") == "wbs_x"
    assert bearer_of("Basic wbs_x") == ""
    assert bearer_of("") == ""
