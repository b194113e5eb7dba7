"""An OpenID provider to sign in with: real keys, real tokens, over HTTP. It consents, and can lie."""

import base64
import contextlib
import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID = "waddlebot-client"
CLIENT_SECRET = "canary-client-secret"  # noqa: S105  of nobody but the tests


class OpenIdProvider:
    """One provider. Tests change what it is about to say: who signs in, ``claims`` to say otherwise, the key."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.key = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})
        self.published = [self.key]
        self.subject, self.email = "1001", "someone@example.org"
        self.claims: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.issuer_said = self.url
        self.discovery: dict[str, Any] = {}
        self.tokens: list[str] = []
        """Every token it gave away."""
        self._asked: dict[str, dict[str, str]] = {}

    def app(self) -> web.Application:
        """Its doors."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_get("/me", self._me)
        return app

    async def _discovery(self, _request: web.Request) -> web.Response:
        own = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "authorization_response_iss_parameter_supported": True,
        }
        return web.json_response(own | self.discovery)

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        if asked.get("code_challenge_method") != "S256" or asked["client_id"] != CLIENT_ID:
            return web.Response(status=400)
        code = secrets.token_urlsafe(16)
        self._asked[code] = asked
        answer = urlencode({"code": code, "state": asked["state"], "iss": self.issuer_said})
        return web.Response(status=302, headers={"Location": f"{asked['redirect_uri']}?{answer}"})

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        asked = self._asked.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        basic = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        posted = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        if not posted and request.headers.get("Authorization") != basic:
            return web.json_response({"error": "invalid_client"}, status=401)
        access = secrets.token_urlsafe(16)
        self.tokens += [access, self._id_token(asked)]
        return web.json_response({"access_token": access, "token_type": "Bearer", "id_token": self.tokens[-1]})

    def _id_token(self, asked: dict[str, str]) -> str:
        now = int(self.claims.get("now", time.time()))
        own = {
            "iss": self.url,
            "sub": self.subject,
            "aud": asked["client_id"],
            "iat": now,
            "exp": now + 300,
            "nonce": asked.get("nonce", ""),
            "email": self.email,
            "email_verified": True,
        }
        said = {name: value for name, value in (own | self.claims).items() if value is not None and name != "now"}
        return jwt.encode(
            {"alg": self.algorithm, "kid": self.key.kid}, said, self.key, algorithms=[self.algorithm]
        )

    async def _jwks(self, _request: web.Request) -> web.Response:
        return web.json_response(KeySet(list(self.published)).as_dict(private=False))

    async def _me(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return web.Response(status=401)
        return web.json_response({"id": self.subject, "username": "someone"})


@contextlib.asynccontextmanager
async def opened_provider(port: int) -> AsyncIterator[OpenIdProvider]:
    """A provider that listens at a port of this machine."""
    provider = OpenIdProvider(port)
    runner = web.AppRunner(provider.app())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield provider
    finally:
        await runner.cleanup()
