"""Hosts and leases (ARCHITECTURE §5), on the database's clock.

A lease is valid while its holder's row in ``host`` exists. A row is deleted only by its own host, once it has
lapsed, or once its process was seen to end, and ids are never used again, so "the holder is gone" stays true for
ever once it is. A heartbeat and a deletion of the same row wait for each other in the database: one of them
finds that it came too late.

All other changes take turns by the one row of ``turn``: each sees what the one before it committed, and the
number it draws is higher. So who asks for what changed since a number misses nothing.
"""

from collections.abc import Mapping, Sequence

import msgspec

from waddlebot.libs.dal import Column, Store, Table, reads, writes

OWNER = "coordination"


class HostRow(msgspec.Struct, frozen=True):
    """A living host: its id, new at each start; how people call it; where it answers; the modules it runs.

    ``grpc`` and ``http`` are addresses for other hosts, empty where it has none. ``started_at`` is in seconds
    since 1970 by the database's clock.
    """

    id: str
    name: str
    grpc: str = ""
    http: str = ""
    modules: tuple[str, ...] = ()
    version: str = ""
    started_at: float = 0.0


class Want(msgspec.Struct, frozen=True):
    """Names with priorities that a host's replica of a module (``kind``) shares; it holds at most ``most``."""

    host: str
    kind: str
    names: dict[str, int]
    most: int | None


class Lease(msgspec.Struct, frozen=True, gc=False):
    """Who holds a name, empty for nobody. ``fence`` rises with every take-over."""

    name: str
    kind: str
    holder: str
    fence: int


class News(msgspec.Struct, frozen=True):
    """What changed since a number: all hosts, and the changed wants and leases; nothing at the same number.

    ``lapsed`` says how many hosts have not been heard of for too long, ``at`` what the database's clock shows.
    """

    number: int
    lapsed: int
    at: float = 0.0
    hosts: tuple[HostRow, ...] = ()
    wants: tuple[Want, ...] = ()
    leases: tuple[Lease, ...] = ()


