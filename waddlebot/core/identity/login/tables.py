"""The tables of signing in, and their rows. None belongs to a community: a user manages any of them.

Users and roles are named as Flask-Security names them. No secret stands here in plain: passwords are argon2id
hashes, tokens and codes digests, and a TOTP secret is derived from the installation's secret and a seed.
"""

import dataclasses

from waddlebot.libs.sdk import Column, Table

USER = Table(
    "login_user",
    (
        Column("id", "text"),
        Column("email", "text", null=True),
        Column("password", "text", null=True),
        Column("active", "boolean"),
        Column("created_at", "real"),
        Column("last_login_at", "real", null=True),
    ),
    key=("id",),
    scoped=False,
)
ROLE = Table(
    "login_role", (Column("user_id", "text"), Column("role", "text")), key=("user_id", "role"), scoped=False
)
ACCOUNT = Table(
    "login_account",
    (Column("account", "text"), Column("user_id", "text"), Column("linked_at", "real"), Column("how", "text")),
    key=("account",),
    scoped=False,
)
IDENTITY = Table(
    "login_identity",
    (
        Column("issuer", "text"),
        Column("subject", "text"),
        Column("user_id", "text"),
        Column("name", "text"),
        Column("account", "text"),
        Column("linked_at", "real"),
    ),
    key=("issuer", "subject"),
    scoped=False,
)
SESSION = Table(
    "login_session",
    (
        Column("id", "text"),
        Column("digest", "text"),
        Column("user_id", "text"),
        Column("created_at", "real"),
        Column("last_used_at", "real"),
        Column("proved_at", "real"),
        Column("expires_at", "real"),
        Column("device", "text"),
        Column("address", "text"),
    ),
    key=("id",),
    scoped=False,
)
FAILURE = Table(
    "login_failure",
    (
        Column("subject", "text"),
        Column("tries", "integer"),
        Column("last_at", "real"),
        Column("locked_until", "real"),
    ),
    key=("subject",),
    scoped=False,
)
TICKET = Table(
    "login_ticket",
    (
        Column("digest", "text"),
        Column("kind", "text"),
        Column("user_id", "text"),
        Column("data", "text"),
        Column("expires_at", "real"),
    ),
    key=("digest",),
    scoped=False,
)
TOTP = Table(
    "login_totp",
    (
        Column("user_id", "text"),
        Column("seed", "text"),
        Column("last_step", "integer"),
        Column("confirmed", "boolean"),
    ),
    key=("user_id",),
    scoped=False,
)
RECOVERY = Table(
    "login_recovery",
    (Column("user_id", "text"), Column("digest", "text")),
    key=("user_id", "digest"),
    scoped=False,
)
PASSKEY = Table(
    "login_passkey",
    (
        Column("id", "text"),
        Column("user_id", "text"),
        Column("public_key", "bytes"),
        Column("sign_count", "integer"),
        Column("name", "text"),
        Column("created_at", "real"),
        Column("last_used_at", "real", null=True),
    ),
    key=("id",),
    scoped=False,
)
OF_USERS = (ROLE, ACCOUNT, IDENTITY, SESSION, TICKET, TOTP, RECOVERY, PASSKEY)
"""Those whose rows go with their user."""
LOGIN_TABLES: tuple[Table, ...] = (USER, *OF_USERS, FAILURE)


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. ``password`` is an argon2id hash. Times are seconds since 1970."""

    id: str
    email: str | None
    password: str | None = dataclasses.field(repr=False)
    active: bool
    created_at: float
    last_login_at: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in, as its user is shown it."""

    id: str
    user_id: str
    created_at: float
    last_used_at: float
    proved_at: float
    expires_at: float
    device: str
    address: str


@dataclasses.dataclass(frozen=True, slots=True)
class LinkedAccount:
    """A platform account that a user proved to own: by ``chat`` or by signing in ``with`` the platform."""

    account: str
    linked_at: float
    how: str


@dataclasses.dataclass(frozen=True, slots=True)
class LinkedIdentity:
    """An identity at a provider, by which alone the provider's word is taken: never by an e-mail address.

    ``account`` is the platform account that it is, empty where the provider is no platform of ours.
    """

    issuer: str
    subject: str
    name: str
    account: str
    linked_at: float


@dataclasses.dataclass(frozen=True, slots=True)
class Ticket:
    """Something that was begun and can be ended once."""

    kind: str
    user_id: str
    data: str


@dataclasses.dataclass(frozen=True, slots=True)
class Totp:
    """A user's authenticator app: what its secret derives from, and the last step that a code was used of."""

    seed: str
    last_step: int
    confirmed: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey's public half, by its credential id in base64url."""

    id: str
    user_id: str
    public_key: bytes
    sign_count: int
    name: str
    created_at: float
    last_used_at: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Redeemed:
    """Whose code it was, and why the account could not be connected, if so."""

    user_id: str = ""
    refusal: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Tried:
    """Whether a password may be tried (``wait_s`` is 0), and for whom; nobody for an unknown address."""

    wait_s: float
    user: User | None
