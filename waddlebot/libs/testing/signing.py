"""Browsers that sign in to core.identity, served for real, on a clock that the test sets."""

import contextlib
import dataclasses
import secrets
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any, cast

import aiohttp
import msgspec

from waddlebot.core.community.module import module as community
from waddlebot.core.identity.login.config import LoginConfig
from waddlebot.core.identity.login.desk import EVERYBODY, Desk
from waddlebot.core.identity.login.sign_in import RESET, RESET_S
from waddlebot.core.identity.login.tables import Ticket
from waddlebot.core.identity.module import module as identity
from waddlebot.core.identity.state import State
from waddlebot.core.identity.store import IdentityStore
from waddlebot.core.reputation.module import module as reputation
from waddlebot.libs.dal import System
from waddlebot.libs.dal.owner import Owner
from waddlebot.libs.sdk import Module
from waddlebot.libs.testing.modules import Bench, opened_bench
from waddlebot.libs.testing.ports import free_port
from waddlebot.libs.testing.stores import opened_dal
from waddlebot.libs.web import Gate, Health, HttpModule, KeyRing, KeyStore, Site, WebConfig, WebServer, create_app
from waddlebot.libs.web.keys import OWNER
from waddlebot.libs.web.sessions import CSRF_HEADER, digest_of, new_token
from waddlebot.runtime.web import visits_of

PASSWORD = "correct horse battery"  # noqa: S105  of nobody but the tests


@dataclasses.dataclass
class Front:
    """The modules at work, where they are served, their keys, and the desk."""

    bench: Bench
    url: str
    keys: KeyRing
    desk: Desk

    @property
    def store(self) -> IdentityStore:
        """The tables of core.identity."""
        return cast("IdentityStore", self.bench.dal.bind(identity.name, EVERYBODY))

    async def user(self, email: str = "ann@example.org", password: str = PASSWORD, *roles: str) -> str:
        """A user who has a password."""
        id_ = secrets.token_hex(8)
        await self.store.add_user(id_, email, roles, self.bench.now)
        await self.store.set_password(id_, await self.desk.hasher.hash(password))
        return id_

    async def reset_code(self, user: str) -> str:
        """The operator's code for a new password."""
        code = new_token()
        await self.store.put_ticket(digest_of(code), Ticket(RESET, user, ""), self.bench.now + RESET_S)
        return code


class Browser:
    """A browser: it keeps cookies, and shows the CSRF token it was given. ``headers`` are sent with everything."""

    def __init__(self, session: aiohttp.ClientSession, url: str, **headers: str) -> None:
        self.session = session
        self.url = url
        self.cookies: dict[str, str] = {}
        self.csrf = ""
        self.headers = headers
        self.raw: Any = None

    async def ask(self, method: str, path: str, json: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and decoded body of a route of core.identity, or of a path with a leading ``/api``."""
        url = self.url + (path if path.startswith("/api") else f"/api/v1/core.identity{path}")
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        sent |= {CSRF_HEADER: self.csrf} | self.headers | headers
        async with self.session.request(method, url, json=json, headers=sent, allow_redirects=False) as answer:
            raw = await answer.read()
            self.raw = answer
            for line in answer.headers.getall("Set-Cookie", []):
                name, _, rest = line.partition("=")
                value = rest.partition(";")[0]
                self.cookies.pop(name, None)
                if value:
                    self.cookies[name] = value
            found = msgspec.json.decode(raw) if raw and answer.content_type == "application/json" else None
            if isinstance(found, dict) and found.get("csrf"):
                self.csrf = found["csrf"]
            return answer.status, found

    async def login(self, email: str = "ann@example.org", password: str = PASSWORD) -> tuple[int, Any]:
        """The first step of signing in."""
        return await self.ask("POST", "/login", {"email": email, "password": password})


@contextlib.asynccontextmanager
async def opened_front(url: str, *modules: Module, public_url: str = "", **config: Any) -> AsyncIterator[Front]:
    """core.identity with what it asks, and more modules, behind a web server of their own.

    ``config`` are fields of :class:`LoginConfig`.
    """
    web = dataclasses.replace(WebConfig(public_url=public_url), port=free_port())
    async with contextlib.AsyncExitStack() as stack:
        configs = {identity.name: LoginConfig(**config)}
        bench = await stack.enter_async_context(
            opened_bench(url, community, identity, reputation, *modules, configs=configs)
        )
        owner = Owner(OWNER, KeyStore, files("waddlebot.libs.web") / "migrations")
        dal = await stack.enter_async_context(opened_dal(url, owner))
        ring = KeyRing(lambda: cast("KeyStore", dal.bind(OWNER, System("API keys"))))
        keys = await stack.enter_async_context(ring)
        bench.shared.keys = keys
        gate = Gate(
            keys,
            lambda entity: bench.configuration.entities.get(entity, ""),
            requests_max=100_000,
            requests_window_s=60,
            visits=visits_of(bench.shared, web),
        )
        site = Site(
            [HttpModule(module, bench.services(module)) for module in bench.manifests.values()],
            gate,
            Health({}),
            web.host_names,
            "0.0.0",
            place=public_url,
        )
        server = await stack.enter_async_context(WebServer(create_app(site), web))
        yield Front(bench, server.url, keys, bench.state(identity, State).desk)
