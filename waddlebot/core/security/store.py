"""What is held against whom, what was ever done about them, and what platforms were told."""

import dataclasses
import json
import time
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from waddlebot.libs.dal import Edit
from waddlebot.libs.sdk import Column, Refusal, Store, Table, configures, reads, resource, writes

VERDICTS_MAX = 10_000
"""Verdicts in force in one community; routers hold who is kept out in memory."""
LOG_KEPT_S = 365 * 86_400.0

type Kind = Literal["warn", "timeout", "ban"]

LOG = Table(
    "log",
    (
        Column("number", "integer"),
        *(Column(name, "text") for name in ("kind", "account", "login", "actor", "reason")),
        Column("at", "real"),
    ),
    key=("community", "number"),
)
ENFORCED = Table(
    "enforced",
    tuple(Column(name, "text") for name in ("id", "account", "kind", "login")),
    key=("community", "id", "account"),
)


@resource(key=("id",), table="verdict", portable=False)
@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """Something that is held against an account; without the record it is taken back.

    ``actor`` is who decided, and ``automatic`` whether that followed from a setting. ``until`` is 0 for what does
    not end; of a warning it is when it counts no more. Times are in seconds since 1970.
    """

    id: str
    kind: Kind
    account: str
    login: str
    reason: str
    actor: str
    at: float
    until: float
    automatic: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Logged:
    """One entry of the log; ``kind`` is a verdict's, with ``un`` before it where that was taken back."""

    kind: str
    account: str
    login: str
    actor: str
    reason: str
    at: float


@dataclasses.dataclass(frozen=True, slots=True)
class Enforced:
    """What a platform was asked to do about an account."""

    id: str
    account: str
    kind: str
    login: str


_LOGGED = "kind, account, login, actor, reason, at"


