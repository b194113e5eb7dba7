import re
from collections import Counter
from itertools import islice
from typing import Literal

import pytest
import re2

from benchmarks.corpus import Corpus, Message, channel_names, command_names
from benchmarks.rules import TENTHS, own_sets, rule_set

LINE = re.compile(
    r"@(?P<tags>[^ ]+) :(?P<login>\w+)!\w+@\w+\.tmi\.twitch\.tv "
    r"PRIVMSG #(?P<channel>\w+) :(?P<text>[^\r\n]+)\r\n"
)
TAGS = """
    badge-info badges client-nonce color display-name emotes first-msg flags id mod returning-chatter room-id
    subscriber tmi-sent-ts turbo user-id user-type
"""


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return list(Corpus(lines=30_000))


def parsed(message: Message) -> tuple[dict[str, str], re.Match[str]]:
    match = LINE.fullmatch(message.raw.decode())
    assert match, message.raw
    return dict(tag.split("=", 1) for tag in match["tags"].split(";")), match


@pytest.mark.parametrize("dialect", ["twitch", "irc"])
@pytest.mark.parametrize("command_share", [0.0, 0.03, 1.0])
def test_200_000_lines_are_all_different(dialect: Literal["twitch", "irc"], command_share: float) -> None:
    corpus = Corpus(dialect=dialect, command_share=command_share, command_names=command_names(30))
    seen: set[bytes] = set()
    commands = 0
    for message in corpus:
        seen.add(message.raw)
        commands += bool(message.command)
    assert len(seen) == 200_000
    assert commands / 200_000 == pytest.approx(command_share, abs=0.003)


def test_the_seed_decides_everything() -> None:
    first, again, other = (list(islice(Corpus(seed=seed), 3_000)) for seed in (7, 7, 8))
    assert first == again
    assert not {message.raw for message in first} & {message.raw for message in other}


def test_shape_of_a_twitch_line(messages: list[Message]) -> None:
    for message in messages:
        tags, match = parsed(message)
        assert set(tags) >= set(TAGS.split())
        assert (tags["id"], tags["user-id"]) == (message.id, message.user_id)
        assert (match["login"], match["channel"], match["text"]) == (message.login, message.channel, message.text)
        assert len(message.text) <= 500
    sent = [int(parsed(message)[0]["tmi-sent-ts"]) for message in messages]
    assert sent == sorted(sent)
    assert sum(len(message.raw) for message in messages) / len(messages) == pytest.approx(420, rel=0.1)


def test_shares_of_ordinary_chat(messages: list[Message]) -> None:
    count = len(messages)
    assert len({message.text for message in messages}) == count
    assert sum(not message.text.isascii() for message in messages) / count == pytest.approx(0.30, abs=0.01)
    assert sum("emotes=;" not in message.raw.decode() for message in messages) / count == pytest.approx(
        0.2, abs=0.01
    )
    links = sum(bool(re.search(r"https://|discord\.gg/", message.text)) for message in messages)
    assert links / count == pytest.approx(0.03, abs=0.005)
    assert not any(message.command for message in messages)


def test_emote_positions_count_code_points(messages: list[Message]) -> None:
    checked = 0
    for message in messages:
        if emotes := parsed(message)[0]["emotes"]:
            positions = [position.split("-") for position in emotes.partition(":")[2].split(",")]
            words = {message.text[int(first) : int(last) + 1] for first, last in positions}
            assert len(words) == 1
            assert words.pop() in message.text.split()
            checked += 1
    assert checked > 5_000


def test_channels_and_users_follow_zipf(messages: list[Message]) -> None:
    channels = Counter(message.channel for message in messages)
    assert set(channels) <= set(channel_names(1_000))
    ranked = [name for name, _ in channels.most_common()]
    assert ranked[:3] == channel_names(3)
    assert channels["channel0"] / len(messages) == pytest.approx(0.1336, abs=0.01)  # 1 / (1 + 1/2 + … + 1/1000)
    assert channels["channel0"] / channels["channel9"] == pytest.approx(10, rel=0.2)
    at_home = Counter(message.login for message in messages if message.channel == "channel0")
    first, *_, tenth = [lines for _, lines in at_home.most_common(10)]
    assert first / tenth == pytest.approx(10, rel=0.3)
    assert len({message.login for message in messages}) > 5_000


def test_most_are_at_home_in_one_channel(messages: list[Message]) -> None:
    lines = Counter((message.login, message.channel) for message in messages)
    home = {login: 0 for login, _ in lines}
    for (login, _), count in lines.items():
        home[login] = max(home[login], count)
    assert sum(home.values()) / len(messages) == pytest.approx(0.9, abs=0.05)


def test_commands_and_planted_texts() -> None:
    corpus = Corpus(
        lines=20_000,
        prefix="#",
        command_names=("a", "b"),
        command_share=0.5,
        planted=("bad", "worse"),
        planted_share=0.1,
    )
    messages = list(corpus)
    said = Counter(message.command for message in messages)
    assert said["a"] == pytest.approx(said["b"], rel=0.1)
    assert all(message.text.split()[0] == f"#{message.command}" for message in messages if message.command)
    with_arguments = sum(" " in message.text for message in messages if message.command)
    assert with_arguments / (said["a"] + said["b"]) == pytest.approx(0.5, abs=0.03)
    assert sum(message.text in ("bad", "worse") for message in messages) / 20_000 == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("count", [20, 1_000, 10_000])
def test_a_rule_set_has_the_shares_it_promises(count: int) -> None:
    rules = rule_set(count)
    assert {kind: tenths * count // 10 for kind, tenths in TENTHS.items()} == Counter(rule.kind for rule in rules)
    assert len({rule.pattern for rule in rules}) == count
    assert rules == rule_set(count)


def test_communities_have_rules_of_their_own() -> None:
    sets = own_sets(200, 20)
    assert len({rule.pattern for rules in sets for rule in rules}) > 0.99 * 200 * 20


def test_rules_match_their_examples_and_no_ordinary_chat(messages: list[Message]) -> None:
    meaning = {"contains": "{}", "word": r"\b{}\b", "exact": "^{}$", "regex": "{}"}
    options = re2.Options()
    options.max_mem = 64 << 20
    matcher = re2.Set.SearchSet(options)
    rules = rule_set(1_000)
    for rule in rules:
        pattern = rule.pattern if rule.kind == "regex" else re2.escape(rule.pattern)
        matcher.Add(meaning[rule.kind].format(pattern))
    matcher.Compile()
    assert all(number in matcher.Match(rule.example) for number, rule in enumerate(rules))
    assert not any(matcher.Match(message.text) for message in messages)
