"""What the router keeps: string rules, their counters, and the traces of failures."""

import dataclasses
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from waddlebot.libs.contracts.registration import (
    REGISTRATIONS_MAX,
    SILENT_S,
    Manifest,
    ManifestError,
    Registration,
    TakenError,
    check_free,
    module_of,
)
from waddlebot.libs.contracts.router import Trace
from waddlebot.libs.dal import Edit
from waddlebot.libs.matching import PatternError, check_pattern
from waddlebot.libs.matching.pattern import Kind
from waddlebot.libs.sdk import (
    Column,
    Field,
    Rank,
    Refusal,
    Rule,
    Store,
    Table,
    admits,
    configures,
    reads,
    resource,
    writes,
)
from waddlebot.libs.sdk.fields import FieldError, build
from waddlebot.libs.sdk.rank import lesser
from waddlebot.libs.sdk.view import RuleAction

RULES_MAX = 10_000
FAILURES_KEPT_S = 30 * 86_400.0

KINDS = ("exact", "contains", "word", "regex", "*")
ACTIONS = ("warn", "block", "command", "webhook", "reply")
WEBHOOKS_MAX = 20
"""Rules of a community that post to a URL: one line may match them all."""
NOBODY = "nobody"
"""Exempt from a rule: it holds for moderators and owners, too."""


@resource(key=("name",), table="rules", own=("ranks", "secret_id"))
@dataclass(frozen=True, slots=True)
class StringRule:
    """What to do when a line matches a pattern (P3)."""

    name: Annotated[str, Field("What the rule is called.", length_max=50)]
    pattern: Annotated[str, Field("What to look for.", length_max=500)]
    kind: Annotated[str, Field("How to look for it.", choices=KINDS)] = "contains"
    action: Annotated[
        str, Field("What to do: warn, block, run a command, post to a URL, or reply.", choices=ACTIONS)
    ] = "warn"
    value: Annotated[str, Field("The words to say, the command to run, or the URL.", length_max=500)] = ""
    seconds: Annotated[
        int, Field("block: how long the timeout is; 0 deletes the message.", at_least=0, at_most=1_209_600)
    ] = 0
    case_sensitive: Annotated[bool, Field("Whether capitals matter.")] = False
    priority: Annotated[int, Field("Higher ones first.", at_least=-1000, at_most=1000)] = 0
    entities: Annotated[tuple[str, ...], Field("Where it holds; empty for everywhere.")] = ()
    exempt: Annotated[
        str,
        Field(
            "The least rank it does not apply to, or nobody.",
            choices=(NOBODY, *(str(r.name).lower() for r in Rank)),
        ),
    ] = "moderator"
    ranks: Annotated[int, Field("The ranks of who made it, as a mask.", at_least=0, at_most=127)] = 1
    secret_id: Annotated[str, Field("webhook: which signing secret it has; the bot chooses.", length_max=64)] = ""

    def compiled(self) -> Rule:
        """The rule as the router runs it."""
        exempt = 0 if self.exempt == NOBODY else admits(Rank[self.exempt.upper()])
        return Rule(
            self.name, self.pattern, _KIND[self.kind], _ACTION[self.action], self.value, self.seconds,
            self.case_sensitive, self.priority, self.entities, exempt, self.ranks or 1,
            self.secret_id,
        )  # fmt: skip


_KIND: dict[str, Kind] = {"exact": "exact", "contains": "contains", "word": "word", "regex": "regex", "*": "*"}
_ACTION: dict[str, RuleAction] = {
    "warn": "warn", "block": "block", "command": "command", "webhook": "webhook", "reply": "reply",
}  # fmt: skip


class UnknownRule(Refusal):
    """There is no rule of that name."""


