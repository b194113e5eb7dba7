"""Second factors in the database: authenticator apps, recovery codes, passkeys."""

import dataclasses

from waddlebot.core.identity.login.tables import Passkey, Totp
from waddlebot.libs.sdk import Store, reads, writes

PASSKEYS_MAX = 20
"""Passkeys of one user."""

_PASSKEY = "id, user_id, public_key, sign_count, name, created_at, last_used_at"


class FactorStore(Store):
    """The half of :class:`LoginStore` that is about second factors."""

    @reads
    def totp(self, user: str) -> Totp | None:
        """A user's authenticator app, confirmed or not."""
        return self._totp(user)

    def _totp(self, user: str) -> Totp | None:
        found = self.db.fetch(
            Totp, "select seed, last_step, confirmed from {login_totp} where user_id = :user", {"user": user}
        )
        return found[0] if found else None

    @writes
    def begin_totp(self, user: str, seed: str) -> bool:
        """Keep the seed of an app that is to be confirmed; False where one is already."""
        known = self._totp(user)
        if known is not None and known.confirmed:
            return False
        row = {"user_id": user, "seed": seed, "last_step": 0, "confirmed": False}
        self.db.upsert_many("login_totp", [row], set=("seed", "last_step", "confirmed"))
        return True

    @writes
    def use_step(self, user: str, step: int, *, confirms: bool = False) -> bool:
        """Use the code of a step, once: False for that step or an earlier one, from whichever host it comes."""
        return bool(
            self.db.execute(
                "update {login_totp} set last_step = :step, confirmed = :yes "
                "where user_id = :user and last_step < :step and confirmed = :before",
                {"step": step, "user": user, "yes": True, "before": not confirms},
            ).changed
        )

    @writes
    def remove_totp(self, user: str) -> bool:
        """Take the app away, and the recovery codes with it; False where there is none."""
        return self._remove_totp(user)

    def _remove_totp(self, user: str) -> bool:
        self.db.execute("delete from {login_recovery} where user_id = :user", {"user": user})
        return bool(self.db.execute("delete from {login_totp} where user_id = :user", {"user": user}).changed)

    @writes
    def remove_factors(self, user: str) -> None:
        """Take every second factor away, for somebody who lost them."""
        self._remove_totp(user)
        self.db.execute("delete from {login_passkey} where user_id = :user", {"user": user})

    @writes
    def put_recovery(self, user: str, digests: tuple[str, ...]) -> None:
        """New recovery codes, in the place of those before."""
        self.db.execute("delete from {login_recovery} where user_id = :user", {"user": user})
        self.db.insert_many("login_recovery", [{"user_id": user, "digest": digest} for digest in digests])

    @writes
    def use_recovery(self, user: str, digest: str) -> bool:
        """Use a recovery code, once."""
        return bool(
            self.db.execute(
                "delete from {login_recovery} where user_id = :user and digest = :digest",
                {"user": user, "digest": digest},
            ).changed
        )

    @reads
    def recovery_left(self, user: str) -> int:
        """How many recovery codes a user has left."""
        rows = self.db.execute("select count(*) from {login_recovery} where user_id = :user", {"user": user})
        return int(rows[0][0])

    @reads
    def passkeys(self, user: str) -> list[Passkey]:
        """A user's passkeys, the first first."""
        return self._passkeys("user_id", user)

    @reads
    def passkey(self, credential: str) -> Passkey | None:
        """The passkey of a credential id."""
        found = self._passkeys("id", credential)
        return found[0] if found else None

    def _passkeys(self, column: str, value: str) -> list[Passkey]:
        return self.db.fetch(
            Passkey,
            f"select {_PASSKEY} from {{login_passkey}} where {column} = :value order by created_at, id",  # noqa: S608  constant column names
            {"value": value},
        )

    @writes
    def put_passkey(self, passkey: Passkey) -> bool:
        """Keep a new passkey; False where the user has too many. Raises ``Conflict`` where it is known."""
        if len(self._passkeys("user_id", passkey.user_id)) >= PASSKEYS_MAX:
            return False
        self.db.insert_many("login_passkey", [dataclasses.asdict(passkey)])
        return True

    @writes
    def use_passkey(self, credential: str, before: int, count: int, now: float) -> bool:
        """Note a use; False where the counter moved meanwhile, as it does for a copy (WebAuthn Level 3 §6.1.1)."""
        return bool(
            self.db.execute(
                "update {login_passkey} set sign_count = :count, last_used_at = :now "
                "where id = :id and sign_count = :before",
                {"count": count, "now": now, "id": credential, "before": before},
            ).changed
        )

    @writes
    def remove_passkey(self, user: str, credential: str) -> bool:
        """Take a passkey away; False where it is not the user's."""
        return bool(
            self.db.execute(
                "delete from {login_passkey} where user_id = :user and id = :id", {"user": user, "id": credential}
            ).changed
        )