class LeaseStore(Store):
    """Hosts, what they want and what they hold. System scope only."""

    from_primary = True  # what is held is decided by what is there now
    aside = True  # a heartbeat that waits behind a thousand rows is late, and the host taken for dead
    tables = (
        Table(
            "host",
            (
                Column("id", "text"), Column("name", "text"), Column("grpc", "text"), Column("http", "text"),
                Column("modules", "json"), Column("version", "text"),
                Column("started_at", "real"), Column("until", "real"),
            ),
            ("id",),
            scoped=False,
        ),
        Table(
            "want",
            (
                Column("host", "text"), Column("kind", "text"), Column("names", "bytes"),
                Column("most", "integer", null=True), Column("changed", "integer"),
            ),
            ("host", "kind"),
            scoped=False,
        ),
        Table(
            "lease",
            (
                Column("name", "text"), Column("kind", "text"), Column("holder", "text"),
                Column("fence", "integer"), Column("changed", "integer"),
            ),
            ("name",),
            scoped=False,
        ),
        Table("turn", (Column("what", "text"), Column("number", "integer")), ("what",), scoped=False),
    )  # fmt: skip

    # The hosts of the backup's time are gone. What they did after it carries fences that the backup does not know:
    # by the clock in milliseconds the next ones are higher, unless a name changed hands a thousand times a second.
    after_restore = (
        "delete from {host}",
        "delete from {want}",
        "update {lease} set holder = '', fence = cast({now} * 1000 as bigint)",
    )

    @writes
    def arrive(self, host: HostRow, expiry_s: float, alone: bool) -> None:
        """A host is here from now on, for ``expiry_s`` after each heartbeat. ``alone``: all others are gone.

        One of the same name is gone in any case: two cannot have the same address on the same machine.
        """
        self._turn()
        others = {"name": host.name, "alone": int(alone)}
        self.db.execute("delete from {host} where name = :name or :alone = 1", others)
        self.db.execute("delete from {want} where host not in (select id from {host})")
        self.db.execute(
            "insert into {host} (id, name, grpc, http, modules, version, started_at, until)"
            " values (:id, :name, :grpc, :http, :modules, :version, {now}, {now} + :expiry_s)",
            {
                "id": host.id, "name": host.name, "grpc": host.grpc, "http": host.http,
                "modules": _text(host.modules), "version": host.version, "expiry_s": expiry_s,
            },
        )  # fmt: skip

    @writes
    def beat(self, host: str, expiry_s: float) -> bool:
        """The host lives. False when it was taken for dead before: what it held may have other holders."""
        values = {"host": host, "expiry_s": expiry_s}
        return bool(
            self.db.execute("update {host} set until = {now} + :expiry_s where id = :host", values).changed
        )

    @writes
    def bury(self, ended: Sequence[str] = (), lapsed: bool = True) -> list[str]:
        """Take hosts that ``ended``, and all that have ``lapsed``, for dead: what they held is free.

        Returns their ids.
        """
        self._turn()
        values = {"ended": _text(ended), "lapsed": int(lapsed)}
        found = self.db.execute(
            "delete from {host} where (until < {now} and :lapsed = 1) or id in {each:ended} returning id", values
        )
        dead = [row[0] for row in found]
        self.db.execute("delete from {want} where host not in (select id from {host})")
        return dead

    @writes
    def want(self, want: Want) -> None:
        """Tell what a host's replica of a module wants to share."""
        self.db.upsert_many(
            "want",
            [(want.host, want.kind, msgspec.msgpack.encode(want.names), want.most, self._turn())],
            columns=("host", "kind", "names", "most", "changed"),
            set=("names", "most", "changed"),
        )

    @writes
    def trade(self, host: str, give: Sequence[str], take: Mapping[str, Sequence[str]]) -> None:
        """Give names up, and take those of ``take`` (by kind) whose holder is gone: one statement for each kind.

        A host that was taken for dead takes none.
        """
        number = self._turn()
        if give:
            self.db.execute(
                "update {lease} set holder = '', changed = :number where holder = :host and name in {each:names}",
                {"host": host, "number": number, "names": _text(give)},
            )
        for kind, names in take.items():
            self.db.execute(
                "with given(name) as {each:names}"
                " insert into {lease} as had (name, kind, holder, fence, changed)"
                " select name, :kind, :host, 1, :number from given"
                " where exists (select 1 from {host} where id = :host)"
                " on conflict (name) do update"
                " set kind = excluded.kind, holder = excluded.holder, fence = had.fence + 1, changed = :number"
                " where not exists (select 1 from {host} as lives where lives.id = had.holder)",
                {"host": host, "kind": kind, "number": number, "names": _text(names)},
            )

    @writes
    def leave(self, host: str) -> None:
        """The host stops: what it held is free at once."""
        values: dict[str, object] = {"host": host, "number": self._turn()}
        self.db.execute("update {lease} set holder = '', changed = :number where holder = :host", values)
        self.db.execute("delete from {want} where host = :host", values)
        self.db.execute("delete from {host} where id = :host", values)

    @reads
    def news(self, since: int) -> News:
        """What changed after the number ``since``."""
        found = self.db.execute("select number from {turn} where what = 'leases'")
        number = found[0][0] if found else 0
        lapsed, at = self.db.execute("select (select count(*) from {host} where until < {now}), {now}")[0]
        if number == since:
            return News(number, lapsed, at)
        hosts = self.db.execute(
            "select id, name, grpc, http, modules, version, started_at from {host} order by id"
        )
        values = {"since": since}
        wants = self.db.execute("select host, kind, names, most from {want} where changed > :since", values)
        leases = self.db.execute("select name, kind, holder, fence from {lease} where changed > :since", values)
        return News(
            number,
            lapsed,
            at,
            tuple(
                HostRow(id_, name, grpc, http, msgspec.json.decode(modules, type=tuple[str, ...]), version, at)
                for id_, name, grpc, http, modules, version, at in hosts
            ),
            tuple(Want(row[0], row[1], msgspec.msgpack.decode(row[2]), row[3]) for row in wants),
            tuple(Lease(*row) for row in leases),
        )

    def _turn(self) -> int:
        """Wait for our turn, and draw the next number."""
        rows = self.db.execute(
            "insert into {turn} as last (what, number) values ('leases', 1)"
            " on conflict (what) do update set number = last.number + 1 returning number"
        )
        number: int = rows[0][0]
        return number


def _text(texts: Sequence[str]) -> str:
    return msgspec.json.encode(texts).decode()