class RouterStore(Store):
    """The router's own tables."""

    resources = (StringRule,)
    tables = (
        Table("rule_hits", (Column("name", "text"), Column("hits", "integer")), ("community", "name")),
        Table(
            "failures",
            (Column("event_id", "text"), Column("trace", "bytes"), Column("at", "real")),
            ("community", "event_id"),
        ),
        Table(
            "registrations",
            (
                Column("name", "text"), Column("manifest", "bytes"), Column("registered_by", "text"),
                Column("registered_at", "real"), Column("heard_at", "real"),
            ),
            ("name",),
            scoped=False,
        ),
    )  # fmt: skip

    @reads
    def rules(self) -> list[StringRule]:
        """The community's rules, by name."""
        return self.list(StringRule)

    @reads
    def rule(self, name: str) -> StringRule | None:
        """The community's rule of that name."""
        return self.get(StringRule, name=name)

    @reads
    def rules_of(self, communities: list[str]) -> dict[str, list[StringRule]]:
        """The rules of several communities."""
        names = ", ".join(StringRule.__match_args__)
        found: dict[str, list[StringRule]] = {community: [] for community in communities}
        for row in self.db.execute(f"select community, {names} from {{rules}} where {{scope}}"):  # noqa: S608  our own column names
            values = dict(zip(StringRule.__match_args__, row[1:], strict=True))
            values["entities"] = msgspec.json.decode(values["entities"])
            found.setdefault(row[0], []).append(msgspec.convert(values, StringRule, strict=False))
        return found

    @configures
    def save(self, rule: StringRule) -> None:
        """Make a rule, or put it in the place of one. Raises :class:`Refusal` for one that cannot hold."""
        self._save(rule)

    @configures
    def change(self, name: str, changes: dict[str, Any], ranks: int, *, make: bool) -> StringRule:
        """Change some fields of a rule in the name of somebody with ``ranks``, or ``make`` it of them.

        With another action the old one's value goes. Raises :class:`Refusal` for a rule that cannot hold,
        :class:`UnknownRule` where there is none to change.
        """
        before = self.get(StringRule, name=name)
        if before is None and not make:
            raise UnknownRule(f"There is no rule {name}. See the list of rules.")
        values = dataclasses.asdict(before) if before else {"name": name}
        if changes.get("action", values.get("action")) != values.get("action"):
            values["value"] = ""
        values |= changes
        hooks = values.get("action") == "webhook" or (before is not None and before.action == "webhook")
        if hooks and not ranks & admits(Rank.ADMIN):
            raise Refusal("Only admins and the owner may have lines posted to a URL.")
        if before is not None and "value" not in changes:
            ranks = lesser(ranks, before.ranks)  # nobody lends their rank to words that they did not write
        try:
            rule = build(StringRule, values | {"ranks": ranks})
        except FieldError as error:
            raise Refusal(str(error)) from None
        return self._save(rule)

    @configures
    def renew_secret(self, name: str) -> StringRule:
        """Give a webhook rule another signing secret. Raises :class:`UnknownRule` and :class:`Refusal`."""
        rule = self.get(StringRule, name=name)
        if rule is None:
            raise UnknownRule(f"There is no rule {name}. See the list of rules.")
        if rule.action != "webhook":
            raise Refusal(f"The rule {name} posts nothing, so it has no secret.")
        return self._save(dataclasses.replace(rule, secret_id=secrets.token_hex(16)))

    @staticmethod
    def _check(rule: StringRule) -> None:
        try:
            check_pattern(_KIND[rule.kind], rule.pattern, rule.case_sensitive)
        except PatternError as error:
            raise Refusal(str(error)) from None
        if rule.action in ("command", "reply", "webhook") and not rule.value:
            raise Refusal(f"A rule that makes a {rule.action} needs its value: what to run or say, or the URL.")

    def _save(self, rule: StringRule) -> StringRule:
        self._check(rule)
        before = self.get(StringRule, name=rule.name)
        count = self.db.execute("select count(*) from {rules} where {scope}")[0][0]
        if count >= RULES_MAX and before is None:
            raise Refusal(f"There are {RULES_MAX} rules already; remove one first.")
        rule = self._with_secret(rule, before)
        self.put(rule)
        return rule

    def bring(self, before: Any, after: Any) -> Any:
        """See :class:`Store`: a rule runs with the ranks of who brings it in, and keeps its signing secret."""
        if after is None:
            return None
        self._check(after)
        return self._with_secret(dataclasses.replace(after, ranks=self.ranks & 127), before)

    def admit(self, edits: Sequence[Edit]) -> None:
        """See :class:`Store`: as many rules as there may be, and posting to URLs by admins alone."""
        rules = self.list(StringRule)
        posting = [rule for rule in rules if rule.action == "webhook"]
        if len(rules) > RULES_MAX:
            raise Refusal(f"There are {RULES_MAX} rules at most; remove one first.")
        if len(posting) > WEBHOOKS_MAX:
            raise Refusal(f"There are {WEBHOOKS_MAX} rules that post to a URL at most; remove one first.")
        hooks = any(rule.action == "webhook" for edit in edits for rule in edit if rule is not None)
        if hooks and not self.ranks & admits(Rank.ADMIN):
            raise Refusal("Only admins and the owner may have lines posted to a URL.")

    def _with_secret(self, rule: StringRule, before: StringRule | None) -> StringRule:
        """The rule with a signing secret where it posts, the one it had if it had one."""
        if rule.action != "webhook":
            return dataclasses.replace(rule, secret_id="")
        if before is None or before.action != "webhook":
            count = self.db.execute("select count(*) from {rules} where action = 'webhook' and {scope}")[0][0]
            if count >= WEBHOOKS_MAX:
                raise Refusal(f"There are {WEBHOOKS_MAX} rules that post to a URL already; remove one first.")
        kept = rule.secret_id or (before.secret_id if before else "")
        return dataclasses.replace(rule, secret_id=kept or secrets.token_hex(16))

    @configures
    def delete(self, name: str) -> bool:
        """Remove a rule; ``False`` when there is none of that name."""
        return self.remove(StringRule, name=name)

    @reads
    def hits(self) -> dict[str, int]:
        """How often each rule matched."""
        return dict(self.db.execute("select name, hits from {rule_hits} where {scope}"))

    @writes
    def count_hits(self, hits: list[tuple[str, str, int]]) -> None:
        """Add (community, rule, times)."""
        self.db.upsert_many("rule_hits", hits, columns=("community", "name", "hits"), add=("hits",))

    @writes
    def keep_failures(self, traces: list[Trace]) -> None:
        """Keep what became of events that failed, for a month."""
        now = time.time()
        self.db.upsert_many(
            "failures",
            [(t.community, t.event_id, msgspec.msgpack.encode(t), now) for t in traces],
            columns=("community", "event_id", "trace", "at"),
            set=("trace", "at"),
        )
        self.db.execute("delete from {failures} where at < :before and {scope}", {"before": now - FAILURES_KEPT_S})

    @reads
    def failure(self, event_id: str) -> Trace | None:
        """The kept trace of an event."""
        rows = self.db.execute(
            "select trace from {failures} where event_id = :event_id and {scope} order by at desc limit 1",
            {"event_id": event_id},
        )
        return msgspec.msgpack.decode(rows[0][0], type=Trace) if rows else None

    @reads
    def held(self, accounts: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        """What is held about accounts: what became of their events that failed."""
        return {"failures": [msgspec.to_builtins(trace) for _, _, trace in self._failures_of(accounts)]}

    @writes
    def forget(self, accounts: tuple[str, ...]) -> int:
        """Delete what :meth:`held` tells; how many rows."""
        return sum(
            self.db.execute(
                "delete from {failures} where {scope} and community = :name and event_id = :id",
                {"name": community, "id": event_id},
            ).changed
            for community, event_id, _ in self._failures_of(accounts)
        )

    def _failures_of(self, accounts: tuple[str, ...]) -> list[tuple[str, str, Trace]]:
        rows = self.db.execute("select community, event_id, trace from {failures} where {scope} order by at")
        found = [(name, event_id, msgspec.msgpack.decode(packed, type=Trace)) for name, event_id, packed in rows]
        return [row for row in found if row[2].account in accounts]

    @reads
    def registrations(self) -> list[Registration]:
        """The registered modules, by name, silent ones too."""
        return self._registrations()

    def _registrations(self) -> list[Registration]:
        rows = self.db.execute(
            "select name, manifest, registered_by, registered_at, heard_at, {now} from {registrations}"
            " order by name"
        )
        return [
            Registration(
                name, msgspec.msgpack.decode(manifest, type=Manifest), by, registered_at, heard_at,
                "alive" if now - heard_at < SILENT_S else "silent",
            )
            for name, manifest, by, registered_at, heard_at, now in rows
        ]  # fmt: skip

    @writes
    def register(self, name: str, manifest: Manifest, by: str) -> None:
        """A module says what it is, and that it lives.

        Raises ``ManifestError`` where another has its words, ``TakenError`` where the name is another key's.
        """
        others = []
        for other in self._registrations():
            if other.name != name:
                others.append(module_of(other.name, other.manifest))
            elif other.by != by and other.state == "alive":
                raise TakenError(other.by)
        if len(others) >= REGISTRATIONS_MAX:
            raise ManifestError(f"{REGISTRATIONS_MAX} modules are registered already: remove one that is silent.")
        check_free(module_of(name, manifest), others)
        self.db.execute(
            "insert into {registrations} (name, manifest, registered_by, registered_at, heard_at)"
            " values (:name, :manifest, :by, {now}, {now}) on conflict (name) do update set"
            " manifest = excluded.manifest, registered_by = excluded.registered_by, heard_at = excluded.heard_at",
            {"name": name, "manifest": msgspec.msgpack.encode(manifest), "by": by},
        )

    @writes
    def beat(self, name: str, by: str) -> bool:
        """A registered module lives; ``False`` where this key registered none of that name."""
        done = self.db.execute(
            "update {registrations} set heard_at = {now} where name = :name and registered_by = :by",
            {"name": name, "by": by},
        )
        return bool(done.changed)

    @writes
    def unregister(self, name: str) -> bool:
        """A module is gone for good; ``False`` where there is none of that name."""
        return bool(self.db.execute("delete from {registrations} where name = :name", {"name": name}).changed)
