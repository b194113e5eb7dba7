"""The REST door: ``POST /api/v1/processing.router/events`` (P9). Verified, checked, committed, then 2xx."""

import datetime
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec

from waddlebot.libs.contracts.community import HOME
from waddlebot.libs.contracts.console import PLATFORM as CONSOLE
from waddlebot.libs.dal import Busy, DalError
from waddlebot.libs.sdk import CHAT_MESSAGE, EVENT_VERSION, Event, EventResult, Reply, Services
from waddlebot.libs.sdk.event import BY_KEY
from waddlebot.libs.sdk.ports import CallError, Inbox
from waddlebot.libs.sdk.rank import Role
from waddlebot.libs.web.doors import ASGI, ASGIScope, Receive, Send, admit, allow, read_body, respond
from waddlebot.libs.web.errors import HttpError
from waddlebot.libs.web.keys import KeyInfo
from waddlebot.processing.router.view import BY_ENTITY_KEY

BATCH_MAX = 100
TEXT_MAX = 5_000
WAIT_S_MAX = 30.0
_NAME_MAX = 200
_DATA_BYTES_MAX = 65_536
_FUTURE_S_MAX = 600.0


class PostedEvent(msgspec.Struct, forbid_unknown_fields=True):
    """An event as posted. ``occurred_at`` is seconds since the epoch or an ISO 8601 time; now if left out."""

    id: str
    kind: str
    platform: str
    server: str
    channel: str
    user_id: str = ""
    user_login: str = ""
    user_name: str = ""
    roles: tuple[str, ...] = ()
    text: str = ""
    occurred_at: float | str | None = None
    data: dict[str, Any] = {}


class Answered(msgspec.Struct, omit_defaults=True):
    """One reply in an answer."""

    action: str
    text: str
    private: bool = False
    data: dict[str, Any] = {}


class Answer(msgspec.Struct):
    """What became of one event. ``accepted``: it is committed and will be processed."""

    event_id: str
    status: str
    replies: list[Answered]
    reason: str


class Answers(msgspec.Struct):
    """What became of the posted events, in their order."""

    results: list[Answer]


type PostedEvents = PostedEvent | list[PostedEvent]
"""One event, or a list of up to 100."""

_REQUIRED = ("id", "kind", "platform", "server", "channel")
_REQUIRED_OF_CHAT = ("user_id", "text")
_KNOWN = frozenset(PostedEvent.__struct_fields__)
_MANY = msgspec.json.Decoder(list[PostedEvent])
_ONE = msgspec.json.Decoder(PostedEvent)
_ENCODE = msgspec.json.Encoder().encode
_PACK = msgspec.msgpack.Encoder().encode


