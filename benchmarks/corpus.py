"""A generated chat: distinct raw IRC lines, shaped like Twitch's, the same for the same seed on every machine.

Channels follow Zipf's law (exponent 1), as chat does: the busiest of 1,000 channels has an eighth of all lines. So
do the users of a channel: everybody is at home in one, and every tenth line is a visitor's. Of 400,000 lines a
user says nine, in one or two channels. 30 % of the texts hold non-ASCII characters, 20 % emotes, 3 % a link. A
line of the Twitch dialect carries the tags of a PRIVMSG as documented at
https://dev.twitch.tv/docs/chat/irc/#privmsg-tags, about 420 bytes in all.

Ordinary texts never repeat, so no cache along the way can answer for the work. Commands and planted texts repeat,
as they do in life: two such lines still differ in tags, sender or channel.
"""

import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, NamedTuple

from benchmarks import vocabulary

NON_ASCII_SHARE = 0.30
EMOTE_SHARE = 0.20
LINK_SHARE = 0.03
ANSWER_SHARE = 0.05
BATCH_LINES = 1_000
STARTED_AT_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z, just before the first line's `tmi-sent-ts`
COLORS = ("#1E90FF", "#FF69B4", "#8A2BE2", "#00FF7F", "#B22222", "#DAA520", "#5F9EA0", "")
WORD_COUNTS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 24, 40)
WORD_COUNT_WEIGHTS = (8, 10, 12, 12, 11, 10, 12, 9, 7, 5, 3, 1)


class Message(NamedTuple):
    """One line of chat: what goes over the wire, and what a correct reader must make of it."""

    raw: bytes
    """The line as sent, with its CR LF."""
    id: str
    """The `id` tag (a UUID); empty in plain IRC, which has none."""
    channel: str
    """Without the `#`."""
    login: str
    user_id: str
    """Empty in plain IRC."""
    text: str
    command: str
    """The command's name; empty on an ordinary line."""


class Said(NamedTuple):
    """A text before anybody says it. `emotes` is the tag's value, positions counted in code points."""

    text: str
    emotes: str = ""
    command: str = ""
    may_repeat: bool = False


class Badges(NamedTuple):
    """What a sender is in a channel, as the tags say it."""

    info: str
    badges: str
    is_mod: int
    is_subscriber: int
    user_type: str


class User(NamedTuple):
    """Somebody who chats."""

    login: str
    id: str
    display_name: str
    color: str
    badges: Badges


