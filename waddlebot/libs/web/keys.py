"""API keys: what they look like, and where they are kept.

A key is ``wbk_``, 43 characters of base 62 (256 random bits) and 6 of checksum: the prefix lets leak scanners find
it, the checksum lets them and us tell a real one from a typing mistake without asking the database. (The form
follows https://github.blog/engineering/behind-githubs-new-authentication-token-formats/.) Only the SHA-256 is
stored: a random key needs no slow hash.
"""

import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Iterable

import msgspec

from waddlebot.libs.dal import Column, Conflict, Store, Table, reads, writes
from waddlebot.libs.sdk.rank import OPERATOR, Role

OWNER = "web"
"""The owner of the tables, as registered with the DAL."""

PREFIX = "wbk_"
EVERY, READ, WRITE = "*", "read", "write"
SCOPES_MAX = 50
_SCOPE = re.compile(rf"(\*|[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)(:({READ}|{WRITE}))?")
_API = "/api/v1/"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH = 43
_CHECK_LENGTH = 6
_SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECK_LENGTH}}}")


class KeyInfo(msgspec.Struct, frozen=True):
    """An API key, all but its secret. Bound to ``community``, or to ``entity`` (``community`` is empty then).

    One that is bound to neither is of the whole installation. Times are seconds since the epoch. ``name`` is
    unique among the living keys of its binding, but for those that others took the place of (``replaced_at``).

    With ``scopes`` the key opens no more than they say, within its role: ``core.analytics`` is one module,
    ``core.analytics:read`` what only looks there (GET), ``core.analytics:write`` all else; ``*`` is every module.
    """

    id: str
    name: str
    role: Role
    community: str
    entity: str
    created_at: float
    created_by: str
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None
    replaced_at: float | None = None
    scopes: tuple[str, ...] = ()

    @property
    def actor(self) -> str:
        """How the key is named where something says who acted: ``key:NAME``, or ``operator`` for their tokens."""
        return OPERATOR if self.id == OPERATOR else f"key:{self.name}"

    @property
    def binding(self) -> str:
        """What it is bound to, in words."""
        if self.of_installation:
            return "the whole installation"
        return f"the entity {self.entity}" if self.entity else f"the community {self.community}"

    @property
    def of_installation(self) -> bool:
        """Whether it is the operator's, for programs that belong to no community."""
        return not self.entity and not self.community

    def admits(self, role: Role | None) -> bool:
        """Whether the key may do what asks for ``role``. ``admin`` may do all that the others may."""
        return role is None or self.role in (role, Role.ADMIN)

    def reaches(self, path: str, method: str) -> bool:
        """Whether the key's scopes, if it has any, let it ask for a path by a method."""
        if not self.scopes:
            return True
        module = path.removeprefix(_API).partition("/")[0] if path.startswith(_API) else ""
        verb = READ if method in ("GET", "HEAD") else WRITE
        return bool(module) and any(
            name in (module, EVERY) and verbs in ("", verb)
            for name, _, verbs in (scope.partition(":") for scope in self.scopes)
        )