class Door:
    """Turns posted JSON into committed events."""

    def __init__(self, services: Services, inbox: Inbox) -> None:
        self._services = services
        self._inbox = inbox

    def asgi(self) -> ASGI:
        """The door as a bare ASGI callable."""

        async def door(scope: ASGIScope, receive: Receive, send: Send) -> None:
            allow(scope, ("POST",))
            key = await admit(scope, Role.TRIGGER)
            body = await read_body(scope, receive)
            await respond(send, 200, await self.post(key, body, scope["query_string"].decode("latin-1")))

        return door

    async def post(self, key: KeyInfo, body: bytes, query: str) -> bytes:
        """Accept one event or a batch; the JSON of :class:`Answers`.

        Raises :class:`HttpError`: nothing of a refused request was accepted.
        """
        wait_s = wait_of(query)
        posted = decode(body)
        source = f"{BY_ENTITY_KEY if key.entity else BY_KEY}{key.id}"
        now = time.time()
        community, new = self._community(key, posted)
        events = [_event(one, community, source, now, n) for n, one in enumerate(posted)]
        await self._adopt(new, community, key.actor)  # only now: a refused request leaves nothing behind
        try:
            accepted = await self._inbox.accept(source, events)
        except Busy as error:
            raise HttpError(503, "busy", str(error), {"Retry-After": "1"}) from None
        except DalError as error:
            raise HttpError(
                503, "unavailable", f"The events cannot be kept: {error}", {"Retry-After": "2"}
            ) from None
        ids = [event.id for event in events]
        asked = ids if wait_s else list(accepted.repeated)
        results = await self._inbox.wait(source, asked, wait_s) if asked else {}
        return _ENCODE(Answers([_answer(id_, results.get(id_)) for id_ in ids]))

    def _community(self, key: KeyInfo, posted: Sequence[PostedEvent]) -> tuple[str, list[str]]:
        """The community of all these events, and the entities that it does not have yet."""
        known = self._services.entities
        entities = [f"{one.platform}:{one.server}:{one.channel}" for one in posted]
        home = key.community or known.get(key.entity, HOME)
        new = {entity for entity in entities if entity not in known}
        if key.entity:
            foreign = sorted({entity for entity in entities if entity != key.entity})
        else:
            foreign = sorted({entity for entity in entities if known.get(entity, home) != home})
        if foreign:
            raise HttpError(
                403, "foreign_entity",
                f"This key is bound to {key.binding}; these belong elsewhere: {', '.join(foreign[:5])}.",
            )  # fmt: skip
        return home, sorted(new)

    async def _adopt(self, entities: Sequence[str], community: str, actor: str) -> None:
        if not entities:
            return
        try:
            await self._services.adopt(entities, community, actor)
        except (CallError, DalError) as error:
            raise HttpError(
                503, "unavailable", f"New entities cannot be kept: {error}", {"Retry-After": "2"}
            ) from None


