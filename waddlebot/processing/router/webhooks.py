"""String rules that post the line they matched to a URL of the community (P3): signed, and beside the pipeline.

A post is signed in the way of https://www.standardwebhooks.com (specification v1). The header ``webhook-id`` is
the same at every try, ``webhook-timestamp`` is the try's, in seconds since the epoch, and ``webhook-signature`` is
``v1,`` and the base64 of the HMAC-SHA256 over ``ID.TIMESTAMP.BODY``.

No secret is stored: each derives from the installation's and from an id that the rule holds, so neither the
database nor a backup of it gives any away.
"""

import asyncio
import base64
import datetime
import hashlib
import hmac
import logging
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from waddlebot.libs.sdk import Event, Refusal, Rule
from waddlebot.libs.web.limits import SlidingWindow

if TYPE_CHECKING:
    from waddlebot.libs.fetch import Fetcher

SECRET_PURPOSE = "webhooks"  # noqa: S105  the name of a secret, not one
WAITING_MAX = 1_000
"""Posts of all communities that wait or are tried; a community has at most a quarter of them."""
AGE_S_MAX = 300.0
"""Older posts are dropped: what a rule reacts to is over by then."""
PAUSES_S: tuple[float, ...] = (1.0, 4.0, 16.0, 64.0)
"""Before the second try, and so on; each is up to half as short, so that not all come at once."""

_COMMUNITY_SHARE = 4
_KNOWN_MAX = 10_000
_TOTAL_S = 10.0
_CLOSE_S = 3.0
_TRY_AGAIN = frozenset({408, 425, 429})
"""Besides 5xx: statuses that say "later" (RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4)."""

type Key = tuple[str, str]
"""Community and rule."""


class Posts(msgspec.Struct):
    """What became of a rule's posts since the start, and why the last that failed or was dropped did so."""

    delivered: int = 0
    failed: int = 0
    dropped: int = 0
    waiting: int = 0
    problem: str = ""

    def in_words(self) -> str:
        """A sentence for moderators."""
        problem = f" Last problem: {self.problem}" if self.problem else ""
        return (
            f"Posts since the start: {self.delivered} delivered, {self.failed} failed, {self.dropped} dropped, "
            f"{self.waiting} waiting.{problem}"
        )


class _Post(msgspec.Struct, frozen=True):
    rule: Rule
    event: Event
    at: float


