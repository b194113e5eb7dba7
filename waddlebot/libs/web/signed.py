"""Claims that carry their own proof: a prefix, base64url JSON, a dot, the HMAC-SHA-256 of that (RFC 2104)."""

import base64
import binascii
import hashlib
import hmac

import msgspec

LENGTH_MAX = 1_000
"""Characters of a token; a longer one is none of ours."""


class Signer[T: msgspec.Struct]:
    """Signs and reads claims of one shape. How long they hold is for their reader to say."""

    def __init__(self, prefix: str, secret: bytes, shape: type[T]) -> None:
        self._prefix = prefix
        self._secret = secret
        self._decoder = msgspec.json.Decoder(shape)

    def sign(self, claims: T) -> str:
        """The claims as a token."""
        text = _encode(msgspec.json.encode(claims))
        return f"{self._prefix}{text}.{self._proof(text)}"

    def read(self, raw: str) -> T | None:
        """The claims of a token, or None for one that was not signed with this secret."""
        text, dot, proof = raw.removeprefix(self._prefix).partition(".")
        if not raw.startswith(self._prefix) or not dot or len(raw) > LENGTH_MAX or not raw.isascii():
            return None
        if not hmac.compare_digest(self._proof(text), proof):
            return None
        try:
            return self._decoder.decode(base64.urlsafe_b64decode(text + "=="))
        except (msgspec.DecodeError, binascii.Error):
            return None

    def _proof(self, text: str) -> str:
        return _encode(hmac.new(self._secret, text.encode(), hashlib.sha256).digest())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
