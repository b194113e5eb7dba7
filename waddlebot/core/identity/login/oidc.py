"""Asking a provider who somebody is: authorization code with PKCE, and ID tokens (OpenID Connect Core 1.0).

What protects the answer: the state, which the browser's cookie must repeat (RFC 9700 §4.7), PKCE (RFC 7636), the
nonce, the issuer that the answer names (RFC 9207), and a redirection URI for each provider (RFC 9700 §4.4).
Verifier and nonce derive from the state and the installation's secret: neither is stored. Authlib is loaded when
the first provider is asked.
"""

import asyncio
import contextlib
import dataclasses
import importlib
import time
from typing import Any

import msgspec

from waddlebot.core.identity.login.providers import Provider, discovered
from waddlebot.libs.fetch import Fetcher, FetchFailedError, FetchRefusedError
from waddlebot.libs.web.errors import HttpError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""How ID tokens may be signed: by keys that the provider alone has."""
LEEWAY_S = 60
SUBJECT_MAX = 255
"""Characters of a subject (OpenID Connect Core 1.0 §2)."""
KNOWN_S = 3_600.0
"""How long discovery and keys are kept."""
ANEW_S = 60.0
"""How soon keys are asked for again where a token names an unknown one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Claimed:
    """Who a provider says somebody is. ``email`` proves nothing, verified or not."""

    subject: str
    name: str
    email: str


class Asking:
    """One provider, its discovery and keys in memory."""

    def __init__(self, provider: Provider) -> None:
        self._given = provider
        self._known: Provider | None = None
        self._keys: Any = None
        self._keys_at = self._known_at = float("-inf")
        self._fetcher: Fetcher | None = None
        self._opening = asyncio.Lock()
        self._exits = contextlib.AsyncExitStack()

    async def close(self) -> None:
        """Let connections go."""
        await self._exits.aclose()

    async def provider(self) -> Provider:
        """The provider with its endpoints."""
        if self._given.authorize:
            return self._given
        if self._known is None or time.monotonic() - self._known_at > KNOWN_S:
            url = f"{self._given.issuer.rstrip('/')}/.well-known/openid-configuration"
            self._known = discovered(self._given, await self._json("GET", url))
            self._known_at = time.monotonic()
        return self._known

    async def url(self, state: str, nonce: str, verifier: str, redirect_uri: str) -> str:
        """Where the browser goes."""
        _authlib()
        provider = await self.provider()
        challenge = importlib.import_module("authlib.oauth2.rfc7636").create_s256_code_challenge(verifier)
        asked = [
            ("response_type", "code"), ("client_id", provider.client_id), ("redirect_uri", redirect_uri),
            ("scope", provider.scope), ("state", state), ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ]  # fmt: skip
        if not provider.userinfo:
            asked.append(("nonce", nonce))
        url: str = importlib.import_module("authlib.common.urls").add_params_to_uri(provider.authorize, asked)
        return url

    async def claimed(self, code: str, nonce: str, verifier: str, redirect_uri: str, now: float) -> Claimed:
        """Who it is that came back with a code. Raises :class:`HttpError` 502 for an answer that is no good."""
        _authlib()
        provider = await self.provider()
        body = _form(grant_type="authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier)
        auth = importlib.import_module("authlib.oauth2.auth").ClientAuth(
            provider.client_id, provider.client_secret, provider.auth
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        url, headers, body = auth.prepare("POST", provider.token, headers, body)
        found = await self._json("POST", url, headers, body)
        if provider.userinfo:
            return await self._asked(provider, found)
        raw = found.get("id_token")
        if not isinstance(raw, str):
            raise _bad(provider)
        return await self._read(provider, raw, nonce, str(found.get("access_token", "")), now)

    async def _asked(self, provider: Provider, found: dict[str, Any]) -> Claimed:
        token = found.get("access_token")
        if not isinstance(token, str) or str(found.get("token_type", "")).lower() != "bearer":
            raise _bad(provider)
        who = await self._json("GET", provider.userinfo, {"Authorization": f"Bearer {token}"})
        if not isinstance(who.get("id"), str) or not who["id"].isalnum():
            raise _bad(provider)
        return Claimed(who["id"], _text(who.get("username")), "")

    async def _read(self, provider: Provider, raw: str, nonce: str, access_token: str, now: float) -> Claimed:
        jose: Any = importlib.import_module("joserfc.errors")
        jwt: Any = importlib.import_module("joserfc.jwt")
        id_token: Any = importlib.import_module("authlib.oidc.core").CodeIDToken
        try:
            try:
                token = jwt.decode(raw, await self._key_set(provider), algorithms=list(ALGORITHMS))
            except (jose.InvalidKeyIdError, jose.BadSignatureError):
                if time.monotonic() - self._keys_at < ANEW_S:
                    raise
                token = jwt.decode(raw, await self._key_set(provider, anew=True), algorithms=list(ALGORITHMS))
            options = {
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
                "sub": {"essential": True},
                "exp": {"essential": True},
                "nonce": {"essential": True, "value": nonce},
            }
            params = {"nonce": nonce, "client_id": provider.client_id, "access_token": access_token}
            claims = id_token(token.claims, token.header, options, params)
            claims.validate(now=int(now), leeway=LEEWAY_S)
        except (jose.JoseError, ValueError, TypeError, KeyError) as error:
            raise _bad(provider, type(error).__name__) from None
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_MAX or not subject.isprintable():
            raise _bad(provider)
        name = claims.get("preferred_username") or claims.get("name")
        return Claimed(subject, _text(name), _text(claims.get("email")))

    async def _key_set(self, provider: Provider, *, anew: bool = False) -> Any:
        if anew or self._keys is None or time.monotonic() - self._keys_at > KNOWN_S:
            found = await self._json("GET", provider.jwks)
            self._keys = importlib.import_module("joserfc.jwk").KeySet.import_key_set(found)
            self._keys_at = time.monotonic()
        return self._keys

    async def _json(
        self, method: str, url: str, headers: dict[str, str] | None = None, body: str = ""
    ) -> dict[str, Any]:
        async with self._opening:
            if self._fetcher is None:
                self._fetcher = await self._exits.enter_async_context(Fetcher(self._given.policy))
        try:
            answer = await self._fetcher.request(method, url, headers=headers, body=body.encode() or None)
            found = msgspec.json.decode(answer.body)
        except (FetchRefusedError, FetchFailedError, msgspec.DecodeError, ValueError):
            raise HttpError(502, "no_provider", f"{self._given.title} does not answer. Try again later.") from None
        if answer.status != 200 or not isinstance(found, dict):
            raise _bad(self._given)
        return found


def _form(**fields: str) -> str:
    """Fields as a form's body."""
    encode = importlib.import_module("authlib.common.urls").url_encode
    text: str = encode(list(fields.items()))
    return text


def _bad(provider: Provider, why: str = "") -> HttpError:
    reason = f" ({why})" if why else ""
    return HttpError(502, "bad_provider", f"{provider.title} did not say in a way we trust who you are{reason}.")


def _text(value: object) -> str:
    """Something that a provider says, short and printable."""
    return "".join(sign for sign in value[:100] if sign.isprintable()) if isinstance(value, str) else ""


def _authlib() -> None:
    try:
        importlib.import_module("authlib")
    except ImportError:
        raise HttpError(409, "no_oauth", "Providers need the extra: pip install 'waddlebot[oauth]'.") from None
