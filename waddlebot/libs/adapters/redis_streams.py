"""The partitions' streams and what is done with them; knows how keys are scattered, and nothing of events."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError

from waddlebot.libs.adapters import redis_scripts as scripts
from waddlebot.libs.adapters.redis_url import Client, RedisUrl
from waddlebot.libs.sdk.ports import PARTITIONS

FAILURES = (RedisError, RedisClusterException, OSError)
"""What a command ends with when Redis, or the way to it, is not well."""

BROKEN = (RuntimeError, TypeError)
"""What asyncio and uvloop raise besides, when a connection ends under a command that is just written."""

TRIES_MAX = 5
"""An entry whose readers ended so many times is not read again: it may be what ends them."""

NOTES = "n"
"""What the bell says of notes; of entries it says the numbers of their partitions."""

ANYBODY = -1
"""Stands for a fence where every consumer of a group may read."""

_TAKEN_MAX = 128
_FOUND_MAX = 500
_ACKS_MAX = 1_000
_ALL = range(PARTITIONS)


class Entry(NamedTuple):
    """One entry of a partition's stream."""

    partition: int
    id: str
    body: bytes


class Found(NamedTuple):
    """What a group was given: entries in order, partitions that were not looked into for lack of room."""

    entries: dict[str, list[Entry]]
    later: dict[str, set[int]]


class Left(NamedTuple):
    """A stream after it was cut: its length, who finished least, who is gone, each group's unfinished entries."""

    length: int
    slowest: str
    gone: list[str]
    lags: dict[str, int]


