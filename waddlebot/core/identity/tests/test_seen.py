"""Which accounts of a crowd must be written."""

from waddlebot.core.identity.seen import REWRITE_AFTER_S, News, Seen
from waddlebot.libs.sdk import CHAT_MESSAGE, Event
from waddlebot.libs.testing.modules import crowd


def event(
    user_id: str,
    login: str = "ann",
    platform: str = "twitch",
    community: str = "home",
    server: str = "",
    kind: str = CHAT_MESSAGE,
) -> Event:
    name = login.title()
    return Event(
        1, "1", kind, platform, server, "room", user_id, login, name, (), "hi", 0.0, 0.0, community
    )  # fmt: skip


def news(seen: Seen, now: float, *events: Event) -> list[News]:
    return seen.news(crowd(events), now)


def test_an_account_is_news_once_and_again_after_a_while() -> None:
    seen = Seen()
    batch = [
        event("1"),
        event("2", "bob"),
        event("1"),
        event("1", platform="irc"),
        event("3", kind="channel.followed"),
    ]
    found = news(seen, 1_000.0, *batch)
    assert sorted(found) == [
        ("irc", "", "1", "ann", "Ann"), ("twitch", "", "1", "ann", "Ann"), ("twitch", "", "2", "bob", "Bob"),
        ("twitch", "", "3", "ann", "Ann"),
    ]  # fmt: skip
    assert len(news(seen, 1_000.0, *batch)) == 4, "what was not written is still news"
    seen.wrote(found)
    assert news(seen, 1_000.0 + REWRITE_AFTER_S - 1, *batch) == []
    assert len(news(seen, 1_000.0 + REWRITE_AFTER_S, *batch)) == 4


def test_an_account_is_news_on_each_server() -> None:
    seen = Seen()
    here, there = event("1"), event("1", server="there")
    seen.wrote(news(seen, 0.0, here))
    assert [face[1] for face in news(seen, 1.0, here, there, here)] == ["there"]


def test_a_new_name_is_news() -> None:
    seen = Seen()
    seen.wrote(news(seen, 0.0, event("1")))
    assert [face[3] for face in news(seen, 1.0, event("1", "anna"))] == ["anna"]


def test_a_clock_set_back_does_not_hide_anybody() -> None:
    seen = Seen()
    seen.wrote(news(seen, 1_000_000.0, event("1")))
    assert len(news(seen, 5.0, event("1"))) == 1


def test_who_has_no_id_no_name_or_no_community_is_not_written() -> None:
    for kind in (CHAT_MESSAGE, "channel.followed"):
        nobody = [event("", kind=kind), event("1", "", kind=kind), event("1", community="", kind=kind)]
        assert news(Seen(), 0.0, *nobody) == []


def test_memory_is_bounded() -> None:
    seen = Seen(accounts_max=3)
    everybody = [event(str(n)) for n in range(10)]
    seen.wrote(news(seen, 0.0, *everybody))
    assert len(news(seen, 1.0, *everybody)) == 9, "only the account after the third emptying is remembered"