BADGES = (
    Badges("", "", 0, 0, ""),
    Badges("", "premium/1", 0, 0, ""),
    Badges("subscriber/14", "subscriber/12,premium/1", 0, 1, ""),
    Badges("subscriber/3", "subscriber/3,bits/1000,hype-train/1", 0, 1, ""),
    Badges("subscriber/41", "moderator/1,subscriber/36,partner/1", 1, 1, "mod"),
)
BADGE_WEIGHTS = (40, 20, 25, 10, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """What to generate. Iterating yields `Message` after `Message`; they are not kept, so memory stays flat."""

    lines: int = 200_000
    seed: int = 1
    channels: int = 1_000
    users: int = 50_000
    dialect: Literal["twitch", "irc"] = "twitch"
    prefix: str = "!"
    command_names: Sequence[str] = ("hello",)
    command_share: float = 0.0
    """Share of lines (0 to 1) that call one of `command_names`, each as often; half with arguments."""
    planted: Sequence[str] = ()
    visitor_share: float = 0.10
    """Share of lines (0 to 1) by somebody who may be at home in any channel."""
    planted_share: float = 0.0
    """Share of lines (0 to 1) whose whole text is one of `planted`, such as what a string rule must catch."""

    def __iter__(self) -> Iterator[Message]:
        """Generate the messages, the same ones each time."""
        rng = random.Random(self.seed)
        channels, channel_weights = channel_names(self.channels), _zipf(self.channels)
        users = _users(rng, self.users)
        crowds = _crowds(rng, channels, channel_weights, users)
        visitors = users, _zipf(len(users))
        texts = self._texts(rng)
        seen: set[int] = set()
        for start in range(0, self.lines, BATCH_LINES):
            count = min(BATCH_LINES, self.lines - start)
            places = rng.choices(channels, cum_weights=channel_weights, k=count)
            for number in range(count):
                channel, said = places[number], next(texts)
                crowd = visitors if rng.random() < self.visitor_share else crowds.get(channel, visitors)
                (user,) = rng.choices(crowd[0], cum_weights=crowd[1])
                if self.dialect == "twitch":
                    yield _twitch_message(rng, user, channel, said, STARTED_AT_MS + 7 * (start + number))
                    continue
                if said.may_repeat:
                    while not _is_new(f"{user.login} {channel} {said.text}", seen):
                        user = rng.choice(users)
                yield _irc_message(user, channel, said)

    def _texts(self, rng: random.Random) -> Iterator[Said]:
        """Yield texts without end."""
        words = [*vocabulary.COMMON, *vocabulary.invented(random.Random(0), 3_000, 3)]
        seen: set[int] = set()
        chats = _chats(rng, words)
        while True:
            kind = rng.random()
            if kind < self.command_share:
                name = rng.choice(self.command_names)
                arguments = rng.choices(words, k=rng.choice((0, 0, 0, 1, 2, 3)))
                yield Said(" ".join((self.prefix + name, *arguments)), command=name, may_repeat=True)
            elif kind < self.command_share + self.planted_share:
                yield Said(rng.choice(self.planted), may_repeat=True)
            else:
                text, emotes = next(chats)
                while not _is_new(text, seen):
                    text = f"{text} {rng.choice(words)}"
                yield Said(text, emotes)


def channel_names(count: int) -> list[str]:
    """Return the channels that a corpus of so many channels names, the busiest first, without the `#`."""
    return [f"channel{number}" for number in range(count)]


def command_names(count: int) -> list[str]:
    """Return `count` names that every bot accepts for a command."""
    return [f"command{number}" for number in range(count)]


def _zipf(count: int) -> list[float]:
    """Return the cumulated weights 1, 1/2, 1/3 …"""
    return list(accumulate(1 / rank for rank in range(1, count + 1)))


def _crowds(
    rng: random.Random, channels: Sequence[str], weights: Sequence[float], users: Sequence[User]
) -> dict[str, tuple[list[User], list[float]]]:
    """Who is at home in each channel, and how eager they are."""
    found: dict[str, list[User]] = {}
    for user, channel in zip(users, rng.choices(channels, cum_weights=weights, k=len(users)), strict=True):
        found.setdefault(channel, []).append(user)
    return {channel: (crowd, _zipf(len(crowd))) for channel, crowd in found.items()}


def _is_new(line: str, seen: set[int]) -> bool:
    """Say whether `line` is new, and remember it. Two lines may clash by chance: then a new one counts as seen."""
    key = zlib.crc32(line.encode())  # not hash(), which differs from process to process
    if key in seen:
        return False
    seen.add(key)
    return True


def _users(rng: random.Random, count: int) -> list[User]:
    names = vocabulary.invented(random.Random(0), 500, 2)
    badges = rng.choices(BADGES, BADGE_WEIGHTS, k=count)
    users = []
    for number in range(count):
        login = f"{names[number % len(names)]}_{number}"
        display_name = login.title()
        if number % 20 == 0:  # a localised display name, as Twitch allows in Chinese, Japanese and Korean
            display_name = f"{'主播加油可愛'[number // 20 % 6]}{number}"
        user_id = str(20_000_000 + number * 7_919)
        users.append(User(login, user_id, display_name, rng.choice(COLORS), badges[number]))
    return users


def _chats(rng: random.Random, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield ordinary texts without end, each with its `emotes` tag."""
    weights = _zipf(len(words))
    while True:
        counts = rng.choices(WORD_COUNTS, WORD_COUNT_WEIGHTS, k=BATCH_LINES)
        drawn = iter(rng.choices(words, cum_weights=weights, k=sum(counts)))
        for count in counts:
            said = [next(drawn) for _ in range(count)]
            if rng.random() < NON_ASCII_SHARE:
                for _ in range(1 + count // 3):
                    said[rng.randrange(count)] = rng.choice(vocabulary.NON_ASCII)
            if rng.random() < LINK_SHARE:
                said.append(rng.choice(vocabulary.LINKS).format(key=f"{rng.getrandbits(44):011x}"))
            if rng.random() < EMOTE_SHARE:
                yield _with_emotes(rng, said)
            else:
                yield " ".join(said), ""


def _with_emotes(rng: random.Random, said: list[str]) -> tuple[str, str]:
    """Put an emote into a text one to three times; return the text and the `emotes` tag."""
    emote_id, name = rng.choice(vocabulary.EMOTES)
    for _ in range(rng.choice((1, 1, 2, 3))):
        said.insert(rng.randrange(len(said) + 1), name)
    positions, offset = [], 0
    for word in said:
        if word == name:
            positions.append(f"{offset}-{offset + len(word) - 1}")
        offset += len(word) + 1
    return " ".join(said), f"{emote_id}:{','.join(positions)}"


def _uuid(rng: random.Random) -> str:
    """Return a version 4 UUID (RFC 9562 §5.4), in a fifth of the time that `uuid.UUID` takes."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _twitch_message(rng: random.Random, user: User, channel: str, said: Said, sent_at_ms: int) -> Message:
    nonce = f"{rng.getrandbits(128):032x}"
    message_id = _uuid(rng)
    login, badges, answer = user.login, user.badges, ""
    if rng.random() < ANSWER_SHARE:  # tag values escape a space as \s and a semicolon as \:
        answer = (
            "reply-parent-display-name=Somebody;reply-parent-msg-body=well\\:\\swhat\\sdo\\syou\\sthink?;"
            f"reply-parent-msg-id={_uuid(rng)};reply-parent-user-id=20000000;reply-parent-user-login=somebody;"
        )
    raw = (
        f"@badge-info={badges.info};badges={badges.badges};client-nonce={nonce};color={user.color};"
        f"display-name={user.display_name};emotes={said.emotes};first-msg=0;flags=;id={message_id};"
        f"mod={badges.is_mod};{answer}returning-chatter=0;room-id={room_id(channel)};"
        f"subscriber={badges.is_subscriber};tmi-sent-ts={sent_at_ms};turbo=0;user-id={user.id};"
        f"user-type={badges.user_type} :{login}!{login}@{login}.tmi.twitch.tv PRIVMSG #{channel} :{said.text}\r\n"
    )
    return Message(raw.encode(), message_id, channel, login, user.id, said.text, said.command)


def _irc_message(user: User, channel: str, said: Said) -> Message:
    login = user.login
    raw = f":{login}!~{login}@host-{login}.example.net PRIVMSG #{channel} :{said.text}\r\n"
    return Message(raw.encode(), "", channel, login, "", said.text, said.command)


def room_id(channel: str) -> str:
    """Return the id that Twitch would have given to `channel`, one of `channel_names`."""
    return str(10_000_000 + int(channel.removeprefix("channel")) * 104_729)