class Streams:
    """Commands on the streams of all partitions, each raising one of :data:`FAILURES`.

    ``consumer`` is this process in every group; ``length_max`` how many entries a stream holds.
    """

    def __init__(self, client: Client, url: RedisUrl, consumer: str, length_max: int) -> None:
        prefix = url.prefix
        self.length_max = length_max
        self.bell = f"{prefix}:{url.db}:bell"  # channels are the same in every database of a server
        self.notes = f"{prefix}:notes"
        self._client = client
        self._consumer = consumer
        self._scattered = url.scattered
        self._keys = [f"{prefix}:{{{number:02}}}:events" for number in _ALL]
        self._owners = [f"{prefix}:{{{number:02}}}:owner" for number in _ALL]

    def _together(self, partitions: Iterable[int]) -> list[list[int]]:
        """The partitions whose keys one script may take (Redis Cluster specification, "Hash tags")."""
        return [[p] for p in partitions] if self._scattered else [list(partitions)]

    async def _all(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The answers of commands that travel together; of one that failed its exception."""
        try:
            if len(commands) == 1:
                return [await self._client.execute_command(*commands[0])]
            pipeline = self._client.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)
            return await pipeline.execute(raise_on_error=False)
        except BROKEN as error:
            raise RedisConnectionError(f"the connection broke ({error})") from error

    async def _each(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """The answers of commands, if none failed."""
        answers = await self._all(commands)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return answers

    async def _ask(self, *command: Any) -> Any:
        """The answer of one command."""
        return (await self._each([command]))[0]

    @staticmethod
    def _script(script: str, keys: Sequence[str], *arguments: Any) -> Sequence[Any]:
        return ("EVAL", script, len(keys), *keys, *arguments)

    async def add(self, entries: Sequence[tuple[int, bytes]]) -> list[int | Exception]:
        """Add bodies to partitions, in order; for each the length of its stream, -1 where that is full.

        Raises nothing: what has an exception in its place may have been added or not.
        """
        by_slot: dict[int, list[int]] = {}
        for number, (partition, _) in enumerate(entries):
            by_slot.setdefault(partition if self._scattered else 0, []).append(number)
        commands = []
        for numbers in by_slot.values():
            partitions = [entries[n][0] for n in numbers]
            bell = ",".join(map(str, dict.fromkeys(partitions)))
            keys = [self._keys[p] for p in partitions]
            bodies = [entries[n][1] for n in numbers]
            commands.append(self._script(scripts.ADD, keys, self.length_max, self.bell, bell, *bodies))
        found: list[Any]
        try:
            found = await self._all(commands)
        except FAILURES as error:
            found = [error] * len(commands)
        answers: list[int | Exception] = [0] * len(entries)
        for numbers, answer in zip(by_slot.values(), found, strict=True):
            lengths = [answer] * len(numbers) if isinstance(answer, Exception) else answer
            for n, length in zip(numbers, lengths, strict=True):
                answers[n] = length
        return answers

    async def has(self, partition: int, marks: Sequence[str]) -> list[bool]:
        """Which marks are in the bodies of the last entries of a partition."""
        found = await self._ask(*self._script(scripts.FIND, [self._keys[partition]], _FOUND_MAX, *marks))
        return [bool(answer) for answer in found]

    async def read(self, wants: Mapping[str, Mapping[int, int]], entries_max: int, bytes_max: int) -> Found:
        """What is new for groups in their partitions, each with its owner's fence, or :data:`ANYBODY`."""
        groups = list(wants)
        readers: dict[int, list[int]] = {}
        for number, wanted in enumerate(wants.values(), 1):
            for partition, fence in wanted.items():
                readers.setdefault(partition, []).extend((number, fence))
        chunks = self._together(readers)
        answers: list[list[Any]] = await self._each(
            [
                self._script(
                    scripts.READ,
                    [key for p in chunk for key in (self._keys[p], self._owners[p])],
                    *(self._consumer, entries_max, bytes_max),
                    msgspec.msgpack.encode((groups, [readers[p] for p in chunk])),
                )
                for chunk in chunks
            ]
        )
        found = Found({}, {})
        for chunk, answer in zip(chunks, answers, strict=True):
            bodies: dict[tuple[int, bytes], bytes] = {}
            for stream, group, what in zip(answer[::3], answer[1::3], answer[2::3], strict=True):
                self._note_found(found, bodies, groups[group - 1], chunk[stream - 1], what)
        return found

    @staticmethod
    def _note_found(
        found: Found, bodies: dict[tuple[int, bytes], bytes], group: str, partition: int, what: Any
    ) -> None:
        if isinstance(what, bytes):
            raise RedisError(what.decode(errors="replace"))
        if isinstance(what, list):
            entries = found.entries.setdefault(group, [])
            for id_, body in zip(what[::2], what[1::2], strict=True):
                there = bodies.setdefault((partition, id_), body)
                entries.append(Entry(partition, id_.decode(), there))
        else:
            found.later.setdefault(group, set()).add(partition)

    async def take(
        self,
        group: str,
        partition: int,
        whose: str,
        *,
        after: str = "-",
        fence: int | None = None,
        idle_ms: int = 0,
        spared: Collection[str] = (),
    ) -> tuple[str, int, list[Entry]]:
        """Take what was read and not finished: of everybody (``*``), of us (``=``), of all but the spared (``!``).

        Returns the id to go on after (empty at the end), how many were given up, and entries in order.
        """
        command = self._script(
            scripts.TAKE,
            [self._keys[partition], self._owners[partition]],
            *(group, self._consumer, after, _TAKEN_MAX, TRIES_MAX, "" if fence is None else fence),
            *(idle_ms, whose, *spared),
        )
        answer = await self._ask(*command)
        found = zip(answer[2::2], answer[3::2], strict=True)
        entries = [Entry(partition, id_.decode(), body) for id_, body in found]
        return answer[0].decode(), answer[1], entries

    async def unfinished(self, groups: Sequence[str], idle_ms: int) -> list[tuple[str, int]]:
        """Groups and partitions in which entries were read and not finished for so long."""
        found = []
        chunks = self._together(_ALL)
        answers: list[list[int]] = await self._each(
            [self._script(scripts.IDLE, [self._keys[p] for p in chunk], idle_ms, *groups) for chunk in chunks]
        )
        for chunk, answer in zip(chunks, answers, strict=True):
            found += [(groups[g - 1], chunk[k - 1]) for k, g in zip(answer[::2], answer[1::2], strict=True)]
        return found

    async def ack(self, finished: Mapping[tuple[str, int], Sequence[str]]) -> None:
        """Finish entries of groups in partitions."""
        by_partition: dict[int, list[str | Sequence[str]]] = {}
        for (group, partition), ids in finished.items():
            by_partition.setdefault(partition, []).extend((group, ids))
        await self._each(
            [
                self._script(
                    scripts.ACK,
                    [self._keys[p] for p in chunk],
                    msgspec.msgpack.encode([by_partition[p] for p in chunk]),
                    _ACKS_MAX,
                )
                for chunk in self._together(by_partition)
            ]
        )

    async def ensure(self, groups: Sequence[str]) -> int:
        """Make the groups that are missing; they begin with the first entry. Returns how many were made."""
        made: list[int] = await self._on_all(scripts.ENSURE, *groups)
        return sum(made)

    async def trim(self, partitions: Collection[int], gone_ms: int, gone: Collection[str]) -> dict[int, Left]:
        """Cut what every group has finished. In a stream half full, groups that are ``gone``, or that nobody read
        for ``gone_ms``, hold nothing back.
        """
        chunks = [c[start : start + 8] for c in self._together(partitions) for start in range(0, len(c), 8)]
        answers: list[list[Any]] = await self._each(
            [
                self._script(scripts.TRIM, [self._keys[p] for p in chunk], self.length_max, gone_ms, *gone)
                for chunk in chunks
            ]
        )
        left = {}
        for chunk, answer in zip(chunks, answers, strict=True):
            for p, (length, slowest, cut, lags) in zip(chunk, answer, strict=True):
                names = [name.decode() for name in lags[::2]]
                by_group = dict(zip(names, lags[1::2], strict=True))
                left[p] = Left(length, slowest.decode(), [name.decode() for name in cut], by_group)
        return left

    async def forget(self, idle_ms: int, at_once: str = "") -> None:
        """Remove consumers that hold nothing and did nothing for so long, and one at once."""
        await self._on_all(scripts.FORGET, idle_ms, at_once)

    async def _on_all(self, script: str, *arguments: Any) -> list[int]:
        return await self._each(
            [self._script(script, [self._keys[p] for p in chunk], *arguments) for chunk in self._together(_ALL)]
        )

    async def note(self, body: bytes, notes_max: int) -> None:
        """Add to the notes."""
        await self._ask(*self._script(scripts.NOTE, [self.notes], notes_max, self.bell, NOTES, body))

    async def last_note(self) -> str:
        """The id of the last note, ``0-0`` where there is none."""
        found = await self._ask("XREVRANGE", self.notes, "+", "-", "COUNT", 1)
        return found[0][0].decode() if found else "0-0"

    async def notes_after(self, id_: str, entries_max: int) -> list[tuple[str, bytes]]:
        """Notes that came after one, with their ids."""
        found = await self._ask("XRANGE", self.notes, f"({id_}", "+", "COUNT", entries_max)
        return [(entry[0].decode(), dict(_pairs(entry[1]))[b"b"]) for entry in found]


def _pairs(fields: Any) -> Iterable[tuple[bytes, bytes]]:
    return fields.items() if isinstance(fields, dict) else zip(fields[::2], fields[1::2], strict=True)
