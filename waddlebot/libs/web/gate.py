"""Who may enter: finds the API key of a request and says what it may do."""

from collections.abc import Callable, Mapping

from waddlebot.libs import audit
from waddlebot.libs.sdk.ports import CallScope
from waddlebot.libs.sdk.rank import OPERATOR, Role
from waddlebot.libs.web.errors import HttpError, too_many
from waddlebot.libs.web.keys import PREFIX, KeyInfo
from waddlebot.libs.web.limits import SlidingWindow
from waddlebot.libs.web.operator import OperatorTokens
from waddlebot.libs.web.ring import KeyRing

BAD_KEYS_MAX = 20
"""Wrong keys that one address may try in a minute; then it hears 429, and the log nothing more."""
DENIALS_MAX = 20
"""Refusals of one key that are logged in a minute."""

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="WaddleBot"'}


class Gate:
    """Authentication and authorisation of requests, the same for routes and bare doors.

    ``community_of`` says whose an entity is, empty for one nobody has. Without ``operator`` the operator's tokens
    open nothing.
    """

    def __init__(
        self,
        keys: KeyRing,
        community_of: Callable[[str], str],
        *,
        requests_max: int,
        requests_window_s: float,
        operator: OperatorTokens | None = None,
    ) -> None:
        self._keys = keys
        self._operator = operator
        self._community_of = community_of
        self._requests = SlidingWindow(requests_max, requests_window_s)
        self.bad = SlidingWindow(BAD_KEYS_MAX, 60)
        """Wrong keys by address."""
        self._denials = SlidingWindow(DENIALS_MAX, 60)

    async def authenticate(self, headers: Mapping[str, str], peer: str) -> KeyInfo | None:
        """The key in ``X-API-Key`` or ``Authorization: Bearer``; None where there is none of ours.

        Raises :class:`HttpError` 401 for a wrong key, 429 after too many, 503 when keys cannot be checked.
        """
        raw = presented_key(headers)
        if raw is None:
            return None
        key = await self._keys.find(raw)
        if key is None and self._operator is not None:
            key = self._operator.find(raw)
        if key is not None:
            return key
        wait_s = self.bad.take(peer)
        if wait_s:
            raise too_many(wait_s, "Too many wrong API keys came from your address. Wait a minute.")
        audit.event(audit.Category.AUTH, "web", "", "", "api_key", "DENIED", address=peer)
        raise HttpError(
            401,
            "bad_key",
            "This API key is wrong, revoked or expired. Make one with `waddlebot key create NAME --role ROLE`.",
            _CHALLENGE,
        )

    def authorize(self, key: KeyInfo | None, role: Role | None, action: str) -> None:
        """Raise :class:`HttpError` unless ``key`` may do what asks for ``role``: 401 without a key, else 403."""
        if role is None or (key is not None and key.admits(role)):
            return
        if key is None:
            raise HttpError(
                401, "no_key", f"Send an API key with the role {role} in the header X-API-Key.", _CHALLENGE
            )
        if not self._denials.take(key.id):
            audit.event(
                audit.Category.AUTHZ, "web", key.community, key.actor, action, "DENIED", role=key.role, needs=role
            )
        raise HttpError(
            403, "wrong_role", f"This needs a key with the role {role}; {key.name!r} has the role {key.role}."
        )

    def limit(self, key: KeyInfo | None, peer: str) -> None:
        """Count a request. Raises :class:`HttpError` 429 when its key (or address, without one) made too many."""
        wait_s = self._requests.take(key.id if key is not None else peer)
        if wait_s:
            raise too_many(wait_s, "Too many requests. Wait as many seconds as the header Retry-After says.")

    def scope_of(
        self, key: KeyInfo | None, *, entity_keys: bool = False, installation_keys: bool = False
    ) -> CallScope:
        """On whose behalf a request acts: nobody's without a key, everybody's where the operator names nobody.

        Raises :class:`HttpError` 403 for a key bound to an entity, unless the route takes ``entity_keys`` and the
        entity belongs to a community; and for a key of the installation, unless it takes those.
        """
        if key is None:
            return CallScope("")
        if key.entity and not entity_keys:
            words = (
                f"The key {key.name!r} is bound to {key.entity}; this concerns the whole community. "
                "Ask with a key that is bound to the community."
            )
            raise HttpError(403, "entity_key", words)
        if key.of_installation and key.actor != OPERATOR:
            if installation_keys:
                return CallScope("", key.actor)
            words = f"The key {key.name!r} is of the installation; this concerns one community: use a key of that."
            raise HttpError(403, "installation_key", words)
        community = key.community or self._community_of(key.entity)
        if not community and key.actor != OPERATOR:
            words = f"The key {key.name!r} is bound to {key.entity}, which belongs to no community."
            raise HttpError(403, "unbound_entity", words)
        return CallScope(community, key.actor)


def presented_key(headers: Mapping[str, str]) -> str | None:
    """What a request presents as its API key, right or wrong. A bearer token of another kind is none."""
    raw = headers.get("x-api-key")
    if raw is not None:
        return raw
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token.startswith(PREFIX) else None
