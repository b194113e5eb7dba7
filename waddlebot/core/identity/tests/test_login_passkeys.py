"""Passkeys, made and used by an authenticator that these tests have: real keys, real signatures."""

import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

from waddlebot.libs.sdk.visitor import FRESH_S
from waddlebot.libs.testing.signing import Browser, Front, opened_front

ORIGIN = "https://bot.example"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Authenticator:
    """A device with one passkey (WebAuthn Level 3 §6): it signs what the browser asks, for the page it is on."""

    def __init__(self, origin: str = ORIGIN, rp_id: str = "bot.example") -> None:
        self.origin = origin
        self.rp_id = rp_id
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.count = 0
        self.flags = PRESENT | VERIFIED

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        assert options["authenticatorSelection"]["residentKey"] == "required"
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        attested = bytes(16) + len(self.id).to_bytes(2) + self.id + encode_cbor(cose)
        data = self._data(ATTESTED) + attested
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"])
        return self._credential({"clientDataJSON": b64(client), "attestationObject": b64(attestation)})

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        assert options["userVerification"] == "required"
        self.count += 1
        data, client = self._data(0), self._client("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential(
            {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        )

    def _data(self, more: int) -> bytes:
        digest = hashlib.sha256(self.rp_id.encode()).digest()
        return digest + bytes([self.flags | more]) + self.count.to_bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        id_ = b64(self.id)
        return {
            "id": id_, "rawId": id_, "type": "public-key", "response": response, "clientExtensionResults": {},
        }  # fmt: skip


@pytest.fixture
async def front(database_url: str) -> AsyncIterator[Front]:
    async with opened_front(database_url, public_url=ORIGIN) as opened:
        yield opened


@pytest.fixture
async def ann(front: Front) -> AsyncIterator[Browser]:
    await front.user()
    async with aiohttp.ClientSession() as session:
        browser = Browser(session, front.url, Host="bot.example", Origin=ORIGIN)
        await browser.login()
        yield browser


def other(browser: Browser) -> Browser:
    return Browser(browser.session, browser.url, **browser.headers)


async def enrol(browser: Browser, device: Authenticator) -> int:
    _, offer = await browser.ask("POST", "/passkeys/options")
    body = {"ticket": offer["ticket"], "credential": device.create(offer["options"]), "name": "phone\x00"}
    return (await browser.ask("POST", "/passkeys", body))[0]


async def login(browser: Browser, device: Authenticator) -> tuple[int, dict[str, Any]]:
    """Sign in; the status, and what was sent."""
    _, offer = await browser.ask("POST", "/login/passkey/options")
    body = {"ticket": offer["ticket"], "credential": device.get(offer["options"])}
    return (await browser.ask("POST", "/login/passkey", body))[0], body


async def test_a_passkey_signs_in_without_a_name_or_password(front: Front, ann: Browser) -> None:
    device, phone = Authenticator(), other(ann)
    assert await enrol(ann, device) == 200
    status, body = await login(phone, device)
    assert status == 200
    assert (await phone.ask("GET", "/session"))[1]["email"] == "ann@example.org"
    assert (await other(ann).ask("POST", "/login/passkey", body))[0] == 401, "an answer is good once"
    _, offer = await other(ann).ask("POST", "/login/passkey/options")
    again = {"ticket": offer["ticket"], "credential": body["credential"]}
    assert (await other(ann).ask("POST", "/login/passkey", again))[0] == 401, "and for its own challenge"
    _, found = await ann.ask("GET", "/passkeys")
    (kept,) = found["passkeys"]
    assert (kept["name"], kept["last_used_at"]) == ("phone", front.bench.now)
    assert (await ann.ask("DELETE", f"/passkeys/{kept['id']}"))[0] == 204
    assert (await ann.ask("DELETE", f"/passkeys/{kept['id']}"))[0] == 404
    assert (await login(other(ann), device))[0] == 401


async def test_what_is_not_ours_or_not_its_user_is_refused(front: Front, ann: Browser) -> None:
    for device in (Authenticator("https://evil.example"), Authenticator(rp_id="evil.example")):
        assert await enrol(ann, device) == 422
    unverified = Authenticator()
    unverified.flags = PRESENT
    assert await enrol(ann, unverified) == 422, "the device must ask its user"
    device = Authenticator()
    assert await enrol(ann, device) == 200
    assert await enrol(ann, device) == 409
    device.origin = "https://evil.example"
    assert (await login(other(ann), device))[0] == 401, "phished"
    device.origin, device.rp_id = ORIGIN, "evil.example"
    assert (await login(other(ann), device))[0] == 401
    device.rp_id, device.flags = "bot.example", PRESENT
    assert (await login(other(ann), device))[0] == 401
    device.flags, key = PRESENT | VERIFIED, device.key
    device.key = ec.generate_private_key(ec.SECP256R1())
    assert (await login(other(ann), device))[0] == 401, "another key"
    device.key = key
    assert (await login(other(ann), device))[0] == 200
    assert (await login(other(ann), Authenticator()))[0] == 401, "never enrolled"


async def test_a_copy_is_noticed_by_its_counter(front: Front, ann: Browser) -> None:
    device = Authenticator()
    await enrol(ann, device)
    device.count = 10
    assert (await login(other(ann), device))[0] == 200
    device.count = 5
    assert (await login(other(ann), device))[0] == 401


async def test_challenges_end_and_are_for_one_user_and_purpose(front: Front, ann: Browser) -> None:
    device = Authenticator()
    _, offer = await ann.ask("POST", "/passkeys/options")
    await front.user("bob@example.org")
    bob = other(ann)
    await bob.login("bob@example.org")
    body = {"ticket": offer["ticket"], "credential": device.create(offer["options"])}
    assert (await bob.ask("POST", "/passkeys", body))[0] == 401, "another user's challenge"
    assert (await ann.ask("POST", "/passkeys", body))[0] == 401, "it is spent"
    await enrol(ann, device)
    _, offer = await other(ann).ask("POST", "/login/passkey/options")
    body = {"ticket": offer["ticket"], "credential": device.get(offer["options"])}
    front.bench.now += 301
    assert (await other(ann).ask("POST", "/login/passkey", body))[0] == 401
    front.bench.now += FRESH_S
    assert (await ann.ask("POST", "/passkeys/options"))[1]["error"] == "prove_again"
    assert (await login(ann, device))[0] == 200
    assert (await ann.ask("POST", "/passkeys/options"))[0] == 200, "to sign in is to prove"


async def test_nonsense_is_refused(front: Front, ann: Browser) -> None:
    device = Authenticator()
    await enrol(ann, device)
    id_ = b64(device.id)
    nonsense: tuple[dict[str, Any], ...] = (
        {},
        {"id": 7},
        {"id": "a\x00"},
        {"id": id_, "rawId": id_, "type": "x", "response": []},
        {"id": id_, "rawId": id_, "type": "public-key", "response": {"clientDataJSON": "!", "signature": "é"}},
    )
    for credential in nonsense:
        _, offer = await ann.ask("POST", "/login/passkey/options")
        body = {"ticket": offer["ticket"], "credential": credential}
        assert (await other(ann).ask("POST", "/login/passkey", body))[0] == 401
        _, offer = await ann.ask("POST", "/passkeys/options")
        assert (await ann.ask("POST", "/passkeys", {"ticket": offer["ticket"], "credential": credential}))[
            0
        ] == 422


async def test_without_a_public_url_nobody_is_asked(sqlite_url: str) -> None:
    async with opened_front(sqlite_url) as front, aiohttp.ClientSession() as session:
        status, answer = await Browser(session, front.url).ask("POST", "/login/passkey/options")
    assert (status, answer["error"]) == (409, "no_public_url")
