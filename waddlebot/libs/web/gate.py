"""Who may enter: finds the API key of a request and says what it may do."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from waddlebot.libs import audit
from waddlebot.libs.sdk.module import Route
from waddlebot.libs.sdk.ports import CallScope
from waddlebot.libs.sdk.rank import OPERATOR, Rank, Role, admits, words
from waddlebot.libs.sdk.visitor import Visitor
from waddlebot.libs.web.errors import HttpError, too_many
from waddlebot.libs.web.keys import PREFIX, KeyInfo
from waddlebot.libs.web.limits import SlidingWindow
from waddlebot.libs.web.operator import OperatorTokens
from waddlebot.libs.web.origin import SAFE_METHODS, check_browser
from waddlebot.libs.web.ring import KeyRing
from waddlebot.libs.web.sessions import NAME, Cookie, check_csrf, digest_of

BAD_KEYS_MAX = 20
"""Wrong keys that one address may try in a minute; then it hears 429, and the log nothing more."""
DENIALS_MAX = 20
"""Refusals of one key in a minute; then it hears 429, and the log nothing more."""

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="WaddleBot"'}


class Visits:
    """How a gate knows who signed in.

    ``session`` finds the visitor of a session's digest, ``ranks`` the mask of ranks that one has in a community;
    None where there is no such community. ``secure``: browsers come by TLS alone.
    """

    def __init__(
        self,
        session: Callable[[str], Awaitable[Visitor | None]],
        ranks: Callable[[str, Visitor], int | None],
        host_names: Collection[str],
        *,
        secure: bool,
    ) -> None:
        self.session = session
        self.ranks = ranks
        self.host_names = host_names
        self.cookie = Cookie(NAME, secure=secure)


class Gate:
    """Authentication and authorisation of requests, the same for routes and bare doors.

    ``community_of`` says whose an entity is, empty for one nobody has. Without ``operator`` the operator's tokens
    open nothing; without ``visits`` nobody is signed in.
    """

    def __init__(
        self,
        keys: KeyRing,
        community_of: Callable[[str], str],
        *,
        requests_max: int,
        requests_window_s: float,
        operator: OperatorTokens | None = None,
        visits: Visits | None = None,
    ) -> None:
        self._keys = keys
        self._operator = operator
        self._visits = visits
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

    def authorize(self, key: KeyInfo | None, role: Role | None, action: str, method: str) -> None:
        """Raise :class:`HttpError` unless ``key`` may do what asks for ``role``: 401 without a key, else 403.

        ``action`` is the path and ``method`` how it is asked for, which the key's scopes must allow, too. A key
        that was refused too often hears 429: it tries what it may do.
        """
        if role is None or (key is not None and key.admits(role) and key.reaches(action, method)):
            return
        if key is None:
            raise HttpError(
                401, "no_key", f"Send an API key with the role {role} in the header X-API-Key.", _CHALLENGE
            )
        if wait_s := self._denials.take(key.id):
            raise too_many(wait_s, f"The key {key.name!r} was refused too often. Ask only for what it may do.")
        audit.event(
            audit.Category.AUTHZ, "web", key.community, key.actor, action, "DENIED", role=key.role, needs=role
        )
        if key.admits(role):
            raise HttpError(
                403, "wrong_scope", f"The key {key.name!r} reaches only {', '.join(key.scopes)}, and not this."
            )
        raise HttpError(
            403, "wrong_role", f"This needs a key with the role {role}; {key.name!r} has the role {key.role}."
        )

    async def visitor(self, route: Route, headers: Mapping[str, str], address: str) -> Visitor | None:
        """Who signed in, where a route is for them, and None where nobody did.

        Raises :class:`HttpError` 403 where another site's page asks, 421 for a host name that is not ours, 429
        where the address asked too much.
        """
        visits = self._visits
        if visits is None or not (route.session or route.rank is not None):
            return None
        token = visits.cookie.token(headers)
        if not token:
            return None
        check_browser(route.method, headers, visits.host_names)
        self.limit(None, address)
        visitor = await visits.session(digest_of(token))
        if visitor is not None and route.method not in SAFE_METHODS:
            check_csrf(token, headers)
        return visitor

    def admit_visitor(self, visitor: Visitor, rank: Rank | None, community: str, action: str) -> CallScope:
        """On whose behalf a visitor acts: their own, or a community's where a ``rank`` is asked for.

        Raises :class:`HttpError` 400 where no community is named, 403 for who has not that rank there.
        """
        if rank is None:
            return CallScope("", visitor.actor)
        if not community:
            raise HttpError(400, "no_community", "Name the community in the query, as in ?community=home.")
        ranks = self._visits.ranks(community, visitor) if self._visits is not None else None
        if ranks is not None and ranks & admits(rank):
            return CallScope(community, visitor.actor)
        if not self._denials.take(visitor.user):
            audit.event(audit.Category.AUTHZ, "web", community, visitor.actor, action, "DENIED", needs=words(rank))
        raise HttpError(
            403,
            "wrong_rank",
            f"This needs the rank {words(rank)} in {community!r}, and none of your accounts has it there. "
            "Connect the account that has.",
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
