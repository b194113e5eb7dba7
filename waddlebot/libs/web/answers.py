"""What a route may answer beside a struct: a page, or a stream."""

import html
import secrets
import string
from collections.abc import AsyncGenerator
from importlib.resources.abc import Traversable

import msgspec


class Page(msgspec.Struct, frozen=True):
    """A document for browsers. ``nonce`` admits the inline script and style that carry it, and no others."""

    body: str
    nonce: str = ""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


class Stream:
    """A response without an end, in chunks: server-sent events. It ends when the server stops.

    The generator is closed when its reader goes away; what it must let go of stands in its ``finally``.
    """

    def __init__(self, chunks: AsyncGenerator[bytes], content_type: str = "text/event-stream") -> None:
        self.chunks = chunks
        self.content_type = content_type


class Download(Stream):
    """A file to keep, in chunks: its ``name`` is what browsers save it as, of letters, digits, dots and dashes."""

    def __init__(self, chunks: AsyncGenerator[bytes], content_type: str, name: str) -> None:
        super().__init__(chunks, content_type)
        self.name = name


class Template:
    """``NAME.html`` with ``NAME.css`` and ``NAME.js`` beside it, made one document.

    In the HTML ``$style`` and ``$script`` are the files' texts and ``$nonce`` belongs on both elements; every
    other ``$name`` is a value of :meth:`render`, escaped. Style and script are sent as they are: what differs
    between visitors goes into ``data-`` attributes or ``meta`` elements.
    """

    def __init__(self, folder: Traversable, name: str) -> None:
        self._html = string.Template((folder / f"{name}.html").read_text(encoding="utf-8"))
        self._style = (folder / f"{name}.css").read_text(encoding="utf-8")
        self._script = (folder / f"{name}.js").read_text(encoding="utf-8")

    def render(self, *, status: int = 200, headers: tuple[tuple[str, str], ...] = (), **values: str) -> Page:
        """The document with its values. Raises ``KeyError`` for a value that is missing."""
        nonce = secrets.token_urlsafe(16)
        escaped = {name: html.escape(value) for name, value in values.items()}
        body = self._html.substitute(escaped, nonce=nonce, style=self._style, script=self._script)
        return Page(body, nonce, status, headers=headers)


def content_security_policy(nonce: str) -> str:
    """A policy that lets a page use its own origin, and run only what carries its nonce (CSP Level 3)."""
    if not nonce:
        return "default-src 'none'; frame-ancestors 'none'"
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def security_headers(nonce: str = "") -> list[tuple[str, str]]:
    """What every response says to browsers."""
    return [
        ("Content-Security-Policy", content_security_policy(nonce)),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
        ("Cache-Control", "no-store"),
    ]
