"""A crowd counts what everybody said; its parts by community are the whole."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from waddlebot.libs.sdk import CHAT_MESSAGE, COMMAND_EXECUTED, Crowd, Event
from waddlebot.libs.sdk.gathering import Use


def event(
    kind: str = CHAT_MESSAGE, user: str = "ann", community: str = "home", channel: str = "#r", **data: Any
) -> Event:
    return Event(1, "e", kind, "irc", "net", channel, user, user, user, (), "", 0.0, 7.0, community, data=data)


def crowd(events: list[Event]) -> Crowd:
    gathered = Crowd()
    gathered.extend(events)
    return gathered


def test_lines_commands_and_channels_are_counted() -> None:
    found = crowd([
        event(), event(), event(channel="#other"), event(user="bob"),
        event(COMMAND_EXECUTED, command="so", status="answered"),
        event(COMMAND_EXECUTED, command="so", status="refused"),
        event(COMMAND_EXECUTED, command="dice", status="failed"),
        event("channel.raided"),
    ])  # fmt: skip
    said = found.said["irc", "net"]["home"]
    assert (said.lines, said.commands, said.channels) == ({"ann": 3, "bob": 1}, {"ann": 2}, {"#r": 3, "#other": 1})
    assert found.uses == {
        Use("home", "irc:net:#r", "so", "answered"): 1,
        Use("home", "irc:net:#r", "so", "refused"): 1,
        Use("home", "irc:net:#r", "dice", "failed"): 1,
    }, "what failed is a use, but nothing that its user did"
    assert (found.since, len(found.others), len(found)) == (7.0, 1, 7)
    found.extend([event(COMMAND_EXECUTED, command="so", status="answered")])
    assert len(found) == 7, "what is there already takes no more room"


KINDS = st.sampled_from([CHAT_MESSAGE, CHAT_MESSAGE, COMMAND_EXECUTED, "channel.raided"])


@given(st.lists(st.tuples(KINDS, st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from(["so", "dice"]))))
def test_without_a_community_it_is_as_if_that_had_been_silent(what: list[tuple[str, str, str, str]]) -> None:
    events = [event(kind, user, community, command=command) for kind, user, community, command in what]
    left = crowd(events).without({"x"})
    only = crowd([one for one in events if one.community != "x"])
    assert (left.uses, left.others, len(left)) == (only.uses, only.others, len(only))
    assert sorted(left.communities()) == sorted(only.communities())
    for place, here in only.said.items():
        for community, said in here.items():
            same = left.said[place][community]
            assert (same.lines, same.commands, same.channels) == (said.lines, said.commands, said.channels)
