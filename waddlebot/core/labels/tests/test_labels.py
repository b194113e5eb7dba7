"""What moderators do with labels, and what others see of them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from waddlebot.core.community.module import module as community
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.module import see
from waddlebot.core.labels.giving import carries
from waddlebot.core.labels.module import contribute, give_roles, module
from waddlebot.core.reputation.module import module as reputation
from waddlebot.libs.contracts.community import GLOBAL, HOME
from waddlebot.libs.contracts.labels import (
    CHANGES_MAX,
    LABEL_ADDED,
    LABEL_REMOVED,
    GroupsRequest,
    HavingRequest,
    LabelChange,
    Labels,
    LabelsOfRequest,
    SetRequest,
    labels_here,
)
from waddlebot.libs.dal import Community
from waddlebot.libs.sdk import BatchContext, CallError, Event, Module, Rank
from waddlebot.libs.sdk.ports import EventBatch
from waddlebot.libs.testing.modules import Bench, crowd, opened_bench

TWITCH: dict[str, Any] = {"platform": "twitch", "server": "", "channel": "room", "user_id": "7", "login": "bobby"}
BOTH = ("irc:bob", "twitch:7")

pushing = Module(
    "waddlebot.action.pushing.roles.module", "Give roles on twitch.", http_port=0, grpc_port=0, delivers="twitch"
)


@pushing.observe(LABEL_ADDED, LABEL_REMOVED)
async def give(ctx: BatchContext[None, None], events: Sequence[Event]) -> None:
    """Declared, so that twitch can give roles; the test reads the bus."""


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    async with opened_bench(database_url, community, identity, reputation, module, pushing) as opened:
        people = [opened.event("hi", login=login) for login in ("ann", "bob", "mod")]
        await see(opened.context(identity), crowd([*people, opened.event("hi", **TWITCH)]))
        yield opened


async def link(bench: Bench) -> None:
    """Bob of IRC is Bobby of Twitch from now on, proved by a code as people do."""
    store: Any = bench.dal.bind(identity.name, Community(GLOBAL), actor="test")
    assert await store.ask(*BOTH, "bobby", "digest", bench.now)
    assert (await store.verify(BOTH[1], "bobby", "digest", bench.now, True)).linked


async def unlink(bench: Bench) -> None:
    """They are two again."""
    store: Any = bench.dal.bind(identity.name, Community(GLOBAL), actor="test")
    assert (await store.part(BOTH[0])).side


async def of(bench: Bench, account: str, *roles: str) -> tuple[str, ...]:
    (found,) = (await bench.ask(Labels).of(LabelsOfRequest("user", (account,), roles))).items
    return found.labels


def heard(bench: Bench) -> list[Event]:
    """What the modules announce from now on."""
    events: list[Event] = []

    def take(batch: EventBatch) -> None:
        events.extend(batch.events)

    bench.shared.bus.subscribe("test", take)
    return events


async def undo_last(bench: Bench) -> None:
    """What the operator does to the newest change."""
    (newest,) = await bench.dal.list_changes(HOME, 1)
    assert await bench.dal.undo(HOME, newest.version, actor="operator")


async def test_labels_on_somebody_are_added_shown_and_removed(bench: Bench) -> None:
    assert await bench.says("label add @Bob Artist, vip", rank=Rank.MODERATOR) == "Bob has the labels: artist, vip"
    assert await bench.says("label add bob vip") == "Bob has these labels already."
    assert await bench.says("label show bob") == "Bob has the labels: artist, vip"
    assert await bench.says("label remove bob vip") == "Bob has the labels: artist"
    assert await bench.says("label remove bob vip") == "Bob has none of these labels."
    await undo_last(bench)
    assert await bench.says("label show bob") == "Bob has the labels: artist, vip"
    assert await bench.says("label") == "Ann has no labels."
    assert "have not seen nobody" in await bench.says("label add @nobody vip")


async def test_labels_on_other_things(bench: Bench) -> None:
    assert await bench.says("label add community cosy") == "home has the labels: cosy"
    assert await bench.says("label add module:reputation serious") == "core.reputation has the labels: serious"
    assert await bench.says("label add group:loud noisy") == (
        "There is no group loud. Make it first: group add loud here"
    )
    assert await bench.says("group add loud here") == "The group loud has 1 channel."
    assert await bench.says("label add group:loud noisy") == "group loud has the labels: noisy"
    assert await bench.says("label add item:7 old") == "The labels of items are given where they are kept."
    await bench.ask(Labels).set(SetRequest((LabelChange("item", "7", "old", name="A spoon"),)))
    assert await bench.says("label show item:7") == "item:7 has the labels: old"
    assert await bench.says("label search old") == "old: item A spoon."
    assert await bench.says("label list") == "Labels: cosy (1), noisy (1), old (1), serious (1)"
    assert await bench.says("label list module") == "Labels: serious (1)"
    assert await bench.says("label search nothing") == "Nothing has the label nothing here."
    for wrong in ("module:nothing", "weather:x", "community:away"):
        assert (await bench.run(f"label add {wrong} x")).status == "refused"


async def test_a_limit_is_told_in_words(bench: Bench) -> None:
    await bench.says("label add bob a b c d e")
    assert await bench.says("label add bob f") == "Bob has 5 labels already, which is all it may have."
    assert "is no label" in await bench.says("label add bob sehr_schön")


async def test_search_has_pages(bench: Bench) -> None:
    changes = tuple(LabelChange("user", f"irc:u{n:02}", "raider") for n in range(23))
    assert (await bench.ask(Labels).set(SetRequest(changes))).changed == 23
    first = await bench.says("label search raider user")
    assert first.startswith("raider: user irc:u00, ")
    assert first.endswith("user irc:u09. Next: label search raider user 2")
    last = await bench.says("label search raider 3")
    assert last == "raider: user irc:u20, user irc:u21, user irc:u22."
    assert await bench.says("label search raider 4") == "There are only 3 pages."


async def test_labels_follow_the_person_and_facts_name_the_account(bench: Bench) -> None:
    await bench.says("label add bob artist")
    assert [await of(bench, account) for account in BOTH] == [("artist",), ()]
    await link(bench)
    assert [await of(bench, account) for account in BOTH] == [("artist",), ("artist",)]
    assert (await contribute(bench.context(module), (HOME,)))[HOME].labels == {"irc:bob": ("artist",)}
    request = LabelsOfRequest("user", BOTH, unlinked=True)
    assert [one.labels for one in (await bench.ask(Labels).of(request)).items] == [("artist",), ()]
    await bench.says("label add bobby fan", **TWITCH)
    assert await bench.says("label show bob") == "Bob has the labels: artist, fan"
    await unlink(bench)
    assert [await of(bench, account) for account in BOTH] == [("artist",), ("fan",)]
    await link(bench)
    await bench.says("label remove bobby artist", **TWITCH)
    await unlink(bench)
    assert [await of(bench, account) for account in BOTH] == [(), ("fan",)]


async def test_a_role_brings_a_label_while_it_lasts(bench: Bench) -> None:
    assert (
        await bench.says("label map friend from twitch vip") == "the role vip on twitch brings the label friend."
    )
    assert await bench.says("label map friend from twitch vip") == "That is so already. See: label maps"
    assert await of(bench, "twitch:7", "vip", "subscriber") == ("friend",)
    assert await of(bench, "twitch:7", "subscriber") == ()
    assert await of(bench, "irc:bob", "vip") == (), "another platform's role of that name is another role"
    given = (await contribute(bench.context(module), (HOME,)))[HOME]
    for account, roles, expected in (
        ("twitch:7", ("vip",), {"friend"}),
        ("twitch:7", (), set()),
        ("irc:bob", ("vip",), set()),
    ):
        assert labels_here(account, roles, (), given.labels, given.role_labels) == expected
    with pytest.raises(CallError, match="one user alone"):
        await bench.ask(Labels).of(LabelsOfRequest("user", BOTH, ("vip",)))
    await bench.says("label unmap friend from twitch vip")
    assert await of(bench, "twitch:7", "vip") == ()


async def test_a_label_asks_for_a_role_where_the_platform_can(bench: Bench) -> None:
    assert carries(bench.manifests, "twitch")
    assert not carries(bench.manifests, "irc")
    assert await bench.says("label map artist to irc voice") == (
        "The bot cannot give roles on irc. Give voice there by hand."
    )
    await bench.shared.adopt(["twitch::room"], HOME)
    events = heard(bench)

    async def asked() -> list[tuple[str, str, str, str]]:
        events.clear()
        await give_roles(bench.context(module))
        return [(one.kind, one.entity, str(one.data["target_id"]), str(one.data["role"])) for one in events]

    added, removed = ((kind, "twitch::room", "7", "The Artists") for kind in (LABEL_ADDED, LABEL_REMOVED))
    assert await bench.says("label map artist to twitch The Artists") == (
        "the label artist brings the role The Artists on twitch."
    )
    await bench.says("label add bob artist")
    assert await asked() == [], "bob of irc has no account there"
    await link(bench)
    assert await asked() == [added]
    assert await asked() == []
    await bench.says("label remove bob artist")
    assert await asked() == [removed]
    await undo_last(bench)
    assert await asked() == [added], "whatever brought the label back"
    await unlink(bench)
    assert await asked() == [removed]
    await link(bench)
    assert await asked() == [added]
    await bench.says("label unmap artist to twitch The Artists")
    assert await asked() == [removed]


async def test_a_label_gives_no_rank(bench: Bench) -> None:
    for role in ("moderator", "VIP", "Broadcaster", "admin"):
        said = await bench.says(f"label map boss to twitch {role}")
        assert said == f"The role {role} makes a rank, and no label gives a rank. Give it on the platform itself."
    assert await bench.says("label maps") == "No label comes from a role or asks for one."


async def test_reserved_labels_are_for_admins(bench: Bench) -> None:
    assert "is no label" in await bench.says("setting set labels reserved Staff!")
    await bench.says("setting set labels reserved staff judge")
    refused = "Only admins and the owner give and take: staff."
    assert await bench.says("label add bob fan staff", rank=Rank.MODERATOR) == refused
    await bench.says("label add bob staff", rank=Rank.ADMIN)
    assert await bench.says("label remove bob staff", rank=Rank.MODERATOR) == refused
    assert await of(bench, "irc:bob") == ("staff",)


async def test_who_asks_for_too_much_is_refused(bench: Bench) -> None:
    labels = bench.ask(Labels)
    with pytest.raises(CallError, match="at most"):
        await labels.set(SetRequest((LabelChange("user", "irc:a", "x"),) * (CHANGES_MAX + 1)))
    with pytest.raises(CallError, match="at most"):
        await labels.of(LabelsOfRequest("user", ("irc:a",) * (CHANGES_MAX + 1)))
    with pytest.raises(CallError, match="no kind"):
        await labels.of(LabelsOfRequest("weather", ("x",)))
    with pytest.raises(CallError, match="1 to 100"):
        await labels.having(HavingRequest("x", most=101))


async def test_other_communities_see_nothing(bench: Bench) -> None:
    await bench.says("label add bob vip")
    await bench.says("group add loud here")
    away = bench.ask(Labels, "away")
    assert (await away.of(LabelsOfRequest("user", ("irc:bob",)))).items[0].labels == ()
    assert (await away.having(HavingRequest("vip"))).items == ()
    assert (await away.groups(GroupsRequest())).items == ()
    (loud,) = (await bench.ask(Labels).groups(GroupsRequest(("loud", "quiet")))).items
    assert loud.entities == ("irc:net:#room",)


async def test_groups_take_channels_of_this_community_alone(bench: Bench) -> None:
    assert await bench.says("group add loud irc:other:#x") == "irc:other:#x is no channel of home."
    assert await bench.says("group list") == "There are no groups of channels yet."
    await bench.says("group add loud here")
    assert await bench.says("group show LOUD") == "loud: irc:net:#room"
    assert await bench.says("groups") == "Groups: loud (1)"
    assert await bench.says("group remove loud") == "The group loud is gone."
    assert await bench.says("group remove loud") == "There is no group loud."


def test_a_persons_labels_add_up_and_nobody_elses() -> None:
    labels = {"irc:bob": ("a",), "twitch:7": ("b",), "irc:eve": ("c",)}
    assert labels_here("irc:bob", (), ("twitch:7",), labels, {}) == {"a", "b"}
    assert labels_here("irc:bob", (), (), labels, {}) == {"a"}
    assert labels_here("irc:zed", ("vip",), (), {}, {"irc:vip": ("d",)}) == {"d"}