class Webhooks:
    """Posts in order for each rule, each rule's beside the others', and never more than memory allows.

    ``secret`` is the router's for :data:`SECRET_PURPOSE`. Close it with :meth:`aclose`.
    """

    def __init__(self, secret: bytes, log: logging.Logger) -> None:
        self.make_fetcher: Callable[[], Fetcher] = _fetcher
        self.pauses_s = PAUSES_S
        self.posts: dict[Key, Posts] = {}
        self._secret = secret
        self._log = log
        self._lanes: dict[Key, deque[_Post]] = {}
        self._waiting: Counter[str] = Counter()
        self._all_waiting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._fetcher: Fetcher | None = None
        self._closing = asyncio.Event()
        self._told = SlidingWindow(1, 60.0)

    async def check(self, url: str) -> None:
        """Raise :class:`Refusal` for a URL that could not be posted to."""
        from waddlebot.libs.fetch import FetchError  # noqa: PLC0415  slow to import, seldom asked

        try:
            await (await self._open()).check(url)
        except FetchError as error:
            raise Refusal(f"The rule cannot post there. {error}") from None

    def put(self, rule: Rule, event: Event) -> None:
        """Post an event soon; it is dropped, and counted, where too much waits."""
        community = event.community
        key = (community, rule.id)
        posts = self._posts(key)
        full = self._all_waiting >= WAITING_MAX
        if full or self._waiting[community] >= WAITING_MAX // _COMMUNITY_SHARE:
            posts.dropped += 1
            self._problem(key, event, "Too many posts wait already.")
            return
        self._count(key, 1)
        lane = self._lanes.get(key)
        if lane is not None:
            lane.append(_Post(rule, event, time.monotonic()))
            return
        self._lanes[key] = deque([_Post(rule, event, time.monotonic())])
        task = asyncio.get_running_loop().create_task(self._work(key), name="rule-webhook")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def of(self, community: str) -> dict[str, Posts]:
        """What became of a community's posts, by rule."""
        return {rule: posts for (owner, rule), posts in self.posts.items() if owner == community}

    def secret_of(self, community: str, rule: str, secret_id: str) -> str:
        """What a rule's posts are signed with, as its receiver wants it."""
        return in_text(signing_key(self._secret, community, rule, secret_id))

    async def aclose(self) -> None:
        """Finish the tries that run, make no more, and give up after some seconds."""
        self._closing.set()
        if self._tasks:
            _, late = await asyncio.wait(set(self._tasks), timeout=_CLOSE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._fetcher is not None:
            await self._fetcher.__aexit__(None, None, None)

    async def _work(self, key: Key) -> None:
        lane = self._lanes[key]
        try:
            while lane:
                post = lane[0]
                reason = await self._deliver(post)
                if reason:
                    self._problem(key, post.event, reason)
                lane.popleft()
                self._count(key, -1)
        finally:  # nothing is left unless the host ends
            self._posts(key).dropped += len(lane)
            self._count(key, -len(lane))
            del self._lanes[key]

    async def _deliver(self, post: _Post) -> str:
        """Try until it is there. Why it is not, empty where it is."""
        posts = self._posts((post.event.community, post.rule.id))
        if time.monotonic() - post.at > AGE_S_MAX:
            posts.dropped += 1
            return f"It waited for more than {AGE_S_MAX:g} s."
        reason, again = await self._try(post)
        for pause_s in self.pauses_s:
            if not again or await self._closes_within(random.uniform(pause_s / 2, pause_s)):  # noqa: S311  jitter, no secret
                break
            reason, again = await self._try(post)
        if reason:
            posts.failed += 1
        else:
            posts.delivered += 1
        return reason

    async def _try(self, post: _Post) -> tuple[str, bool]:
        """Why it was not taken, empty where it was; and whether another try may help."""
        from waddlebot.libs.fetch import FetchError, FetchFailedError  # noqa: PLC0415  slow to import, seldom asked

        event, rule = post.event, post.rule
        try:
            body = body_of(rule.id, event)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            return f"The event cannot be written as JSON: {error}.", False
        key = signing_key(self._secret, event.community, rule.id, rule.secret_id)
        headers = signed(key, _id_of(post), int(time.time()), body) | {"Content-Type": "application/json"}
        try:
            answer = await (await self._open()).request("POST", rule.value, headers=headers, body=body)
        except FetchError as error:
            return str(error), isinstance(error, FetchFailedError)
        status = answer.status
        if 200 <= status < 300:
            return "", False
        if 300 <= status < 400:
            return f"The host redirects ({status}): write the final URL into the rule.", False
        return f"The host answers {status}.", status in _TRY_AGAIN or status >= 500

    async def _closes_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._closing.wait()
        except TimeoutError:
            return False

    async def _open(self) -> "Fetcher":
        if self._fetcher is None:
            self._fetcher = await self.make_fetcher().__aenter__()
        return self._fetcher

    def _posts(self, key: Key) -> Posts:
        posts = self.posts.get(key)
        if posts is None:
            if len(self.posts) >= _KNOWN_MAX:  # rules come and go; those that post now stay
                self.posts = {key: posts for key, posts in self.posts.items() if posts.waiting}
            posts = self.posts[key] = Posts()
        return posts

    def _count(self, key: Key, more: int) -> None:
        """So many more wait."""
        self._all_waiting += more
        self._waiting[key[0]] += more
        self._posts(key).waiting += more

    def _problem(self, key: Key, event: Event, reason: str) -> None:
        self._posts(key).problem = f"{reason} [{event.id}]"
        if not self._told.take(key):
            self._log.warning("the webhook rule %s of %s: %s [%s]", key[1], key[0], reason, event.id)


def body_of(rule: str, event: Event) -> bytes:
    """What is posted: JSON of the rule and the event, its fields as the REST door takes them.

    Raises what the encoder does for data that JSON cannot hold.
    """
    at = datetime.datetime.fromtimestamp(event.occurred_at, datetime.UTC).isoformat()
    data = {"community": event.community, "rule": rule, "event": {name: getattr(event, name) for name in _FIELDS}}
    return msgspec.json.encode({"type": "rule.matched", "timestamp": at, "data": data})


_FIELDS = (
    "id", "kind", "platform", "server", "channel", "user_id", "user_login", "user_name", "roles", "text",
    "occurred_at", "received_at", "data",
)  # fmt: skip


def signing_key(secret: bytes, community: str, rule: str, secret_id: str) -> bytes:
    """The 32 bytes that a rule's posts are signed with. ``secret`` is the router's."""
    return hashlib.blake2b(
        msgspec.msgpack.encode((community, rule, secret_id)), key=secret, digest_size=32
    ).digest()


def in_text(key: bytes) -> str:
    """A signing key as receivers' libraries take it."""
    return f"whsec_{base64.b64encode(key).decode()}"


def signed(key: bytes, id_: str, at: int, body: bytes) -> dict[str, str]:
    """The headers that prove whence a body comes. ``at`` is in seconds since the epoch."""
    mac = hmac.new(key, f"{id_}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def _id_of(post: _Post) -> str:
    """The same for the same event and rule, also where an accepted event is processed again after a crash."""
    whole: Any = (post.event.source, post.event.id, post.event.community, post.rule.id)
    return f"msg_{hashlib.blake2b(msgspec.msgpack.encode(whole), digest_size=16).hexdigest()}"


def _fetcher() -> "Fetcher":
    from waddlebot.libs.fetch import Fetcher, Policy  # noqa: PLC0415  slow to import, seldom asked

    return Fetcher(
        Policy(frozenset({443}), frozenset({"https"}), total_s=_TOTAL_S, connections_max=WAITING_MAX // 4)
    )