class SecurityStore(Store):
    """Verdicts name accounts, for ever; whom they belong to is asked when it matters."""

    tables = (LOG, ENFORCED)
    resources = (Verdict,)
    from_primary = True  # what was decided a moment ago must count

    @reads
    def verdicts(self, accounts: tuple[str, ...] = ()) -> list[Verdict]:
        """What is held against these accounts, or anybody, the newest first."""
        return self._verdicts(accounts)

    @reads
    def verdicts_by_community(self) -> dict[str, Sequence[Verdict]]:
        """All verdicts of the scope's communities."""
        return dict(self.list_by_community(Verdict))

    @configures
    def decide(self, verdict: Verdict, accounts: tuple[str, ...], steps: "Steps | None") -> list[Verdict]:
        """Hold something against somebody who has these accounts; what it led to stands in the list, too.

        A timeout or ban takes the place of one of its kind. With ``steps`` warnings lead to more. Raises
        ``Refusal`` when there are too many verdicts.
        """
        made = [verdict]
        for other in self._verdicts(accounts):
            if verdict.kind != "warn" and other.kind == verdict.kind:
                self.remove(Verdict, id=other.id)
        self._keep(verdict)
        if verdict.kind == "warn" and steps is not None:
            warnings = [one for one in self._verdicts(accounts) if one.kind == "warn" and one.until > verdict.at]
            more = steps.after(verdict, len(warnings))
            if more is not None and not any(one.kind == "ban" for one in self._verdicts(accounts)):
                self._keep(more)
                made.append(more)
        return made

    @configures
    def lift(self, kind: Kind, accounts: tuple[str, ...], reason: str, now: float) -> list[Verdict]:
        """Take back what is held: the newest warning, or every timeout or ban; what was taken back."""
        found = [
            one for one in self._verdicts(accounts) if one.kind == kind and (not one.until or one.until > now)
        ]
        found = found[:1] if kind == "warn" else found
        for one in found:
            self.remove(Verdict, id=one.id)
            self._log(f"un{kind}", one, self.actor, reason, now)
        return found

    @reads
    def log(self, accounts: tuple[str, ...], most: int) -> list[Logged]:
        """What was done about these accounts, or anybody, the newest first."""
        some = " and account in {each:accounts}" if accounts else ""
        return self.db.fetch(
            Logged,
            f"select {_LOGGED} from {{log}} where {{scope}}{some} order by number desc limit :most",  # noqa: S608  # of constants alone
            {"most": most, "accounts": json.dumps(accounts)} if accounts else {"most": most},
        )

    # What platforms are told

    @reads
    def unsettled(self) -> list[str]:
        """The communities of the scope where platforms are still to be asked for something, or to end it."""
        rows = self.db.execute(
            "select community from {verdict} v where {scope:v} and kind <> 'warn' and not exists (select 1 from "
            "{enforced} e where e.community = v.community and e.id = v.id and e.account = v.account and {scope:e}"
            ") union select community from {enforced} e where {scope:e} and not exists "
            "(select 1 from {verdict} v where v.community = e.community and v.id = e.id and {scope:v}) order by 1"
        )
        return [community for (community,) in rows]

    @reads
    def open(self) -> list[str]:
        """The communities of the scope that hold something against somebody, or had platforms do."""
        rows = self.db.execute(
            "select community from {verdict} where {scope} and kind <> 'warn' "
            "union select community from {enforced} where {scope} order by 1"
        )
        return [community for (community,) in rows]

    @reads
    def enforced(self) -> list[Enforced]:
        """What platforms were asked to do."""
        return self.db.fetch(
            Enforced, "select id, account, kind, login from {enforced} where {scope} order by id, account"
        )

    @writes
    def told(self, new: list[Enforced], gone: list[Enforced]) -> None:
        """Platforms were asked to do that, and to end it."""
        self.db.upsert_many("enforced", [dataclasses.asdict(one) for one in new])
        for one in gone:
            self.db.execute(
                "delete from {enforced} where {scope} and id = :id and account = :account",
                {"id": one.id, "account": one.account},
            )

    @reads
    def over(self, now: float) -> list[str]:
        """The communities of the scope where something is over by now."""
        rows = self.db.execute(
            "select distinct community from {verdict} where {scope} and until > 0 and until <= :now order by 1",
            {"now": now},
        )
        return [community for (community,) in rows]

    @configures
    def end(self, now: float) -> int:
        """Remove verdicts that are over, and count them; the log keeps them for a year."""
        gone = [one for one in self.list(Verdict) if 0 < one.until <= now]
        for one in gone:
            self.remove(Verdict, id=one.id)
        return len(gone)

    @writes
    def forget_old(self, now: float) -> int:
        """Delete what stands in the log for longer than a year, in the scope's communities."""
        return self.db.execute(
            "delete from {log} where {scope} and at <= :before", {"before": now - LOG_KEPT_S}
        ).changed

    def admit(self, edits: Sequence[Edit]) -> None:
        """See :class:`Store`: what an undo does stands in the log, too."""
        if len(self.list(Verdict)) > VERDICTS_MAX:
            raise Refusal(f"{VERDICTS_MAX} verdicts are in force here at most.")
        for before, after in edits:
            verdict = before or after
            kind = verdict.kind if after is not None else f"un{verdict.kind}"
            self._log(kind, verdict, self.actor, self.reason, time.time())

    # What is held about people

    @reads
    def held(self, accounts: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        """What is held about accounts, by table."""
        return {
            "verdict": self._held("verdict", [f.name for f in dataclasses.fields(Verdict)], accounts),
            "log": self._held("log", ["number", *_LOGGED.split(", ")], accounts),
            "enforced": self._held("enforced", ["id", "account", "kind", "login"], accounts, ("account",)),
        }

    def _held(
        self, table: str, names: list[str], accounts: Sequence[str], by: Sequence[str] = ("account", "actor")
    ) -> list[dict[str, Any]]:
        found = " or ".join(f"{name} in {{each:accounts}}" for name in by)
        columns = ["community", *names]
        rows = self.db.execute(
            f"select {', '.join(columns)} from {{{table}}} where {{scope}} and ({found}) order by 1, 2",  # noqa: S608  # declared names
            {"accounts": json.dumps(accounts)},
        )
        return [dict(zip(columns, row, strict=True)) for row in rows]

    @writes
    def forget(self, accounts: tuple[str, ...]) -> int:
        """Delete the log about accounts, and how they are called in what has to stay; how many rows.

        What is held against them holds on: nobody gets rid of a ban by being forgotten. What they decided about
        others stays without their name.
        """
        values = {"accounts": json.dumps(accounts)}
        return sum(
            self.db.execute(statement, values).changed
            for statement in (
                "delete from {log} where {scope} and account in {each:accounts}",
                "update {log} set actor = '' where {scope} and actor in {each:accounts}",
                "update {enforced} set login = '' where {scope} and login <> '' and account in {each:accounts}",
                "update {verdict} set login = '', reason = '' where {scope} and (login <> '' or reason <> '') "
                "and account in {each:accounts}",
                "update {verdict} set actor = '' where {scope} and actor in {each:accounts}",
            )
        )

    def _verdicts(self, accounts: Iterable[str]) -> list[Verdict]:
        wanted = set(accounts)
        found = [one for one in self.list(Verdict) if not wanted or one.account in wanted]
        return sorted(found, key=lambda one: (-one.at, one.id))

    def _keep(self, verdict: Verdict) -> None:
        if self.get(Verdict, id=verdict.id) is None and len(self.list(Verdict)) >= VERDICTS_MAX:
            raise Refusal(f"{VERDICTS_MAX} verdicts are in force here already. Lift some first.")
        self.put(verdict)
        self._log(verdict.kind, verdict, verdict.actor, verdict.reason, verdict.at)

    def _log(self, kind: str, verdict: Verdict, actor: str, reason: str, at: float) -> None:
        ((last,),) = self.db.execute("select coalesce(max(number), 0) from {log} where {scope}")
        row = Logged(kind, verdict.account, verdict.login, actor, reason, at)
        self.db.insert_many("log", [{"number": last + 1} | dataclasses.asdict(row)])


@dataclasses.dataclass(frozen=True, slots=True)
class Steps:
    """What warnings lead to: each ``every`` of them to the next of these timeouts, in seconds, at last to a ban.

    The last timeout comes again and again where there is no ``ban``.
    """

    every: int
    timeouts_s: tuple[float, ...]
    ban: bool
    actor: str

    def after(self, warning: Verdict, count: int) -> Verdict | None:
        """What follows from the warning that makes it ``count``; None where nothing does."""
        step, rest = divmod(count, self.every)
        if rest or not step:
            return None
        reason = f"{count} warnings, the last for: {warning.reason}" if warning.reason else f"{count} warnings"
        of = dataclasses.replace(
            warning, reason=reason[:300], actor=self.actor, automatic=True, id=f"{warning.id}-{step}"
        )
        if step > len(self.timeouts_s) and self.ban:
            return dataclasses.replace(of, kind="ban", until=0.0)
        if not self.timeouts_s:
            return None
        seconds = self.timeouts_s[min(step, len(self.timeouts_s)) - 1]
        return dataclasses.replace(of, kind="timeout", until=warning.at + seconds)