def check_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Scopes in one order, each once. Raises ``ValueError`` for one that makes no sense."""
    for scope in scopes:
        if not _SCOPE.fullmatch(scope) or scope == EVERY:
            raise ValueError(
                "A scope is written module, module:read or module:write, such as core.analytics:read, not "
                f"{scope!r}; *:read is all that only looks."
            )
    found = tuple(sorted(set(scopes)))
    if len(found) > SCOPES_MAX:
        raise ValueError(f"A key has at most {SCOPES_MAX} scopes.")
    return found


class StoredKey(msgspec.Struct, frozen=True):
    """A living key and its digest, as hosts hold them in memory."""

    digest: bytes
    info: KeyInfo


def new_key() -> str:
    """A new key; it is shown once and kept nowhere."""
    text = _base62(secrets.randbits(256), _RANDOM_LENGTH)
    return f"{PREFIX}{text}{_check(text)}"


def is_well_formed(raw: str) -> bool:
    """Whether ``raw`` can be a key of ours: its shape and checksum are right."""
    if not _SHAPE.fullmatch(raw):
        return False
    text = raw[len(PREFIX) : -_CHECK_LENGTH]
    return secrets.compare_digest(_check(text), raw[-_CHECK_LENGTH:])


def digest_of(raw: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(raw.encode()).digest()


_COLUMNS = ", ".join(KeyInfo.__struct_fields__)


class KeyStore(Store):
    """The keys of all communities: a key must be known before its community is."""

    from_primary = True  # a replica may lag behind a revocation
    tables = (
        Table(
            "api_key",
            (
                Column("id", "text"),
                Column("digest", "bytes"),
                Column("name", "text"),
                Column("role", "text"),
                Column("community", "text"),
                Column("entity", "text"),
                Column("created_at", "real"),
                Column("created_by", "text"),
                Column("expires_at", "real", null=True),
                Column("revoked_at", "real", null=True),
                Column("last_used_at", "real", null=True),
                Column("replaced_at", "real", null=True),
                Column("scopes", "text"),
            ),
            key=("id",),
            scoped=False,
        ),
        Table("key_revision", (Column("one", "integer"), Column("number", "integer")), key=("one",), scoped=False),
    )

    @reads
    def revision(self) -> int:
        """A number that grows with every change of the keys."""
        return int(self.db.execute("select number from {key_revision} where one = 1")[0][0])

    @reads
    def living(self, now: float) -> tuple[int, list[StoredKey]]:
        """The revision, and every key that is neither revoked nor expired."""
        number = int(self.db.execute("select number from {key_revision} where one = 1")[0][0])
        rows = self.db.execute(
            f"select digest, {_COLUMNS} from {{api_key}} "  # noqa: S608  constant column names
            "where revoked_at is null and (expires_at is null or expires_at > :now)",
            {"now": now},
        )
        return number, [StoredKey(bytes(row[0]), _info(row[1:])) for row in rows]

    @reads
    def list_keys(self, community: str | None = None) -> list[KeyInfo]:
        """All keys, revoked ones too, or those of one community; the newest first."""
        rows = self.db.execute(
            f"select {_COLUMNS} from {{api_key}} where :every or community = :community "  # noqa: S608  constant column names
            "order by created_at desc, id",
            {"every": community is None, "community": community or ""},
        )
        return [_info(row) for row in rows]

    @writes
    def create(self, info: KeyInfo, digest: bytes) -> None:
        """Keep a new key. Raises ``Conflict`` when its binding has a living key of that name."""
        self.db.execute(
            "update {api_key} set replaced_at = :now where name = :name and community = :community "
            "and entity = :entity and replaced_at is null and expires_at <= :now",
            {"name": info.name, "community": info.community, "entity": info.entity, "now": info.created_at},
        )
        self._insert(info, digest)

    @writes
    def rotate(self, old: str, new: KeyInfo, digest: bytes, until: float) -> None:
        """Keep a key in the place of the one with the id ``old``, which opens until ``until`` at the latest.

        Raises ``Conflict`` when that one ended or was replaced meanwhile.
        """
        replaced = self.db.execute(
            "update {api_key} set replaced_at = :now, "
            "expires_at = case when expires_at < :until then expires_at else :until end "
            "where id = :id and revoked_at is null and replaced_at is null "
            "and (expires_at is null or expires_at > :now) returning id",
            {"id": old, "now": new.created_at, "until": until},
        )
        if not replaced:
            raise Conflict(f"the key {new.name!r} ended or was replaced meanwhile")
        self._insert(new, digest)

    def _insert(self, info: KeyInfo, digest: bytes) -> None:
        row = msgspec.structs.asdict(info) | {"digest": digest, "role": info.role.value}
        row["scopes"] = " ".join(info.scopes)
        self.db.insert_many("api_key", [row])
        self._changed()

    @writes
    def revoke(self, name_or_id: str, community: str | None, now: float) -> list[KeyInfo]:
        """Revoke the living keys of that name or id, in one community or in all; returns them."""
        rows = self.db.execute(
            f"update {{api_key}} set revoked_at = :now where revoked_at is null and (name = :name or id = :name) "  # noqa: S608  constant column names
            f"and (:every or community = :community) returning {_COLUMNS}",
            {"now": now, "name": name_or_id, "every": community is None, "community": community or ""},
        )
        if rows:
            self._changed()
        return [_info(row) for row in rows]

    @writes
    def touch(self, used: dict[str, float]) -> None:
        """Note when keys, by id, were last used."""
        for key, at in sorted(used.items()):
            self.db.execute(
                "update {api_key} set last_used_at = :at "
                "where id = :id and (last_used_at is null or last_used_at < :at)",
                {"id": key, "at": at},
            )

    def _changed(self) -> None:
        self.db.execute("update {key_revision} set number = number + 1 where one = 1")


def _info(row: tuple[object, ...]) -> KeyInfo:
    values = dict(zip(KeyInfo.__struct_fields__, row, strict=True))
    values["scopes"] = str(values["scopes"]).split()
    return msgspec.convert(values, KeyInfo, strict=False)


def _base62(number: int, length: int) -> str:
    found = []
    for _ in range(length):
        number, place = divmod(number, 62)
        found.append(_ALPHABET[place])
    return "".join(reversed(found))


def _check(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECK_LENGTH)
