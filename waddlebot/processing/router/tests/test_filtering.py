"""What the router does about lines in which filters find something."""

import time

from waddlebot.libs.sdk import Contribution, Filter, Phrase, Rank, Rule, admits
from waddlebot.libs.testing.waiting import until
from waddlebot.processing.router.tests.desk import MOD, Desk

STAFF = admits(Rank.MODERATOR)
LINKS = Filter("links", exempt=STAFF, value="@{name}, no links.")


async def test_a_filter_acts_says_so_once_and_announces_it() -> None:
    desk = Desk(Contribution(filters=(LINKS,)))
    assert await desk.say("hello") == []
    assert await desk.say("see example.com") == ["@ann, no links."]
    (send,) = desk.sent
    assert (send.reply.action, send.reply.data["do"], send.reply.data["message_id"]) == ("general", "delete", "e2")
    assert desk.why() == "filter links: a link to example.com"
    await until(lambda: desk.published)
    (event,) = desk.published[0].events
    assert (event.kind, event.user_id, event.community) == ("message.filtered", "", "c")
    assert event.data == {
        "target_id": "ann", "target_login": "ann", "filter": "links", "reason": "a link to example.com",
        "text": "see example.com", "message_id": "e2", "canary": False, "action": "delete", "seconds": 0,
    }  # fmt: skip
    assert await desk.say("see example.org") == [""], "deleted without words: it was told a moment ago"
    assert await desk.say("see example.org", "bob") == ["@bob, no links."]


async def test_moderators_are_exempt_and_commands_are_filtered() -> None:
    desk = Desk(Contribution(filters=(LINKS,), ranks={"p:boss": int(Rank.ADMIN)}))
    assert await desk.say("see example.com", roles=MOD) == []
    assert await desk.say("see example.com", "boss") == []
    assert await desk.say("!pat example.com", "cat") == ["@cat, no links."]
    assert await desk.say("!pat example.com", "mod", roles=MOD) == ["pats example.com", "moo"]


async def test_a_canary_lets_the_line_through() -> None:
    canary = Filter("links", canary=True, value="no")
    desk = Desk(Contribution(filters=(canary, Filter("caps", limit=5, value="quiet"))))
    assert await desk.say("!pat example.com") == ["pats example.com", "moo"]
    assert await desk.say("EXAMPLE.com", "bob") == ["quiet"]
    await until(lambda: sum(len(batch.events) for batch in desk.published) >= 4)
    found = [
        (event.data["filter"], event.data["canary"])
        for batch in desk.published
        for event in batch.events
        if event.kind == "message.filtered"
    ]
    assert found == [("links", True), ("links", True), ("caps", False)]


async def test_warnings_timeouts_and_string_rules_behind_filters() -> None:
    filters = (
        Filter("caps", limit=5, action="warn", value="quiet"),
        Filter("blocklist", phrases=(Phrase("badword"),), action="timeout", seconds=60),
    )
    desk = Desk(Contribution(filters=filters, rules=(Rule("r", "badword", action="reply", value="rule"),)))
    assert await desk.say("SHOUTING") == ["quiet"]
    assert [send.reply.action for send in desk.sent] == ["chat"]
    assert await desk.say("b4dword", "bob") == [""]
    assert (desk.sent[0].reply.data["do"], desk.sent[0].reply.data["seconds"]) == ("timeout", 60)
    assert await desk.say("badwords", "cat") == ["rule"], "no word of its own, so the rule's turn comes"


async def test_a_flood_of_culprits_makes_no_flood_of_words() -> None:
    desk = Desk(Contribution(filters=(LINKS,)))
    said = [await desk.say("see example.com", f"user{n}") for n in range(30)]
    assert 10 <= sum(words != [""] for words in said) <= 20
    assert all(len(words) == 1 for words in said), "each line is deleted"


async def test_what_is_remembered_outlives_a_change_of_configuration() -> None:
    rate = Filter("rate", limit=3, window_s=10, value="slow down")
    desk = Desk(Contribution(filters=(rate,)))
    now = time.time()
    for n in range(3):
        assert await desk.say(f"line {n}", received_at=now) == []
    desk.version = 2
    refreshed = desk.router.refresh(["c"])
    assert refreshed is not None
    await refreshed
    assert desk.router.views["c"].version == 2
    assert await desk.say("one more", received_at=now) == ["slow down"]
    assert await desk.say("!pat", "bob", received_at=now) == ["pats bob", "moo"]


async def test_filters_of_a_module_that_is_switched_off_rest() -> None:
    desk = Desk(Contribution(filters=(LINKS,), disabled=("core.community",)))
    assert await desk.say("see example.com") == []
