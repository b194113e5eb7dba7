"""Visitor: somebody who signed in with a browser, as routes know them."""

import msgspec

FRESH_S = 600.0
"""How long a proof of who somebody is counts as fresh: within it they may change how they sign in."""


class Visitor(msgspec.Struct, frozen=True):
    """Who a session belongs to.

    ``user`` and ``session`` are ids, neither secret. ``accounts`` (``platform:user_id``) are all of the person
    whose accounts the user proved to own. ``proved_at`` is when they last proved who they are
    (seconds since 1970).
    """

    user: str
    session: str
    accounts: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    proved_at: float = 0.0

    @property
    def actor(self) -> str:
        """How they are named where something says who acted: by an account of theirs, or as ``user:ID``."""
        return self.accounts[0] if self.accounts else f"user:{self.user}"