def decode(body: bytes) -> list[PostedEvent]:
    """The posted events, each with all it needs. Raises :class:`HttpError` 400 that names every wrong field."""
    start = body[:64].lstrip()[:1]
    try:
        posted = _MANY.decode(body) if start == b"[" else [_ONE.decode(body)]
    except msgspec.ValidationError as error:
        raise HttpError(400, "invalid_event", _explain(body, error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise HttpError(400, "invalid_json", f"The body is no JSON: {error}.") from None
    if not posted:
        raise HttpError(400, "invalid_event", "The batch is empty; post one event or a list of up to 100.")
    if len(posted) > BATCH_MAX:
        raise HttpError(
            413, "batch_too_large", f"The batch has {len(posted)} events; at most {BATCH_MAX} are taken."
        )
    for n, one in enumerate(posted):
        _check(one, n)
    return posted


def wait_of(query: str) -> float:
    """Seconds to wait for replies, of ``?wait=``; 0 to 30. Raises :class:`HttpError` 400."""
    if not query:
        return 0.0
    values = parse_qs(query, keep_blank_values=True)
    unknown = sorted(set(values) - {"wait"})
    if unknown:
        raise HttpError(400, "unknown_parameter", f"Unknown parameter: {', '.join(unknown)}; known: wait.")
    try:
        wait_s = float(values["wait"][0]) if values else 0.0  # a lone "&" names nothing
    except ValueError:
        wait_s = -1.0
    if not 0 <= wait_s <= WAIT_S_MAX:
        raise HttpError(400, "invalid_parameter", f"wait is a number of seconds from 0 to {WAIT_S_MAX:g}.")
    return wait_s


def _check(one: PostedEvent, n: int) -> None:
    required = _REQUIRED + (_REQUIRED_OF_CHAT if one.kind == CHAT_MESSAGE else ())
    # A platform that is one server has no name for it: Twitch's channels are ``twitch::login``.
    empty = [name for name in required if name != "server" and not getattr(one, name)]
    if empty:
        raise HttpError(400, "missing_field", f"Event {n}: missing or empty: {', '.join(empty)}.")
    for name in ("id", "kind", "platform", "server", "channel", "user_id", "user_login", "user_name"):
        value: str = getattr(one, name)
        if len(value) > _NAME_MAX or not (value.isprintable() or not value):
            raise HttpError(
                400, "invalid_field",
                f"Event {n}: {name} has at most {_NAME_MAX} characters and no control characters.",
            )  # fmt: skip
    if one.platform == CONSOLE:
        # Its user owns the community by sitting at the machine, which a key does not.
        raise HttpError(400, "invalid_field", f"Event {n}: the platform console has a door of its own.")
    if ":" in one.platform or ":" in one.server:
        raise HttpError(400, "invalid_field", f"Event {n}: platform and server have no colon.")
    if len(one.text) > TEXT_MAX:
        raise HttpError(
            400, "invalid_field", f"Event {n}: text has at most {TEXT_MAX} characters, not {len(one.text)}."
        )
    if len(one.roles) > 20 or any(len(role) > 50 for role in one.roles):
        raise HttpError(400, "invalid_field", f"Event {n}: roles are at most 20, of at most 50 characters.")
    if one.data and _size(one.data, n) > _DATA_BYTES_MAX:
        raise HttpError(400, "invalid_field", f"Event {n}: data has at most {_DATA_BYTES_MAX} bytes.")


def _size(data: dict[str, Any], n: int) -> int:
    """Bytes of an event's data where events are kept."""
    try:
        return len(_PACK(data))
    except (OverflowError, RecursionError):
        raise HttpError(
            400, "invalid_field",
            f"Event {n}: data has whole numbers from -2^63 to 2^64-1 and is nested a few hundred levels at most.",
        ) from None  # fmt: skip


def _event(one: PostedEvent, community: str, source: str, now: float, n: int) -> Event:
    login = one.user_login or one.user_id
    text = one.text.replace("\0", "")  # no database and no platform takes it
    return Event(
        EVENT_VERSION, one.id, one.kind, one.platform, one.server, one.channel, one.user_id, login,
        one.user_name or login, one.roles, text, _occurred(one.occurred_at, now, n), now, community, source, "",
        one.data,
    )  # fmt: skip


def _occurred(given: float | str | None, now: float, n: int) -> float:
    if given is None:
        return now
    if isinstance(given, str):
        try:
            at = datetime.datetime.fromisoformat(given)
        except ValueError:
            raise HttpError(
                400, "invalid_field",
                f"Event {n}: occurred_at is seconds since 1970 or an ISO 8601 time such as 2026-01-31T18:00:00Z.",
            ) from None  # fmt: skip
        given = (at if at.tzinfo else at.replace(tzinfo=datetime.UTC)).timestamp()
    if not 0 <= given <= now + _FUTURE_S_MAX:
        raise HttpError(400, "invalid_field", f"Event {n}: occurred_at is not a time up to now; check the clock.")
    return min(given, now)


def _explain(body: bytes, error: msgspec.ValidationError) -> str:
    """Every unknown and every missing field by name, where that is what is wrong."""
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as broken:
        return f"The body is no JSON: {broken}."
    for n, one in enumerate(raw if isinstance(raw, list) else [raw]):
        if not isinstance(one, dict):
            return f"Event {n} is no object."
        unknown = sorted(set(one) - _KNOWN)
        missing = [name for name in _REQUIRED if name not in one]
        found = [
            *(
                [f"unknown: {', '.join(unknown)}; known: {', '.join(PostedEvent.__struct_fields__)}"]
                if unknown
                else []
            ),
            *([f"missing: {', '.join(missing)}"] if missing else []),
        ]
        if found:
            return f"Event {n}: {'. '.join(found)}."
    return f"{error}."


def _answer(event_id: str, result: EventResult | None) -> Answer:
    if result is None:
        return Answer(event_id, "accepted", [], "")
    return Answer(event_id, result.status, [_reply(reply) for reply in result.replies], result.reason)


def _reply(reply: Reply) -> Answered:
    return Answered(reply.action, reply.text, reply.private, reply.data)
