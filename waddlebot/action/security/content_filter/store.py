"""What the content filter keeps: filters, phrases, permits, counts, chat for a while, and nukes."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec

from waddlebot.action.security.content_filter.chat import Line, pack, unpack
from waddlebot.action.security.content_filter.settings import FilterSetting, problem_of, standard
from waddlebot.libs.dal import Edit
from waddlebot.libs.filters.folding import shared
from waddlebot.libs.filters.phrases import PHRASE_LENGTH_MIN, folded_length
from waddlebot.libs.sdk import Column, Field, Phrase, Refusal, Store, Table, configures, reads, resource, writes

PHRASES_MAX = 2_000
PHRASE_LENGTH_MAX = 100
PERMITS_MAX = 1_000
BUCKET_S = 600.0
"""Batches of so long a time become one when nothing more comes to it."""
_COMPACTED_MAX = 50
UNDO_S = 86_400.0
"""For so long a nuke can be undone."""


@resource(key=("text",), table="phrase")
@dataclasses.dataclass(frozen=True, slots=True)
class Blocked:
    """A phrase that nobody may say; ``*`` stands for any few characters."""

    text: Annotated[str, Field("The phrase.", length_max=PHRASE_LENGTH_MAX)]
    kind: Annotated[str, Field("As a word of its own, or anywhere.", choices=("word", "contains"))] = "word"

    def compiled(self) -> Phrase:
        """The phrase as the router looks for it."""
        return Phrase(self.text, "contains" if self.kind == "contains" else "word")


@resource(key=("account",), table="permit", portable=False)
@dataclasses.dataclass(frozen=True, slots=True)
class Permit:
    """An account that may post links until then (seconds since the epoch)."""

    account: str
    login: str
    until: float


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """All that a community set."""

    filters: dict[str, FilterSetting]
    phrases: tuple[Blocked, ...]
    permits: tuple[Permit, ...]

    def setting(self, kind: str) -> FilterSetting:
        """A filter as it is set, or as it comes."""
        return self.filters.get(kind) or standard(kind)


class Target(msgspec.Struct, frozen=True, array_like=True):
    """Whom a nuke hit, and where."""

    entity: str
    user_id: str
    login: str

    @property
    def account(self) -> str:
        """``platform:user_id``."""
        return f"{self.entity.partition(':')[0]}:{self.user_id}"


class Nuke(msgspec.Struct, frozen=True):
    """What a nuke did: ``timeout`` or ``ban``."""

    deed: str
    targets: tuple[Target, ...]


type ChatRow = tuple[str, float, int, bytes]
"""Community, time of the last line, number of lines, the lines packed."""

CHAT = Table(
    "chat",
    (
        Column("batch", "text"), Column("bucket", "integer"), Column("at", "real"), Column("lines", "integer"),
        Column("packed", "bytes"),
    ),
    key=("community", "batch"),
)  # fmt: skip
HITS = Table(
    "hits",
    (Column("kind", "text"), Column("canary", "boolean"), Column("hits", "integer")),
    key=("community", "kind", "canary"),
)
NUKE = Table(
    "nuke",
    (
        Column("id", "text"), Column("at", "real"), Column("deed", "text"), Column("undone", "boolean"),
        Column("targets", "bytes"),
    ),
    key=("community", "id"),
)  # fmt: skip

_TARGETS = msgspec.msgpack.Decoder(tuple[Target, ...]).decode


class FilterStore(Store):
    """The filters of communities."""

    tables = (CHAT, HITS, NUKE)
    resources = (FilterSetting, Blocked, Permit)

    # What is configured

    @reads
    def made(self) -> Made:
        """What the community set."""
        filters = {setting.kind: setting for setting in self.list(FilterSetting)}
        return Made(filters, tuple(self.list(Blocked)), tuple(self.list(Permit)))

    @reads
    def made_by_community(self) -> dict[str, Made]:
        """What each community of the scope set."""
        filters = self.list_by_community(FilterSetting)
        phrases, permits = self.list_by_community(Blocked), self.list_by_community(Permit)
        return {
            community: Made(
                {setting.kind: setting for setting in filters.get(community, ())},
                tuple(phrases.get(community, ())),
                tuple(permits.get(community, ())),
            )
            for community in filters.keys() | phrases.keys() | permits.keys()
        }

    @configures
    def change(self, settings: list[FilterSetting]) -> None:
        """Set filters."""
        for setting in settings:
            self.put(setting)

    @configures
    def block(self, phrase: Blocked) -> bool:
        """Put a phrase on the blocklist; whether it is new. Raises :class:`Refusal` for one that cannot be."""
        self._check(phrase)
        is_new = self.get(Blocked, text=phrase.text) is None
        if is_new and len(self.list(Blocked)) >= PHRASES_MAX:
            raise Refusal(f"The blocklist holds {PHRASES_MAX} phrases already. Remove one first.")
        self.put(phrase)
        return is_new

    @configures
    def unblock(self, text: str) -> bool:
        """Take a phrase off the blocklist; False where it is not on it."""
        return self.remove(Blocked, text=text)

    @configures
    def permit(self, permit: Permit, now: float) -> None:
        """Let an account post links for a while; permits that are over go. Raises :class:`Refusal`."""
        running = 0
        for other in self.list(Permit):
            if other.until <= now:
                self.remove(Permit, account=other.account)
            else:
                running += other.account != permit.account
        if running >= PERMITS_MAX:
            raise Refusal(f"{PERMITS_MAX} people have a permit already. Wait until some are over.")
        self.put(permit)

    def bring(self, before: Any, after: Any) -> Any:
        """See :class:`Store`: a filter that is brought in is one there is, within its numbers."""
        if isinstance(after, FilterSetting) and (problem := problem_of(after)):
            raise Refusal(problem)
        return after

    def admit(self, edits: Sequence[Edit]) -> None:
        """See :class:`Store`: the blocklist stays as short as it must be, and phrases as long."""
        brought = [edit.after for edit in edits if isinstance(edit.after, Blocked)]
        for phrase in brought:
            self._check(phrase)
        if brought and len(self.list(Blocked)) > PHRASES_MAX:
            raise Refusal(f"The blocklist holds {PHRASES_MAX} phrases at most. Remove one first.")

    @staticmethod
    def _check(phrase: Blocked) -> None:
        if not phrase.text.strip() or len(phrase.text) > PHRASE_LENGTH_MAX:
            raise Refusal(f"A phrase has 1 to {PHRASE_LENGTH_MAX} characters.")
        if folded_length(phrase.text, shared()) < PHRASE_LENGTH_MIN:
            raise Refusal(
                f"A phrase needs {PHRASE_LENGTH_MIN} letters or digits in a row; signs alone are no word."
            )

    # What was found

    @writes
    def count(self, hits: list[tuple[str, str, bool, int]]) -> None:
        """Add (community, filter, whether it was a canary, times)."""
        self.db.upsert_many("hits", hits, columns=("community", "kind", "canary", "hits"), add=("hits",))

    @reads
    def hits(self) -> dict[str, tuple[int, int]]:
        """How often each filter acted, and how often it found something as a canary."""
        found: dict[str, tuple[int, int]] = {}
        for kind, canary, times in self.db.execute("select kind, canary, hits from {hits} where {scope}"):
            acted, noted = found.get(kind, (0, 0))
            found[kind] = (acted, noted + times) if canary else (acted + times, noted)
        return found

    # What was said

    @writes
    def keep(self, rows: list[ChatRow], batch: str) -> None:
        """Keep what a batch said, a row per community."""
        self.db.upsert_many(
            "chat",
            [(community, batch, int(at // BUCKET_S), at, lines, packed) for community, at, lines, packed in rows],
            columns=("community", "batch", "bucket", "at", "lines", "packed"),
        )

    @reads
    def said(self, since: float, lines_max: int) -> list[Line]:
        """What was said in the community since a time, the oldest first: of more lines the last ``lines_max``."""
        sizes = self.db.execute(
            "select at, lines from {chat} where {scope} and at >= :since order by at desc", {"since": since}
        )
        total = 0
        for at, lines in sizes:
            total += lines
            if total > lines_max:
                since = max(since, at)
                break
        rows = self.db.execute("select packed from {chat} where {scope} and at >= :since", {"since": since})
        found = [line for (packed,) in rows for line in unpack(packed) if line.at >= since or total > lines_max]
        found.sort(key=lambda line: line.at)
        return found[-lines_max:]

    @writes
    def compact(self, before: float) -> int:
        """Make one row of the batches of a bucket that ended before a time; how many rows are gone."""
        groups = self.db.execute(
            "select community, bucket from {chat} where {scope} and bucket < :bucket "
            "group by community, bucket having count(*) > 1 order by community, bucket limit :most",
            {"bucket": int(before // BUCKET_S), "most": _COMPACTED_MAX},
        )
        gone = 0
        for community, bucket in groups:
            values = {"name": community, "bucket": bucket}
            there = "from {chat} where {scope} and community = :name and bucket = :bucket"
            rows = self.db.execute(f"select packed {there}", values)
            lines = sorted((line for (packed,) in rows for line in unpack(packed)), key=lambda line: line.at)
            self.db.execute(f"delete {there}", values)
            self._put_chat(community, f"bucket {bucket}", bucket, lines)
            gone += len(rows) - bool(lines)
        return gone

    def _put_chat(self, community: str, batch: str, bucket: int, lines: Sequence[Line]) -> None:
        if lines:
            row = (community, batch, bucket, max(line.at for line in lines), len(lines), pack(lines))
            columns = ("community", "batch", "bucket", "at", "lines", "packed")
            self.db.upsert_many("chat", [row], columns=columns, set=("at", "lines", "packed"))

    @reads
    def talkative(self) -> list[str]:
        """The communities of the scope whose chat or nukes are kept."""
        rows = self.db.execute(
            "select community from {chat} where {scope} union select community from {nuke} where {scope}"
        )
        return [community for (community,) in rows]

    @writes
    def forget_before(self, community: str, chat: float, nukes: float) -> int:
        """Delete a community's chat and nukes of before these times; how many rows."""
        gone = self.db.execute(
            "delete from {chat} where {scope} and community = :name and at < :at", {"name": community, "at": chat}
        ).changed
        return gone + self.db.execute(
            "delete from {nuke} where {scope} and community = :name and at < :at", {"name": community, "at": nukes}
        ).changed  # fmt: skip

    # Nukes

    @writes
    def keep_nuke(self, id: str, nuke: Nuke, now: float) -> None:  # noqa: A002  the column's name
        """Remember whom a nuke hit, so that it can be undone."""
        self.db.insert_many(
            "nuke",
            [
                {
                    "id": id, "at": now, "deed": nuke.deed, "undone": False,
                    "targets": msgspec.msgpack.encode(nuke.targets),
                }
            ],
        )  # fmt: skip

    @writes
    def undo_nuke(self, now: float) -> Nuke | None:
        """The last nuke that nobody undid yet, which counts as undone from now on."""
        rows = self.db.execute(
            "select id, deed, targets from {nuke} where {scope} and undone = :no and at > :since "
            "order by at desc limit 1",
            {"no": False, "since": now - UNDO_S},
        )
        if not rows:
            return None
        ((id_, deed, targets),) = rows
        self.db.execute("update {nuke} set undone = :yes where {scope} and id = :id", {"yes": True, "id": id_})
        return Nuke(deed, _TARGETS(targets))

    # Personal data

    @reads
    def held(self, accounts: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        """What is held about accounts, by table."""
        wanted = set(accounts)
        said = [
            {"at": line.at, "entity": line.entity, "account": line.account, "login": line.login, "text": line.text}
            for (packed,) in self.db.execute("select packed from {chat} where {scope} order by at")
            for line in unpack(packed)
            if line.account in wanted
        ]
        permits = [
            {"account": account, "login": login, "until": until}
            for account, login, until in self.db.execute(
                "select account, login, until from {permit} where {scope}"
            )
            if account in wanted
        ]
        nukes = [
            {"at": at, "deed": deed, "undone": bool(undone), "account": target.account, "login": target.login}
            for at, deed, undone, targets in self.db.execute(
                "select at, deed, undone, targets from {nuke} where {scope} order by at"
            )
            for target in _TARGETS(targets)
            if target.account in wanted
        ]
        return {"chat": said, "permit": permits, "nuke": nukes}

    @writes
    def forget(self, accounts: tuple[str, ...]) -> int:
        """Delete what accounts said, their permits, and that nukes hit them; how many lines, permits and hits."""
        wanted, gone = set(accounts), 0
        permits = self.db.execute("select community, account from {permit} where {scope}")
        self.reconfigured(community for community, account in permits if account in wanted)
        rows = self.db.execute("select community, batch, bucket, packed from {chat} where {scope}")
        for community, batch, bucket, packed in rows:
            lines = unpack(packed)
            kept = [line for line in lines if line.account not in wanted]
            if len(kept) < len(lines):
                gone += len(lines) - len(kept)
                self.db.execute(
                    "delete from {chat} where {scope} and community = :name and batch = :batch",
                    {"name": community, "batch": batch},
                )
                self._put_chat(community, batch, bucket, kept)
        for community, id_, packed in self.db.execute("select community, id, targets from {nuke} where {scope}"):
            targets = _TARGETS(packed)
            others = tuple(target for target in targets if target.account not in wanted)
            if len(others) < len(targets):
                gone += len(targets) - len(others)
                self.db.execute(
                    "update {nuke} set targets = :targets where {scope} and community = :name and id = :id",
                    {"targets": msgspec.msgpack.encode(others), "name": community, "id": id_},
                )
        return gone + self._forget_permits(wanted)

    def _forget_permits(self, accounts: Iterable[str]) -> int:
        gone = 0
        for account in accounts:
            gone += self.db.execute(
                "delete from {permit} where {scope} and account = :account", {"account": account}
            ).changed
        return gone
