"""Which accounts of a batch must be written."""

import msgspec

from waddlebot.core.identity.seen import REWRITE_AFTER_S, Seen
from waddlebot.libs.sdk import Event


def event(
    user_id: str, login: str = "ann", platform: str = "twitch", community: str = "home", n: int = 0
) -> Event:
    return Event(
        1,
        f"{n}",
        "chat.message",
        platform,
        "",
        "room",
        user_id,
        login,
        login.title(),
        (),
        "hi",
        0.0,
        float(n),
        community,
    )


def test_an_account_is_news_once_and_again_after_a_while() -> None:
    seen = Seen()
    batch = [event("1", n=1), event("2", "bob"), event("1", n=2), event("1", platform="irc")]
    news = seen.news(batch, 1_000.0)
    assert {(e.platform, e.user_id, e.id) for e in news} == {
        ("twitch", "1", "2"), ("twitch", "2", "0"), ("irc", "1", "0"),
    }  # fmt: skip
    assert len(seen.news(batch, 1_000.0)) == 3, "what was not written is still news"
    seen.wrote(news, 1_000.0)
    assert seen.news(batch, 1_000.0 + REWRITE_AFTER_S - 1) == []
    assert len(seen.news(batch, 1_000.0 + REWRITE_AFTER_S)) == 3


def test_an_account_is_news_on_each_server() -> None:
    seen = Seen()
    here = event("1")
    there = msgspec.structs.replace(here, server="there")
    seen.wrote(seen.news([here], 0.0), 0.0)
    assert seen.news([here, there, here], 1.0) == [there]


def test_an_account_is_news_once_in_each_community() -> None:
    seen = Seen()
    home, away = event("1"), event("1", community="away")
    assert seen.news([home, away, home], 0.0) == [away, home], "the newest last: its login is the one that counts"
    seen.wrote([home], 0.0)
    assert seen.news([home, away], 1.0) == [away]
    seen.wrote([away], 1.0)
    assert seen.news([home, away, home], 2.0) == []
    later = 1.0 + REWRITE_AFTER_S
    seen.wrote(seen.news([home], later), later)
    assert seen.news([away], later) == [], "where it was seen stays true"


def test_a_new_name_is_news() -> None:
    seen = Seen()
    seen.wrote([event("1")], 0.0)
    assert [e.user_login for e in seen.news([event("1", "anna")], 1.0)] == ["anna"]


def test_a_clock_set_back_does_not_hide_anybody() -> None:
    seen = Seen()
    seen.wrote([event("1")], 1_000_000.0)
    assert len(seen.news([event("1")], 5.0)) == 1


def test_who_has_no_id_no_name_or_no_community_is_not_written() -> None:
    assert Seen().news([event(""), event("1", ""), event("1", community="")], 0.0) == []


def test_memory_is_bounded() -> None:
    seen = Seen(accounts_max=3)
    crowd = [event(str(n)) for n in range(10)]
    seen.wrote(crowd, 0.0)
    assert len(seen.news(crowd, 1.0)) == 9, "only the account after the third emptying is remembered"
